//! Where the guard of a laptop finds its policy, its memory, its region and its credentials.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use aws_config::{Region as SdkRegion, SdkConfig};
use clap::Args;
use guard_core::name::{FunctionName, Region};
use guard_core::policy::Policy;
use guard_core::pricing::PriceTable;
use guard_core::text::nearest;

use crate::aws::cloudwatch::CloudWatch;
use crate::aws::lambda::LambdaControl;
use crate::aws::policy_source::InlinePolicy;
use crate::aws::state_store::DynamoStore;
use crate::calls::Calls;
use crate::chain::without_number;
use crate::config::Metrics;
use crate::exit_code::ExitCode;
use crate::guard::{Guard, Identity};
use crate::local::{FilePolicy, FileStore, PrintSink, Stream};
use crate::ports::{PolicySource, Ports, StateStore};
use crate::streams::Streams;

/// The policy where `--policy` names none.
const POLICY: &str = "dow-guard.toml";

/// Where the guard finds what it needs.
#[derive(Clone, Debug, Args)]
pub(crate) struct Place {
    /// The policy, in TOML. Without it: dow-guard.toml, or with --table the one that the deployed guard read last.
    #[arg(long, global = true, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// The memory, in a file; made where it does not exist. Without it: dow-guard.REGION.state.json.
    #[arg(long, global = true, value_name = "FILE")]
    state: Option<PathBuf>,
    /// The memory of a deployed guard instead: its DynamoDB table.
    #[arg(long, global = true, value_name = "TABLE", conflicts_with = "state")]
    pub(super) table: Option<String>,
    /// Name of the deployed guard's function: the key of its memory in the table, and never touched.
    #[arg(long, global = true, default_value = "dow-guard", value_name = "FUNCTION")]
    guard: String,
    /// AWS region. Without it: what the environment or the profile says.
    #[arg(long, global = true)]
    region: Option<String>,
    /// Do it. Without this, every change is only described.
    #[arg(long, global = true, visible_alias = "arm")]
    apply: bool,
    /// Answer in JSON.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

impl Place {
    /// The policy's file; `None`: the deployed guard's memory has it.
    fn policy(&self) -> Option<&Path> {
        let default = Path::new(POLICY);
        match &self.policy {
            Some(file) => Some(file),
            None if self.table.is_some() && !default.exists() => None,
            None => Some(default),
        }
    }

    /// Reports a missing or invalid policy before any call to AWS.
    pub(super) fn unusable_policy(&self, streams: &mut Streams<'_>) -> io::Result<Option<ExitCode>> {
        let Some(path) = self.policy() else { return Ok(None) };
        let file = path.display();
        match std::fs::read_to_string(path).map(|text| Policy::from_toml(&text)) {
            Ok(Ok(_)) => Ok(None),
            Ok(Err(error)) => {
                for problem in &error.problems {
                    writeln!(streams.error, "{file}: {problem}")?;
                }
                Ok(Some(ExitCode::PolicyInvalid))
            }
            Err(error) => {
                let hint =
                    if self.policy.is_none() { "--policy names one" } else { "--policy names another" };
                let error = without_number(&error);
                writeln!(streams.error, "{file}: cannot read: {error}; {hint}")?;
                Ok(Some(ExitCode::CannotRead))
            }
        }
    }

    /// The configuration from the usual credential chain; `None` without a region.
    pub(super) async fn connect(&self) -> Option<SdkConfig> {
        let mut loader = crate::aws::sdk();
        if let Some(region) = &self.region {
            loader = loader.region(SdkRegion::new(region.clone()));
        }
        let sdk = loader.load().await;
        sdk.region().is_some().then_some(sdk)
    }

    /// The memory's file, where one is named.
    pub(crate) fn state_file(&self) -> Option<&Path> {
        self.state.as_deref()
    }

    /// Where the memory is, in words.
    pub(super) fn memory(&self, region: &str) -> String {
        match &self.table {
            Some(table) => format!("table {table} for a guard called {}", self.guard),
            None => self.state(region).display().to_string(),
        }
    }

    /// The memory's file.
    fn state(&self, region: &str) -> PathBuf {
        self.state.clone().unwrap_or_else(|| format!("dow-guard.{region}.state.json").into())
    }

    pub(super) fn guard(&self, sdk: &SdkConfig) -> Guard {
        let calls = Calls::default();
        let region = Region::new(sdk.region().map_or("", |region| region.as_ref()));
        let store: Box<dyn StateStore> = match &self.table {
            Some(table) => {
                Box::new(DynamoStore::new(sdk, calls.clone(), table.clone(), &self.guard, region.clone()))
            }
            None => Box::new(FileStore::new(self.state(region.as_str()), region.clone())),
        };
        let policy: Box<dyn PolicySource> = match self.policy() {
            Some(file) => Box::new(FilePolicy(file.to_owned())),
            None => Box::new(InlinePolicy(String::new())),
        };
        let itself = FunctionName::new(self.guard.as_str());
        let control = LambdaControl::new(sdk, calls.clone()).guarding(itself.clone(), None);
        let ports = Ports {
            metrics: Box::new(CloudWatch::new(sdk, calls.clone())),
            control: Box::new(control),
            store,
            alerts: Box::new(PrintSink(Stream::Error)),
            policy,
            prices: None,
            calls,
        };
        let identity = Identity {
            account: String::new(),
            region,
            function: Some(itself),
            stage: "laptop".to_owned(),
            metrics: Metrics::None,
        };
        let mut guard = Guard::new(ports, identity, PriceTable::embedded().clone());
        guard.permit_changes(self.apply);
        if self.table.is_some() {
            guard.visit(self.policy().is_none());
        }
        guard
    }
}

/// Words of regions that say where in a part of the world they are ("AWS regions", AWS General Reference, read 2026-11).
const DIRECTIONS: [&str; 9] =
    ["central", "east", "north", "northeast", "northwest", "south", "southeast", "southwest", "west"];

/// What is wrong with the name of a region. One that is new to this version's prices is taken if it is built as all are.
pub(super) fn odd_region(region: &str) -> Option<String> {
    let parts: Vec<&str> = region.split('-').collect();
    let is_built = |begin: &str, direction: &str, number: &str| {
        begin.len() == 2
            && begin.bytes().all(|byte| byte.is_ascii_lowercase())
            && DIRECTIONS.contains(&direction)
            && (1..=2).contains(&number.len())
            && number.bytes().all(|byte| byte.is_ascii_digit())
    };
    let is_region = match parts.as_slice() {
        [begin, direction, number] | [begin, "gov" | "iso" | "isob" | "isoe" | "isof", direction, number] => {
            is_built(begin, direction, number)
        }
        _ => false,
    };
    if is_region {
        return None;
    }
    let known = PriceTable::embedded().regions().map(Region::as_str);
    let meant = nearest(region, known).map_or_else(
        || "accepted: a region's code, such as \"eu-central-1\"".to_owned(),
        |near| format!("did you mean {near:?}?"),
    );
    Some(format!("{region:?} is not a region of AWS; {meant}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_region_with_a_price_is_one_and_so_is_one_that_is_new() {
        for region in PriceTable::embedded().regions() {
            assert_eq!(odd_region(region.as_str()), None, "{region}");
        }
        for region in ["us-west-3", "us-iso-east-1", "sa-northeast-12"] {
            assert_eq!(odd_region(region), None, "{region}");
        }
    }

    #[test]
    fn a_misspelt_region_is_named_with_the_one_that_is_nearest() {
        for (odd, meant) in
            [("eu-centrla-1", "eu-central-1"), ("US-EAST-1", "us-east-1"), ("us-east1", "us-east-1")]
        {
            let said = odd_region(odd).unwrap();
            assert!(said.contains(odd) && said.contains(&format!("did you mean {meant:?}?")), "{said}");
        }
        for odd in ["", "frankfurt", "eu-central-", "eu-central-1a", "global"] {
            assert!(odd_region(odd).is_some_and(|said| said.contains("not a region")), "{odd}");
        }
    }
}

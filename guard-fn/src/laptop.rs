//! The guard on an engineer's laptop: the same guard with a file for its memory, or with the table of the deployed
//! one. Nothing is changed without `--arm`.

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::SystemTime;

use aws_config::{Region as SdkRegion, SdkConfig};
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use guard_core::name::{FunctionName, Region};
use guard_core::operator::Command as Order;
use guard_core::policy::Policy;
use guard_core::pricing::PriceTable;
use guard_core::report;

use crate::aws::cloudwatch::CloudWatch;
use crate::aws::lambda::LambdaControl;
use crate::aws::state_store::DynamoStore;
use crate::calls::Calls;
use crate::chain::chain;
use crate::config::Metrics;
use crate::exit_code::ExitCode;
use crate::guard::{Answer, AnswerError, Guard, Identity, Report, Status};
use crate::local::{FilePolicy, FileStore, PrintSink, Stream};
use crate::ports::{Ports, StateStore};
use crate::streams::Streams;
use crate::wake::Question;

/// Where the guard finds what it needs.
#[derive(Clone, Debug, Args)]
pub(crate) struct Place {
    /// The policy, in TOML.
    #[arg(long, global = true, default_value = "dow-guard.toml", value_name = "FILE")]
    policy: PathBuf,
    /// The memory, in a file; made where it does not exist.
    #[arg(long, global = true, default_value = "dow-guard.state.json", value_name = "FILE")]
    state: PathBuf,
    /// The memory of a deployed guard instead: its DynamoDB table.
    #[arg(long, global = true, value_name = "TABLE", conflicts_with = "state")]
    table: Option<String>,
    /// Name of the deployed guard's function: the key of its memory in the table, and never touched.
    #[arg(long, global = true, default_value = "dow-guard", value_name = "FUNCTION")]
    guard: String,
    /// AWS region. Without it: what the environment or the profile says.
    #[arg(long, global = true)]
    region: Option<String>,
    /// Change things. Without it, every change is only said.
    #[arg(long, global = true)]
    arm: bool,
    /// Answer in JSON.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// What can be asked of a guard.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Ask {
    /// One tick: look, decide, remember, and with --arm act.
    Once,
    /// What a tick would do now; nothing is remembered.
    Plan,
    /// What the guard holds, what it has seen spent, and which alarms are open.
    Status,
    /// Why a function stands as it does.
    Explain {
        /// The function.
        function: String,
    },
    /// How far each budget can be passed before a cap bites.
    Bound,
    /// What each function could burn at its worst.
    Exposure,
    /// Try every permission without harm.
    SelfTest,
    /// Put back everything the guard changed on a function, and leave it alone for an hour.
    Release {
        /// The function.
        function: String,
    },
    /// Change nothing on a function for so many minutes.
    Hold {
        /// The function.
        function: String,
        /// For how long.
        minutes: u32,
    },
    /// Cap a function by hand.
    Cap {
        /// The function.
        function: String,
        /// Reserved concurrency; 0 stops it.
        concurrency: u32,
    },
}

/// Asks, and answers on the streams.
pub(crate) fn run(ask: &Ask, place: &Place, streams: &mut Streams<'_>) -> io::Result<ExitCode> {
    if let Some(code) = unusable_policy(place, streams)? {
        return Ok(code);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let Some(sdk) = connect(place).await else {
            writeln!(streams.error, "no AWS region: give --region, or set AWS_REGION or a profile's region")?;
            return Ok(ExitCode::Usage);
        };
        let mut guard = guard(place, &sdk);
        let asked = match ask {
            Ask::Once => guard
                .tick(now(), &[])
                .await
                .map(|report| Said::Tick(Box::new(report)))
                .map_err(AnswerError::from),
            Ask::Plan => guard
                .rehearse(now(), &[])
                .await
                .map(|report| Said::Tick(Box::new(report)))
                .map_err(AnswerError::from),
            other => answered(&mut guard, other).await.map(Said::Answer),
        };
        match asked {
            Ok(said) => tell(&said, place.json, streams),
            Err(error) => {
                writeln!(streams.error, "{}", chain(&error))?;
                Ok(match error {
                    AnswerError::Refused(_) => ExitCode::Refused,
                    AnswerError::Tick(_) => ExitCode::Unavailable,
                })
            }
        }
    })
}

/// The result of a command.
enum Said {
    Tick(Box<Report>),
    Answer(Answer),
}

async fn answered(guard: &mut Guard, ask: &Ask) -> Result<Answer, AnswerError> {
    let name = |text: &String| FunctionName::new(text.as_str());
    let question = match ask {
        Ask::Release { function } => {
            return guard.obey(&Order::Release { function: name(function) }, now()).await;
        }
        Ask::Hold { function, minutes } => {
            return guard.obey(&Order::Hold { function: name(function), minutes: *minutes }, now()).await;
        }
        Ask::Cap { function, concurrency } => {
            return guard
                .obey(&Order::Cap { function: name(function), concurrency: *concurrency }, now())
                .await;
        }
        Ask::Explain { function } => Question::Explain { function: name(function) },
        Ask::Bound => Question::Bound,
        Ask::Exposure => Question::Exposure,
        Ask::SelfTest => Question::SelfTest,
        Ask::Status | Ask::Once | Ask::Plan => Question::Status,
    };
    guard.answer(&question, now()).await
}

/// Reports a missing or invalid policy before any call to AWS.
fn unusable_policy(place: &Place, streams: &mut Streams<'_>) -> io::Result<Option<ExitCode>> {
    let file = place.policy.display();
    match std::fs::read_to_string(&place.policy).map(|text| Policy::from_toml(&text)) {
        Ok(Ok(_)) => Ok(None),
        Ok(Err(error)) => {
            for problem in &error.problems {
                writeln!(streams.error, "{file}: {problem}")?;
            }
            Ok(Some(ExitCode::PolicyInvalid))
        }
        Err(error) => {
            writeln!(streams.error, "{file}: cannot read: {error}; --policy names another file")?;
            Ok(Some(ExitCode::CannotRead))
        }
    }
}

/// The configuration from the usual credential chain; `None` without a region.
async fn connect(place: &Place) -> Option<SdkConfig> {
    let mut loader = crate::aws::sdk();
    if let Some(region) = &place.region {
        loader = loader.region(SdkRegion::new(region.clone()));
    }
    let sdk = loader.load().await;
    sdk.region().is_some().then_some(sdk)
}

fn guard(place: &Place, sdk: &SdkConfig) -> Guard {
    let calls = Calls::default();
    let region = Region::new(sdk.region().map_or("", |region| region.as_ref()));
    let store: Box<dyn StateStore> = match &place.table {
        Some(table) => {
            Box::new(DynamoStore::new(sdk, calls.clone(), table.clone(), &place.guard, region.clone()))
        }
        None => Box::new(FileStore::new(place.state.clone(), region.clone())),
    };
    let ports = Ports {
        metrics: Box::new(CloudWatch::new(sdk, calls.clone())),
        control: Box::new(LambdaControl::new(sdk, calls.clone())),
        store,
        alerts: Box::new(PrintSink(Stream::Error)),
        policy: Box::new(FilePolicy(place.policy.clone())),
        prices: None,
        calls,
    };
    let identity = Identity {
        account: String::new(),
        region,
        function: Some(FunctionName::new(place.guard.as_str())),
        stage: "laptop".to_owned(),
        metrics: Metrics::None,
    };
    let mut guard = Guard::new(ports, identity, PriceTable::embedded().clone());
    guard.permit_changes(place.arm);
    if place.table.is_some() {
        guard.visit();
    }
    guard
}

#[expect(clippy::disallowed_methods, reason = "the clock of the laptop")]
fn now() -> DateTime<Utc> {
    SystemTime::now().into()
}

fn tell(said: &Said, json: bool, streams: &mut Streams<'_>) -> io::Result<ExitCode> {
    let out = &mut streams.output;
    match said {
        Said::Tick(report) => {
            for problem in &report.problems {
                writeln!(streams.error, "{problem}")?;
            }
            if json {
                writeln!(out, "{}", serde_json::to_string(&report.plan)?)?;
            } else {
                tick_lines(report).iter().try_for_each(|line| writeln!(out, "{line}"))?;
            }
            // Partial results are reported, and so is the fact that they are partial.
            Ok(if report.problems.is_empty() { ExitCode::Success } else { ExitCode::Unavailable })
        }
        Said::Answer(answer) => {
            if json {
                writeln!(out, "{}", serde_json::to_string(answer)?)?;
            } else {
                answer_lines(answer).iter().try_for_each(|line| writeln!(out, "{line}"))?;
            }
            let failed = matches!(answer, Answer::SelfTest { ok: false, .. });
            Ok(if failed { ExitCode::Unavailable } else { ExitCode::Success })
        }
    }
}

fn tick_lines(report: &Report) -> Vec<String> {
    let plan = &report.plan;
    let mut lines: Vec<String> = plan.budgets.iter().map(report::budget_headline).collect();
    lines.extend(plan.actions.iter().map(|action| report::action(action, plan.armed)));
    lines.extend(plan.refusals.iter().map(report::refusal));
    if plan.actions.is_empty() && plan.refusals.is_empty() {
        lines.push("Nothing to do.".to_owned());
    }
    lines.push(format!("{} AWS calls, {} of them for metrics", report.own.calls, report.own.cost));
    lines
}

/// Columns of the page, and rows of a table, if the output is not a terminal of known size.
const WIDTH: usize = 100;
const TOP: usize = 20;

fn answer_lines(answer: &Answer) -> Vec<String> {
    match answer {
        Answer::Done(done) => done.says.clone(),
        Answer::Plan { says, .. } => says.clone(),
        Answer::Explain(explained) => {
            let protected =
                if explained.protected { ["protected: never touched".to_owned()].to_vec() } else { vec![] };
            let floor = format!("a cap would leave it {} concurrent executions", explained.floor);
            explained.says.iter().cloned().chain(protected).chain([floor]).collect()
        }
        Answer::Exposure(report) => vec![report.page(WIDTH, TOP).to_string()],
        Answer::Bound(report) => vec![report.page(WIDTH, TOP).to_string()],
        Answer::SelfTest { proofs, .. } => proofs
            .iter()
            .map(|proof| {
                format!("{} {}: {}", if proof.ok { "ok  " } else { "FAIL" }, proof.action, proof.detail)
            })
            .collect(),
        Answer::Status(status) => status_lines(status),
    }
}

fn status_lines(status: &Status) -> Vec<String> {
    let mut lines = vec![
        format!("{}, last tick {}", if status.armed { "armed" } else { "disarmed" }, time(status.last_tick)),
        format!("{} functions, listed {}", status.functions, time(status.listed_at)),
    ];
    lines.extend(status.spent.iter().map(|(budget, spent)| format!("spent of {budget}: {spent}")));
    for (function, latch) in &status.trips {
        let levers = latch.levers.iter().map(|lever| {
            format!("{} (was {})", report::setting(lever.known()), report::setting(lever.original))
        });
        let levers: Vec<String> = levers.collect();
        lines.push(format!("holds {function} since {}: {}", time(Some(latch.tripped_at)), levers.join(", ")));
    }
    lines.extend(status.alarms.iter().map(|alarm| format!("open: {alarm}")));
    if status.waiting_messages > 0 {
        lines.push(format!("{} messages wait to be sent", status.waiting_messages));
    }
    lines
}

fn time(at: Option<DateTime<Utc>>) -> String {
    at.map_or_else(|| "never".to_owned(), |at| at.format("%F %R UTC").to_string())
}

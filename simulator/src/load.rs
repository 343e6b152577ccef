//! From a name or a file to a scenario made ready.

use std::path::{Path, PathBuf};

use guard_core::policy::Policy;

use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::flood::Flood;
use crate::patch::Patch;
use crate::region::unpriced;
use crate::request::Request;
use crate::scenario::{MINUTES_MAX, Scenario, TraceUse};
use crate::scenarios;
use crate::stage::Stage;
use crate::trace::detect::{self, Options};
use crate::trace::input::Input;
use crate::trace::metric_data::Hints;
use crate::trace::table::thousandths;
use crate::trace::{Fill, Trace, azure, requests};
use crate::workload::Workload;

/// A scenario made ready, with its name.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The name of the scenario: of the embedded one, or of the file.
    pub name: String,
    /// The scenario.
    pub scenario: Scenario,
    /// The same, made ready.
    pub stage: Stage,
}

impl Loaded {
    /// The scenario on a seed.
    pub fn request(&self, seed: u64) -> Request<'_> {
        Request { name: &self.name, scenario: &self.scenario, stage: &self.stage, seed }
    }
}

/// The text of a scenario, and where files that it names are looked for.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its name: of the embedded one, or of the file.
    pub name: String,
    /// Its text.
    pub text: String,
    directory: PathBuf,
}

impl Source {
    /// An embedded scenario by name, or a file by path: whatever ends in `.toml` or has a `/` is a path, and `-` is
    /// standard input.
    ///
    /// # Errors
    /// Where there is no such scenario or file.
    pub fn open(name: &str) -> Result<Source, Failure> {
        if name.ends_with(".toml") || name.contains('/') || name == "-" {
            let path = Path::new(name);
            let stem =
                path.file_stem().map_or_else(|| name.to_owned(), |stem| stem.to_string_lossy().into_owned());
            let directory = path.parent().map(Path::to_path_buf).unwrap_or_default();
            return Ok(Source { name: stem, text: Input::open(path)?.text, directory });
        }
        let found = scenarios::find(name).map_err(|problem| Failure::new(ExitCode::Usage, problem))?;
        Ok(Source::of_text(found.name, found.text))
    }

    /// A scenario in memory.
    pub fn of_text(name: &str, text: &str) -> Source {
        Source { name: name.to_owned(), text: text.to_owned(), directory: PathBuf::new() }
    }

    /// The scenario with some keys changed, made ready.
    ///
    /// # Errors
    /// Where it is not valid, or a change leads nowhere.
    pub fn ready(&self, patches: &[Patch]) -> Result<Loaded, Failure> {
        let bad = |problem: &dyn std::fmt::Display| {
            Failure::new(ExitCode::BadInput, format_args!("{}: {problem}", self.name))
        };
        let read = if patches.is_empty() {
            Scenario::from_toml(&self.text)
        } else {
            Scenario::from_table(self.patched(patches).map_err(|p| bad(&p))?)
        };
        let scenario = read.map_err(|error| {
            let lines: Vec<String> =
                error.problems.iter().map(|problem| format!("{}: {problem}", self.name)).collect();
            Failure::new(ExitCode::BadInput, lines.join("\n"))
        })?;
        let background = match &scenario.trace {
            None => None,
            Some(used) => Some(workload(&scenario, used, &self.directory)?),
        };
        let stage = Stage::new(&scenario, background.as_ref()).map_err(|error| bad(&error))?;
        Ok(Loaded { name: self.name.clone(), scenario, stage })
    }

    fn patched(&self, patches: &[Patch]) -> Result<toml::Table, String> {
        let mut table: toml::Table = self.text.parse().map_err(|error: toml::de::Error| error.to_string())?;
        for patch in patches {
            patch.apply(&mut table)?;
        }
        Ok(table)
    }
}

/// A recording of one's own as a scenario: its traffic, all of it legitimate, and a flood where one is asked for.
#[derive(Clone, Debug)]
pub struct Recording<'a> {
    /// The recording.
    pub trace: &'a Trace,
    /// Its name.
    pub name: &'a str,
    /// The region whose prices count.
    pub region: &'a str,
    /// Days before it in which the same traffic ran.
    pub history_days: u32,
    /// A synthetic flood on top.
    pub flood: Option<&'a Flood>,
    /// The policy that guards it.
    pub policy: Policy,
    /// Keys of the scenario that are to differ.
    pub changes: &'a [Patch],
}

impl Recording<'_> {
    /// Makes it ready.
    ///
    /// # Errors
    /// Where the flood does not fit, or the recording is too long or too large for a scenario.
    pub fn ready(self) -> Result<Loaded, Failure> {
        let usage = |problem: &dyn std::fmt::Display| Failure::new(ExitCode::Usage, problem);
        let workload = Workload::new(self.trace, self.region);
        let flood =
            self.flood.map(|flood| flood.traffic(&workload)).transpose().map_err(|error| usage(&error))?;
        let mut scenario = Scenario::empty(&self.trace.title, self.trace.first.start());
        let remarks: Vec<String> = self.trace.remarks.iter().cloned().chain(unpriced(self.region)).collect();
        scenario.story = remarks.join(" ");
        scenario.trace = Some(TraceUse::of_file(self.name));
        scenario.minutes = u32::try_from(self.trace.minutes).unwrap_or(u32::MAX);
        scenario.recovery_minutes = 720;
        scenario.history_days = self.history_days;
        scenario.account.region = self.region.to_owned();
        scenario.traffic.extend(flood);
        scenario.policy = self.policy;
        let too_long = scenario.minutes > MINUTES_MAX;
        let scenario = changed(scenario, self.changes).map_err(|problem| {
            let name = self.name;
            let hint = if too_long {
                format!(
                    "; a replay has 31 days at most: cut it, such as `dowsim trace cut {name} --minutes \
                     0..{MINUTES_MAX} --out part.csv`"
                )
            } else {
                String::new()
            };
            usage(&format_args!("{name}: {problem}{hint}"))
        })?;
        let stage = Stage::new(&scenario, Some(&workload)).map_err(|error| usage(&error))?;
        Ok(Loaded { name: self.name.to_owned(), scenario, stage })
    }
}

/// The scenario with keys changed, checked.
fn changed(scenario: Scenario, changes: &[Patch]) -> Result<Scenario, String> {
    if changes.is_empty() {
        return scenario.check().map(|()| scenario).map_err(|error| error.to_string());
    }
    let mut table = toml::Table::try_from(&scenario).map_err(|error| error.to_string())?;
    changes.iter().try_for_each(|patch| patch.apply(&mut table))?;
    Scenario::from_table(table).map_err(|error| error.to_string())
}

/// Opens a scenario and makes it ready: see [`Source::open`].
///
/// # Errors
/// Where there is no such scenario or file, or it is not valid.
pub fn scenario(name: &str) -> Result<Loaded, Failure> {
    Source::open(name)?.ready(&[])
}

/// Reads a policy file.
///
/// # Errors
/// Where it cannot be read or is not valid.
pub fn policy(path: &Path) -> Result<Policy, Failure> {
    let input = Input::open(path)?;
    Policy::from_toml(&input.text)
        .map_err(|error| Failure { code: ExitCode::BadInput, message: format!("{}: {error}", input.name) })
}

/// The embedded traces; their attribution is beside them in `data/`.
const AZURE_500: [(&str, &[u8]); 3] = [
    ("500_invocations.csv.gz", include_bytes!("../data/azure2019/500_invocations.csv.gz")),
    ("500_durations.csv.gz", include_bytes!("../data/azure2019/500_durations.csv.gz")),
    ("500_memory.csv.gz", include_bytes!("../data/azure2019/500_memory.csv.gz")),
];
const AZURE_1350: [(&str, &[u8]); 3] = [
    ("1350_inv.csv.gz", include_bytes!("../data/azure2019/1350_inv.csv.gz")),
    ("1350_run.csv.gz", include_bytes!("../data/azure2019/1350_run.csv.gz")),
    ("1350_mem.csv.gz", include_bytes!("../data/azure2019/1350_mem.csv.gz")),
];
const WORLD_CUP: (&str, &[u8]) =
    ("requests_per_minute.csv.gz", include_bytes!("../data/worldcup98/requests_per_minute.csv.gz"));

fn workload(scenario: &Scenario, used: &TraceUse, directory: &Path) -> Result<Workload, Failure> {
    let fill = Fill {
        duration_us: used.duration_ms.and_then(|ms| thousandths(&ms.to_string())),
        memory_mb: used.memory_mb,
    };
    let date = scenario.start.date_naive();
    let embedded = |files: [(&str, &[u8]); 3]| -> Result<Trace, Failure> {
        let [counts, durations, memory] = files.map(|(name, bytes)| Input::from_bytes(name, bytes));
        let (counts, durations, memory) = (counts?, durations?, memory?);
        let tables =
            azure::Tables { invocations: &counts, durations: Some(&durations), memory: Some(&memory) };
        Ok(azure::read(tables, fill, date)?)
    };
    let trace = match used.file.as_str() {
        "embedded:azure2019-500" => embedded(AZURE_500)?,
        "embedded:azure2019-1350" => embedded(AZURE_1350)?,
        "embedded:worldcup98" => requests::read(&Input::from_bytes(WORLD_CUP.0, WORLD_CUP.1)?, fill)?,
        file => {
            let beside = |name: &String| directory.join(name);
            let (durations, memory) = (used.durations.as_ref().map(beside), used.memory.as_ref().map(beside));
            let options = Options {
                durations: durations.as_deref(),
                memory: memory.as_deref(),
                fill,
                date,
                by_path: None,
                hints: Hints::default(),
            };
            detect::read(&[&directory.join(file)], &options)?.1.trace
        }
    };
    let skip = usize::try_from(used.skip_minutes).unwrap_or(usize::MAX);
    let minutes = trace.minutes;
    let trace = trace.slice(skip..minutes).ok_or_else(|| Failure {
        code: ExitCode::BadInput,
        message: format!("trace.skip_minutes: {skip} leaves nothing of a trace of {minutes} minutes"),
    })?;
    let mut workload = Workload::new(&trace, &scenario.account.region);
    if workload.keep(&used.functions) == 0 {
        return Err(Failure {
            code: ExitCode::BadInput,
            message: format!("trace.functions: no function of the trace fits {:?}", used.functions),
        });
    }
    workload.scale(used.scale);
    Ok(workload)
}

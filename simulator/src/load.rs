//! From a name or a file to a scenario made ready.

use std::path::{Path, PathBuf};

use guard_core::policy::Policy;

use crate::decide::Failure;
use crate::exit_code::ExitCode;
use crate::scenario::{Scenario, TraceUse};
use crate::scenarios;
use crate::stage::Stage;
use crate::trace::detect::{self, Options};
use crate::trace::input::Input;
use crate::trace::metric_data::Hints;
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

/// Loads an embedded scenario by name, or a file by path: whatever ends in `.toml` or has a `/` is a path.
///
/// # Errors
/// Where there is no such scenario or file, or it is not valid.
pub fn scenario(name: &str) -> Result<Loaded, Failure> {
    let is_path = name.ends_with(".toml") || name.contains('/') || name == "-";
    let (name, text, directory) = if is_path {
        let path = Path::new(name);
        let input = Input::open(path)?;
        let stem =
            path.file_stem().map_or_else(|| name.to_owned(), |stem| stem.to_string_lossy().into_owned());
        (stem, input.text, path.parent().map(Path::to_path_buf).unwrap_or_default())
    } else {
        let found =
            scenarios::find(name).map_err(|problem| Failure { code: ExitCode::Usage, message: problem })?;
        (found.name.to_owned(), found.text.to_owned(), PathBuf::new())
    };
    let scenario = Scenario::from_toml(&text).map_err(|error| {
        let lines: Vec<String> = error.problems.iter().map(|problem| format!("{name}: {problem}")).collect();
        Failure { code: ExitCode::BadInput, message: lines.join("\n") }
    })?;
    let background = match &scenario.trace {
        None => None,
        Some(used) => Some(workload(&scenario, used, &directory)?),
    };
    let stage = Stage::new(&scenario, background.as_ref())
        .map_err(|error| Failure { code: ExitCode::BadInput, message: format!("{name}: {error}") })?;
    Ok(Loaded { name, scenario, stage })
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
    let fill = Fill { duration_us: used.duration_ms.map(|ms| ms * 1000), memory_mb: used.memory_mb };
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

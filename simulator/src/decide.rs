//! `dowsim decide`: recorded traffic in, decision record out.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use guard_core::policy::Policy;
use guard_core::pricing::PriceTable;

use crate::bill::Bill;
use crate::cli::DecideArgs;
use crate::exit_code::ExitCode;
pub use crate::failure::Failure;
use crate::feed::Feed;
use crate::flood::Flood;
use crate::guard_loop::GuardLoop;
use crate::heading::{self, Heading};
use crate::report::layout::Palette;
use crate::report::terminal::{Detail, Page};
use crate::trace::detect::{self, Options};
use crate::trace::input::Input;
use crate::trace::metric_data::Hints;
use crate::trace::{Fill, Trace, azure};
use crate::workload::Workload;

/// The embedded trace; its attribution is in `data/azure2019/README.md`.
const INVOCATIONS: (&str, &[u8]) =
    ("500_invocations.csv.gz", include_bytes!("../data/azure2019/500_invocations.csv.gz"));
const DURATIONS: (&str, &[u8]) =
    ("500_durations.csv.gz", include_bytes!("../data/azure2019/500_durations.csv.gz"));
const MEMORY: (&str, &[u8]) = ("500_memory.csv.gz", include_bytes!("../data/azure2019/500_memory.csv.gz"));

/// The policy for it.
const POLICY: (&str, &str) = ("demo.toml (built in)", include_str!("../policies/demo.toml"));

/// The flood over it: five slow requests a second, for an hour.
const FLOOD: &str = "http-d99726aac9@10:30+60=300";

/// Quiet time before progress is told.
const PATIENCE: Duration = Duration::from_secs(2);

/// Replays and prints.
///
/// # Errors
/// With the code to return and a line for standard error; [`ExitCode::Ok`] where the reader closed the pipe.
pub fn run(args: &DecideArgs, out: impl Write, palette: Palette) -> Result<(), Failure> {
    let (policy_name, policy) = read_policy(args.policy.as_deref())?;
    let prices = PriceTable::embedded();
    let trace = read_trace(args)?;
    let trace = match args.minutes.clone() {
        None => trace,
        Some(range) => {
            let minutes = trace.minutes;
            trace.slice(range).ok_or_else(|| {
                Failure::new(ExitCode::Usage, format_args!("the trace has {minutes} minutes"))
            })?
        }
    };
    let mut workload = Workload::new(&trace, &args.region);
    if let Some(pattern) = &args.function
        && workload.keep(pattern) == 0
    {
        return Err(Failure::new(ExitCode::Usage, format_args!("no function of the trace fits {pattern:?}")));
    }
    let recorded = workload.clone();
    let flood = lay_flood(args, &mut workload)?;
    let lag_s = policy.timing.metric_lag_s;
    let mut guard = GuardLoop::new(policy.clone(), prices, workload.inventory.clone());
    let bill = Bill::new(&workload, &guard.quotes());
    let feed = Feed::new(&workload, lag_s, guard.reread_min());
    if args.json {
        return replay_json(&feed, &mut guard, out);
    }
    let heading = Heading {
        trace: &trace,
        recorded_bill: &Bill::new(&recorded, &guard.quotes()),
        recorded: &recorded,
        bill: &bill,
        flood: flood.as_ref(),
        is_dated: args.trace.is_some(),
        policy_name: &policy_name,
        policy: &policy,
        guard: &guard,
    };
    let mut page = Page::new(out, palette, Detail { all: args.all, every_min: args.every });
    page.header(heading::TITLE, &heading.entries())?;
    let mut progress = Progress::new();
    for tick in feed.ticks() {
        page.tick(&guard.tick(&feed.observe(tick)))?;
        progress.show(&tick.start().format("%Y-%m-%d %H:%M"));
    }
    progress.clear();
    page.finish(&bill)?;
    Ok(())
}

fn replay_json(feed: &Feed<'_>, guard: &mut GuardLoop, mut out: impl Write) -> Result<(), Failure> {
    for tick in feed.ticks() {
        let plan = guard.tick(&feed.observe(tick));
        let line = serde_json::to_string(&plan).map_err(|error| Failure::new(ExitCode::Internal, error))?;
        writeln!(out, "{line}")?;
    }
    out.flush()?;
    Ok(())
}

/// The policy and its name.
fn read_policy(path: Option<&Path>) -> Result<(String, Policy), Failure> {
    let (name, text) = match path {
        None => (POLICY.0.to_owned(), POLICY.1.to_owned()),
        Some(path) => {
            let input = Input::open(path)?;
            (input.name, input.text)
        }
    };
    match Policy::from_toml(&text) {
        Ok(policy) => Ok((name, policy)),
        Err(error) => Err(Failure::new(ExitCode::BadInput, format_args!("{name}: {error}"))),
    }
}

/// The trace asked for, or the embedded one.
fn read_trace(args: &DecideArgs) -> Result<Trace, Failure> {
    let fill = Fill { duration_us: args.duration_ms.map(|ms| ms * 1000), memory_mb: args.memory_mb };
    let Some(path) = &args.trace else {
        let embedded = |(name, bytes)| Input::from_bytes(name, bytes);
        let (counts, durations, memory) = (embedded(INVOCATIONS)?, embedded(DURATIONS)?, embedded(MEMORY)?);
        let tables =
            azure::Tables { invocations: &counts, durations: Some(&durations), memory: Some(&memory) };
        let mut trace = azure::read(tables, fill, args.date)?;
        trace.title = "Azure Functions 2019 (Shahrad et al., USENIX ATC 2020; CC-BY), a sample".to_owned();
        return Ok(trace);
    };
    let options = Options {
        durations: args.durations.as_deref(),
        memory: args.memory.as_deref(),
        fill,
        date: args.date,
        by_path: None,
        hints: Hints::default(),
    };
    Ok(detect::read(&[path], &options)?.1.trace)
}

/// Lays the flood asked for, or the demonstration's where it fits, over the workload.
fn lay_flood(args: &DecideArgs, workload: &mut Workload) -> Result<Option<Flood>, Failure> {
    let is_asked_for = args.flood.is_some();
    let flood = match &args.flood {
        Some(flood) => flood.clone(),
        None if args.no_flood || args.trace.is_some() => return Ok(None),
        None => FLOOD.parse().map_err(|error| Failure::new(ExitCode::Internal, error))?,
    };
    match workload.add(&flood) {
        Ok(function) => Ok(Some(Flood { function: function.as_str().to_owned(), ..flood })),
        // Only part of the demonstration was asked for, and its flood is not in it.
        Err(_) if !is_asked_for => Ok(None),
        Err(error) => Err(Failure::new(ExitCode::Usage, error)),
    }
}

/// Tells on a terminal that a long replay is under way, unless the page itself scrolls there.
struct Progress {
    started: Instant,
    told: Option<Instant>,
    wanted: bool,
}

impl Progress {
    fn new() -> Self {
        let wanted = io::stderr().is_terminal() && !io::stdout().is_terminal();
        Progress { started: Instant::now(), told: None, wanted }
    }

    fn show(&mut self, at: &dyn fmt::Display) {
        let is_due = self.told.is_none_or(|told| told.elapsed() >= Duration::from_millis(200));
        if self.wanted && is_due && self.started.elapsed() >= PATIENCE {
            self.told = Some(Instant::now());
            eprint!("\rreplaying {at}");
        }
    }

    fn clear(&self) {
        if self.told.is_some() {
            eprint!("\r\u{1b}[K");
        }
    }
}

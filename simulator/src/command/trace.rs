//! `dowsim trace`: look at recorded traffic, bring it into our own table, and cut it to what a run needs.

mod info;
mod output;

use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDate, NaiveDateTime};
use clap::{Args, Subcommand};
use guard_core::time::Minute;

use crate::exit_code::{self, ExitCode};
use crate::failure::Failure;
use crate::report::layout::{Palette, wrapped};
use crate::trace::change::{Factor, Rename};
use crate::trace::detect::{self, Format, Options};
use crate::trace::metric_data::{Hints, Statistic};
use crate::trace::table::thousandths;
use crate::trace::{Fill, Reading};

/// The longest a function can run, in microseconds ("Lambda quotas", read 2026-11).
const LONGEST_RUN_US: u64 = 900_000_000;

/// What to do with recorded traffic.
#[derive(Clone, Debug, Args)]
pub struct TraceArgs {
    /// Which of it.
    #[command(subcommand)]
    pub action: Action,
}

/// What can be done with recorded traffic.
///
/// Formats are told by content, plain or gzip: Azure Functions 2019, requests per minute, the JSON of `aws cloudwatch
/// get-metric-data` and `get-metric-statistics`, access logs (Common, Combined, Application Load Balancer, CloudFront as
/// W3C or JSON, API Gateway as CLF, JSON, XML or CSV), AWS WAF, the REPORT lines of Lambda, all of these as `aws logs`
/// prints them, and the table that `import` writes.
#[derive(Clone, Debug, Subcommand)]
pub enum Action {
    /// Show what a recording holds: span, functions, peaks, hours, cost.
    #[command(after_help = exit_code::HELP)]
    Info(Box<InfoArgs>),
    /// Read recordings of any format and write one table: a row per function, a column per minute.
    #[command(after_help = exit_code::HELP)]
    Import(Box<ImportArgs>),
    /// Keep a part of a recording, more or less of it, at another time or under other names.
    #[command(after_help = exit_code::HELP)]
    Cut(Box<CutArgs>),
}

/// The recording, and what its files do not say.
#[derive(Clone, Debug, Args)]
pub struct SourceArgs {
    /// Durations of the functions of an Azure trace.
    #[arg(long, value_name = "FILE")]
    pub durations: Option<PathBuf>,
    /// Memory of the functions of an Azure trace.
    #[arg(long, value_name = "FILE")]
    pub memory: Option<PathBuf>,
    /// Mean duration in milliseconds where the files have none.
    #[arg(long = "duration-ms", value_name = "MS", value_parser = duration)]
    pub duration_us: Option<u64>,
    /// Memory in MB where the files have none.
    #[arg(long, value_name = "MB", value_parser = clap::value_parser!(u32).range(1..=10_240))]
    pub memory_mb: Option<u32>,
    /// Day on which a trace without dates is placed.
    #[arg(long, value_name = "YYYY-MM-DD", default_value = "2019-07-15")]
    pub date: NaiveDate,
    /// Access logs: one function for each path of so many segments, or each route. Without it: one for the site.
    #[arg(long, value_name = "SEGMENTS", value_parser = clap::value_parser!(u32).range(1..=100))]
    pub by_path: Option<u32>,
    /// Metrics: minutes from one point to the next, where they are so sparse that it does not show.
    #[arg(long, value_name = "MINUTES", value_parser = clap::value_parser!(i64).range(1..=1440))]
    pub period_min: Option<i64>,
    /// Metrics: what `Duration` is, where its label does not say.
    #[arg(long, value_name = "STATISTIC")]
    pub duration_statistic: Option<Statistic>,
}

/// A recording to look at.
#[derive(Clone, Debug, Args)]
pub struct InfoArgs {
    /// The recording.
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// What the files do not say.
    #[command(flatten)]
    pub source: SourceArgs,
    /// AWS region whose prices count.
    #[arg(long, default_value = "us-east-1")]
    pub region: String,
    /// One JSON document instead of text.
    #[arg(long)]
    pub json: bool,
}

/// Recordings to bring together.
#[derive(Clone, Debug, Args)]
pub struct ImportArgs {
    /// The recordings.
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// What the files do not say.
    #[command(flatten)]
    pub source: SourceArgs,
    /// Where to.
    #[command(flatten)]
    pub target: TargetArgs,
}

/// A recording and the part of it to keep. Minutes are cut first, then functions; then names, rate and time change.
#[derive(Clone, Debug, Args)]
pub struct CutArgs {
    /// The recording.
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// What the files do not say.
    #[command(flatten)]
    pub source: SourceArgs,
    /// Only these minutes, counted from 0; the end is not included.
    #[arg(long, value_name = "A..B", value_parser = minutes)]
    pub minutes: Option<Range<usize>>,
    /// Only the functions whose identity fits this `*`/`?` pattern.
    #[arg(long, value_name = "PATTERN")]
    pub function: Option<String>,
    /// Functions that fit the pattern become one of that name; may be given several times, the first that fits counts.
    #[arg(long = "map", value_name = "PATTERN=NAME", value_parser = rename)]
    pub renames: Vec<Rename>,
    /// Times as much traffic, such as 2.5 or 0.1.
    #[arg(long, value_name = "FACTOR", value_parser = factor)]
    pub scale: Option<Factor>,
    /// When it shall begin: a day or a minute (UTC).
    #[arg(long, value_name = "TIME", value_parser = start)]
    pub shift: Option<Minute>,
    /// Where to.
    #[command(flatten)]
    pub target: TargetArgs,
}

/// The file to write.
#[derive(Clone, Debug, Args)]
pub struct TargetArgs {
    /// The table to write; gzip where the name ends in `.gz`.
    #[arg(long, value_name = "FILE.csv[.gz]")]
    pub out: PathBuf,
    /// Write over a file that is there.
    #[arg(long)]
    pub force: bool,
}

impl SourceArgs {
    /// The same, as the readers take it.
    pub fn options(&self) -> Options<'_> {
        Options {
            durations: self.durations.as_deref(),
            memory: self.memory.as_deref(),
            fill: Fill { duration_us: self.duration_us, memory_mb: self.memory_mb },
            date: self.date,
            by_path: self.by_path.and_then(|segments| usize::try_from(segments).ok()),
            hints: Hints { period_min: self.period_min, duration: self.duration_statistic },
        }
    }
}

/// Does it.
///
/// # Errors
/// With the code to return and a line for standard error; [`ExitCode::Ok`] where the reader closed the pipe.
pub fn run(args: &TraceArgs, out: impl Write, palette: Palette) -> Result<(), Failure> {
    match &args.action {
        Action::Info(args) => info::run(args, out, palette),
        Action::Import(args) => import(args, out),
        Action::Cut(args) => cut(args, out),
    }
}

fn import(args: &ImportArgs, out: impl Write) -> Result<(), Failure> {
    output::refuse_to_overwrite(&args.target)?;
    let (formats, reading) = read(&args.files, &args.source.options())?;
    output::write(&args.target, &reading.trace)?;
    told(out, &args.target, &formats, &reading)
}

fn cut(args: &CutArgs, out: impl Write) -> Result<(), Failure> {
    output::refuse_to_overwrite(&args.target)?;
    let (formats, Reading { mut trace, filled }) = read(&args.files, &args.source.options())?;
    let usage = |problem: String| Failure::new(ExitCode::Usage, problem);
    if let Some(range) = args.minutes.clone() {
        let minutes = trace.minutes;
        trace = trace.slice(range).ok_or_else(|| usage(format!("the trace has {minutes} minutes")))?;
    }
    if let Some(pattern) = &args.function {
        trace =
            trace.only(pattern).ok_or_else(|| usage(format!("no function of the trace fits {pattern:?}")))?;
    }
    trace = trace.mapped(&args.renames);
    if let Some(factor) = args.scale {
        trace = trace.scaled(factor);
    }
    if let Some(first) = args.shift {
        trace = trace.shifted(first);
    }
    output::write(&args.target, &trace)?;
    told(out, &args.target, &formats, &Reading { trace, filled })
}

fn read(files: &[PathBuf], options: &Options<'_>) -> Result<(Vec<Format>, Reading), Failure> {
    let paths: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
    Ok(detect::read(&paths, options)?)
}

/// Says what was written, and what was assumed on the way: a table has no room for remarks.
fn told(
    mut out: impl Write,
    target: &TargetArgs,
    formats: &[Format],
    reading: &Reading,
) -> Result<(), Failure> {
    let (path, trace) = (target.out.display(), &reading.trace);
    writeln!(out, "{path}: {}", info::extent(trace))?;
    let names: Vec<String> = info::distinct(formats).iter().map(ToString::to_string).collect();
    let remarks =
        std::iter::once(format!("Read as {}.", names.join(", "))).chain(trace.remarks.iter().cloned());
    for remark in remarks {
        for line in wrapped("  ", &remark) {
            writeln!(out, "{line}")?;
        }
    }
    out.flush()?;
    Ok(())
}

/// Reads milliseconds with decimals, to the microsecond above.
fn duration(text: &str) -> Result<u64, String> {
    thousandths(text)
        .filter(|us| (1..=LONGEST_RUN_US).contains(us))
        .ok_or_else(|| "expected milliseconds from 0.001 to 900000, such as 80 or 1.4".to_owned())
}

/// Reads `A..B`.
fn minutes(text: &str) -> Result<Range<usize>, String> {
    let bounds = text.split_once("..").and_then(|(a, b)| Some(a.parse().ok()?..b.parse().ok()?));
    bounds
        .filter(|range| range.start < range.end)
        .ok_or_else(|| "expected A..B with A below B, such as 0..120".to_owned())
}

/// Reads `PATTERN=NAME`.
fn rename(text: &str) -> Result<Rename, String> {
    match text.rsplit_once('=') {
        Some((pattern, name)) if !pattern.is_empty() && !name.trim().is_empty() => {
            Ok(Rename { pattern: pattern.to_owned(), name: name.trim().to_owned() })
        }
        _ => Err("expected PATTERN=NAME, such as /api/*=api".to_owned()),
    }
}

/// Reads a factor from 0.001 to 1,000,000.
fn factor(text: &str) -> Result<Factor, String> {
    let exact = text.split_once('.').is_none_or(|(_, fraction)| fraction.len() <= 3);
    thousandths(text)
        .filter(|thousandths| exact && (1..=1_000_000_000).contains(thousandths))
        .map(|thousandths| Factor { thousandths })
        .ok_or_else(|| "expected a number from 0.001 to 1000000 with three decimals at most".to_owned())
}

/// Reads a day or a minute.
fn start(text: &str) -> Result<Minute, String> {
    let day = text.parse::<NaiveDate>().ok().map(|day| day.and_time(chrono::NaiveTime::MIN).and_utc());
    let minute = || {
        let local = NaiveDateTime::parse_from_str(text.trim_end_matches('Z'), "%Y-%m-%dT%H:%M").ok();
        local.map(|at| at.and_utc())
    };
    let instant = || DateTime::parse_from_rfc3339(text).ok().map(|at| at.to_utc());
    day.or_else(minute)
        .or_else(instant)
        .filter(|at| at.timestamp().rem_euclid(60) == 0)
        .map(Minute::of)
        .ok_or_else(|| "expected a day or a minute, such as 2026-11-02 or 2026-11-02T08:30".to_owned())
}

#[cfg(test)]
mod tests;

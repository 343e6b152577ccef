//! `dowsim sweep`: a scenario over many seeds and values, on all cores, in parts that can be put together again.

use std::fs::{self, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use clap::Args;
use guard_core::pricing::PriceTable;
use serde::Serialize;

use crate::cases::{cores, in_order};
use crate::exit_code::ExitCode;
use crate::expect::{Metric, metric};
use crate::failure::Failure;
use crate::load::{Loaded, Source};
use crate::output::{check_standard, is_standard, write_json, write_whole};
use crate::patch::Patch;
use crate::progress::Progress;
use crate::replay::{Findings, Replay};
use crate::report::layout::Palette;
use crate::report::sweep::Page;
use crate::sweep::{Axis, Case, Group, Shard, Sweep, Table, groups};
use crate::trace::input::Input;

/// What to run.
#[derive(Clone, Debug, Args)]
pub struct SweepArgs {
    /// An embedded scenario, or a file.
    #[arg(default_value = super::replay::DEFAULT, conflicts_with = "merge")]
    pub scenario: String,
    /// Seeds: the first so many, each with all values.
    #[arg(long, value_name = "COUNT", default_value_t = 10, allow_negative_numbers = true, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub seeds: u64,
    /// The first of them.
    #[arg(long, value_name = "SEED", default_value_t = 1, allow_negative_numbers = true)]
    pub first_seed: u64,
    /// A key of the scenario and its values: PATH=A,B,C or PATH=FROM..TO/STEPS. May be given several times.
    #[arg(long = "vary", value_name = "PATH=VALUES")]
    pub axes: Vec<Axis>,
    /// A key of the scenario that differs in all cases: PATH=VALUE. May be given several times.
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub fixed: Vec<Patch>,
    /// Only this part, for a batch service: THIS/OF, from 1/4 to 4/4.
    #[arg(long, value_name = "THIS/OF")]
    pub shard: Option<Shard>,
    /// The table to write, row by row; `-` is standard output. Where the file is there already, what is missing is run
    /// and added.
    #[arg(long, value_name = "FILE.csv")]
    pub out: Option<PathBuf>,
    /// Put the tables of shards together instead of running anything.
    #[arg(long, value_name = "FILE.csv", num_args = 1.., conflicts_with_all = ["axes", "fixed", "shard"])]
    pub merge: Vec<PathBuf>,
    /// The numbers to show. The table has all.
    #[arg(
        long, value_name = "METRIC", value_delimiter = ',', value_parser = metric,
        default_value = "saved_percent,bound_used_percent,cap_min,harm_percent,bystanders_lost"
    )]
    pub show: Vec<Metric>,
    /// Threads. Without it: one per core.
    #[arg(long, value_name = "THREADS", allow_negative_numbers = true)]
    pub jobs: Option<NonZeroUsize>,
    /// One JSON document instead of text.
    #[arg(long)]
    pub json: bool,
}

/// What the cases say together.
#[derive(Debug, Serialize)]
struct Told<'a> {
    axes: &'a [String],
    cases: u64,
    of: u64,
    groups: &'a [Group],
}

/// Runs, or merges, and tells.
///
/// # Errors
/// With the code to return and a line for standard error; [`ExitCode::Ok`] where the reader closed the pipe.
pub fn run(args: &SweepArgs, mut out: impl Write, palette: Palette, width: usize) -> Result<(), Failure> {
    let is_table = check_standard(&args.out, args.json)? && !args.json;
    let table = if args.merge.is_empty() { sweep(args)? } else { merge(args)? };
    if is_table {
        write_rows(&mut out, &table)?;
        return Ok(out.flush()?);
    }
    let groups = groups(&table, &args.show);
    let (cases, of) = table.extent();
    if args.json {
        let told = Told { axes: table.axes(), cases, of, groups: &groups };
        write_json(&mut out, &told)?;
    } else {
        Page::new(&mut out, palette, width).write(&table, &groups)?;
    }
    out.flush()?;
    Ok(())
}

fn merge(args: &SweepArgs) -> Result<Table, Failure> {
    let mut whole: Option<Table> = None;
    for path in &args.merge {
        let table = read(path)?;
        match &mut whole {
            None => whole = Some(table),
            Some(whole) => whole.merge(table).map_err(|problem| bad(path, &problem))?,
        }
    }
    let whole = whole.unwrap_or_else(|| Table::new(Vec::new()));
    if let Some(path) = args.out.as_ref().filter(|path| !is_standard(path)) {
        write_whole(path, |file| write_rows(file, &whole))?;
    }
    Ok(whole)
}

fn write_rows(out: impl Write, table: &Table) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(table.columns())?;
    for row in table.rows() {
        writer.write_record(row)?;
    }
    writer.flush()
}

fn read(path: &Path) -> Result<Table, Failure> {
    let input = Input::open(path)?;
    Table::read(&input.text).map_err(|problem| bad(path, &problem))
}

fn bad(path: &Path, problem: &str) -> Failure {
    Failure::new(ExitCode::BadInput, format_args!("{}: {problem}", path.display()))
}

fn sweep(args: &SweepArgs) -> Result<Table, Failure> {
    let last = args.first_seed.checked_add(args.seeds - 1).ok_or_else(|| {
        Failure::new(
            ExitCode::Usage,
            "--first-seed and --seeds go beyond the largest seed, 18446744073709551615",
        )
    })?;
    let sweep = Sweep {
        source: Source::open(&args.scenario)?,
        fixed: args.fixed.clone(),
        axes: args.axes.clone(),
        seeds: args.first_seed..=last,
    };
    // Every combination is read before anything runs or is written.
    let mut ready: Vec<(Vec<String>, Loaded)> = Vec::new();
    for values in sweep.combinations() {
        let loaded = sweep.source.ready(&sweep.patches(&values))?;
        ready.push((values, loaded));
    }
    let mut table = Table::new(sweep.columns());
    if let Some(path) = args.out.as_ref().filter(|path| !is_standard(path) && path.exists()) {
        // Not by the reader of finished files: what was cut off while it was written is to be gone on with.
        let text = fs::read_to_string(path).map_err(|error| unreadable(path, &error))?;
        let known = Table::read(&text).map_err(|problem| bad(path, &problem))?;
        let is_same = known.columns() == table.columns()
            && known.fingerprint().is_none_or(|known| known == sweep.fingerprint());
        if !is_same {
            return Err(bad(path, "holds another sweep; give another name, or remove it"));
        }
        table = known;
    }
    let shard = args.shard.unwrap_or(Shard::WHOLE);
    let missing: Vec<Case> = sweep.cases(shard).filter(|case| !table.has(case.number)).collect();
    let place = args.out.as_deref().filter(|path| !is_standard(path));
    let mut file = place.map(|path| Rows::open(path, &table)).transpose()?;
    let (all, done) = (u32::try_from(missing.len()).unwrap_or(u32::MAX), AtomicU32::new(0));
    let jobs = args.jobs.unwrap_or_else(cores);
    let progress = Progress::of_replays(all, jobs);
    in_order(
        &missing,
        jobs,
        |case| {
            let loaded = ready.iter().find(|(values, _)| *values == case.values).map(|(_, loaded)| loaded);
            let findings = loaded.map(|loaded| findings(loaded, case.seed)).unwrap_or_default();
            progress.show(done.fetch_add(1, Ordering::Relaxed) + 1, all);
            findings
        },
        |case, findings| {
            let row = sweep.row(case, &findings);
            if let Some(file) = &mut file {
                file.append(&row)?;
            }
            table.insert(row).map_err(|problem| Failure::new(ExitCode::Internal, problem))
        },
    )?;
    progress.clear();
    Ok(table)
}

fn findings(loaded: &Loaded, seed: u64) -> Findings {
    Replay::new(&loaded.request(seed), PriceTable::embedded(), |_, _| ()).findings
}

/// A table that grows row by row: whatever ends the run, what is there is whole lines.
struct Rows {
    path: PathBuf,
    file: csv::Writer<BufWriter<fs::File>>,
}

impl Rows {
    /// Opens the table to go on after what is known of it.
    fn open(path: &Path, known: &Table) -> Result<Rows, Failure> {
        // Written anew, for what was cut off while it was written is not among the known rows.
        write_whole(path, |file| write_rows(file, known))?;
        let file = OpenOptions::new().append(true).open(path).map_err(|error| unwritable(path, &error))?;
        let writer = csv::WriterBuilder::new().has_headers(false).from_writer(BufWriter::new(file));
        Ok(Rows { path: path.to_path_buf(), file: writer })
    }

    fn append(&mut self, row: &[String]) -> Result<(), Failure> {
        let written = self.file.write_record(row).map_err(io::Error::from).and_then(|()| self.file.flush());
        written.map_err(|error| unwritable(&self.path, &error))
    }
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    Failure::new(ExitCode::Unreadable, format_args!("{}: cannot be read: {error}", path.display()))
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    Failure::new(ExitCode::Unreadable, format_args!("{}: cannot be written: {error}", path.display()))
}

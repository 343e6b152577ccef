//! The Lambda's size, start, ticks and memory: `cargo bench -p e2e --bench lambda`, or with all other benchmarks `cargo
//! bench --workspace`. A broken promise is marked; exit code 1 where it is one of size, calls or memory, which no busy
//! machine changes.
//!
//! The binary is built as it ships and runs as a process of its own behind Lambda's runtime API; AWS is the stub in this
//! process, so what a tick waits for is the loopback and the guard's own pace of ten control-plane calls a second. The
//! package for arm64 is made as infra/README.md has it made, with cargo-lambda, and only weighed.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, reason = "a benchmark's report")]

use std::fs;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use e2e::clock::Clock;
use e2e::sandbox::Sandbox;
use e2e::stub::{Function, Load, Stub};
use e2e::tools;
use serde_json::json;

/// Above what the functions spend in a day, and far below what the flood does.
const POLICY: &str =
    "armed = true\n[[budget]]\nname = \"day\"\nperiod = \"day\"\nusd = 600\nmode = \"cap\"\n";

/// What is promised of the package, in megabytes of a million bytes, and of the peak of resident memory, in mebibytes by
/// the number of functions.
const ZIP_MB: f64 = 5.0;
const PEAK_MIB: [(usize, u64); 3] = [(10, 48), (1_000, 48), (10_000, 96)];

/// What is promised of a cold start. On a busy machine it says so and nothing more.
const START: Duration = Duration::from_millis(50);

/// Cold starts, and warm ticks, of which the median is told.
const STARTS: usize = 21;
const TICKS: usize = 21;

/// Functions that the first round of the census reads in a tick (`guard_core::sampling`).
const CENSUS_SLICE: usize = 150;

/// Minutes of a flood over the dearest functions.
const FLOOD_MIN: usize = 4;

fn main() -> ExitCode {
    let bootstrap = tools::shipped("guard-fn", "guard-fn");
    let mut table = Table { is_kept: true };
    println!("\n| the Lambda | measured | promised |\n|---|--:|--:|");
    table.size(&bootstrap);
    for (functions, promised) in PEAK_MIB {
        table.life(&bootstrap, functions, promised);
    }
    if table.is_kept { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

struct Table {
    is_kept: bool,
}

impl Table {
    fn row(&mut self, what: &str, measured: &str, promised: Option<(String, bool)>) {
        let is_time = measured.ends_with("ms");
        let (text, is_kept) = promised.unwrap_or((String::from("–"), true));
        self.is_kept &= is_kept || is_time;
        let mark = if is_kept { "" } else { " **broken**" };
        println!("| {what} | {measured} | {text}{mark} |");
    }

    #[expect(clippy::cast_precision_loss, reason = "bytes of a file")]
    fn size(&mut self, bootstrap: &Path) {
        let folder = tempfile::tempdir().unwrap();
        let (stripped, package) = (folder.path().join("bootstrap"), folder.path().join("bootstrap.zip"));
        let is_done = |command: &mut Command| command.status().is_ok_and(|status| status.success());
        assert!(is_done(Command::new("strip").arg("-o").arg(&stripped).arg(bootstrap)), "strip, of binutils");
        let mut zip = Command::new("python3");
        assert!(is_done(zip.args(["-m", "zipfile", "-c"]).arg(&package).arg(&stripped)), "Python 3");
        let megabytes = |file: &PathBuf| fs::metadata(file).unwrap().len() as f64 / 1e6;
        let (binary, packed) = (megabytes(&stripped), megabytes(&package));
        let architecture = std::env::consts::ARCH;
        self.row(&format!("`bootstrap`, stripped, {architecture}"), &format!("{binary:.1} MB"), None);
        let promised = |packed: f64| Some((format!("< {ZIP_MB:.0} MB"), packed < ZIP_MB));
        self.row(&format!("the package, {architecture}"), &format!("{packed:.2} MB"), promised(packed));
        // What the templates deploy. Where its target cannot be had, that is said and nothing more.
        match tools::package("arm64") {
            Ok(package) => {
                let packed = megabytes(&package);
                self.row("the package, arm64", &format!("{packed:.2} MB"), promised(packed));
            }
            Err(problem) => {
                eprintln!("{problem}");
                self.row("the package, arm64", "not to be made here", None);
            }
        }
    }

    /// The first ticks of an installation with its census, quiet, cold starts, and a flood.
    fn life(&mut self, bootstrap: &Path, functions: usize, promised: u64) {
        let mut world = World::new(bootstrap, functions);
        let counted = thousands(functions);
        let mut guard = world.start();
        world.ticks(
            &mut guard,
            functions / CENSUS_SLICE + 10,
            &format!("{counted} functions, the first census"),
        );
        let quiet: Vec<Tick> = (0..TICKS).map(|_| world.rested_tick(&mut guard)).collect();
        self.ticks(&format!("idle tick at {counted} functions"), &quiet, functions <= 1_000);
        let of_census = peak_kib(guard.pid());
        drop(guard);
        self.starts(&mut world, &counted);
        world.flood();
        let mut guard = world.start();
        world.ticks(&mut guard, FLOOD_MIN, &format!("{counted} functions, 500 of them flooded"));
        let peak = of_census.max(peak_kib(guard.pid())).div_ceil(1024);
        let text = format!("{peak} MiB");
        let kept = (format!("< {promised} MiB"), peak < promised);
        self.row(
            &format!("peak memory at {counted} functions, first census and flood included"),
            &text,
            Some(kept),
        );
    }

    fn ticks(&mut self, what: &str, ticks: &[Tick], is_bound: bool) {
        let [wall, cpu] =
            [|tick: &Tick| tick.wall, |tick: &Tick| tick.cpu].map(|of| median(ticks.iter().map(of)));
        let calls = ticks.iter().map(|tick| tick.calls).max().unwrap_or_default();
        // Ten calls hold up to a thousand functions; beyond, the memory has more segments.
        let promised = is_bound.then(|| (String::from("≤ 10 calls"), calls <= 10));
        let share = 100.0 * cpu.as_secs_f64() / wall.as_secs_f64();
        let text =
            format!("{}, of which the guard computes {} ({share:.0} %); {calls} calls", ms(wall), ms(cpu));
        self.row(what, &text, promised);
    }

    fn starts(&mut self, world: &mut World, counted: &str) {
        let (mut ready, mut answer, mut tick) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..STARTS {
            let (told, asked, answered) = world.start().first(&json!({ "command": "status" }));
            told.ok();
            ready.push(asked);
            answer.push(answered);
            let event = world.next();
            let (told, _, answered) = world.start().first(&event);
            told.ok();
            tick.push(answered);
        }
        let [ready, answer, tick] = [ready, answer, tick].map(|times| median(times.into_iter()));
        let promised = |time: Duration| Some((format!("< {} ms", START.as_millis()), time < START));
        self.row(
            &format!("cold start at {counted} functions: ready for an event"),
            &ms(ready),
            promised(ready),
        );
        self.row(
            &format!("cold start at {counted} functions: first response (`status`)"),
            &ms(answer),
            promised(answer),
        );
        self.row(&format!("cold start at {counted} functions: first tick, whole"), &ms(tick), None);
    }
}

/// One invocation.
struct Tick {
    wall: Duration,
    cpu: Duration,
    calls: u64,
}

struct World {
    stub: Stub,
    clock: Clock,
    at: DateTime<Utc>,
    bootstrap: PathBuf,
    _folder: tempfile::TempDir,
}

impl World {
    fn new(bootstrap: &Path, functions: usize) -> Self {
        let stub = Stub::start(POLICY);
        let mut account = stub.account();
        for number in 0..functions {
            let name = format!("f{number:05}-handler");
            account.metrics.usually(&name, Load::of(6, 200));
            account.functions.insert(name, Function::of(512));
        }
        drop(account);
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::unhurried(folder.path());
        World { stub, at: clock.at(), clock, bootstrap: bootstrap.to_path_buf(), _folder: folder }
    }

    fn start(&self) -> Sandbox {
        Sandbox::start(&[], &self.bootstrap, &Stub::environment(self.stub.address), Some(&self.clock))
    }

    /// A minute later, and what the schedule sends then.
    fn next(&mut self) -> serde_json::Value {
        self.at += TimeDelta::minutes(1);
        self.clock.stop(self.at);
        json!({ "tick": self.at.format("%Y-%m-%dT%H:%M:%SZ").to_string() })
    }

    fn tick(&mut self, guard: &mut Sandbox) -> Tick {
        let event = self.next();
        let before = cpu(guard.pid());
        let (answer, wall) = guard.invoke(&event);
        let cpu = cpu(guard.pid()) - before;
        let line = answer.ok();
        Tick { wall, cpu, calls: line["own_calls"].as_u64().unwrap() }
    }

    fn ticks(&mut self, guard: &mut Sandbox, count: usize, what: &str) {
        for done in 1..=count {
            // Progress for a person, and one line in a log.
            if std::io::stderr().is_terminal() {
                eprint!("\r{what}: tick {done} of {count} ");
            }
            self.tick(guard);
        }
        eprintln!("{what}: {count} ticks");
    }

    /// A tick that does not wait for the pace of the one before, as a minute lies between them in production.
    fn rested_tick(&mut self, guard: &mut Sandbox) -> Tick {
        std::thread::sleep(Duration::from_millis(1100));
        self.tick(guard)
    }

    /// 500 functions at a hundred times their load, from this minute on.
    fn flood(&self) {
        let mut account = self.stub.account();
        let names: Vec<String> = account.functions.keys().take(500).cloned().collect();
        for minute in 0..60 {
            for name in &names {
                account.metrics.at(name, self.at.timestamp() / 60 + minute, Load::of(6_000, 2_000));
            }
        }
    }
}

/// CPU time of a process so far ("/proc/PID/schedstat": nanoseconds on a core come first).
fn cpu(pid: u32) -> Duration {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).unwrap().flatten();
    let spent = tasks.filter_map(|task| {
        let text = fs::read_to_string(task.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(spent.sum())
}

/// The peak of resident memory so far, in KiB ("VmHWM", proc(5)).
fn peak_kib(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn median(times: impl Iterator<Item = Duration>) -> Duration {
    let mut times: Vec<Duration> = times.collect();
    times.sort_unstable();
    times[times.len() / 2]
}

fn ms(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

fn thousands(number: usize) -> String {
    if number < 1000 { number.to_string() } else { format!("{},{:03}", number / 1000, number % 1000) }
}

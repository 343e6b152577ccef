//! Instructions instead of times: what a change costs is seen on a busy machine too. `cargo bench -p e2e --bench
//! instructions`, or with all other benchmarks `cargo bench --workspace`; needs valgrind, and says so where it is missing.
//!
//! Counts are compared with those in `instructions.csv` beside this file, which `-- --save` writes anew. They depend on
//! the compiler and the C library, hardly on the machine.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a benchmark's report")]

#[path = "../../../guard-core/benches/account/mod.rs"]
mod account;

use std::collections::BTreeMap;
use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use chrono::TimeDelta;
use e2e::clock::Clock;
use e2e::sandbox::Sandbox;
use e2e::stub::{Function, Load, Stub};
use e2e::tools;
use guard_core::time::Minute;
use serde_json::json;

/// What counts: callgrind, whose profile nobody reads.
const VALGRIND: [&str; 3] = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"];

const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/instructions.csv");

/// Ticks of a measured run beyond those of the run that is taken off it.
const TICKS: u64 = 20;

/// Functions of the core's and the Lambda's accounts.
const FUNCTIONS: usize = 1000;

fn main() {
    let words: Vec<String> = std::env::args().collect();
    if let Some(ticks) = words.iter().find_map(|word| word.strip_prefix("--ticks=")) {
        return core(ticks.parse().unwrap());
    }
    if !Command::new("valgrind").arg("--version").output().is_ok_and(|said| said.status.success()) {
        println!("valgrind is not installed: instructions are not counted");
        return;
    }
    let itself = std::env::current_exe().unwrap();
    let core = |ticks: u64| counted(&itself, &[&format!("--ticks={ticks}")]);
    let lab = tools::shipped("simulator", "dowsim");
    let guard = tools::shipped("guard-fn", "guard-fn");
    let found = [
        ("core: a full tick at 1,000 functions", (core(TICKS) - core(0)) / TICKS),
        ("simulator: dowsim replay blast", counted(&lab, &["replay", "blast"])),
        ("Lambda: a cold start and its first tick", lambda(&guard, 1)),
        ("Lambda: an idle tick at 1,000 functions", (lambda(&guard, 1 + TICKS) - lambda(&guard, 1)) / TICKS),
    ];
    let kept = kept();
    println!("\n| instructions, in millions | now | kept | change |\n|---|--:|--:|--:|");
    for (what, now) in found {
        let before = kept.get(what).copied();
        let (text, change) =
            before.map_or_else(Default::default, |before| (millions(before), percent(now, before)));
        println!("| {what} | {} | {text} | {change} |", millions(now));
    }
    if words.iter().any(|word| word == "--save") {
        let lines: String = found.iter().map(|(what, now)| format!("\"{what}\",{now}\n")).collect();
        fs::write(KEPT, format!("what,instructions\n{lines}")).unwrap();
    }
}

/// The work of the core that is counted.
fn core(ticks: i64) {
    let roster = account::roster(FUNCTIONS);
    let mut state = account::warmed(&roster);
    let now = Minute::of(account::at());
    for tick in 0..ticks {
        let seen = account::look(&roster, now.plus(tick));
        let _plan = black_box(guard_core::tick(&roster, &mut state, &seen));
    }
}

/// A life of so many ticks of a bootstrap.
fn lambda(bootstrap: &Path, ticks: u64) -> u64 {
    let stub = Stub::start("[[budget]]\nname = \"day\"\nperiod = \"day\"\nusd = 600\nmode = \"cap\"\n");
    for number in 0..FUNCTIONS {
        let name = format!("f{number:05}-handler");
        let mut account = stub.account();
        account.metrics.usually(&name, Load::of(6, 200));
        account.functions.insert(name, Function::of(512));
    }
    let folder = tempfile::tempdir().unwrap();
    let mut clock = Clock::unhurried(folder.path());
    let start = clock.at();
    clock.stop(start);
    let environment = Stub::environment(stub.address);
    let mut guard = Sandbox::start(&VALGRIND, bootstrap, &environment, Some(&clock));
    for tick in 0..ticks {
        let at = start + TimeDelta::minutes(i64::try_from(tick).unwrap());
        clock.stop(at);
        guard.invoke(&json!({ "tick": at.format("%Y-%m-%dT%H:%M:%SZ").to_string() })).0.ok();
        std::thread::sleep(Duration::from_millis(1100));
    }
    collected(&guard.end())
}

/// Instructions of a run of a program.
fn counted(program: &Path, words: &[&str]) -> u64 {
    let run = Command::new(VALGRIND[0]).args(&VALGRIND[1..]).arg(program).args(words).output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    collected(&String::from_utf8_lossy(&run.stderr))
}

/// `==1234== Collected : 5678`.
fn collected(said: &str) -> u64 {
    let count = said.lines().find_map(|line| line.split_once("Collected : "));
    count.and_then(|(_, count)| count.trim().parse().ok()).unwrap_or_else(|| panic!("no count:\n{said}"))
}

fn kept() -> BTreeMap<String, u64> {
    let text = fs::read_to_string(KEPT).unwrap_or_default();
    let lines = text.lines().skip(1).filter_map(|line| line.rsplit_once(','));
    lines.filter_map(|(what, count)| Some((what.trim_matches('"').to_owned(), count.parse().ok()?))).collect()
}

#[expect(clippy::cast_precision_loss, reason = "shown with one digit")]
fn millions(count: u64) -> String {
    format!("{:.1}", count as f64 / 1e6)
}

#[expect(clippy::cast_precision_loss, reason = "shown with one digit")]
fn percent(now: u64, before: u64) -> String {
    format!("{:+.1} %", 100.0 * (now as f64 / before as f64 - 1.0))
}

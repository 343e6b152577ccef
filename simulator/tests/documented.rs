//! What the texts tell people to type is run here, or named with the reason why it is not. A command that is in
//! neither list fails. Those of the guard's own program: guard-fn/tests/documented.rs.

#![expect(clippy::unwrap_used, reason = "a test's own helpers may fail it")]

#[path = "../../tests/documented/commands.rs"]
mod commands;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use clap::Parser;
use simulator::cli::Cli;

/// Commands of `dowsim` that take minutes: their arguments are read here, and their own tests run shorter ones.
const TOO_LONG: [&str; 4] =
    ["dowsim scorecard", "dowsim field", "dowsim sweep botnet-flood", "dowsim compare botnet-flood"];

/// Commands that are not run here, by how they begin, and why.
const NOT_HERE: &[(&str, &str)] = &[
    (".ci/run", "runs this test"),
    ("aws lambda invoke", "asks AWS; guard-fn/tests/documented.rs reads its payload as the guard does"),
    (
        "aws lambda delete-function-concurrency",
        "asks AWS; guard-fn/src/aws/lambda has tests of the same call",
    ),
    (
        "aws lambda put-function-concurrency",
        "asks AWS; the message that carries it is a snapshot of guard-fn/tests/alerts",
    ),
    ("cargo +nightly fuzz run", "needs a nightly tool chain, and runs for as long as it is told"),
    ("cargo bench", "takes minutes, and says nothing on a busy machine"),
    ("cargo build", "builds what the other tests build"),
    ("cargo insta", "asks a person about every change"),
    ("cargo mutants", "takes hours"),
    ("cargo run --release", "the release build of what is run here: README.md's output is compared below"),
    ("cargo run --locked -p guard-fn", "guard-fn/tests/documented.rs runs it"),
    ("cargo test", "runs this test"),
    ("guard ", "asks AWS; guard-fn/tests/documented.rs reads its payload as the guard does"),
    ("guard() {", "asks AWS; infra/tests/test_steps.py runs the same"),
    ("guard-fn ", "guard-fn/tests/documented.rs runs it"),
    ("perf record", "needs perf"),
    ("python3 tests/minutes.py", "runs this test"),
    ("python3 docs/", "writes into the tree; infra/tests/test_documents.py writes the same and compares"),
    (
        "python3 infra/",
        "tests/e2e/tests/infra.rs runs the checks of infra, and infra/tests compares what the others write",
    ),
    ("fuzz/run", "runs for as long as it is told; simulator/tests/readers keeps the same promises"),
];

fn dowsim(words: &[String], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dowsim"))
        .args(words)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// A folder with the files that the texts speak of.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    for (name, from) in [
        ("access.log", "combined.log"),
        ("template.yaml", "inventory/shop.yaml"),
        ("functions.json", "inventory/list-functions.json"),
    ] {
        fs::copy(fixtures.join(from), folder.path().join(name)).unwrap();
    }
    fs::write(folder.path().join("mine.toml"), commands::block_of_readme("toml")).unwrap();
    fs::create_dir(folder.path().join("target")).unwrap();
    folder
}

#[test]
fn every_command_of_the_texts_is_run_or_says_why_not() {
    let folder = folder();
    let found = commands::all();
    assert!(found.len() > 30, "{found:?}");
    let mut strangers = BTreeSet::new();
    let mut run = BTreeMap::new();
    for documented in &found {
        // The simulator under its other name.
        let command = match documented.command.strip_prefix("cargo run --release --locked -- ") {
            Some(words) => format!("dowsim {words}"),
            None => documented.command.clone(),
        };
        if command.starts_with("dowsim ") {
            run.insert(command, &documented.file);
        } else if !NOT_HERE.iter().any(|(begin, _)| command.starts_with(begin)) {
            strangers.insert(documented);
        }
    }
    assert_eq!(strangers, BTreeSet::new(), "neither run nor listed");
    assert!(run.len() > 10, "{run:?}");
    for (command, file) in run {
        let words = commands::words(&command);
        if let Err(error) = Cli::try_parse_from(&words) {
            panic!("{file}: {command}\n{error}");
        }
        if TOO_LONG.iter().any(|begin| command.starts_with(begin)) {
            continue;
        }
        let output = dowsim(&words[1..], folder.path());
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{file}: {command}\n{error}");
        assert!(!output.stdout.is_empty(), "{file}: {command}\n{error}");
    }
}

#[test]
fn no_reason_is_left_of_a_command_that_is_gone() {
    let found = commands::all();
    let used = |begin: &str| found.iter().any(|one| one.command.starts_with(begin));
    let reasons = NOT_HERE.iter().map(|(begin, _)| *begin).chain(TOO_LONG);
    assert_eq!(reasons.filter(|begin| !used(begin)).collect::<Vec<_>>(), Vec::<&str>::new());
}

#[test]
fn the_main_job_prints_what_the_readme_shows_and_the_picture_is_drawn_from_it() {
    let folder = folder();
    let words = ["replay", "botnet-flood", "--csv", "all.csv"].map(str::to_owned);
    let output = dowsim(&words, folder.path());
    assert_eq!(output.status.code(), Some(0));
    let printed = String::from_utf8(output.stdout).unwrap();
    let shown = commands::block_of_readme("text");
    assert!(
        shown.lines().count() > 5 && printed.contains(&shown),
        "README.md shows\n{shown}but it is\n{printed}"
    );

    let table = fs::read_to_string(folder.path().join("all.csv")).unwrap();
    let data = fs::read_to_string(commands::root().join("docs/attack-data.csv")).unwrap();
    let (table, columns) = (rows(&table), data.lines().next().unwrap().split(','));
    let columns: Vec<&str> = columns.collect();
    let last = table.iter().map(|row| row["minute"].parse::<u32>().unwrap()).max().unwrap();
    let due = table.iter().filter(|row| {
        let minute: u32 = row["minute"].parse().unwrap();
        minute.is_multiple_of(4) || minute == last
    });
    let due: Vec<String> =
        due.map(|row| columns.iter().map(|column| row[*column]).collect::<Vec<_>>().join(",")).collect();
    let again = "run: dowsim replay botnet-flood --csv target/botnet-flood.csv; \
                 python3 docs/attack.py target/botnet-flood.csv";
    assert!(due.len() > 500, "{}", due.len());
    assert_eq!(data.lines().skip(1).collect::<Vec<_>>(), due, "{again}");
}

/// The rows of a table by the names of its columns.
fn rows(table: &str) -> Vec<BTreeMap<&str, &str>> {
    let mut lines = table.lines();
    let columns: Vec<&str> = lines.next().unwrap().split(',').collect();
    lines.map(|line| columns.iter().copied().zip(line.split(',')).collect()).collect()
}

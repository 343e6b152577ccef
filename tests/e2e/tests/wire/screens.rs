//! What each command of the guard's own command line answers where AWS does not: the first line of each stream and the
//! exit code, as a table that people read. Nothing unknown may read as zero, as fine, or as nothing to do.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use chrono::{DateTime, Utc};
use e2e::aws::{REGION, credentials};
use e2e::clock::Clock;
use e2e::proxy::{Fault, Proxy};
use e2e::stub::{Function, Load, Stub};
use e2e::tools;
use tempfile::TempDir;

const POLICY: &str = r#"
armed = true
[[budget]]
name = "day"
period = "day"
usd = 15
mode = "cap"
"#;

const COMMANDS: [&str; 10] = [
    "plan",
    "once",
    "status",
    "exposure",
    "bound",
    "explain orders",
    "release orders --apply",
    "hold orders 120 --apply",
    "cap orders 5 --apply",
    "self-test",
];

/// Longer than any test.
const ALWAYS: usize = usize::MAX;

/// What AWS says of a table that it does not have.
const NO_TABLE: Fault = Fault::Refused { status: 400, code: "ResourceNotFoundException" };

/// What a person may run into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Situation {
    Well,
    NoCredentials,
    Expired,
    ExpiredLater,
    Denied,
    ListDenied,
    MetricsDenied,
    Throttled,
    NoSuchFunction,
    NoSuchTable,
    EmptyTable,
    WrongRegion,
    AnotherRegionLater,
    Misspelt,
    TimeOut,
}

impl Situation {
    const ALL: [(Situation, &'static str); 15] = [
        (Situation::Well, "all is well"),
        (Situation::NoCredentials, "no credentials"),
        (Situation::Expired, "expired token"),
        (Situation::ExpiredLater, "expired token, with a memory"),
        (Situation::Denied, "everything denied"),
        (Situation::ListDenied, "list of functions denied"),
        (Situation::MetricsDenied, "metrics denied"),
        (Situation::Throttled, "throttled"),
        (Situation::NoSuchFunction, "no such function (ordres)"),
        (Situation::NoSuchTable, "no such table (dow-gaurd)"),
        (Situation::EmptyTable, "a table without this guard"),
        (Situation::WrongRegion, "a region without functions"),
        (Situation::AnotherRegionLater, "another region than the memory's"),
        (Situation::Misspelt, "no region of AWS (eu-centrla-1)"),
        (Situation::TimeOut, "time-out"),
    ];

    /// Calls that fail, and how.
    fn fault(self) -> Option<(&'static str, Fault)> {
        Some(match self {
            Situation::Expired | Situation::ExpiredLater => ("*", Fault::EXPIRED),
            Situation::Denied => ("*", Fault::DENIED),
            Situation::ListDenied => ("lambda:ListFunctions", Fault::DENIED),
            Situation::MetricsDenied => ("monitoring:GetMetricData", Fault::DENIED),
            Situation::Throttled => ("*", Fault::THROTTLED),
            Situation::NoSuchTable => ("dynamodb:GetItem", NO_TABLE),
            Situation::TimeOut => ("*", Fault::Hang),
            _ => return None,
        })
    }

    /// What is typed besides the command.
    fn arguments(self) -> &'static [&'static str] {
        match self {
            Situation::WrongRegion | Situation::AnotherRegionLater => &["--region", "us-west-2"],
            Situation::Misspelt => &["--region", "eu-centrla-1"],
            Situation::NoSuchTable => &["--table", "dow-gaurd"],
            Situation::EmptyTable => &["--table", "dow-guard"],
            _ => &[],
        }
    }

    /// Whether the guard looked before from the same folder, when all was well.
    fn has_memory(self) -> bool {
        matches!(self, Situation::ExpiredLater | Situation::AnotherRegionLater)
    }
}

/// What a command answered.
struct Answer {
    code: i32,
    output: String,
    error: String,
    /// Changes that it made to the account.
    changes: usize,
}

/// An engineer's folder with a policy, in front of an account with two functions.
struct Laptop {
    folder: TempDir,
    clock: Clock,
    stub: Stub,
    proxy: Proxy,
}

impl Laptop {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("dow-guard.toml"), POLICY).unwrap();
        let mut clock = Clock::of_stub(folder.path());
        clock.stop(noon());
        let stub = Stub::start(POLICY);
        let proxy = Proxy::start(stub.address, &clock);
        Laptop { folder, clock, stub, proxy }
    }

    fn inhabited(self) -> Self {
        let mut account = self.stub.account();
        for name in ["api", "orders"] {
            account.metrics.usually(name, Load::of(60, 200));
            account.functions.insert(name.to_owned(), Function::of(1024));
        }
        drop(account);
        self
    }

    fn ask(&self, words: &[&str], has_credentials: bool) -> Answer {
        let mut guard = Command::new(tools::guard());
        guard
            .args(words)
            .current_dir(self.folder.path())
            .env_clear()
            .env("HOME", self.folder.path())
            .env("AWS_ENDPOINT_URL", format!("http://{}", self.proxy.address))
            .envs(self.clock.environment())
            .stdin(Stdio::null());
        let secrets = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];
        guard.envs(credentials().into_iter().filter(|(name, _)| has_credentials || !secrets.contains(name)));
        let done = guard.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Answer {
            code: done.status.code().unwrap(),
            output: text(done.stdout),
            error: text(done.stderr),
            changes: 0,
        }
    }
}

fn noon() -> DateTime<Utc> {
    "2026-11-23T12:00:00Z".parse().unwrap()
}

/// What a command answers in a situation, each from a folder of its own.
fn answer(command: &str, situation: Situation) -> Answer {
    let laptop = Laptop::new();
    let laptop = if situation == Situation::WrongRegion { laptop } else { laptop.inhabited() };
    if situation.has_memory() {
        let well = laptop.ask(&["once"], true);
        assert_eq!(well.code, 0, "{}", well.error);
    }
    if let Some((operation, fault)) = situation.fault() {
        laptop.proxy.fail(operation, ALWAYS, fault);
    }
    let command = if situation == Situation::NoSuchFunction {
        command.replace("orders", "ordres")
    } else {
        command.to_owned()
    };
    let words: Vec<&str> = command.split(' ').chain(situation.arguments().iter().copied()).collect();
    let answer = laptop.ask(&words, situation != Situation::NoCredentials);
    Answer { changes: laptop.stub.account().changes.len(), ..answer }
}

fn first(text: &str) -> &str {
    text.lines().next().unwrap_or("")
}

/// Whether a situation leaves a command without what it needs, so that its answer is partial at best.
fn is_blind(command: &str, situation: Situation) -> bool {
    let reads_metrics = ["plan", "once", "explain", "self-test"].iter().any(|name| command.starts_with(name));
    let is_order = ["release", "hold", "cap"].iter().any(|name| command.starts_with(name));
    // The memory of a guard that runs here is a file.
    let is_remembered = command == "status";
    match situation {
        Situation::Well | Situation::NoSuchFunction | Situation::WrongRegion => false,
        Situation::AnotherRegionLater | Situation::EmptyTable => false,
        Situation::Misspelt | Situation::NoSuchTable => true,
        Situation::MetricsDenied => reads_metrics,
        // Done, or refused, by what AWS and the memory say of the function itself.
        Situation::ListDenied | Situation::ExpiredLater if is_order => false,
        Situation::ListDenied => !is_remembered && !command.starts_with("explain"),
        _ => !is_remembered,
    }
}

#[test]
fn what_each_command_answers_where_aws_does_not() {
    let cells: Vec<(&str, Situation)> = COMMANDS
        .into_iter()
        .flat_map(|command| Situation::ALL.into_iter().map(move |(situation, _)| (command, situation)))
        .collect();
    let answers: Vec<Answer> = std::thread::scope(|scope| {
        let rows: Vec<_> = cells
            .chunks(Situation::ALL.len())
            .map(|row| {
                scope.spawn(move || -> Vec<Answer> {
                    row.iter().map(|(command, situation)| answer(command, *situation)).collect()
                })
            })
            .collect();
        rows.into_iter().flat_map(|row| row.join().unwrap()).collect()
    });
    let mut table = String::new();
    for ((command, situation), answer) in cells.iter().zip(&answers) {
        let name = Situation::ALL.iter().find(|(known, _)| known == situation).unwrap().1;
        if *situation == Situation::Well {
            writeln!(table, "{}guard-fn {command}", if table.is_empty() { "" } else { "\n" }).unwrap();
        }
        writeln!(table, "  {name}: {}", answer.code).unwrap();
        for (mark, text) in [('!', &answer.error), ('>', &answer.output)] {
            if !text.is_empty() {
                writeln!(table, "    {mark} {}", first(text)).unwrap();
            }
        }
    }
    insta::assert_snapshot!(table);
    for ((command, situation), answer) in cells.iter().zip(&answers) {
        let is_capped = command.starts_with("cap") && answer.code == 0;
        assert_eq!(answer.changes, usize::from(is_capped), "{command}, {situation:?}: {}", answer.output);
        if !is_blind(command, *situation) {
            continue;
        }
        let said = format!("{}{}", answer.error, answer.output);
        let what = format!("{command}, {situation:?}, exit code {}:\n{said}", answer.code);
        assert_ne!(answer.code, 0, "{what}");
        if situation.has_memory() && ["exposure", "bound"].contains(command) {
            assert!(said.contains("rests on the list of functions of 2026-11-23 12:00"), "{what}");
            continue;
        }
        for calm in
            ["$0.00 ", "$0.00\n", " fine", "Nothing to do.\n", "no function \"", " 0 functions", "as usual"]
        {
            assert!(!said.contains(calm), "{calm:?} although nothing was read: {what}");
        }
        assert!(!answer.error.is_empty() || command == &"self-test", "{what}");
    }
}

/// The region asked for is the region answered, whatever was asked from the same folder before.
#[test]
fn a_memory_of_one_region_is_no_answer_about_another() {
    let laptop = Laptop::new().inhabited();
    for region in [REGION, "us-west-2", "ap-south-1"] {
        let once = laptop.ask(&["once", "--region", region], true);
        assert_eq!(once.code, 0, "{}", once.error);
        let exposure = laptop.ask(&["exposure", "--region", region], true);
        assert!(exposure.output.contains(region), "asked for {region}:\n{}", exposure.output);
    }
    let states: Vec<String> = names(laptop.folder.path());
    let one = states.iter().find(|name| name.contains("us-west-2")).unwrap();
    let mixed = laptop.ask(&["exposure", "--region", REGION, "--state", one], true);
    assert_eq!((mixed.code, mixed.output.as_str()), (5, ""));
    assert!(mixed.error.contains("us-west-2") && mixed.error.contains(REGION), "{}", mixed.error);
}

/// The names in a folder.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

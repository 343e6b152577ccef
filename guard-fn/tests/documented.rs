//! What the texts tell people to type at the guard is tried here: its command line with the built binary, its payloads
//! as the Lambda reads them. All other commands: simulator/tests/documented.rs.

#![expect(clippy::unwrap_used, reason = "a test's own helpers may fail it")]

#[path = "../../tests/documented/commands.rs"]
mod commands;

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use chrono::{DateTime, TimeDelta};
use guard_fn::wake::{self, Limits, Wake};

/// Runs the binary without AWS: no credentials, no region, no home.
fn guard(words: &[String], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_guard-fn"))
        .args(words)
        .current_dir(folder)
        .env_clear()
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// Commands as `guard-fn …`, however the texts start the program.
fn command_lines() -> Vec<String> {
    let all = commands::all().into_iter().map(|one| one.command);
    let ours = all.filter_map(|command| {
        let words =
            command.strip_prefix("guard-fn ").or(command.strip_prefix("cargo run --locked -p guard-fn -- "));
        words.map(str::to_owned)
    });
    ours.collect()
}

#[test]
fn every_policy_command_of_the_texts_succeeds() {
    let folder = tempfile::tempdir().unwrap();
    let policies = folder.path().join("infra/policy");
    fs::create_dir_all(&policies).unwrap();
    for name in ["minimal.toml", "complete.toml"] {
        fs::copy(commands::root().join("infra/policy").join(name), policies.join(name)).unwrap();
    }
    fs::write(folder.path().join("mine.toml"), commands::block_of_readme("toml")).unwrap();
    let policy: Vec<String> =
        command_lines().into_iter().filter(|line| line.starts_with("policy ")).collect();
    assert!(policy.len() >= 2, "{policy:?}");
    for line in policy {
        let output = guard(&commands::words(&line), folder.path());
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "guard-fn {line}\n{error}");
        assert!(!output.stdout.is_empty(), "guard-fn {line}");
    }
}

/// The others ask AWS. Where there is no policy they end with 4 before that; with the policy of a table, for want of a
/// region. A wrong argument ends with 2 too, and with other words.
#[test]
fn every_other_command_of_the_texts_is_one_that_the_program_knows() {
    let folder = tempfile::tempdir().unwrap();
    let others: Vec<String> =
        command_lines().into_iter().filter(|line| !line.starts_with("policy ")).collect();
    assert!(others.len() > 5, "{others:?}");
    for line in others {
        let output = guard(&commands::words(&line), folder.path());
        let error = String::from_utf8_lossy(&output.stderr);
        let has_policy = line.contains(" --table ") && !line.contains(" --policy ");
        let (code, words) = if has_policy { (2, "no AWS region") } else { (4, ".toml: cannot read: ") };
        assert_eq!(output.status.code(), Some(code), "guard-fn {line}\n{error}");
        assert!(error.contains(words), "guard-fn {line}\n{error}");
    }
}

/// The words in backquotes of a text that are long enough to be a test's name.
fn tests_named_in(text: &str) -> Vec<&str> {
    let quoted = text.split('`').skip(1).step_by(2);
    let is_name = |word: &&str| {
        word.matches('_').count() > 3
            && word.chars().all(|letter| letter == '_' || letter.is_ascii_alphanumeric())
    };
    quoted.filter(is_name).collect()
}

/// All that is in files of tests and beside tests, which is where their names are.
fn sources(folder: &Path, all: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            sources(&path, all);
        } else if name.ends_with(".rs") || name.ends_with(".py") {
            all.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn every_test_that_the_threat_model_relies_on_exists() {
    let text = fs::read_to_string(commands::root().join("docs/threat-model.md")).unwrap();
    let named = tests_named_in(&text);
    assert!(named.len() > 15, "{named:?}");
    let mut all = String::new();
    for folder in ["guard-core", "guard-fn", "tests", "infra"] {
        sources(&commands::root().join(folder), &mut all);
    }
    let is_defined = |name: &&str| {
        ["fn ", "def "].iter().any(|word| all.contains(&format!("{word}{name}(")))
            || all.contains(&format!("\n    {name}: \""))
    };
    let missing: Vec<&&str> = named.iter().filter(|name| !is_defined(name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    // Each row of a table names one, or says that nothing holds it.
    let rows = text.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| who"));
    let bare: Vec<&str> = rows
        .filter(|row| {
            !row.starts_with("| permission") && !row.contains("nothing yet") && tests_named_in(row).is_empty()
        })
        .filter(|row| !row.contains("the same"))
        .collect();
    assert!(bare.is_empty(), "{bare:#?}");
}

#[test]
fn every_payload_of_the_texts_is_one_that_the_guard_understands() {
    let now = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
    let limits = Limits::for_period(TimeDelta::minutes(1));
    let mut orders = 0;
    let mut payloads = 0;
    for one in commands::all() {
        let words = commands::words(&one.command);
        let asks = words[0] == "guard" || one.command.starts_with("aws lambda invoke");
        let Some(payload) = words.iter().find(|word| asks && word.starts_with('{')) else { continue };
        let payload: serde_json::Value = serde_json::from_str(payload).unwrap();
        let wake = wake::recognise(&payload, now, &limits)
            .unwrap_or_else(|error| panic!("{}: {}: {error}", one.file, one.command));
        payloads += 1;
        orders += u32::from(matches!(wake, Wake::Operator(_)));
    }
    assert!(payloads > 6 && orders > 2, "{payloads} payloads, {orders} orders");
}

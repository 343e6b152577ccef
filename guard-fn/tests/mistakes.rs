//! The mistakes of a tired person, and what the program says to each: texts that people read, kept as a snapshot.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// Runs the binary without AWS: no credentials, no home.
fn ask(words: &[&str], folder: &Path, input: &[u8]) -> (i32, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_guard-fn"))
        .args(words)
        .current_dir(folder)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let done = child.wait_with_output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (done.status.code().unwrap(), text(&done.stderr) + &text(&done.stdout))
}

/// A budget with one of its lines replaced.
fn budget(line: &str) -> String {
    let key = line.split([' ', '=']).next().unwrap();
    let mut text = "[[budget]]\n".to_owned();
    for own in ["name = \"day\"", "period = \"day\"", "usd = 15"] {
        let own = if own.split(' ').next() == Some(key) { line } else { own };
        writeln!(text, "{own}").unwrap();
    }
    if !["name", "period", "usd"].contains(&key) {
        writeln!(text, "{line}").unwrap();
    }
    text
}

#[test]
fn every_mistake_in_a_policy_is_named_with_its_place_and_what_is_accepted() {
    let utf16 = |text: &str| -> Vec<u8> {
        [0xFEFF].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
    };
    let two = |first: &str, second: &str| budget(first) + &budget(second);
    let mistakes: Vec<(&str, Vec<u8>)> = [
        ("a period in the form of an adverb", budget("period = \"daily\"")),
        ("two points", budget("usd = 400.00.0")),
        ("thousands separators", budget("usd = 1,000")),
        ("a sign of a currency", budget("usd = $15")),
        ("a negative amount", budget("usd = -15")),
        ("the same name twice", two("name = \"day\"", "usd = 20")),
        ("the same key twice", format!("{}usd = 20\n", budget("usd = 15"))),
        ("a single bracket", budget("usd = 15").replace("[[budget]]", "[budget]")),
        ("the plural", budget("usd = 15").replace("[[budget]]", "[[budgets]]")),
        ("a key of the top behind a budget", budget("armed = true")),
        ("another key of the top behind a budget", budget("protected = [\"login\"]")),
        ("a table of the top inside a budget", budget("release = { calm_min = 5 }")),
        ("yes", format!("armed = yes\n{}", budget("usd = 15"))),
        ("quotes of a word processor", budget("name = \u{201c}day\u{201d}")),
        ("a scope that is a text", budget("scope = \"thumbnails-*\"")),
        ("a scope that is a list", budget("scope = [\"a\", \"b\"]")),
        ("a part for a percentage", budget("thresholds_percent = [0.5]")),
        ("a percentage beyond the range", budget("thresholds_percent = [2000]")),
        ("percentages that fall", budget("thresholds_percent = [90, 50]")),
        ("a misspelt time zone", format!("timezone = \"Europe/Berln\"\n{}", budget("usd = 15"))),
        ("JSON", "{ \"budget\": [{ \"name\": \"day\" }] }".to_owned()),
        ("YAML", "budget:\n  - name: day\n    usd: 15\n".to_owned()),
        ("a missing amount", budget("usd = 15").replace("usd = 15\n", "")),
        ("an empty file", String::new()),
        ("armed, and every budget only alerts", format!("armed = true\n{}", budget("mode = \"alert\""))),
        ("a mode that acts, and not armed", budget("mode = \"cap\"")),
    ]
    .into_iter()
    .map(|(what, text)| (what, text.into_bytes()))
    .chain([("UTF-16", utf16(&budget("usd = 15")))])
    .collect();
    let folder = tempfile::tempdir().unwrap();
    let mut told = String::new();
    for (what, text) in &mistakes {
        let (code, said) = ask(&["policy", "check", "-"], folder.path(), text);
        writeln!(told, "# {what}: {code}\n{said}").unwrap();
    }
    insta::assert_snapshot!(told);
    for rust in
        ["struct ", "enum ", "map, expected", "invalid type", "literal string", "stream did not", "os error"]
    {
        assert!(!told.contains(rust), "{rust:?} means nothing to the owner of a policy");
    }
}

#[test]
fn a_policy_that_is_too_large_for_a_parameter_is_told_before_it_is_deployed() {
    let folder = tempfile::tempdir().unwrap();
    let of = |bytes: usize| {
        let text = budget("usd = 15");
        let filler = bytes - text.len() - 2;
        format!("{text}#{}\n", "x".repeat(filler))
    };
    for (bytes, told) in [(4096, ""), (4097, "4,096"), (8192, "Advanced"), (8193, "8,192")] {
        let (code, said) = ask(&["policy", "check", "-"], folder.path(), of(bytes).as_bytes());
        assert_eq!(code, 0, "{said}");
        assert_eq!(said.contains("warning"), !told.is_empty(), "{bytes}: {said}");
        assert!(said.contains(told), "{bytes}: {said}");
    }
}

#[test]
fn every_mistake_on_the_command_line_is_named_with_what_is_accepted() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mine.toml"), budget("usd = 15")).unwrap();
    std::fs::create_dir(folder.path().join("policies")).unwrap();
    let mut told = String::new();
    for line in [
        "hold orders",
        "hold orders two-hours",
        "hold orders -5",
        "cap orders -1",
        "cap orders all",
        "release",
        "exposre",
        "stat",
        "status",
        "plan --policy policies",
        "plan --policy my.toml",
        "plan --policy mine.toml",
        "plan --policy mine.toml --region frankfurt",
        "plan --policy mine.toml --region eu-centrla-1",
        "plan --policy mine.toml --region us-east-1a",
        "plan --policy mine.toml --table a --state b",
        "policy chek mine.toml",
        "policy check",
        "--vesion",
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        let (code, said) = ask(&words, folder.path(), b"");
        assert!([2, 4].contains(&code), "{line}: {code}: {said}");
        writeln!(told, "# guard-fn {line}: {code}\n{said}").unwrap();
    }
    insta::assert_snapshot!(told);
    for rust in ["invalid digit", "os error"] {
        assert!(!told.contains(rust), "{rust:?} means nothing to an operator:\n{told}");
    }
}

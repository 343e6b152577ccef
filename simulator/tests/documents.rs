//! The committed scorecard and comparison are what the commands write: whole rows of a few cheap scenarios, and sums of
//! what the files themselves say.

#![expect(clippy::unwrap_used, reason = "a test's own helpers may fail it")]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use simulator::scenarios::ALL;

/// Scenarios that are replayed here: short ones that hold and miss goals of every kind.
const CHEAP: [&str; 6] =
    ["crypto-mining", "new-function", "poison-uploads", "redos", "s3-recursion", "small-account-stop"];

fn committed(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name)).unwrap()
}

fn written(command: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_dowsim"))
        .arg(command)
        .args(CHEAP)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// All that a document says of a scenario: its rows, and its reasons with the lines that go on.
fn of(document: &str, scenario: &str) -> Vec<String> {
    let (row, reason) = (format!("| {scenario} |"), format!("- **{scenario}, "));
    let mut found = Vec::new();
    let mut goes_on = false;
    for line in document.lines() {
        goes_on = line.starts_with(&reason) || (goes_on && line.starts_with("  "));
        if goes_on || line.starts_with(&row) {
            found.push(line.to_owned());
        }
    }
    found
}

fn agrees(name: &str, command: &str, rows: usize) {
    let (committed, written) = (committed(name), written(command));
    // The command names the scenarios of its own run.
    let is_text = |line: &&str| !line.starts_with("dowsim ");
    let head = |text: &str| {
        text.split("\n| ").next().unwrap().lines().filter(is_text).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(head(&committed), head(&written), "{name}: the texts before the first table");
    for scenario in CHEAP {
        let (old, new) = (of(&committed, scenario), of(&written, scenario));
        assert!(new.len() >= rows, "{scenario}: {new:#?}");
        assert_eq!(old, new, "docs/{name} is not what `dowsim {command}` writes: write it anew");
    }
}

/// The first cells of a table's rows, and its other cells.
fn table<'a>(document: &'a str, heading: &str) -> Vec<Vec<&'a str>> {
    let after = document.split(&format!("\n## {heading}\n")).nth(1).unwrap();
    let rows = after.lines().skip_while(|line| !line.starts_with("|---")).skip(1);
    rows.take_while(|line| line.starts_with('|'))
        .map(|line| line.trim_matches('|').split('|').map(|cell| cell.trim().trim_matches('*')).collect())
        .collect()
}

#[test]
fn the_committed_scorecard_is_what_the_command_writes() {
    agrees("scorecard.md", "scorecard", 3);
}

#[test]
fn the_committed_comparison_is_what_the_command_writes() {
    agrees("against-the-field.md", "field", 4);
}

#[test]
fn both_documents_have_every_scenario_and_the_scorecards_counts_add_up() {
    let names: Vec<&str> = ALL.iter().map(|one| one.name).collect();
    let scorecard = committed("scorecard.md");
    for heading in ["Row by row", "Money and minutes", "Legitimate traffic"] {
        let rows: Vec<&str> = table(&scorecard, heading).iter().map(|row| row[0]).collect();
        assert_eq!(rows, names, "{heading}");
    }
    let verdicts = table(&scorecard, "Row by row");
    for (column, goal) in table(&scorecard, "Goals").iter().enumerate() {
        let count =
            |what: &str| verdicts.iter().filter(|row| row[column + 1].starts_with(what)).count().to_string();
        assert_eq!((goal[2], goal[3]), (count("held").as_str(), count("missed").as_str()), "{}", goal[0]);
    }
    let missed: usize = verdicts.iter().flatten().filter(|cell| cell.starts_with("missed")).count();
    assert_eq!(scorecard.matches("\n- **").count() - 6, missed, "every miss has its reason");
    let field = committed("against-the-field.md");
    for heading in ["Who is best", "Dollars", "Minutes of outage"] {
        let rows: Vec<&str> = table(&field, heading).iter().map(|row| row[0]).collect();
        assert_eq!(rows, names, "{heading}");
    }
}

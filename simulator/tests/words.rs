//! The words of the first screens: those of docs/glossary.md are ours alone, and few of them may reach a reader who is new.

#![expect(clippy::unwrap_used, reason = "a test's own helpers may fail it")]
#![expect(clippy::print_stdout, reason = "the counts are what the command of docs/glossary.md is run for")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The most of a text's words, per mille.
const MOST_PER_MILLE: usize = 20;

/// Replays of every kind of invocation and of a success.
const REPLAYS: [&str; 5] = ["botnet-flood", "sqs-retry-loop", "redos", "viral", "crypto-mining"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The first column of the glossary.
fn private() -> BTreeSet<String> {
    let text = fs::read_to_string(root().join("docs/glossary.md")).unwrap();
    let rows = text.lines().filter_map(|line| line.strip_prefix("| ")).skip(1);
    let cells = rows.filter_map(|row| row.split(" | ").next());
    cells.flat_map(|cell| cell.split(", ")).map(str::to_owned).collect()
}

/// Words of letters, in lower case.
fn words(text: &str) -> Vec<String> {
    let is_word = |c: char| c.is_alphabetic() || c == '\'' || c == '-';
    let words = text.split(|c| !is_word(c)).map(|word| word.trim_matches(['\'', '-'].as_slice()));
    words.filter(|word| word.starts_with(char::is_alphabetic)).map(str::to_lowercase).collect()
}

/// Prints the counts of a text, and returns the share of private words per mille.
fn share(name: &str, text: &str) -> usize {
    let private = private();
    assert!(private.len() > 30, "{private:?}");
    let all = words(text);
    assert!(all.len() > 1000, "{name}: {} words", all.len());
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for word in all.iter().filter(|word| private.contains(*word)) {
        *counts.entry(word).or_default() += 1;
    }
    let ours: usize = counts.values().sum();
    let per_mille = (ours * 1000).div_ceil(all.len());
    println!("{name}: {ours} of {} words, {}.{} %: {counts:?}", all.len(), per_mille / 10, per_mille % 10);
    per_mille
}

/// The e-mails of the snapshots, without commands to paste and without what only machines read.
fn mails() -> String {
    let folder = root().join("guard-core/tests/alerts/snapshots");
    let mut mails = String::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !name.contains("__wording__") && !name.ends_with("__digest.snap") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let body = text.splitn(3, "---\n").nth(2).unwrap();
        let mail = body.split("\nTo chat\n").next().unwrap();
        let is_read = |line: &&str| {
            !line.contains("  aws lambda ")
                && !["Attributes:", "To people"].iter().any(|begin| line.starts_with(begin))
        };
        mails.extend(mail.lines().filter(is_read).flat_map(|line| [line, "\n"]));
    }
    mails
}

#[test]
fn mails_speak_the_words_of_their_readers() {
    assert!(share("e-mails", &mails()) <= MOST_PER_MILLE);
}

#[test]
fn replays_speak_the_words_of_their_readers() {
    let mut screens = String::new();
    for scenario in REPLAYS {
        let output = Command::new(env!("CARGO_BIN_EXE_dowsim")).args(["replay", scenario]).output().unwrap();
        screens += &String::from_utf8(output.stdout).unwrap();
    }
    assert!(share("replays", &screens) <= MOST_PER_MILLE);
}

#[test]
fn a_word_counts_in_every_place_and_a_part_of_one_does_not() {
    assert_eq!(
        words("Burn-rate, 'burn' BURN; line's (ordinary)"),
        ["burn-rate", "burn", "burn", "line's", "ordinary"]
    );
}

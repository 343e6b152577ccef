//! The tree keeps its own rules.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && !["target", ".git", ".venv"].contains(&name.as_str()) {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn all_sources() -> Vec<(PathBuf, String)> {
    let mut paths = Vec::new();
    sources(&root(), &mut paths);
    paths.sort();
    assert!(paths.len() > 30, "the walk must have found the tree");
    paths.into_iter().map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

#[test]
fn every_source_file_says_what_it_is_for() {
    let silent: Vec<_> = all_sources()
        .into_iter()
        .filter(|(path, text)| !text.starts_with("//!") && !path.to_string_lossy().ends_with("tests.rs"))
        .map(|(path, _)| path)
        .collect();
    assert!(silent.is_empty(), "{silent:?}");
}

/// What ships, and what the tests are made with; not the tests.
fn is_production(path: &Path) -> bool {
    let name = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
    let within = name.rsplit_once("src/").map(|(_, within)| format!("/{within}"));
    name == "tests/suite/world.rs"
        || within.is_some_and(|within| !within.contains("/tests/") && !within.ends_with("/tests.rs"))
}

/// Whether a file is short, or its header says why it is one file.
fn is_readable(text: &str) -> bool {
    let header: Vec<&str> = text.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim).collect();
    let header = format!(". {}", header.join(" "));
    text.lines().count() <= 450 || header.contains(". One file because ")
}

#[test]
fn no_source_file_outgrows_its_reader() {
    let production: Vec<_> = all_sources().into_iter().filter(|(path, _)| is_production(path)).collect();
    assert!(production.len() > 200, "the walk must have found what ships: {}", production.len());
    let large: Vec<_> =
        production.iter().filter(|(_, text)| !is_readable(text)).map(|(path, _)| path).collect();
    assert!(
        large.is_empty(),
        "over 450 lines, and no sentence \"One file because …\" in its `//!`: {large:#?}"
    );
}

#[test]
fn a_long_file_needs_its_reason_in_its_header() {
    let file = |header: &str, lines: usize| format!("{header}\n{}", "fn f() {}\n".repeat(lines - 1));
    assert!(is_readable(&file("//! Short.", 450)));
    assert!(!is_readable(&file("//! Long.", 451)));
    assert!(is_readable(&file("//! Long. One file\n//! because it is one.", 450)));
    assert!(is_readable(&format!("{}{}", "//! Long. One file\n//! because it is one.\n", "\n".repeat(450))));
    assert!(!is_readable(&file("//! Long, and One file because it is one.", 451)));
    assert!(!is_readable(&file("//! Long.\n\n// One file because it is one.", 451)));
    assert!(is_production(&root().join("guard-core/src/money.rs")));
    assert!(!is_production(&root().join("guard-core/src/money/tests.rs")));
    assert!(!is_production(&root().join("guard-core/src/planner/tests/release.rs")));
}

#[test]
fn the_core_depends_on_no_runtime_no_aws_and_no_clock() {
    let manifest = fs::read_to_string(root().join("guard-core/Cargo.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    let names: Vec<&str> = manifest["dependencies"].as_table().unwrap().keys().map(String::as_str).collect();
    let known = [
        "base64",
        "chrono",
        "chrono-tz",
        "csv",
        "schemars",
        "serde",
        "serde_json",
        "strsim",
        "thiserror",
        "toml",
        "wildmatch",
    ];
    assert_eq!(names, known, "a new line here is an architecture change: see ARCHITECTURE.md, invariant 1");
    let workspace = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let chrono = workspace.lines().find(|line| line.starts_with("chrono =")).unwrap();
    assert!(chrono.contains("default-features = false") && !chrono.contains("clock\""), "{chrono}");
}

#[test]
fn every_file_of_the_core_is_named_in_the_architecture() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let mut missing = Vec::new();
    for entry in fs::read_dir(root().join("guard-core/src")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        if path.is_file() && name != "lib" && !text.contains(&format!("`{name}`")) {
            missing.push(name);
        }
    }
    assert!(missing.is_empty(), "{missing:?}");
}

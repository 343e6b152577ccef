//! Where AWS ends: which crates depend on it, and which files of the shell name its types.

use std::collections::BTreeSet;
use std::fs;

use crate::circles::{production, repository};

/// The crates that one is built or tested with, by a lock file.
fn dependencies(lock: &toml::Table, root: &str) -> BTreeSet<String> {
    let packages = lock["package"].as_array().unwrap();
    let mut found = BTreeSet::new();
    let mut next = vec![root.to_owned()];
    while let Some(name) = next.pop() {
        let here: Vec<_> =
            packages.iter().filter(|package| package["name"].as_str() == Some(&name)).collect();
        assert!(!here.is_empty(), "{name} is not in the lock file");
        for package in here {
            let names = package.get("dependencies").and_then(toml::Value::as_array).into_iter().flatten();
            for name in names.filter_map(|name| name.as_str()?.split(' ').next()) {
                if found.insert(name.to_owned()) {
                    next.push(name.to_owned());
                }
            }
        }
    }
    found
}

fn lock(path: &str) -> toml::Table {
    fs::read_to_string(repository().join(path)).unwrap().parse().unwrap()
}

fn of_aws(names: &BTreeSet<String>) -> Vec<&String> {
    names.iter().filter(|name| name.starts_with("aws-") || *name == "guard-fn").collect()
}

#[test]
fn nothing_but_the_shell_depends_on_aws() {
    let workspace = lock("Cargo.lock");
    for root in ["guard-core", "simulator", "suite", "e2e"] {
        assert_eq!(of_aws(&dependencies(&workspace, root)), Vec::<&String>::new(), "{root}");
    }
    assert_eq!(of_aws(&dependencies(&lock("fuzz/Cargo.lock"), "fuzz")), Vec::<&String>::new());
    let shell = dependencies(&workspace, "guard-fn");
    assert!(
        shell.contains("aws-sdk-lambda") && shell.contains("guard-core"),
        "the reader finds what is there"
    );
}

/// Whether a path begins in the SDK.
fn is_of_the_sdk(parts: &[String]) -> bool {
    let first = parts.iter().find(|part| !part.is_empty());
    first.is_some_and(|first| {
        ["aws_config", "aws_types"].contains(&first.as_str())
            || ["aws_sdk_", "aws_smithy_", "aws_credential_"].iter().any(|begin| first.starts_with(begin))
    })
}

fn may_name_the_sdk(file: &str) -> bool {
    ["guard-fn/src/aws.rs", "guard-fn/src/laptop/place.rs"].contains(&file)
        || file.starts_with("guard-fn/src/aws/")
}

#[test]
fn types_of_the_sdk_stop_at_its_adapters_and_the_laptops_credential_chain() {
    let (mut elsewhere, mut at_home) = (Vec::new(), BTreeSet::new());
    for (file, line, parts) in production() {
        if !is_of_the_sdk(&parts) {
            continue;
        }
        if may_name_the_sdk(&file) {
            at_home.insert(file);
        } else {
            elsewhere.push(format!("{file}:{line}: {}", parts.join("::")));
        }
    }
    assert!(elsewhere.is_empty(), "{elsewhere:#?}");
    assert!(at_home.contains("guard-fn/src/laptop/place.rs") && at_home.len() > 10, "{at_home:?}");
}

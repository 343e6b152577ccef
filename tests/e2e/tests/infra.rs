//! What a team deploys: templates, module and permissions, checked by their own checks.

use std::path::Path;
use std::process::Command;

use e2e::tools;

/// Why a check may be left out: what no package index has, and a calendar.
const ELSEWHERE: [&str; 4] = [
    "no terraform here",
    "its AWS provider cannot be had",
    "here, which README.md asks for",
    "the month is younger than the attack",
];

#[test]
fn templates_module_and_permissions_pass_their_own_checks() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let checks = Command::new("python3")
        .args(["infra/tests/run.py", "--scan"])
        // The guard that the steps of infra/README.md deploy.
        .env("E2E_GUARD", tools::guard())
        .current_dir(root)
        .output();
    let checks = checks.expect("Python 3 is on the machine: README.md");
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, error) = (said(&checks.stdout), said(&checks.stderr));
    assert!(checks.status.success(), "{out}\n{error}");
    assert!(out.contains(" checks passed, 0 failed"), "{out}\n{error}");
    let skipped = out.lines().filter(|line| line.starts_with("infra: skipped "));
    let unexcused: Vec<&str> =
        skipped.filter(|line| !ELSEWHERE.iter().any(|reason| line.contains(reason))).collect();
    assert!(unexcused.is_empty(), "left out: {unexcused:#?}");
}

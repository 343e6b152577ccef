//! What a team deploys: templates, module and permissions, checked by their own checks.

use std::path::Path;
use std::process::Command;

#[test]
fn templates_module_and_permissions_pass_their_own_checks() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let checks = Command::new("python3").args(["infra/tests/run.py", "--scan"]).current_dir(root).output();
    let checks = checks.expect("Python 3 is on the machine: README.md");
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, error) = (said(&checks.stdout), said(&checks.stderr));
    assert!(checks.status.success(), "{out}\n{error}");
    assert!(out.contains(" checks passed, 0 failed"), "{out}\n{error}");
}

//! The connection itself: everything else here and in the stories is said without TLS.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use e2e::tools;

const SERVICE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/wire/tls.py");

/// The service, gone with the test.
struct Service {
    process: Child,
    says: BufReader<ChildStdout>,
}

impl Service {
    fn start(folder: &Path) -> Self {
        let mut python = Command::new(&tools::tools().python);
        let mut process = python.arg(SERVICE).arg(folder).stdout(Stdio::piped()).spawn().unwrap();
        let says = BufReader::new(process.stdout.take().unwrap());
        Service { process, says }
    }

    fn next(&mut self) -> String {
        let mut line = String::new();
        self.says.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// `guard-fn status` over a table of that service, where only one certificate is trusted.
fn status(folder: &Path, port: &str, trusted: &str) -> Output {
    let policy = folder.join("policy.toml");
    fs::write(&policy, "").unwrap();
    let mut guard = Command::new(tools::guard());
    guard.args(["status", "--region", "eu-central-1", "--table", "guard", "--policy"]).arg(policy);
    guard
        .env("AWS_ENDPOINT_URL", format!("https://localhost:{port}"))
        .env("SSL_CERT_FILE", folder.join(trusted));
    guard.env("AWS_ACCESS_KEY_ID", "id").env("AWS_SECRET_ACCESS_KEY", "key");
    guard.output().unwrap()
}

#[test]
fn it_speaks_tls_with_whom_it_trusts_and_says_nothing_to_anybody_else() {
    let folder = tempfile::tempdir().unwrap();
    let mut service = Service::start(folder.path());
    let port = service.next();
    let refused = status(folder.path(), &port, "other.pem");
    let reason = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(5), "{reason}");
    assert!(reason.contains("invalid peer certificate"), "{reason}");
    let answered = status(folder.path(), &port, "own.pem");
    let reason = String::from_utf8(answered.stderr).unwrap();
    assert_eq!(String::from_utf8(answered.stdout).unwrap(), "");
    assert!(reason.starts_with("UNKNOWN: no tick is recorded in table guard"), "{reason}");
    // The first that was asked at all.
    assert_eq!(service.next(), "GetItem TLSv1.3");
}

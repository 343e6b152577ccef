//! AWS as somebody else sees it: boto3 in a process of its own, straight to the emulator.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;

use serde_json::{Value, json};

use crate::tools::tools;

/// The region of every story.
pub const REGION: &str = "eu-central-1";

/// A client of all services.
pub struct Aws {
    process: Child,
    pipes: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
}

impl Aws {
    /// A client for an endpoint.
    pub fn new(endpoint: SocketAddr) -> Self {
        let mut process = Command::new(&tools().python)
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/aws.py"))
            .envs(credentials())
            .env("E2E_ENDPOINT", format!("http://{endpoint}"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let pipes = (process.stdin.take().unwrap(), BufReader::new(process.stdout.take().unwrap()));
        Aws { process, pipes: Mutex::new(pipes) }
    }

    /// A call, or the code of the error.
    pub fn attempt(&self, service: &str, operation: &str, arguments: Value) -> Result<Value, String> {
        let mut pipes = self.pipes.lock().unwrap();
        let call = json!({ "service": service, "operation": operation, "arguments": arguments });
        writeln!(pipes.0, "{call}").unwrap();
        pipes.0.flush().unwrap();
        let mut line = String::new();
        pipes.1.read_line(&mut line).unwrap();
        let mut reply: Value =
            serde_json::from_str(&line).unwrap_or_else(|_| panic!("no answer to {call}: {line:?}"));
        match reply["error"].as_str() {
            Some(code) => Err(format!("{code}: {}", reply["message"])),
            None => Ok(reply["ok"].take()),
        }
    }

    /// A call that must succeed.
    pub fn call(&self, service: &str, operation: &str, arguments: Value) -> Value {
        let shown: String = arguments.to_string().chars().take(300).collect();
        self.attempt(service, operation, arguments)
            .unwrap_or_else(|error| panic!("{service}.{operation}({shown}): {error}"))
    }
}

impl Drop for Aws {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What every program of a story has in its environment instead of the machine's own access to AWS.
pub fn credentials() -> [(&'static str, &'static str); 7] {
    [
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_SESSION_TOKEN", "test"),
        ("AWS_REGION", REGION),
        ("AWS_DEFAULT_REGION", REGION),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AWS_CONFIG_FILE", "/dev/null"),
    ]
}

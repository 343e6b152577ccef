//! A Lambda execution environment: AWS's runtime interface emulator with the guard's binary in it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::clock::Clock;
use crate::http;
use crate::tools::tools;

/// What an invocation answers.
#[derive(Clone, Debug)]
pub struct Answer {
    /// 200 also where the function failed and said so.
    pub status: u16,
    /// The answer, or Lambda's words for what went wrong.
    pub body: Value,
}

impl Answer {
    /// The kind of error; `None` where the invocation succeeded.
    pub fn error(&self) -> Option<&str> {
        self.body["errorType"].as_str()
    }

    /// The answer of an invocation that must have succeeded.
    pub fn ok(self) -> Value {
        assert!(self.status == 200 && self.error().is_none(), "{self:?}");
        self.body
    }
}

/// A running environment.
pub struct Runtime {
    process: Child,
    address: SocketAddr,
    guard: Guarded,
    output: Arc<Mutex<Vec<String>>>,
}

impl Runtime {
    /// Starts a bootstrap with an environment and clocks of its own. `folder` takes its files.
    pub fn start(bootstrap: &Path, environment: &[(String, String)], clock: &Clock, folder: &Path) -> Self {
        let (address, api) = (http::free_port(), http::free_port());
        let folder = folder.join(format!("environment-{}", address.port()));
        fs::create_dir_all(&folder).unwrap();
        let pid = folder.join("pid");
        let script = folder.join("bootstrap");
        let guarded = Guarded { pid: pid.clone(), program: bootstrap.to_path_buf() };
        let guard = bootstrap.display();
        // The shell leaves its process to the guard, so that a story can kill it.
        let exports: String =
            clock.environment().iter().map(|(name, value)| format!("export {name}='{value}'\n")).collect();
        let lines = format!("#!/bin/sh\necho $$ > '{}'\n{exports}exec '{guard}'\n", pid.display());
        fs::write(&script, lines).unwrap();
        executable(&script);
        let mut process = Command::new(&tools().runtime)
            .args(["--log-level", "error", "--runtime-interface-emulator-address", &address.to_string()])
            .args(["--runtime-api-address", &api.to_string()])
            .arg(script)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let output = Arc::new(Mutex::new(Vec::new()));
        collect(process.stdout.take().unwrap(), &output);
        collect(process.stderr.take().unwrap(), &output);
        let runtime = Runtime { process, address, guard: guarded, output };
        let deadline = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(address).is_err() {
            assert!(Instant::now() < deadline, "the Lambda runtime does not start: {}", runtime.said());
            std::thread::sleep(Duration::from_millis(10));
        }
        runtime
    }

    /// Invokes the function and waits.
    pub fn invoke(&self, payload: &Value) -> Answer {
        self.try_invoke(payload).unwrap_or_else(|error| panic!("{error}\n{}", self.said()))
    }

    /// The same where the environment may die meanwhile.
    pub fn try_invoke(&self, payload: &Value) -> std::io::Result<Answer> {
        let path = "/2015-03-31/functions/function/invocations";
        let ended =
            || self.output.lock().unwrap().iter().filter(|line| line.starts_with("END RequestId")).count();
        let before = ended();
        let answer = http::post(self.address, path, payload.to_string().as_bytes())?;
        // The last lines of the log come through a pipe of their own.
        let deadline = Instant::now() + Duration::from_secs(2);
        while ended() == before && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(2));
        }
        let body = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
        Ok(Answer { status: answer.status(), body })
    }

    /// The lines of JSON on standard output so far.
    pub fn log(&self) -> Vec<Value> {
        let output = self.output.lock().unwrap();
        output.iter().filter_map(|line| serde_json::from_str(line).ok()).filter(Value::is_object).collect()
    }

    /// Everything it wrote.
    pub fn said(&self) -> String {
        self.output.lock().unwrap().join("\n")
    }

    /// What kills the guard's process at once, from anywhere.
    pub fn killer(&self) -> impl Fn() + Send + 'static {
        let guard = self.guard.clone();
        move || guard.kill()
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        self.guard.kill();
    }
}

/// The process of the guard in an environment.
#[derive(Clone)]
struct Guarded {
    pid: PathBuf,
    program: PathBuf,
}

impl Guarded {
    /// Kills it, and nobody who got its number since.
    fn kill(&self) {
        let Ok(pid) = fs::read_to_string(&self.pid) else { return };
        let pid = pid.trim();
        if fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|program| program == self.program) {
            let _ = Command::new("kill").args(["-9", pid]).stderr(Stdio::null()).status();
        }
    }
}

fn executable(script: &Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(script, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Gathers the lines of a pipe.
pub(crate) fn collect(pipe: impl std::io::Read + Send + 'static, output: &Arc<Mutex<Vec<String>>>) {
    let output = Arc::clone(output);
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            output.lock().unwrap().push(line);
        }
    });
}

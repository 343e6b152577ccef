//! An AWS of one's own: the emulator on a free port, gone when dropped.

use std::fs::File;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::aws::{REGION, credentials};
use crate::http::{self, Message};
use crate::tools::tools;

/// A running emulator.
pub struct Emulator {
    process: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Emulator {
    /// Starts one for an account with this limit of concurrent executions. `folder` takes its log and files.
    pub fn start(account_limit: u32, folder: &Path) -> Self {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let mut emulator = Emulator::spawn(account_limit, folder);
            while Instant::now() < deadline {
                let health = Message::new("GET /_ministack/health HTTP/1.1", []).with("host", "localhost");
                if http::exchange(emulator.address, &health).is_ok_and(|answer| answer.status() == 200) {
                    return emulator;
                }
                // Another process may have taken the port since it was found free.
                if emulator.process.try_wait().unwrap().is_some() {
                    break;
                }
                std::thread::sleep(Duration::from_millis(30));
            }
            let log = std::fs::read_to_string(folder.join("emulator.log")).unwrap_or_default();
            assert!(Instant::now() < deadline, "the emulator does not answer:\n{log}");
        }
    }

    fn spawn(account_limit: u32, folder: &Path) -> Self {
        let address = http::free_port();
        let log = File::create(folder.join("emulator.log")).unwrap();
        let process = Command::new(&tools().python)
            .args(["-m", "ministack"])
            .current_dir(folder)
            .envs(credentials())
            .env("AWS_ENDPOINT_URL", format!("http://{address}"))
            .env("BIND_HOST", "127.0.0.1")
            .env("GATEWAY_PORT", address.port().to_string())
            .env("LAMBDA_ACCOUNT_CONCURRENCY", account_limit.to_string())
            .env("MINISTACK_REGION", REGION)
            // Listeners on fixed ports, which several emulators would quarrel over.
            .env("IOT_MTLS_ENABLED", "0")
            .env("SFTP_ENABLED", "0")
            .env("LOG_LEVEL", "WARNING")
            .env("TMPDIR", folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        Emulator { process, address }
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

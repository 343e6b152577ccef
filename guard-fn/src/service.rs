//! The guard inside Lambda: reads the environment, connects the ports, and serves until there is nothing to serve.

use std::time::SystemTime;

use chrono::{DateTime, Utc};
use guard_core::pricing::PriceTable;

use crate::aws;
use crate::chain::chain;
use crate::config::Config;
use crate::exit_code::ExitCode;
use crate::guard::{Guard, Identity};
use crate::lambda::serve;

/// Whether this process was started by Lambda, which passes the address of its runtime API ("Lambda runtime API", read
/// 2026-11).
#[expect(clippy::disallowed_methods, reason = "Lambda says by this variable that it started the process")]
pub fn is_lambda() -> bool {
    std::env::var_os("AWS_LAMBDA_RUNTIME_API").is_some()
}

/// Serves invocations. An error at the start goes to standard error, which Lambda logs, and ends the process: Lambda
/// then reports the function as failed, and an alarm watches that.
pub fn run() -> ExitCode {
    let config = match Config::from_env() {
        Ok(config) => config,
        Err(error) => return stopped(&error, ExitCode::Usage),
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return stopped(&error, ExitCode::Internal),
    };
    runtime.block_on(async {
        let ports = aws::connect(&config).await;
        let identity = Identity {
            account: String::new(),
            region: config.region.clone(),
            function: Some(config.function.clone()),
            stage: config.stage.clone(),
            metrics: config.metrics,
        };
        let mut guard = Guard::new(ports, identity, PriceTable::embedded().clone());
        guard.keep_schedule();
        match serve(guard, now).await {
            Ok(()) => ExitCode::Success,
            Err(error) => stopped(error.as_ref(), ExitCode::Internal),
        }
    })
}

/// The current time.
#[expect(clippy::disallowed_methods, reason = "the clock of the Lambda")]
fn now() -> DateTime<Utc> {
    SystemTime::now().into()
}

#[expect(clippy::print_stderr, reason = "the last words of a process that cannot start")]
fn stopped(error: &(dyn std::error::Error + 'static), code: ExitCode) -> ExitCode {
    eprintln!("dow-guard cannot start: {}", chain(error));
    code
}

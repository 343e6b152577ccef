//! The guard on real parts: its binary in AWS's Lambda runtime interface emulator, against an AWS emulator over HTTP.
//!
//! The first run fetches the emulators from PyPI and builds the binary, under `target/`; Linux, Python 3 and a C
//! compiler must be there. Between guard and emulator sits a proxy that counts, refuses what AWS refuses, and breaks on
//! demand. Nothing here is compiled together with the guard.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

pub mod aws;
pub mod clock;
pub mod emulator;
pub mod http;
pub mod iam;
pub mod permissions;
pub mod proxy;
pub mod runtime;
pub mod sandbox;
pub mod stub;
pub mod tools;
pub mod world;

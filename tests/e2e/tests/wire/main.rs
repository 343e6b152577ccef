//! The binary that ships and everything that it says on the wire, against a stub of AWS: by the hundred, which an
//! emulator is too slow for.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test's own helpers may fail it")]

mod life;
mod permissions;
mod schedules;
mod tls;

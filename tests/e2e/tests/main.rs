//! The guard and what deploys it, on real parts. All of it is one test binary: its tests wait much and compute little, and
//! fill each other's pauses.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test's own helpers may fail it")]

mod closed_loop;
mod infra;
mod stories;
mod wire;

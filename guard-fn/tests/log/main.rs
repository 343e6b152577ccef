//! What a tick leaves in its log: metrics and one line, from plans that the core made.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "the messages of the core are tested with the rest of it")]
#[path = "../../../guard-core/tests/alerts/fixture.rs"]
mod fixture;
mod metrics;

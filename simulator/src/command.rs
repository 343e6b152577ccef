//! What `dowsim` does: one module per command.

pub mod replay;
pub mod scenarios;
pub mod trace;

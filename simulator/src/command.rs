//! What `dowsim` does: one module per command.

pub mod compare;
pub mod replay;
pub mod scenarios;
pub mod sweep;
pub mod trace;

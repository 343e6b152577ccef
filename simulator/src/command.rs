//! What `dowsim` does: one module per command.

pub mod bound;
pub mod compare;
pub mod exposure;
pub mod field;
pub mod inventory;
mod many;
pub mod replay;
pub mod scenarios;
pub mod scorecard;
mod state;
pub mod sweep;
pub mod trace;

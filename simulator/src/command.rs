//! What `dowsim` does: one module per command.

pub mod bound;
pub mod compare;
pub mod exposure;
pub mod inventory;
pub mod replay;
pub mod scenarios;
mod state;
pub mod sweep;
pub mod trace;

//! What `dowsim` does beside replaying: one module per command.

pub mod trace;

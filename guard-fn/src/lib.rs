//! The shell around `guard-core`: what touches the world does so here.

pub mod alert;
pub mod cli;
pub mod emf;
pub mod exit_code;
pub mod log_line;
mod policy_command;
pub mod wake;

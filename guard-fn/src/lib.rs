//! The shell around `guard-core`: what touches the world does so here.

pub mod cli;
pub mod exit_code;
mod policy_command;
pub mod wake;

//! The shell around `guard-core`: all contact with the outside world happens here.

pub mod aws;
pub mod calls;
mod chain;
pub mod cli;
pub mod config;
pub mod deadline;
pub mod emf;
pub mod exit_code;
pub mod guard;
pub mod lambda;
mod laptop;
pub mod local;
pub mod log_line;
pub mod memory;
mod packed;
mod policy_command;
pub mod ports;
pub mod service;
pub mod streams;
pub mod survey;
#[cfg(feature = "testing")]
pub mod testing;
pub mod wake;

//! The attack lab: replays traffic with the guard's own decision code in the loop, and prints what it decides.

pub mod bill;
pub mod cli;
pub mod decide;
pub mod exit_code;
pub mod feed;
pub mod flood;
pub mod guard_loop;
pub mod heading;
pub mod report;
pub mod trace;
pub mod workload;

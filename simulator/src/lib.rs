//! The attack lab: replays traffic with the guard's own decision code in the loop, and prints what it decides.

pub mod bill;
pub mod cli;
pub mod cloudwatch;
pub mod command;
pub mod control_plane;
pub mod decide;
pub mod exit_code;
pub mod expect;
pub mod feed;
pub mod flood;
pub mod guard_loop;
pub mod heading;
pub mod history;
pub mod invoice;
pub mod load;
pub mod pilot;
pub mod published;
pub mod replay;
pub mod report;
pub mod run;
pub mod scenario;
pub mod scenarios;
pub mod stage;
pub mod trace;
pub mod workload;
pub mod world;

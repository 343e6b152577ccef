//! The attack lab: replays traffic with the guard's own decision code in the loop, and prints what it decides.
//!
//! ```
//! use guard_core::pricing::PriceTable;
//! use simulator::load::scenario;
//! use simulator::replay::Replay;
//!
//! let loaded = scenario("blast").expect("an embedded scenario");
//! let replay = Replay::new(&loaded.request(1), PriceTable::embedded(), |_, _| ());
//! assert!(replay.findings.usd_with < replay.findings.usd_without);
//! ```

pub mod bill;
pub mod cases;
pub mod cli;
pub mod cloudwatch;
pub mod command;
pub mod compare;
pub mod control_plane;
pub mod exit_code;
pub mod expect;
pub mod failure;
pub mod field;
pub mod flood;
pub mod generate;
pub mod history;
pub mod inventory_file;
pub mod invoice;
pub mod load;
mod number;
pub mod output;
pub mod patch;
pub mod pilot;
pub mod progress;
pub mod published;
pub mod region;
pub mod replay;
pub mod report;
pub mod request;
pub mod run;
pub mod scenario;
pub mod scenarios;
pub mod scorecard;
pub mod stage;
pub mod sweep;
pub mod text;
pub mod trace;
pub mod workload;
pub mod world;

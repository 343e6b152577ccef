//! The decision of DoW Guard: what a Lambda bill costs, where it is going, and what to do about it.
//!
//! Pure: nothing here waits, reads a clock or the environment, rolls dice, logs or touches a network. Time and
//! observations arrive as arguments, decisions leave as values, each with its reason.

pub mod amplification;
pub mod baseline;
pub mod bound;
pub mod budget;
pub mod cost;
pub mod exposure;
pub mod forecast;
pub mod inventory;
pub mod ledger;
pub mod levers;
pub mod money;
pub mod name;
pub mod observation;
pub mod operator;
pub mod plan;
pub mod planner;
pub mod policy;
pub mod pricing;
pub mod report;
pub mod roster;
pub mod safety;
pub mod sampling;
pub mod settle;
pub mod state;
pub mod time;

pub use self::planner::tick;

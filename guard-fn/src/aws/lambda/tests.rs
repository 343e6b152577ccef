//! The adapter at the wire, against a control plane in memory.

mod acting;
mod plane;
mod proving;
mod surveying;

use chrono::{DateTime, TimeDelta, Utc};
use guard_core::name::{FunctionName, Region};
use guard_core::plan::{Action, Change, Reason};

use crate::survey::Survey;

/// Minutes after a certain moment.
fn minute(minutes: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_793_000_000, 0).unwrap() + TimeDelta::minutes(minutes)
}

fn nothing_known() -> Survey {
    Survey::new(Region::from("eu-central-1"))
}

fn names(names: &[&str]) -> Vec<FunctionName> {
    names.iter().map(|name| FunctionName::from(*name)).collect()
}

fn action(function: &str, change: Change) -> Action {
    Action { function: FunctionName::from(function), change, reason: Reason::Operator, budget: None }
}

fn reserve(from: Option<u32>, to: Option<u32>) -> Action {
    action("f000", Change::ReservedConcurrency { from, to })
}

//! What to look at, how often, and what looking costs: sweep, focus and census.

use serde::{Deserialize, Serialize};

use crate::name::FunctionName;

/// What the next tick should ask CloudWatch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SamplingPlan {
    /// Functions to read minute by minute.
    pub focus: Vec<FunctionName>,
    /// Whether to read one-hour points of every function: settles the ledger, refreshes baselines.
    pub census: bool,
}

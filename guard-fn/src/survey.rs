//! The account's known configuration, and since when it is known: the control plane takes 15 requests a second for the
//! whole account, so a thousand functions are read in turn and not every minute.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use guard_core::inventory::{AccountLimits, EventSourceMapping, Function, Inventory};
use guard_core::name::{FunctionName, Region};
use serde::{Deserialize, Serialize};

/// The inventory as far as it is known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Survey {
    /// Functions, limits, event sources. Complete as of `listed_at`: functions missing from it do not exist.
    pub inventory: Inventory,
    /// When all functions were listed last; `None` before the first time.
    pub listed_at: Option<DateTime<Utc>>,
    /// When a function's own settings (reserved concurrency, tags, asynchronous settings) were read last. A function
    /// missing here was listed but not read yet.
    pub read_at: BTreeMap<FunctionName, DateTime<Utc>>,
    /// When account limits were read last.
    pub account_at: Option<DateTime<Utc>>,
    /// Lists under way.
    #[serde(default)]
    pub progress: Progress,
}

/// Lists that span several ticks, and the data that decides whose turn it is. No decision rests on it; if it is lost,
/// the survey begins again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// A list of all functions, until its last page has come.
    pub functions: Option<FunctionPages>,
    /// A list of all event source mappings, until its last page has come.
    pub mappings: Option<MappingPages>,
    /// When all event source mappings were listed last.
    pub mappings_at: Option<DateTime<Utc>>,
    /// The account's number of functions when they were listed last: a different number requires a new list.
    pub counted: Option<u64>,
    /// Known functions that the last list did not have. They stay until Lambda reports them as deleted by name: a list
    /// whose pages shift skips some.
    pub unlisted: BTreeSet<FunctionName>,
    /// Mappings of functions that are not listed yet.
    pub orphans: BTreeMap<FunctionName, Vec<EventSourceMapping>>,
    /// The callers that may invoke each function, and when they and its provisioned concurrency were read last.
    pub invokers: BTreeMap<FunctionName, (DateTime<Utc>, Invokers)>,
    /// When a function could not be read: others have their turn first.
    pub failed_at: BTreeMap<FunctionName, DateTime<Utc>>,
}

/// The callers that a resource policy admits. A function without a policy admits none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invokers {
    /// Callers that wait for the answer: an API, a Function URL, a load balancer.
    pub synchronous: bool,
    /// Callers that leave an event: S3, SNS, an EventBridge rule.
    pub asynchronous: bool,
}

/// The pages of all functions so far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FunctionPages {
    /// When the list was begun.
    pub since: DateTime<Utc>,
    /// Where the next page starts.
    pub marker: Option<String>,
    /// Functions so far.
    pub listed: BTreeMap<FunctionName, Function>,
    /// How often it was begun again because pages had shifted.
    pub restarts: u8,
    /// The account's number of functions at the beginning.
    pub counted: Option<u64>,
}

/// The pages of all event source mappings so far.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MappingPages {
    /// Where the next page starts.
    pub marker: Option<String>,
    /// Mappings so far, by function.
    pub listed: BTreeMap<FunctionName, Vec<EventSourceMapping>>,
}

impl Survey {
    /// A survey without any data.
    pub fn new(region: Region) -> Self {
        Survey {
            inventory: Inventory { region, account: AccountLimits::default(), functions: Vec::new() },
            listed_at: None,
            read_at: BTreeMap::new(),
            account_at: None,
            progress: Progress::default(),
        }
    }

    /// Whether the account was ever listed in full. Before that, no decision about functions is possible.
    pub const fn is_complete(&self) -> bool {
        self.listed_at.is_some()
    }
}

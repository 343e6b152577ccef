//! What is known of the account's configuration, and since when: the control plane takes 15 requests a second for the
//! whole account, so a thousand functions are read by turns and not every minute.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use guard_core::inventory::{AccountLimits, Inventory};
use guard_core::name::{FunctionName, Region};
use serde::{Deserialize, Serialize};

/// The inventory as far as it is known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Survey {
    /// Functions, limits, event sources. Complete as of `listed_at`: what is not in it does not exist.
    pub inventory: Inventory,
    /// When all functions were listed last; `None` before the first time.
    pub listed_at: Option<DateTime<Utc>>,
    /// When a function's own settings (reserved concurrency, tags, asynchronous settings) were read last. A function
    /// that is absent was listed and not read yet.
    pub read_at: BTreeMap<FunctionName, DateTime<Utc>>,
    /// When account limits and event source mappings were read last.
    pub account_at: Option<DateTime<Utc>>,
}

impl Survey {
    /// Nothing known.
    pub fn new(region: Region) -> Self {
        Survey {
            inventory: Inventory { region, account: AccountLimits::default(), functions: Vec::new() },
            listed_at: None,
            read_at: BTreeMap::new(),
            account_at: None,
        }
    }

    /// Whether the account was ever listed in full. Before that nothing can be decided about functions.
    pub const fn is_complete(&self) -> bool {
        self.listed_at.is_some()
    }
}

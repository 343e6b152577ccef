//! The number of the guard's AWS calls, counted where requests leave.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Requests sent, by service and operation. Clones count together.
#[derive(Clone, Debug, Default)]
pub struct Calls(Arc<Mutex<BTreeMap<String, u64>>>);

impl Calls {
    /// Counts one request, such as `Lambda:ListFunctions`.
    pub fn count(&self, operation: impl Into<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(operation.into()).or_default() += 1;
    }

    /// The requests sent since the last call of this function.
    pub fn take(&self) -> BTreeMap<String, u64> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

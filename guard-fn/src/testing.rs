//! Ports in memory, for tests: a pretend account with its metrics, a store, a sink and a policy, all shared by their
//! clones, and a decorator that lets any of their calls fail in every way in which a call can.

mod alerts;
mod control;
mod failing;
mod metrics;
mod policy;
mod store;

pub use self::alerts::MemoryAlerts;
pub use self::control::{Effect, Fate, MemoryControl};
pub use self::failing::{CALL_TIMEOUT, Failing, Fault, Faults, Fired, Odds};
pub use self::metrics::MemoryMetrics;
pub use self::policy::StaticPolicy;
pub use self::store::MemoryStore;

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::calls::Calls;
use crate::ports::{Granted, Ports, Proof};

/// All ports of one world, each behind the same faults.
pub fn ports(
    control: &MemoryControl,
    metrics: &MemoryMetrics,
    store: &MemoryStore,
    alerts: &MemoryAlerts,
    policy: &StaticPolicy,
    faults: &Faults,
) -> Ports {
    Ports {
        metrics: Box::new(Failing::new(metrics.clone(), faults)),
        control: Box::new(Failing::new(control.clone(), faults)),
        store: Box::new(Failing::new(store.clone(), faults)),
        alerts: Box::new(Failing::new(alerts.clone(), faults)),
        policy: Box::new(Failing::new(policy.clone(), faults)),
        prices: None,
        calls: Calls::default(),
    }
}

/// A test that panicked while it held a lock has failed already.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A permission that a port in memory always has.
fn given(action: &str) -> Vec<Proof> {
    vec![Proof { action: action.to_owned(), granted: Granted::Yes, detail: "in memory".to_owned() }]
}

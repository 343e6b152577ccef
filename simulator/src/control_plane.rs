//! Lambda's management API as it is: refusals, outages, and an effect after a delay.

use guard_core::inventory::Inventory;
use guard_core::name::FunctionName;
use guard_core::plan::{Action, Change};
use guard_core::settle::{self, ApplyResult};

/// The management API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ControlPlane {
    /// Seconds from an accepted call to its effect.
    pub actuation_s: u32,
}

/// Calls that the management API takes in a second, all together ("Lambda quotas", read 2026-11).
const CALLS_PER_SECOND: u32 = 15;

impl ControlPlane {
    /// Seconds until the effect of the `index`-th call of a tick.
    pub fn delay_s(&self, index: u32) -> u32 {
        self.actuation_s + index / CALLS_PER_SECOND
    }

    /// Tries a change on the configuration. The data plane follows after [`ControlPlane::delay_s`].
    pub fn call(&self, inventory: &mut Inventory, action: &Action, is_down: bool) -> ApplyResult {
        if is_down {
            return ApplyResult::Unavailable { message: "ServiceException: internal error".to_owned() };
        }
        if let Some(message) = refusal(inventory, &action.function, &action.change) {
            return ApplyResult::Rejected { message };
        }
        if settle::apply(inventory, &action.function, &action.change) {
            ApplyResult::Applied
        } else {
            ApplyResult::Rejected {
                message: "the value in force is not the one the change starts from".to_owned(),
            }
        }
    }
}

/// What `PutFunctionConcurrency` says where the pool has no room ("Configuring reserved concurrency for a function",
/// read 2026-11). Lowering a reservation is always accepted, and so is 0.
fn refusal(inventory: &Inventory, function: &FunctionName, change: &Change) -> Option<String> {
    let Change::ReservedConcurrency { to: Some(to), .. } = change else { return None };
    let now = inventory.function(function).and_then(|function| function.reserved).unwrap_or(0);
    let others = inventory.reserved_total() - now;
    let account = inventory.account;
    let breaks = account.concurrency.saturating_sub(others + to) < account.unreserved_minimum;
    (*to > now && breaks).then(|| {
        format!(
            "InvalidParameterValueException: Specified ReservedConcurrentExecutions for function decreases account's \
             UnreservedConcurrentExecution below its minimum value of [{}].",
            account.unreserved_minimum
        )
    })
}

#[cfg(test)]
mod tests {
    use guard_core::inventory::{AccountLimits, Function};
    use guard_core::plan::Reason;

    use super::*;

    fn call(inventory: &mut Inventory, from: Option<u32>, to: Option<u32>) -> ApplyResult {
        let change = Change::ReservedConcurrency { from, to };
        let action = Action { function: "f".into(), change, reason: Reason::Operator, budget: None };
        ControlPlane { actuation_s: 5 }.call(inventory, &action, false)
    }

    #[test]
    fn a_positive_reservation_is_refused_where_the_pool_would_fall_below_the_minimum() {
        let account = AccountLimits { concurrency: 10, unreserved_minimum: 10 };
        let mut inventory = Inventory::new("us-east-1", account, vec![Function::new("f", 128, 3)]);
        let ApplyResult::Rejected { message } = call(&mut inventory, None, Some(1)) else {
            panic!("accepted")
        };
        assert!(message.contains("below its minimum value of [10]"), "{message}");
        assert_eq!(call(&mut inventory, None, Some(0)), ApplyResult::Applied, "zero always works");
    }

    #[test]
    fn the_last_unit_of_room_is_accepted() {
        let mut inventory =
            Inventory::new("us-east-1", AccountLimits::default(), vec![Function::new("f", 128, 3)]);
        assert!(matches!(call(&mut inventory, None, Some(901)), ApplyResult::Rejected { .. }));
        assert_eq!(call(&mut inventory, None, Some(900)), ApplyResult::Applied);
        assert_eq!(call(&mut inventory, Some(900), Some(100)), ApplyResult::Applied);
    }

    #[test]
    fn a_change_from_another_value_is_refused() {
        let mut inventory =
            Inventory::new("us-east-1", AccountLimits::default(), vec![Function::new("f", 128, 3)]);
        assert!(matches!(call(&mut inventory, Some(7), Some(5)), ApplyResult::Rejected { .. }));
    }
}

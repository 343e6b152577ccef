//! The control plane of a replay: takes a planned change into the account's configuration, as AWS would.

use guard_core::inventory::{EventSource, Function, Inventory};
use guard_core::name::MappingId;
use guard_core::plan::{Action, Change};

/// Carries out an action. `false` where the account has no such function, mapping or setting, and nothing changed.
#[must_use]
pub fn apply(inventory: &mut Inventory, action: &Action) -> bool {
    let function = inventory.functions.iter_mut().find(|function| function.name == action.function);
    function.is_some_and(|function| change(function, &action.change))
}

fn change(function: &mut Function, change: &Change) -> bool {
    match change {
        Change::ReservedConcurrency { to, .. } => {
            function.reserved = *to;
            true
        }
        Change::AsyncConfig { to, .. } => function.asynchronous.as_mut().is_some_and(|config| {
            (config.max_retries, config.max_event_age_s) = (to.max_retries, to.max_event_age_s);
            true
        }),
        Change::MappingEnabled { mapping, to, .. } => with_mapping(function, mapping, |enabled, _| {
            *enabled = *to;
            true
        }),
        Change::MappingConcurrency { mapping, to, .. } => {
            with_mapping(function, mapping, |_, source| match source {
                EventSource::Sqs { max_concurrency, .. } => {
                    *max_concurrency = *to;
                    true
                }
                EventSource::Stream { .. } => false,
            })
        }
    }
}

/// Lets `set` change a mapping's switch and source; `false` where the function has no such mapping.
fn with_mapping(
    function: &mut Function,
    id: &MappingId,
    set: impl FnOnce(&mut bool, &mut EventSource) -> bool,
) -> bool {
    let mapping = function.mappings.iter_mut().find(|mapping| mapping.id == *id);
    mapping.is_some_and(|mapping| set(&mut mapping.enabled, &mut mapping.source))
}

#[cfg(test)]
mod tests {
    use guard_core::inventory::{AccountLimits, AsyncConfig, EventSourceMapping};
    use guard_core::plan::{AsyncSetting, Reason};

    use super::*;

    fn account() -> Inventory {
        let source = EventSource::Sqs {
            max_concurrency: None,
            provisioned_pollers: false,
            max_receive_count: Some(5),
            retention_s: 60,
        };
        let mapping = EventSourceMapping { id: MappingId::new("m"), enabled: true, batch_size: 1, source };
        let mut function = Function::new("f", 128, 3);
        function.mappings = vec![mapping];
        function.asynchronous = Some(AsyncConfig::default());
        Inventory::new("us-east-1", AccountLimits::default(), vec![function, Function::new("g", 128, 3)])
    }

    /// The account after a change of a function, and whether it was accepted.
    fn after(function: &str, change: Change) -> (Inventory, bool) {
        let mut account = account();
        let action = Action { function: function.into(), change, reason: Reason::Operator, budget: None };
        let accepted = apply(&mut account, &action);
        (account, accepted)
    }

    #[test]
    fn each_lever_moves_its_own_setting_and_no_other() {
        let (from, to) = (
            AsyncSetting { max_retries: 2, max_event_age_s: 21_600 },
            AsyncSetting { max_retries: 0, max_event_age_s: 60 },
        );
        let mapping = || MappingId::new("m");

        let mut capped = account();
        capped.functions[0].reserved = Some(7);
        assert_eq!(after("f", Change::ReservedConcurrency { from: None, to: Some(7) }), (capped, true));

        let mut hurried = account();
        hurried.functions[0].asynchronous =
            Some(AsyncConfig { max_retries: 0, max_event_age_s: 60, on_failure: false });
        assert_eq!(after("f", Change::AsyncConfig { from, to }), (hurried, true));

        let mut paused = account();
        paused.functions[0].mappings[0].enabled = false;
        assert_eq!(
            after("f", Change::MappingEnabled { mapping: mapping(), from: true, to: false }),
            (paused, true)
        );

        let (slowed, accepted) =
            after("f", Change::MappingConcurrency { mapping: mapping(), from: None, to: Some(2) });
        assert!(accepted);
        let source = &slowed.functions[0].mappings[0].source;
        assert!(matches!(source, EventSource::Sqs { max_concurrency: Some(2), .. }), "{source:?}");
    }

    #[test]
    fn what_the_account_does_not_have_is_refused_and_changes_nothing() {
        let setting = AsyncSetting { max_retries: 0, max_event_age_s: 60 };
        let gone = MappingId::new("gone");
        for (function, change) in [
            ("nobody", Change::ReservedConcurrency { from: None, to: Some(7) }),
            ("g", Change::AsyncConfig { from: setting, to: setting }),
            ("f", Change::MappingEnabled { mapping: gone.clone(), from: true, to: false }),
            ("f", Change::MappingConcurrency { mapping: gone, from: None, to: Some(2) }),
        ] {
            assert_eq!(after(function, change.clone()), (account(), false), "{change:?}");
        }
    }

    #[test]
    fn a_stream_has_no_maximum_concurrency() {
        let mut account = account();
        account.functions[0].mappings[0].source = EventSource::Stream {
            shards: 1,
            parallelization: 1,
            max_retries: None,
            bisect: false,
            retention_s: 60,
            on_failure: false,
        };
        let change = Change::MappingConcurrency { mapping: MappingId::new("m"), from: None, to: Some(2) };
        let before = account.clone();
        assert!(!apply(
            &mut account,
            &Action { function: "f".into(), change, reason: Reason::Operator, budget: None }
        ));
        assert_eq!(account, before);
    }
}

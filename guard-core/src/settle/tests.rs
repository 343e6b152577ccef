//! Restores are exact, crashes lose nothing, and other people's values are left alone.

use chrono::TimeZone;
use proptest::prelude::*;

use super::*;
use crate::inventory::{AccountLimits, AsyncConfig};
use crate::money::Usd;
use crate::name::BudgetName;
use crate::plan::{AsyncSetting, PLAN_SCHEMA, SamplingPlan};
use crate::time::Minute;

fn at(minute: i64) -> DateTime<Utc> {
    Utc.timestamp_opt(1_800_000_000 + minute * 60, 0).unwrap()
}

fn plan(minute: i64, actions: Vec<Action>) -> Plan {
    Plan {
        schema: PLAN_SCHEMA,
        at: at(minute),
        armed: true,
        actions,
        refusals: vec![],
        notices: vec![],
        budgets: vec![],
        functions: vec![],
        sampling: SamplingPlan::default(),
    }
}

fn line() -> Reason {
    Reason::BudgetLine { excess_share_per_mille: 900, affordable: 7, floor: 5 }
}

fn action(name: &str, change: Change, reason: Reason) -> Action {
    Action { function: name.into(), change, reason, budget: Some("month".into()) }
}

fn reserve(from: Option<u32>, to: Option<u32>) -> Change {
    Change::ReservedConcurrency { from, to }
}

fn outcome(name: &str, change: Change, result: ApplyResult) -> Outcome {
    Outcome { function: name.into(), change, result }
}

fn rejected() -> ApplyResult {
    ApplyResult::Rejected { message: "no".into() }
}

fn unavailable() -> ApplyResult {
    ApplyResult::Unavailable { message: "time-out".into() }
}

/// One function `f` with a reservation.
fn world(reserved: Option<u32>) -> Inventory {
    let mut function = Function::new("f", 1024, 30);
    function.reserved = reserved;
    Inventory::new("eu-central-1", AccountLimits::default(), vec![function])
}

/// Runs one whole tick: intend, apply, settle.
fn tick(state: &mut State, world: &mut Inventory, minute: i64, actions: Vec<Action>) {
    let plan = plan(minute, actions);
    intend(state, &plan);
    let outcomes: Vec<Outcome> = plan.actions.iter().map(|action| carry_out(world, action)).collect();
    settle(state, plan.at, &outcomes);
}

fn carry_out(world: &mut Inventory, action: &Action) -> Outcome {
    let result =
        if apply(world, &action.function, &action.change) { ApplyResult::Applied } else { rejected() };
    Outcome { function: action.function.clone(), change: action.change.clone(), result }
}

fn latch<'a>(state: &'a State, name: &str) -> &'a Latch {
    state.latches.get(name).unwrap()
}

#[test]
fn a_plan_that_is_not_armed_leaves_no_trace() {
    let mut state = State::new();
    let mut disarmed = plan(0, vec![action("f", reserve(None, Some(7)), line())]);
    disarmed.armed = false;
    intend(&mut state, &disarmed);
    assert_eq!(state, State::new());
}

#[test]
fn trip_trip_again_and_restore_gives_back_unset_zero_and_n() {
    for original in [None, Some(0), Some(40)] {
        let (mut state, mut world) = (State::new(), world(original));
        tick(&mut state, &mut world, 0, vec![action("f", reserve(original, Some(20)), line())]);
        tick(&mut state, &mut world, 1, vec![action("f", reserve(Some(20), Some(7)), line())]);
        let lever = &latch(&state, "f").levers[0];
        assert_eq!(lever.original, Setting::Concurrency(original), "the second trip overwrote the original");
        assert_eq!(lever.ours, Some(Setting::Concurrency(Some(7))));
        assert_eq!(lever.pending, None);
        tick(&mut state, &mut world, 2, vec![action("f", reserve(Some(7), original), Reason::Restored)]);
        assert_eq!(world.functions[0].reserved, original);
        let latch = latch(&state, "f");
        assert_eq!((latch.phase, latch.phase_since, latch.tripped_at), (Phase::Watching, at(2), at(0)));
        assert!(latch.levers.is_empty());
    }
}

#[test]
fn an_intent_is_written_before_the_change_and_knows_the_original() {
    let mut state = State::new();
    intend(&mut state, &plan(3, vec![action("f", reserve(Some(40), Some(7)), line())]));
    let expected = Latch {
        budget: Some(BudgetName::from("month")),
        tripped_at: at(3),
        phase: Phase::Capped,
        phase_since: at(3),
        calm_since: None,
        relapses: 0,
        levers: vec![LeverState {
            lever: Lever::ReservedConcurrency,
            original: Setting::Concurrency(Some(40)),
            ours: None,
            pending: Some(Setting::Concurrency(Some(7))),
            found: None,
        }],
    };
    assert_eq!(*latch(&state, "f"), expected);
}

#[test]
fn the_reason_of_an_action_decides_the_phase() {
    let retries = Reason::CutRetries { attempts_per_mille: 2500 };
    let burn = Reason::SlackUsedUp { excess_share_per_mille: 1, affordable: 2, floor: 3 };
    let barrier = Reason::Barrier { remaining: Usd::ZERO };
    let (relapse, calm) = (Reason::Relapse { relapses: 3 }, Reason::Calm { minutes: 10 });
    let envelope = Reason::Envelope { floor: 5 };
    let untripped = Reason::Untripped { last_modified: None };
    use Phase::{Capped, Ramping, Standing, Watching};
    // Phase before, reason, phase after, whether the phase began anew.
    let cases = [
        (None, line(), Capped, true),
        (None, burn.clone(), Capped, true),
        (None, retries.clone(), Capped, true),
        (None, barrier.clone(), Standing, true),
        (None, envelope.clone(), Standing, true),
        (Some(Capped), line(), Capped, false),
        (Some(Capped), barrier.clone(), Capped, false),
        (Some(Capped), envelope.clone(), Capped, false),
        (Some(Standing), barrier, Standing, true),
        (Some(Standing), line(), Capped, true),
        (Some(Ramping), retries, Capped, true),
        (Some(Watching), burn, Capped, true),
        (Some(Watching), envelope, Standing, true),
        (Some(Capped), relapse.clone(), Capped, true),
        (Some(Watching), relapse, Capped, true),
        (Some(Capped), calm.clone(), Ramping, true),
        (Some(Ramping), calm, Ramping, true),
        (Some(Ramping), Reason::Rollover, Ramping, true),
        (Some(Capped), Reason::Rollover, Ramping, true),
        (Some(Ramping), untripped, Ramping, false),
        (Some(Capped), Reason::Resumed, Capped, false),
        (Some(Watching), Reason::Operator, Capped, true),
    ];
    for (before, reason, after, anew) in cases {
        let mut state = State::new();
        if let Some(phase) = before {
            intend(&mut state, &plan(0, vec![action("f", reserve(None, Some(20)), line())]));
            let latch = state.latches.get_mut("f").unwrap();
            latch.phase = phase;
            latch.calm_since = Some(Minute(5));
        }
        intend(&mut state, &plan(9, vec![action("f", reserve(Some(20), Some(10)), reason.clone())]));
        let latch = latch(&state, "f");
        assert_eq!(latch.phase, after, "{before:?} and {reason:?}");
        assert_eq!(latch.phase_since, if anew { at(9) } else { at(0) }, "{before:?} and {reason:?}");
        let relapses = if matches!(reason, Reason::Relapse { .. }) { 3 } else { 0 };
        assert_eq!(latch.relapses, relapses, "{reason:?}");
        let tripped_again = before.is_none() || before == Some(Standing) && after == Capped;
        assert_eq!(latch.tripped_at, if tripped_again { at(9) } else { at(0) }, "{before:?} and {reason:?}");
        if anew && after == Capped {
            assert_eq!(latch.calm_since, None, "calm ended with {reason:?}");
        }
        let owner = if reason == Reason::Operator { None } else { Some("month".into()) };
        assert_eq!(latch.budget, owner, "{reason:?}");
    }
}

#[test]
fn putting_back_the_original_changes_no_phase_until_it_is_settled() {
    for reason in [Reason::Restored, Reason::Rollover, Reason::Operator] {
        let (mut state, mut world) = (State::new(), world(Some(40)));
        tick(&mut state, &mut world, 0, vec![action("f", reserve(Some(40), Some(7)), line())]);
        let before = latch(&state, "f").clone();
        intend(&mut state, &plan(9, vec![action("f", reserve(Some(7), Some(40)), reason)]));
        let after = latch(&state, "f");
        assert_eq!((after.phase, after.phase_since), (before.phase, before.phase_since));
        assert_eq!(after.budget, before.budget);
        assert_eq!(after.levers[0].pending, Some(Setting::Concurrency(Some(40))));
    }
}

#[test]
fn a_trip_over_a_standing_cap_belongs_to_the_budget_that_tripped() {
    let (mut state, mut world) = (State::new(), world(None));
    let mut standing = action("f", reserve(None, Some(50)), Reason::Envelope { floor: 50 });
    standing.budget = Some("year".into());
    tick(&mut state, &mut world, 0, vec![standing]);
    tick(&mut state, &mut world, 4, vec![action("f", reserve(Some(50), Some(7)), line())]);
    assert_eq!(latch(&state, "f").budget, Some("month".into()));
}

#[test]
fn a_rejected_first_change_leaves_no_latch_and_a_later_one_keeps_the_cap_in_force() {
    let mut state = State::new();
    let first = reserve(None, Some(20));
    intend(&mut state, &plan(0, vec![action("f", first.clone(), line())]));
    settle(&mut state, at(0), &[outcome("f", first.clone(), rejected())]);
    assert!(state.latches.is_empty());

    let (mut state, mut world) = (State::new(), world(None));
    tick(&mut state, &mut world, 0, vec![action("f", first, line())]);
    let second = reserve(Some(20), Some(7));
    intend(&mut state, &plan(1, vec![action("f", second.clone(), line())]));
    settle(&mut state, at(1), &[outcome("f", second, rejected())]);
    let lever = &latch(&state, "f").levers[0];
    assert_eq!((lever.ours, lever.pending), (Some(Setting::Concurrency(Some(20))), None));
    assert_eq!(latch(&state, "f").phase, Phase::Capped);
}

#[test]
fn a_rejected_relapse_goes_on_being_watched() {
    let (mut state, mut world) = (State::new(), world(None));
    tick(&mut state, &mut world, 0, vec![action("f", reserve(None, Some(7)), line())]);
    tick(&mut state, &mut world, 1, vec![action("f", reserve(Some(7), None), Reason::Restored)]);
    let again = reserve(None, Some(7));
    intend(&mut state, &plan(2, vec![action("f", again.clone(), Reason::Relapse { relapses: 1 })]));
    settle(&mut state, at(2), &[outcome("f", again, rejected())]);
    let latch = latch(&state, "f");
    assert_eq!((latch.phase, latch.phase_since, latch.relapses), (Phase::Watching, at(2), 1));
}

#[test]
fn an_unavailable_outcome_stays_open_until_the_world_answers() {
    let change = reserve(None, Some(7));
    let mut state = State::new();
    intend(&mut state, &plan(0, vec![action("f", change.clone(), line())]));
    settle(&mut state, at(0), &[outcome("f", change.clone(), unavailable())]);
    assert_eq!(latch(&state, "f").levers[0].pending, Some(Setting::Concurrency(Some(7))));

    let mut not_made = state.clone();
    let findings = reconcile(&mut not_made, at(1), &world(None));
    assert_eq!(findings, [Finding::Resume { function: "f".into(), change }]);
    let lever = &mut not_made.latches.get_mut("f").unwrap().levers[0];
    assert_eq!(lever.found.take(), Some(Found { value: Setting::Concurrency(None), looks: 1 }));
    assert_eq!(not_made, state, "looking changed something else");

    assert_eq!(reconcile(&mut state, at(1), &world(Some(7))), []);
    let lever = &latch(&state, "f").levers[0];
    assert_eq!((lever.ours, lever.pending), (Some(Setting::Concurrency(Some(7))), None));
}

#[test]
fn an_outcome_that_answers_no_open_intent_changes_nothing() {
    let (mut state, mut world) = (State::new(), world(None));
    let old = reserve(None, Some(20));
    tick(&mut state, &mut world, 0, vec![action("f", old.clone(), line())]);
    tick(&mut state, &mut world, 1, vec![action("f", reserve(Some(20), Some(7)), line())]);
    let before = state.clone();
    for result in [ApplyResult::Applied, rejected(), unavailable()] {
        settle(
            &mut state,
            at(9),
            &[outcome("f", old.clone(), result.clone()), outcome("g", old.clone(), result)],
        );
        assert_eq!(state, before);
    }
}

#[test]
fn a_value_changed_while_tripped_is_foreign_and_restoring_is_refused() {
    let (mut state, mut world) = (State::new(), world(Some(40)));
    tick(&mut state, &mut world, 0, vec![action("f", reserve(Some(40), Some(7)), line())]);
    world.functions[0].reserved = Some(99);
    let findings = reconcile(&mut state, at(1), &world);
    let expected = Finding::Foreign {
        function: "f".into(),
        lever: Lever::ReservedConcurrency,
        ours: Setting::Concurrency(Some(7)),
        found: Setting::Concurrency(Some(99)),
    };
    assert_eq!(findings, [expected]);
    assert!(latch(&state, "f").is_foreign() && !latch(&state, "f").is_holding());
    assert!(!apply(&mut world, &"f".into(), &reserve(Some(7), Some(40))), "the restore went over it");
    assert_eq!(world.functions[0].reserved, Some(99));
    assert_eq!(latch(&state, "f").levers[0].original, Setting::Concurrency(Some(40)));
}

#[test]
fn an_operator_may_restore_over_a_foreign_value_and_a_crash_in_between_is_found() {
    let (mut state, mut world) = (State::new(), world(Some(40)));
    tick(&mut state, &mut world, 0, vec![action("f", reserve(Some(40), Some(7)), line())]);
    world.functions[0].reserved = Some(99);
    reconcile(&mut state, at(1), &world);
    let restore = reserve(Some(99), Some(40));
    intend(&mut state, &plan(1, vec![action("f", restore.clone(), Reason::Operator)]));
    let findings = reconcile(&mut state, at(2), &world);
    assert_eq!(findings, [Finding::Resume { function: "f".into(), change: restore.clone() }]);
    assert!(apply(&mut world, &"f".into(), &restore));
    assert_eq!(reconcile(&mut state, at(3), &world), []);
    let latch = latch(&state, "f");
    assert_eq!((latch.phase, latch.levers.len()), (Phase::Watching, 0), "its last lever is back");
}

#[test]
fn a_deploy_that_undid_the_cap_is_named_with_the_change_that_sets_it_again() {
    let (mut state, mut world) = (State::new(), world(Some(40)));
    tick(&mut state, &mut world, 0, vec![action("f", reserve(Some(40), Some(7)), line())]);
    world.functions[0].reserved = Some(40);
    let undone = reserve(Some(40), Some(7));
    let expected = [Finding::Untripped { function: "f".into(), change: undone.clone() }];
    assert_eq!(reconcile(&mut state, at(1), &world), expected);
    // The answer was written down, and the tick died before the call: still undone, still known as such.
    let reason = Reason::Untripped { last_modified: None };
    intend(&mut state, &plan(1, vec![action("f", undone.clone(), reason)]));
    assert_eq!(latch(&state, "f").levers[0].ours, Some(Setting::Concurrency(Some(7))));
    // The value wanted equals the one set before, so "took effect" and "was in force" are one thing.
    assert_eq!(reconcile(&mut state, at(2), &world), expected);
    assert!(apply(&mut world, &"f".into(), &undone));
    assert_eq!(reconcile(&mut state, at(3), &world), []);
    assert_eq!(latch(&state, "f").levers[0].pending, None);
}

#[test]
fn a_latch_whose_values_are_as_known_has_nothing_to_tell() {
    let (mut state, mut world) = (State::new(), world(None));
    tick(&mut state, &mut world, 0, vec![action("f", reserve(None, Some(7)), line())]);
    let before = state.clone();
    assert_eq!(reconcile(&mut state, at(1), &world), []);
    assert_eq!(state, before);
    tick(&mut state, &mut world, 1, vec![action("f", reserve(Some(7), None), Reason::Restored)]);
    let watching = state.clone();
    assert_eq!(reconcile(&mut state, at(2), &world), []);
    assert_eq!(state, watching, "a watch without levers outlives a look");
}

#[test]
fn what_no_longer_exists_is_forgotten_and_said() {
    let (mut state, mut world) = (State::new(), rich_world(&[None; 3]));
    let id = MappingId::from("q0");
    let slow = Change::MappingConcurrency { mapping: id.clone(), from: None, to: Some(5) };
    let lever = slow.lever();
    tick(
        &mut state,
        &mut world,
        0,
        vec![
            action("f0", slow, line()),
            action("f1", reserve(None, Some(7)), line()),
            action("f2", reserve(None, Some(7)), Reason::Envelope { floor: 7 }),
        ],
    );
    world.functions[0].mappings.clear();
    world.functions.remove(1);
    let findings = reconcile(&mut state, at(1), &world);
    let expected = [
        Finding::Gone { function: "f0".into(), lever: Some(lever) },
        Finding::Gone { function: "f1".into(), lever: None },
    ];
    assert_eq!(findings, expected);
    assert_eq!(latch(&state, "f0").phase, Phase::Watching);
    assert_eq!(latch(&state, "f0").phase_since, at(1));
    assert_eq!(state.latches.len(), 2);
    assert_eq!(latch(&state, "f2").phase, Phase::Standing);
}

#[test]
fn a_standing_cap_or_an_operators_cap_ends_without_a_watch() {
    for (reason, budget) in [(Reason::Envelope { floor: 5 }, Some("month".into())), (Reason::Operator, None)]
    {
        let (mut state, mut world) = (State::new(), world(None));
        let cap = Action { function: "f".into(), change: reserve(None, Some(5)), reason, budget };
        tick(&mut state, &mut world, 0, vec![cap.clone()]);
        assert_eq!(state.latches.len(), 1);
        let release = Action { change: reserve(Some(5), None), reason: Reason::Restored, ..cap };
        tick(&mut state, &mut world, 1, vec![release]);
        assert!(state.latches.is_empty());
    }
}

#[test]
fn a_latch_with_one_lever_released_still_holds_the_other() {
    let (mut state, mut world) = (State::new(), rich_world(&[None; 3]));
    let retries = Change::AsyncConfig { from: soft(2, 21_600), to: soft(0, 300) };
    let back = Change::AsyncConfig { from: soft(0, 300), to: soft(2, 21_600) };
    tick(
        &mut state,
        &mut world,
        0,
        vec![
            action("f0", retries, Reason::CutRetries { attempts_per_mille: 2900 }),
            action("f0", reserve(None, Some(7)), line()),
        ],
    );
    tick(&mut state, &mut world, 1, vec![action("f0", back, Reason::Restored)]);
    let latch = latch(&state, "f0");
    assert_eq!(latch.phase, Phase::Capped);
    assert_eq!(
        latch.levers.iter().map(|l| l.lever.clone()).collect::<Vec<_>>(),
        [Lever::ReservedConcurrency]
    );
}

#[test]
fn a_change_in_memory_is_a_compare_and_set() {
    let mut world = rich_world(&[Some(9), None, None]);
    let f0 = FunctionName::from("f0");
    let q0 = MappingId::from("q0");
    let s0 = MappingId::from("s0");
    assert!(!apply(&mut world, &f0, &reserve(Some(8), Some(1))), "another value is in force");
    assert!(!apply(&mut world, &"nobody".into(), &reserve(None, Some(1))));
    let on_a_stream = Change::MappingConcurrency { mapping: s0.clone(), from: None, to: Some(2) };
    assert!(!apply(&mut world, &f0, &on_a_stream), "a stream has no maximum concurrency");
    let missing = Change::MappingEnabled { mapping: "x".into(), from: true, to: false };
    assert!(!apply(&mut world, &f0, &missing));
    world.functions[1].asynchronous = None;
    let no_async = Change::AsyncConfig { from: soft(2, 21_600), to: soft(0, 60) };
    assert!(!apply(&mut world, &"f1".into(), &no_async));

    let retries = Change::AsyncConfig { from: soft(2, 21_600), to: soft(0, 60) };
    assert!(apply(&mut world, &f0, &retries));
    let expected = AsyncConfig { max_retries: 0, max_event_age_s: 60, on_failure: true };
    assert_eq!(world.functions[0].asynchronous, Some(expected));
    let off = Change::MappingEnabled { mapping: s0.clone(), from: true, to: false };
    assert!(apply(&mut world, &f0, &off));
    assert_eq!(setting_of(&world.functions[0], &off.lever()), Some(Setting::Enabled(false)));
    let slow = Change::MappingConcurrency { mapping: q0.clone(), from: None, to: Some(2) };
    assert!(apply(&mut world, &f0, &slow));
    assert_eq!(setting_of(&world.functions[0], &slow.lever()), Some(Setting::Concurrency(Some(2))));
    assert_eq!(
        setting_of(&world.functions[0], &Lever::MappingEnabled { mapping: q0 }),
        Some(Setting::Enabled(true)),
        "only the mapping named changes"
    );
    assert_eq!(setting_of(&world.functions[0], &Lever::MappingConcurrency { mapping: s0 }), None);
}

// ---- any crash, any time ----

fn soft(max_retries: u8, max_event_age_s: u32) -> AsyncSetting {
    AsyncSetting { max_retries, max_event_age_s }
}

/// Three functions, each with every kind of lever, on the given reservations.
fn rich_world(reserved: &[Option<u32>; 3]) -> Inventory {
    let functions = reserved.iter().enumerate().map(|(i, reserved)| {
        let mut function = Function::new(format!("f{i}").as_str(), 1024, 30);
        function.reserved = *reserved;
        function.asynchronous = Some(AsyncConfig { on_failure: true, ..AsyncConfig::default() });
        function.mappings = vec![
            EventSourceMapping {
                id: MappingId::new(format!("q{i}")),
                enabled: true,
                batch_size: 10,
                source: EventSource::Sqs {
                    max_concurrency: None,
                    provisioned_pollers: false,
                    max_receive_count: Some(5),
                    retention_s: 345_600,
                },
            },
            EventSourceMapping {
                id: MappingId::new(format!("s{i}")),
                enabled: true,
                batch_size: 10,
                source: EventSource::Stream {
                    shards: 1,
                    parallelization: 1,
                    max_retries: None,
                    bisect: false,
                    retention_s: 86_400,
                    on_failure: true,
                },
            },
        ];
        function
    });
    Inventory::new("eu-central-1", AccountLimits::default(), functions.collect())
}

/// A wish: function 0–2, lever 0–3, value 0–2 or (3) back to the original.
type Wish = (usize, usize, usize);

/// Where a tick is interrupted.
#[derive(Clone, Copy, Debug)]
enum Crash {
    Nowhere,
    /// Before the intent was saved.
    BeforeIntent,
    /// After so many of the calls (0: right after the intent was saved); nothing settled.
    AfterCalls(usize),
    /// After some calls, whose outcomes arrive all the same.
    OutcomesOfSomeCalls(usize),
    SettledTwice,
    /// Every call was made and every answer lost.
    Unavailable,
}

fn crash() -> impl Strategy<Value = Crash> {
    prop_oneof![
        Just(Crash::Nowhere),
        Just(Crash::BeforeIntent),
        (0..5_usize).prop_map(Crash::AfterCalls),
        (0..5_usize).prop_map(Crash::OutcomesOfSomeCalls),
        Just(Crash::SettledTwice),
        Just(Crash::Unavailable),
    ]
}

/// The actions of a tick: at most one per lever, each from the value in force.
fn actions_of(wishes: &[Wish], world: &Inventory, state: &State) -> Vec<Action> {
    let mut actions: Vec<Action> = Vec::new();
    for &(function, lever, value) in wishes {
        let function = &world.functions[function];
        let mapping = &function.mappings[lever.saturating_sub(2).min(1)].id;
        let lever = match lever {
            0 => Lever::ReservedConcurrency,
            1 => Lever::AsyncConfig,
            2 => Lever::MappingConcurrency { mapping: mapping.clone() },
            _ => Lever::MappingEnabled { mapping: mapping.clone() },
        };
        let from = setting_of(function, &lever).unwrap();
        let held = state.latches.get(&function.name).and_then(|latch| latch.lever(&lever));
        let to = match (&lever, value) {
            (_, 3) => held.map_or(from, |held| held.original),
            (Lever::ReservedConcurrency, n) => Setting::Concurrency([Some(0), Some(7), Some(30)][n]),
            (Lever::MappingConcurrency { .. }, n) => Setting::Concurrency([Some(2), Some(7), Some(30)][n]),
            (Lever::AsyncConfig, n) => Setting::Async(soft([0, 0, 1][n], [60, 300, 600][n])),
            (Lever::MappingEnabled { .. }, n) => Setting::Enabled(n == 2),
        };
        let taken = actions.iter().any(|a| a.function == function.name && a.change.lever() == lever);
        if to == from || taken {
            continue;
        }
        let reason = if value == 3 { Reason::Restored } else { line() };
        let change = Change::of(&lever, from, to).unwrap();
        actions.push(Action { function: function.name.clone(), change, reason, budget: Some("m".into()) });
    }
    actions
}

/// One tick with a crash in it, followed by the recovery that the next tick begins with.
fn interrupted_tick(state: &mut State, world: &mut Inventory, minute: i64, actions: &[Action], crash: Crash) {
    let plan = plan(minute, actions.to_vec());
    if matches!(crash, Crash::BeforeIntent) {
        // Nothing was saved and nothing was done: the next tick finds the same world and plans the same.
        assert_eq!(reconcile(state, plan.at, world), []);
    }
    intend(state, &plan);
    let calls = match crash {
        Crash::AfterCalls(n) | Crash::OutcomesOfSomeCalls(n) => n,
        _ => actions.len(),
    };
    let mut outcomes: Vec<Outcome> = actions.iter().take(calls).map(|a| carry_out(world, a)).collect();
    assert!(outcomes.iter().all(|outcome| outcome.result == ApplyResult::Applied));
    match crash {
        Crash::AfterCalls(_) => outcomes.clear(),
        Crash::Unavailable => outcomes.iter_mut().for_each(|outcome| outcome.result = unavailable()),
        _ => {}
    }
    settle(state, plan.at, &outcomes);
    if matches!(crash, Crash::SettledTwice) {
        settle(state, plan.at, &outcomes);
    }
    recover(state, world, minute);
}

/// Reconciles and makes every unfinished change again, as the next tick does.
fn recover(state: &mut State, world: &mut Inventory, minute: i64) {
    let again: Vec<Action> = reconcile(state, at(minute), world)
        .into_iter()
        .map(|finding| match finding {
            Finding::Resume { function, change } | Finding::Untripped { function, change } => {
                Action { function, change, reason: Reason::Resumed, budget: Some("m".into()) }
            }
            other => panic!("nobody else touched this world: {other:?}"),
        })
        .collect();
    tick(state, world, minute, again);
    assert_eq!(reconcile(state, at(minute), world), [], "recovery leaves nothing open");
}

proptest! {
    #[test]
    fn a_crash_between_any_two_steps_loses_nothing_and_doubles_nothing(
        reserved in prop::array::uniform3(prop_oneof![Just(None), Just(Some(0)), Just(Some(40))]),
        ticks in prop::collection::vec(
            (prop::collection::vec((0..3_usize, 0..4_usize, 0..4_usize), 1..6), crash()), 1..8),
    ) {
        let initial = rich_world(&reserved);
        let (mut calm_state, mut calm_world) = (State::new(), initial.clone());
        let (mut state, mut world) = (State::new(), initial.clone());
        for (minute, (wishes, crash)) in ticks.iter().enumerate() {
            let minute = i64::try_from(minute).unwrap();
            let actions = actions_of(wishes, &calm_world, &calm_state);
            tick(&mut calm_state, &mut calm_world, minute, actions.clone());
            interrupted_tick(&mut state, &mut world, minute, &actions, *crash);
            prop_assert_eq!(&world, &calm_world);
            prop_assert_eq!(&state, &calm_state);
        }
        // Whatever was done, giving everything back gives back exactly what was there.
        let all: Vec<Wish> = (0..3).flat_map(|f| (0..4).map(move |lever| (f, lever, 3))).collect();
        let actions = actions_of(&all, &world, &state);
        tick(&mut state, &mut world, 99, actions);
        prop_assert_eq!(&world, &initial);
        prop_assert!(state.latches.values().all(|latch| latch.levers.is_empty() && latch.phase == Phase::Watching));
    }
}

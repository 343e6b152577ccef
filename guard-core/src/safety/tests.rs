//! One lawful plan, and every way to break it.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeZone, Utc};

use super::*;
use crate::baseline::Profile;
use crate::inventory::{AccountLimits, AsyncConfig, EventSourceMapping};
use crate::ledger::FunctionLedger;
use crate::money::Usd;
use crate::observation::Series;
use crate::plan::{AsyncSetting, PLAN_SCHEMA, SamplingPlan};
use crate::policy::{Period, Scope};
use crate::state::{Latch, Phase};
use crate::time::Hour;

/// A situation in which `shop` (p99 of 20, floor 30) may be capped for the budget `month`.
struct Desk {
    policy: Policy,
    inventory: Inventory,
    seen: Observation,
    state: State,
    self_name: FunctionName,
}

fn now() -> DateTime<Utc> {
    Utc.timestamp_opt(1_800_000_000, 0).unwrap()
}

fn budget(name: &str, mode: Mode) -> Budget {
    Budget {
        name: name.to_owned(),
        scope: Scope::default(),
        period: Period::Month,
        usd: Some(Usd::from_dollars(100)),
        invocations: None,
        mode,
        thresholds_percent: vec![100],
        slack: None,
        below_floor: BelowFloor::KeepFloor,
        allow_event_loss: false,
        at_rollover: crate::policy::AtRollover::Release,
        envelope: false,
        guarantee: false,
    }
}

impl Desk {
    fn new() -> Self {
        let shop = Function::new("shop", 1024, 30);
        let mut profile = Profile::default();
        for hour in 0..24 {
            profile.record(Hour(hour), Usd::from_dollars(1), 20);
        }
        profile.refresh();
        let state = State {
            functions: vec![FunctionLedger { profile, ..FunctionLedger::new("shop".into()) }],
            ..State::new()
        };
        let functions = vec![shop, Function::new("guard", 128, 60), Function::new("other", 128, 3)];
        let series = |name: &str| (FunctionName::from(name), Series::silent());
        Desk {
            policy: Policy { armed: true, budget: vec![budget("month", Mode::Cap)], ..Policy::default() },
            inventory: Inventory::new("eu-central-1", AccountLimits::default(), functions),
            seen: Observation {
                functions: vec![series("other"), series("shop")],
                ..Observation::blind(now())
            },
            state,
            self_name: "guard".into(),
        }
    }

    fn function(&mut self, name: &str) -> &mut Function {
        self.inventory.functions.iter_mut().find(|function| function.name.as_str() == name).unwrap()
    }

    fn budget(&mut self) -> &mut Budget {
        &mut self.policy.budget[0]
    }

    fn check(&self, plan: &Plan) -> Vec<Violation> {
        let context = Context {
            policy: &self.policy,
            inventory: &self.inventory,
            seen: &self.seen,
            self_name: Some(&self.self_name),
        };
        check(plan, &self.state, &context)
    }

    /// The rules that these actions break.
    fn rules(&self, actions: impl Into<Vec<Action>>) -> Vec<Rule> {
        self.check(&plan(actions.into())).into_iter().map(|violation| violation.rule).collect()
    }

    /// `shop` (or its lever) is held with this original and this value of the guard's own in force.
    fn hold(&mut self, lever: Lever, original: Setting, ours: Setting) {
        let levers = vec![LeverState { lever, original, ours: Some(ours), pending: None, found: None }];
        let latch = Latch {
            budget: Some("month".into()),
            tripped_at: now(),
            phase: Phase::Capped,
            phase_since: now(),
            calm_since: None,
            relapses: 0,
            levers,
        };
        self.state.latches.insert("shop".into(), latch);
    }

    /// `shop` has this reservation by the guard instead of the original one.
    fn capped(&mut self, original: Option<u32>, ours: Option<u32>) {
        self.function("shop").reserved = ours;
        self.hold(Lever::ReservedConcurrency, Setting::Concurrency(original), Setting::Concurrency(ours));
    }
}

fn plan(actions: Vec<Action>) -> Plan {
    Plan {
        schema: PLAN_SCHEMA,
        at: now(),
        armed: true,
        actions,
        refusals: vec![],
        notices: vec![],
        budgets: vec![],
        functions: vec![],
        sampling: SamplingPlan::default(),
    }
}

fn on(name: &str, change: Change, reason: Reason) -> Action {
    Action { function: name.into(), change, reason, budget: Some("month".into()) }
}

fn line() -> Reason {
    Reason::BudgetLine { excess_share_per_mille: 900, affordable: 7, floor: 30 }
}

fn reserve(from: Option<u32>, to: Option<u32>) -> Change {
    Change::ReservedConcurrency { from, to }
}

fn cap(to: u32) -> Action {
    on("shop", reserve(None, Some(to)), line())
}

fn release(from: u32, to: Option<u32>) -> Action {
    on("shop", reserve(Some(from), to), Reason::Calm { minutes: 10 })
}

fn operator(action: Action) -> Action {
    Action { reason: Reason::Operator, budget: None, ..action }
}

fn retries(from: (u8, u32), to: (u8, u32)) -> Change {
    let setting = |(max_retries, max_event_age_s)| AsyncSetting { max_retries, max_event_age_s };
    Change::AsyncConfig { from: setting(from), to: setting(to) }
}

fn queue(max_concurrency: Option<u32>, max_receive_count: Option<u32>) -> EventSourceMapping {
    let source = EventSource::Sqs {
        max_concurrency,
        provisioned_pollers: false,
        max_receive_count,
        retention_s: 345_600,
    };
    EventSourceMapping { id: "q".into(), enabled: true, batch_size: 10, source }
}

fn slow(from: Option<u32>, to: Option<u32>) -> Change {
    Change::MappingConcurrency { mapping: "q".into(), from, to }
}

fn off() -> Change {
    Change::MappingEnabled { mapping: "q".into(), from: true, to: false }
}

const FINE: [Rule; 0] = [];

#[test]
fn a_lawful_cap_passes() {
    assert_eq!(Desk::new().rules([cap(30)]), FINE);
}

#[test]
fn the_plan_is_armed_exactly_when_policy_or_operator_say_so() {
    let mut desk = Desk::new();
    let armed = plan(vec![cap(1)]);
    let disarmed = Plan { armed: false, ..armed.clone() };
    let broken = desk.check(&disarmed);
    assert_eq!(broken[0].sentence, "the plan is disarmed where the guard is armed");
    assert_eq!((broken[0].rule, broken[0].action, broken.len()), (Rule::Armed, None, 1));
    desk.policy.armed = false;
    let broken = desk.check(&armed);
    assert_eq!(broken[0].sentence, "the plan is armed where the guard is disarmed");
    let enforced = enforce(armed.clone(), &broken);
    assert!(!enforced.armed);
    assert_eq!(enforced.actions, armed.actions, "they are told as what would have been done");
    assert_eq!(desk.check(&disarmed), [], "a disarmed plan changes nothing");
    desk.state.operator.armed = Some(true);
    assert_eq!(desk.rules([cap(30)]), FINE);
    desk.policy.armed = true;
    desk.state.operator.armed = Some(false);
    assert_eq!(desk.rules([cap(30)]), [Rule::Armed]);
}

#[test]
fn a_plan_wrongly_disarmed_is_not_armed_by_the_second_opinion() {
    let disarmed = Plan { armed: false, ..plan(vec![cap(30)]) };
    assert!(!enforce(disarmed.clone(), &Desk::new().check(&disarmed)).armed);
}

#[test]
fn the_guard_is_never_changed_not_even_by_command() {
    let itself = on("guard", reserve(None, Some(30)), line());
    assert_eq!(Desk::new().rules([itself.clone()]), [Rule::Itself]);
    assert_eq!(Desk::new().rules([operator(itself)]), [Rule::Itself]);
}

#[test]
fn what_does_not_exist_is_not_changed() {
    assert_eq!(Desk::new().rules([on("ghost", reserve(None, Some(30)), line())]), [Rule::Missing]);
    assert_eq!(Desk::new().rules([on("shop", off(), line())]), [Rule::Missing]);
}

#[test]
fn a_change_starts_from_the_value_in_force() {
    assert_eq!(Desk::new().rules([on("shop", reserve(Some(50), Some(30)), line())]), [Rule::Stale]);
    assert_eq!(Desk::new().rules([operator(on("shop", reserve(Some(50), Some(30)), line()))]), [Rule::Stale]);
}

#[test]
fn protected_by_name_pattern_arn_or_tag() {
    let arn = "arn:aws:lambda:eu-central-1:123456789012:function:shop";
    let entries =
        [("shop", true), ("sh?p*", true), ("shopping", false), ("tag:team", true), ("tag:team=pay*", true)];
    let more = [("tag:team=ops", false), ("tag:other", false), (arn, true), ("arn:aws:lambda:*:shop", true)];
    let wrong = [("arn:aws:lambda:eu-central-1:123456789012:function:workshop", false)];
    for (entry, protected) in entries.into_iter().chain(more).chain(wrong) {
        for known_arn in [None, Some(arn.to_owned())] {
            let mut desk = Desk::new();
            desk.policy.protected = vec!["nobody".into(), entry.into()];
            desk.function("shop").tags.insert("team".into(), "payments".into());
            desk.function("shop").arn = known_arn;
            let expected = if protected { vec![Rule::Protected] } else { vec![] };
            assert_eq!(desk.rules([cap(30)]), expected, "{entry}");
            assert_eq!(desk.rules([operator(cap(30))]), expected, "{entry}");
        }
    }
    let mut desk = Desk::new();
    desk.policy.protected = vec!["arn:aws:lambda:us-east-1:1:function:shop".into()];
    desk.function("shop").arn = Some(arn.into());
    assert_eq!(desk.rules([cap(30)]), FINE, "another function of that name");
    desk.function("shop").tags.insert("dow-guard:protect".into(), String::new());
    assert_eq!(desk.rules([cap(30)]), [Rule::Protected]);
}

#[test]
fn a_function_whose_tags_nobody_has_read_may_be_protected() {
    let mut desk = Desk::new();
    assert_eq!(desk.rules([cap(30)]), FINE);
    desk.function("shop").tags_known = false;
    assert_eq!(desk.rules([cap(30)]), [Rule::Protected]);
    assert_eq!(desk.rules([operator(cap(30))]), [Rule::Protected]);
}

#[test]
fn a_function_protected_while_capped_gets_back_what_it_had() {
    let protect: [fn(&mut Desk); 2] =
        [|desk| desk.policy.protected = vec!["shop".into()], |desk| desk.function("shop").tags_known = false];
    for protect in protect {
        let mut desk = Desk::new();
        protect(&mut desk);
        desk.capped(None, Some(30));
        assert_eq!(desk.rules([release(30, None)]), FINE);
        // A restore that tightens: the owner had 10, and 30 are in force.
        desk.capped(Some(10), Some(30));
        assert_eq!(desk.rules([release(30, Some(10))]), FINE);
        assert_eq!(desk.rules([release(30, Some(29))]), [Rule::Protected]);
    }
}

#[test]
fn never_below_the_floor_unless_something_says_so() {
    let mut desk = Desk::new();
    assert_eq!(desk.rules([cap(29)]), [Rule::Floor]);
    let broken = desk.check(&plan(vec![cap(29)]));
    assert_eq!(broken[0].sentence, "shop: 29 is below the floor of 30");
    assert_eq!(desk.rules([operator(cap(29))]), FINE);
    desk.budget().guarantee = true;
    assert_eq!(desk.rules([cap(29)]), [Rule::Floor], "the guarantee is the barrier's");
    let barrier = Action { reason: Reason::Barrier { remaining: Usd::ZERO }, ..cap(29) };
    assert_eq!(desk.rules([barrier.clone()]), FINE);
    desk.budget().guarantee = false;
    assert_eq!(desk.rules([barrier]), [Rule::Floor]);
    desk.budget().below_floor = BelowFloor::Stop;
    assert_eq!(desk.rules([cap(0)]), FINE);
    desk.budget().below_floor = BelowFloor::KeepFloor;
    desk.budget().mode = Mode::Stop;
    assert_eq!(desk.rules([cap(0)]), FINE);
}

#[test]
fn the_floor_is_p99_times_headroom_rounded_up_and_at_least_the_minimum() {
    let mut desk = Desk::new();
    desk.policy.floor.headroom_percent = 101;
    // 20 · 1.01 = 20.2
    assert_eq!(desk.rules([cap(20)]), [Rule::Floor]);
    assert_eq!(desk.rules([cap(21)]), FINE);
    desk.policy.floor.minimum = 40;
    assert_eq!(desk.rules([cap(39)]), [Rule::Floor]);
    assert_eq!(desk.rules([cap(40)]), FINE);
    // Without history, the minimum; and never more than the owner's own limit.
    assert_eq!(desk.rules([on("other", reserve(None, Some(39)), line())]), [Rule::Floor]);
    desk.function("other").reserved = Some(10);
    desk.policy.budget[0].mode = Mode::Cap;
    assert_eq!(desk.rules([on("other", reserve(Some(10), Some(9)), line())]), [Rule::Floor]);
    desk.capped(Some(25), Some(50));
    assert_eq!(desk.rules([on("shop", reserve(Some(50), Some(25)), line())]), FINE);
    assert_eq!(desk.rules([on("shop", reserve(Some(50), Some(24)), line())]), [Rule::Floor]);
}

#[test]
fn the_floor_holds_for_mappings_too() {
    let mut desk = Desk::new();
    desk.function("shop").mappings = vec![queue(None, Some(5))];
    assert_eq!(desk.rules([on("shop", slow(None, Some(29)), line())]), [Rule::Floor]);
    assert_eq!(desk.rules([on("shop", slow(None, Some(30)), line())]), FINE);
    assert_eq!(desk.rules([on("shop", off(), line())]), [Rule::Floor]);
    desk.budget().mode = Mode::Stop;
    assert_eq!(desk.rules([on("shop", off(), line())]), FINE);
}

#[test]
fn without_room_zero_is_allowed_where_the_policy_stops() {
    let mut desk = Desk::new();
    desk.policy.limits.no_room = NoRoom::Stop;
    desk.policy.limits.keep_unreserved = Some(110);
    // 860 reserved by another, 110 kept, 30 wanted: exactly 1,000.
    desk.function("other").reserved = Some(860);
    assert_eq!(desk.rules([cap(0)]), [Rule::Floor]);
    desk.function("other").reserved = Some(861);
    assert_eq!(desk.rules([cap(0)]), FINE);
    assert_eq!(desk.rules([cap(1)]), [Rule::Floor], "only zero needs no room");
    desk.policy.limits.no_room = NoRoom::Alert;
    assert_eq!(desk.rules([cap(0)]), [Rule::Floor]);
    desk.policy.limits.no_room = NoRoom::Stop;
    desk.policy.limits.keep_unreserved = Some(0);
    assert_eq!(desk.rules([cap(0)]), [Rule::Floor], "861 + 30 leave AWS its 100");
    desk.function("other").reserved = Some(871);
    assert_eq!(desk.rules([cap(0)]), FINE);
    // Its own reservation is room that it has already.
    desk.capped(None, Some(40));
    desk.function("other").reserved = Some(870);
    assert_eq!(desk.rules([on("shop", reserve(Some(40), Some(0)), line())]), [Rule::Floor]);
}

#[test]
fn reservations_leave_aws_its_minimum_and_lowering_is_always_allowed() {
    let mut desk = Desk::new();
    desk.policy.limits.keep_unreserved = Some(500);
    desk.function("other").reserved = Some(800);
    assert_eq!(desk.rules([cap(100)]), FINE, "keeping more than AWS asks is a wish and no rule");
    assert_eq!(desk.rules([cap(101)]), [Rule::Pool]);
    assert_eq!(desk.rules([operator(cap(101))]), [Rule::Pool]);
    let lower = on("other", reserve(Some(800), Some(700)), line());
    assert_eq!(desk.rules([lower.clone(), cap(200)]), FINE);
    assert_eq!(desk.rules([cap(200), lower.clone()]), [Rule::Pool], "in this order, AWS refuses the first");
    // A refused lowering makes no room.
    let unlawful = Action { budget: Some("nobody's".into()), ..lower.clone() };
    assert_eq!(desk.rules([unlawful, cap(200)]), [Rule::Scope, Rule::Pool]);
    // And a refused cap takes none.
    assert_eq!(
        desk.rules([cap(101), operator(on("other", reserve(Some(800), Some(900)), line()))]),
        [Rule::Pool]
    );
    // Over-reserved already: lowering helps, and zero is always accepted.
    desk.function("other").reserved = Some(990);
    assert_eq!(desk.rules([on("other", reserve(Some(990), Some(980)), line())]), FINE);
    assert_eq!(desk.rules([operator(cap(0))]), FINE);
    let sentence = &desk.check(&plan(vec![cap(30)]))[0].sentence;
    assert_eq!(sentence, "shop: 1020 reserved of 1000 leave less than the 100 that AWS keeps unreserved");
}

#[test]
fn a_tick_makes_no_more_changes_than_allowed_and_none_twice() {
    let mut desk = Desk::new();
    desk.policy.limits.actions_per_tick = 1;
    let other = on("other", reserve(None, Some(30)), line());
    assert_eq!(desk.rules([cap(30)]), FINE);
    assert_eq!(desk.rules([cap(30), other]), [Rule::TickFull]);
    desk.policy.limits.actions_per_tick = 20;
    let plan = plan(vec![cap(30), cap(40)]);
    let broken = desk.check(&plan);
    assert_eq!((broken[0].rule, broken[0].action, broken.len()), (Rule::TwicePerLever, Some(1), 1));
}

#[test]
fn a_budget_that_only_tells_changes_nothing() {
    for (mode, tag, allowed) in [
        (Mode::Observe, None, false),
        (Mode::Alert, None, false),
        (Mode::Cap, None, true),
        (Mode::Alert, Some("stop"), false),
        (Mode::Stop, Some("cap"), true),
        (Mode::Stop, Some("alert"), false),
        (Mode::Stop, Some("observe"), false),
        (Mode::Stop, Some(" Alert "), false),
        (Mode::Cap, Some("Cap?"), true),
    ] {
        let mut desk = Desk::new();
        desk.budget().mode = mode;
        if let Some(tag) = tag {
            desk.function("shop").tags.insert("dow-guard:mode".into(), tag.into());
        }
        let expected = if allowed { vec![] } else { vec![Rule::Mode] };
        assert_eq!(desk.rules([cap(30)]), expected, "{mode:?} with {tag:?}");
        assert_eq!(desk.rules([operator(cap(30))]), FINE);
    }
    let mut desk = Desk::new();
    desk.budget().mode = Mode::Stop;
    desk.function("shop").tags.insert("dow-guard:mode".into(), "cap".into());
    assert_eq!(desk.rules([cap(0)]), [Rule::Floor], "the tag lowers a stop to a cap");
    desk.function("shop").tags.insert("dow-guard:mode".into(), "stop".into());
    assert_eq!(desk.rules([cap(0)]), FINE);
}

#[test]
fn a_budget_acts_within_its_scope_only() {
    let mut desk = Desk::new();
    desk.budget().scope.functions = Some("sh*".into());
    assert_eq!(desk.rules([cap(30)]), FINE);
    desk.budget().scope.tags = BTreeMap::from([("team".into(), "pay*".into())]);
    assert_eq!(desk.rules([cap(30)]), [Rule::Scope]);
    desk.function("shop").tags.insert("team".into(), "payments".into());
    assert_eq!(desk.rules([cap(30)]), FINE);
    desk.budget().scope.functions = Some("other".into());
    assert_eq!(desk.rules([cap(30)]), [Rule::Scope]);
    for budget in [None, Some("gone".into())] {
        assert_eq!(desk.rules([Action { budget, ..cap(30) }]), [Rule::Scope]);
    }
    assert_eq!(
        desk.rules([Action { reason: Reason::Operator, ..cap(30) }]),
        [Rule::Scope],
        "a budget is no operator"
    );
}

#[test]
fn an_operators_cap_may_be_set_again_without_a_budget() {
    let mut desk = Desk::new();
    desk.capped(None, Some(3));
    desk.function("shop").reserved = None;
    let again = |reason| Action { reason, budget: None, ..cap(3) };
    let untripped = again(Reason::Untripped { last_modified: None });
    assert_eq!(desk.rules([untripped.clone()]), [Rule::Scope], "the latch is a budget's");
    desk.state.latches.get_mut("shop").unwrap().budget = None;
    assert_eq!(desk.rules([untripped]), FINE);
    assert_eq!(desk.rules([again(Reason::Resumed)]), FINE);
    assert_eq!(desk.rules([again(line())]), [Rule::Scope]);
    assert_eq!(desk.rules([Action { reason: Reason::Resumed, ..cap(3) }]), [Rule::Floor]);
}

#[test]
fn events_are_not_lost_unless_the_budget_allows_it() {
    let mut desk = Desk::new();
    desk.budget().mode = Mode::Stop;
    let uncaught = AsyncConfig::default();
    let fewer = on("shop", retries((2, 21_600), (0, 21_600)), line());
    let shorter = on("shop", retries((2, 21_600), (2, 300)), line());
    desk.function("shop").asynchronous = Some(uncaught);
    for action in [fewer.clone(), shorter.clone(), cap(0)] {
        assert_eq!(desk.rules([action.clone()]), [Rule::EventLoss]);
        assert_eq!(desk.rules([operator(action)]), FINE);
    }
    assert_eq!(desk.rules([cap(1)]), FINE, "a cap postpones");
    desk.budget().allow_event_loss = true;
    assert_eq!(desk.rules([fewer.clone(), cap(0)]), FINE);
    desk.budget().allow_event_loss = false;
    desk.function("shop").asynchronous = Some(AsyncConfig { on_failure: true, ..uncaught });
    assert_eq!(desk.rules([fewer, cap(0)]), FINE);

    desk.function("shop").mappings = vec![queue(None, Some(3))];
    assert_eq!(desk.rules([cap(0)]), FINE);
    assert_eq!(desk.rules([on("shop", off(), line())]), FINE);
    desk.function("shop").mappings = vec![queue(None, None)];
    assert_eq!(desk.rules([cap(0)]), [Rule::EventLoss]);
    assert_eq!(desk.rules([on("shop", off(), line())]), [Rule::EventLoss]);
    desk.function("shop").mappings[0].enabled = false;
    assert_eq!(desk.rules([cap(0)]), FINE, "it does not poll anyway");
    desk.function("shop").mappings =
        vec![queue(None, Some(3)), EventSourceMapping { id: "r".into(), ..queue(None, None) }];
    assert_eq!(desk.rules([on("shop", off(), line())]), FINE, "the other mapping is not touched");
}

#[test]
fn a_release_needs_sight_or_the_end_of_the_period() {
    let mut desk = Desk::new();
    desk.capped(None, Some(30));
    assert_eq!(desk.rules([release(30, Some(60))]), FINE);
    for freshness in [Freshness::Unknown, Freshness::Late(9)] {
        desk.seen.functions[1].1.freshness = freshness;
        let expected = if freshness == Freshness::Unknown { vec![Rule::BlindRelease] } else { vec![] };
        assert_eq!(desk.rules([release(30, None)]), expected);
    }
    desk.seen.functions.clear();
    assert_eq!(desk.rules([release(30, None)]), [Rule::BlindRelease], "not looked at");
    assert_eq!(desk.rules([Action { reason: Reason::Rollover, ..release(30, None) }]), FINE);
    assert_eq!(desk.rules([operator(release(30, None))]), FINE);
    desk.function("shop").reserved = None;
    assert_eq!(desk.rules([on("shop", reserve(None, Some(30)), line())]), FINE, "blind, but tighter");
}

#[test]
fn a_release_gives_back_what_was_taken_and_no_more() {
    let mut desk = Desk::new();
    desk.capped(Some(50), Some(30));
    assert_eq!(desk.rules([release(30, Some(50))]), FINE);
    assert_eq!(desk.rules([release(30, Some(51))]), [Rule::BeyondOriginal]);
    assert_eq!(desk.rules([release(30, None)]), [Rule::BeyondOriginal]);
    assert_eq!(desk.rules([operator(release(30, None))]), FINE);
    desk.state.latches.clear();
    assert_eq!(desk.rules([release(30, Some(50))]), [Rule::BeyondOriginal], "never taken");
}

#[test]
fn a_release_goes_on_when_its_budget_is_gone_or_no_longer_acts() {
    let mut desk = Desk::new();
    desk.capped(None, Some(30));
    desk.budget().mode = Mode::Alert;
    assert_eq!(desk.rules([release(30, None)]), FINE);
    desk.policy.budget.clear();
    assert_eq!(desk.rules([release(30, None)]), FINE);
}

#[test]
fn asynchronous_settings_loosen_and_tighten_by_part() {
    let mut desk = Desk::new();
    desk.function("shop").asynchronous =
        Some(AsyncConfig { max_retries: 0, max_event_age_s: 300, on_failure: true });
    let setting =
        |max_retries, max_event_age_s| Setting::Async(AsyncSetting { max_retries, max_event_age_s });
    desk.hold(Lever::AsyncConfig, setting(2, 600), setting(0, 300));
    let to = |to| on("shop", retries((0, 300), to), Reason::Calm { minutes: 9 });
    assert_eq!(desk.rules([to((2, 600))]), FINE);
    assert_eq!(desk.rules([to((1, 300))]), FINE);
    assert_eq!(desk.rules([to((2, 601))]), [Rule::BeyondOriginal]);
    desk.hold(Lever::AsyncConfig, setting(1, 600), setting(0, 300));
    assert_eq!(desk.rules([to((2, 300))]), [Rule::BeyondOriginal]);
    desk.seen.functions.clear();
    assert_eq!(desk.rules([to((0, 301))]), [Rule::BlindRelease]);
    assert_eq!(desk.rules([to((1, 300))]), [Rule::BlindRelease]);
    assert_eq!(desk.rules([to((0, 299))]), FINE);
    assert_eq!(desk.rules([to((1, 299))]), [Rule::BlindRelease], "one part looser, one tighter");
    assert_eq!(desk.rules([to((0, 300))]), FINE, "no change is neither");
}

#[test]
fn a_mapping_switched_on_again_is_a_release() {
    let mut desk = Desk::new();
    desk.function("shop").mappings = vec![EventSourceMapping { enabled: false, ..queue(Some(2), Some(3)) }];
    let again =
        on("shop", Change::MappingEnabled { mapping: "q".into(), from: false, to: true }, Reason::Restored);
    assert_eq!(desk.rules([again.clone()]), [Rule::BeyondOriginal]);
    desk.hold(again.change.lever(), Setting::Enabled(true), Setting::Enabled(false));
    assert_eq!(desk.rules([again.clone()]), FINE);
    desk.hold(slow(None, None).lever(), Setting::Concurrency(Some(9)), Setting::Concurrency(Some(2)));
    assert_eq!(desk.rules([on("shop", slow(Some(2), Some(9)), Reason::Restored)]), FINE);
    assert_eq!(desk.rules([on("shop", slow(Some(2), Some(10)), Reason::Restored)]), [Rule::BeyondOriginal]);
}

#[test]
fn an_operators_hold_and_pardon_last_until_their_time() {
    let mut desk = Desk::new();
    let until = |seconds| BTreeMap::from([("shop".into(), now() + chrono::TimeDelta::seconds(seconds))]);
    desk.capped(None, Some(60));
    let tighter = on("shop", reserve(Some(60), Some(30)), line());
    desk.state.operator.holds = until(1);
    assert_eq!(desk.rules([tighter.clone()]), [Rule::Held]);
    assert_eq!(desk.rules([release(60, None)]), [Rule::Held]);
    assert_eq!(desk.rules([operator(tighter.clone())]), FINE);
    desk.state.operator.holds = until(0);
    assert_eq!(desk.rules([tighter.clone()]), FINE);
    desk.state.operator.pardons = until(1);
    assert_eq!(desk.rules([tighter.clone()]), [Rule::Pardoned]);
    assert_eq!(desk.rules([release(60, None)]), FINE);
    desk.state.operator.pardons = until(0);
    assert_eq!(desk.rules([tighter]), FINE);
}

#[test]
fn a_lever_that_somebody_else_moved_is_left_to_operators() {
    let mut desk = Desk::new();
    desk.capped(None, Some(60));
    desk.state.latches.get_mut("shop").unwrap().levers[0].ours = Some(Setting::Concurrency(Some(5)));
    assert_eq!(desk.rules([release(60, None)]), [Rule::Foreign]);
    assert_eq!(desk.rules([operator(release(60, None))]), FINE);
}

#[test]
fn values_that_aws_refuses_are_not_asked_for() {
    let mut desk = Desk::new();
    desk.function("shop").asynchronous = Some(AsyncConfig { on_failure: true, ..AsyncConfig::default() });
    desk.function("shop").mappings = vec![queue(None, Some(3))];
    let asynchronous = |to| operator(on("shop", retries((2, 21_600), to), line()));
    for (to, fits) in
        [((0, 60), true), ((2, 21_600), true), ((3, 60), false), ((0, 59), false), ((2, 21_601), false)]
    {
        assert_eq!(desk.rules([asynchronous(to)]).is_empty(), fits, "{to:?}");
    }
    for (to, fits) in [(1, false), (2, true), (1000, true), (1001, false)] {
        assert_eq!(desk.rules([operator(on("shop", slow(None, Some(to)), line()))]).is_empty(), fits, "{to}");
    }
    desk.inventory.account.unreserved_minimum = 0;
    assert_eq!(desk.rules([operator(cap(1000))]), FINE);
    assert!(desk.rules([operator(cap(1001))]).contains(&Rule::Range));
    let EventSource::Sqs { provisioned_pollers, .. } = &mut desk.function("shop").mappings[0].source else {
        panic!()
    };
    *provisioned_pollers = true;
    assert_eq!(desk.rules([operator(on("shop", slow(None, Some(30)), line()))]), [Rule::Range]);
}

#[test]
fn offending_actions_become_refusals_with_one_notice() {
    let desk = Desk::new();
    let original = plan(vec![cap(29), on("other", reserve(None, Some(30)), line())]);
    assert_eq!(enforce(original.clone(), &[]), original);
    let enforced = enforce(original.clone(), &desk.check(&original));
    assert!(enforced.armed);
    assert_eq!(enforced.actions, original.actions[1..]);
    let refusal = Refusal {
        function: "shop".into(),
        change: Some(reserve(None, Some(29))),
        reason: Reason::Unsafe { rule: "floor".into() },
        budget: Some("month".into()),
    };
    assert_eq!(enforced.refusals, [refusal]);
    let [notice] = &enforced.notices[..] else { panic!("one notice") };
    assert_eq!((notice.kind, notice.alarming), (NoticeKind::Refused, true));
    assert_eq!(notice.headline, "The second opinion objects to the plan: shop: 29 is below the floor of 30");
    assert_eq!(notice.body, ["floor: shop: 29 is below the floor of 30"]);
    assert_eq!(desk.check(&enforced), [], "what is left is lawful");

    let both = plan(vec![cap(29), cap(28)]);
    let enforced = enforce(both.clone(), &desk.check(&both));
    assert_eq!(enforced.notices[0].headline, "The second opinion objects to the plan in 3 points");
    assert_eq!((enforced.actions.len(), enforced.refusals.len(), enforced.notices.len()), (0, 2, 1));
}

#[test]
fn a_tag_asks_for_no_higher_floor_than_the_policy_lets_it() {
    let mut desk = Desk::new();
    desk.function("shop").tags.insert(FLOOR_TAG.into(), "100000".into());
    assert_eq!(desk.rules([cap(99)]), [Rule::Floor]);
    assert_eq!(desk.rules([cap(100)]), FINE);
    desk.policy.tags.floor = 100_000;
    assert_eq!(desk.rules([cap(100)]), [Rule::Floor]);
}

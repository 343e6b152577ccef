//! Operators' words: what they change, and that a refused one changes nothing.

use std::collections::BTreeMap;

use chrono::TimeZone;

use super::*;
use crate::inventory::{AccountLimits, AsyncConfig, Function, Inventory};
use crate::plan::{AsyncSetting, Lever, NoticeKind, Setting};
use crate::policy::{Budget, Policy};
use crate::pricing::PriceTable;
use crate::state::{Latch, LeverState, Phase};

fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 23, 10, 30, 0).unwrap()
}

const MINE: AsyncSetting = AsyncSetting { max_retries: 0, max_event_age_s: 60 };
const THEIRS: AsyncSetting = AsyncSetting { max_retries: 2, max_event_age_s: 21_600 };

/// `other` reserves 200, `capped` 7 for the guard, `safe` is protected.
fn roster() -> Roster {
    let config = AsyncConfig { max_retries: 0, max_event_age_s: 60, on_failure: true };
    let functions = vec![
        Function { reserved: Some(7), asynchronous: Some(config), ..Function::new("capped", 512, 60) },
        Function { reserved: Some(200), ..Function::new("other", 512, 60) },
        Function::new("plain", 512, 60),
        Function::new("safe", 512, 60),
    ];
    let policy = Policy {
        protected: vec!["safe".to_owned()],
        budget: vec![Budget::per_month("all", crate::money::Usd::from_dollars(1))],
        ..Policy::default()
    };
    let inventory = Inventory::new("us-east-1", AccountLimits::default(), functions);
    Roster::new(policy, PriceTable::embedded(), inventory, Some("dow-guard".into()))
}

/// The guard cut the retries of `capped` and then capped it at 7.
fn state() -> State {
    let levers = vec![
        LeverState {
            lever: Lever::AsyncConfig,
            original: Setting::Async(THEIRS),
            ours: Some(Setting::Async(MINE)),
            pending: None,
            found: None,
        },
        LeverState {
            lever: Lever::ReservedConcurrency,
            original: Setting::Concurrency(None),
            ours: Some(Setting::Concurrency(Some(7))),
            pending: None,
            found: None,
        },
    ];
    let latch = Latch {
        budget: Some("all".into()),
        tripped_at: now(),
        phase: Phase::Capped,
        phase_since: now(),
        calm_since: None,
        relapses: 0,
        levers,
    };
    State { latches: BTreeMap::from([("capped".into(), latch)]), ..State::new() }
}

fn reserve(function: &str, from: Option<u32>, to: Option<u32>) -> Action {
    let change = Change::ReservedConcurrency { from, to };
    Action { function: function.into(), change, reason: Reason::Operator, budget: None }
}

fn say(state: &mut State, word: &Command) -> Result<Plan, CommandError> {
    command(&roster(), state, now(), word)
}

fn refused(word: &Command) -> String {
    let mut state = state();
    let error = say(&mut state, word).unwrap_err();
    assert_eq!(state, self::state(), "{word:?}");
    error.to_string()
}

fn cap_of(function: &str, concurrency: u32) -> Command {
    Command::Cap { function: function.into(), concurrency }
}

fn hold_of(function: &str, minutes: u32) -> Command {
    Command::Hold { function: function.into(), minutes }
}

fn release_of(function: &str) -> Command {
    Command::Release { function: function.into() }
}

#[test]
fn a_release_puts_everything_back_last_change_first_and_pardons_for_an_hour() {
    let mut state = state();
    state.operator.holds.insert("capped".into(), now());
    let plan = say(&mut state, &release_of("capped")).unwrap();
    let back = Action {
        function: "capped".into(),
        change: Change::AsyncConfig { from: MINE, to: THEIRS },
        reason: Reason::Operator,
        budget: None,
    };
    assert_eq!(plan.actions, [reserve("capped", Some(7), None), back]);
    assert_eq!((plan.schema, plan.at, plan.armed), (PLAN_SCHEMA, now(), true));
    assert!(plan.refusals.is_empty() && plan.budgets.is_empty());
    let [notice] = plan.notices.as_slice() else { panic!("{:?}", plan.notices) };
    assert_eq!((notice.kind, notice.alarming), (NoticeKind::Released, false));
    assert_eq!(notice.alarm, "dow-guard/function/capped");
    assert!(!state.alerts["dow-guard/function/capped"].open, "closed under the same name");
    assert_eq!(plan.sampling, SamplingPlan::default());
    assert_eq!(state.operator.pardons[&FunctionName::from("capped")], now() + Duration::minutes(60));
    assert!(state.operator.holds.is_empty());
    let levers = &state.latches[&FunctionName::from("capped")].levers;
    assert_eq!(levers[0].pending, Some(Setting::Async(THEIRS)));
    assert_eq!(levers[1].pending, Some(Setting::Concurrency(None)));
}

#[test]
fn a_release_leaves_alone_what_somebody_else_has_set_since() {
    let mut state = state();
    let levers = &mut state.latches.get_mut(&FunctionName::from("capped")).unwrap().levers;
    levers[1].ours = Some(Setting::Concurrency(Some(9)));
    let plan = say(&mut state, &release_of("capped")).unwrap();
    assert_eq!(plan.actions.len(), 1);
    assert_eq!(plan.actions[0].change, Change::AsyncConfig { from: MINE, to: THEIRS });
}

#[test]
fn a_release_takes_back_a_change_that_was_written_down_and_found_made() {
    let mut state = state();
    let levers = &mut state.latches.get_mut(&FunctionName::from("capped")).unwrap().levers;
    levers[1].ours = None;
    levers[1].pending = Some(Setting::Concurrency(Some(7)));
    let plan = say(&mut state, &release_of("capped")).unwrap();
    assert_eq!(plan.actions[0], reserve("capped", Some(7), None));
    assert_eq!(plan.actions.len(), 2);
}

#[test]
fn a_release_leaves_what_somebody_else_has_set_says_so_and_lets_go_of_it() {
    let mut state = state();
    let levers = &mut state.latches.get_mut(&FunctionName::from("capped")).unwrap().levers;
    levers[0].ours = Some(Setting::Async(AsyncSetting { max_retries: 1, max_event_age_s: 60 }));
    levers[1].ours = Some(Setting::Concurrency(Some(9)));
    let plan = say(&mut state, &release_of("capped")).unwrap();
    assert_eq!(plan.actions, []);
    let told = &plan.notices[0];
    assert_eq!((told.kind, told.alarming), (NoticeKind::Released, false));
    assert!(
        told.headline.starts_with("OK: capped: ") && told.headline.ends_with(" stays as it is"),
        "{told:?}"
    );
    let latch = state.latches.get(&FunctionName::from("capped"));
    assert!(latch.is_none_or(|latch| latch.levers.is_empty()), "{latch:?}");
}

#[test]
fn a_release_needs_a_function_that_the_guard_has_changed() {
    assert_eq!(
        refused(&release_of("plain")),
        "the guard changed nothing on \"plain\": there is nothing to release"
    );
    assert_eq!(refused(&release_of("nosuch")), "no function \"nosuch\" in this account and region");
}

#[test]
fn a_hold_lasts_its_minutes_and_changes_nothing() {
    for minutes in [1, 43_200] {
        let mut state = state();
        let plan = say(&mut state, &hold_of("plain", minutes)).unwrap();
        assert!(plan.actions.is_empty());
        let until = state.operator.holds[&FunctionName::from("plain")];
        assert_eq!(until, now() + Duration::minutes(i64::from(minutes)));
        state.operator.holds.clear();
        assert_eq!(state, self::state());
    }
}

#[test]
fn a_hold_outside_its_range_or_of_an_unknown_function_is_refused() {
    assert_eq!(refused(&hold_of("plain", 0)), "minutes = 0: accepted are 1 to 43200");
    assert_eq!(refused(&hold_of("plain", 43_201)), "minutes = 43201: accepted are 1 to 43200");
    assert_eq!(refused(&hold_of("nosuch", 5)), "no function \"nosuch\" in this account and region");
}

#[test]
fn a_cap_by_hand_is_an_action_written_down_and_ends_a_pardon() {
    let mut state = state();
    state.operator.pardons.insert("plain".into(), now());
    let plan = say(&mut state, &cap_of("plain", 3)).unwrap();
    assert_eq!(plan.actions, [reserve("plain", None, Some(3))]);
    assert!(state.operator.pardons.is_empty());
    let latch = &state.latches[&FunctionName::from("plain")];
    assert_eq!((&latch.budget, latch.phase), (&None, Phase::Capped));
    assert_eq!(latch.levers[0].original, Setting::Concurrency(None));
    assert_eq!(latch.levers[0].pending, Some(Setting::Concurrency(Some(3))));
}

#[test]
fn a_cap_that_is_in_force_already_needs_no_action() {
    let mut state = state();
    let plan = say(&mut state, &cap_of("other", 200)).unwrap();
    assert!(plan.actions.is_empty());
    assert_eq!(state, self::state());
}

#[test]
fn a_cap_fits_into_what_the_account_can_reserve() {
    // 1,000 less AWS's 100 less the 207 of others.
    assert!(say(&mut state(), &cap_of("plain", 693)).is_ok());
    assert!(say(&mut state(), &cap_of("plain", 0)).is_ok());
    assert_eq!(refused(&cap_of("plain", 694)), "concurrency = 694: accepted are 0 to 693");
    // Its own reservation counts towards its own room: 900 − 7.
    assert!(say(&mut state(), &cap_of("other", 893)).is_ok());
    assert_eq!(refused(&cap_of("other", 894)), "concurrency = 894: accepted are 0 to 893");
}

#[test]
fn a_cap_may_keep_what_a_crowded_account_has_reserved_already() {
    let mut roster = roster();
    roster.inventory.account.concurrency = 150;
    let said = |word: &Command| command(&roster, &mut state(), now(), word);
    assert!(said(&cap_of("other", 200)).is_ok());
    assert!(said(&cap_of("other", 201)).is_err());
    assert!(said(&cap_of("plain", 0)).is_ok());
    assert!(said(&cap_of("plain", 1)).is_err());
}

#[test]
fn protected_functions_are_protected_from_operators_too() {
    let text = "\"safe\" is protected: remove it from the policy's protected list first";
    assert_eq!(refused(&cap_of("safe", 3)), text);
    assert_eq!(refused(&cap_of("nosuch", 3)), "no function \"nosuch\" in this account and region");
}

#[test]
fn arming_and_disarming_are_remembered() {
    for (word, armed) in [(Command::Arm, true), (Command::Disarm, false)] {
        let mut state = state();
        let plan = say(&mut state, &word).unwrap();
        assert!(plan.actions.is_empty());
        assert_eq!(state.operator.armed, Some(armed));
        state.operator.armed = None;
        assert_eq!(state, self::state());
    }
}

#[test]
fn all_is_released_the_last_lever_first_and_the_guard_disarmed() {
    let mut state = state();
    // A function that was deleted meanwhile, and one that is back at what it had.
    let gone = state.latches.values().next().unwrap().clone();
    state.latches.insert("gone".into(), gone);
    let reserved = |ours| LeverState {
        lever: Lever::ReservedConcurrency,
        original: Setting::Concurrency(Some(200)),
        ours: Some(Setting::Concurrency(Some(ours))),
        pending: None,
        found: None,
    };
    let other = Latch { levers: vec![reserved(3)], ..state.latches.values().next().unwrap().clone() };
    state.latches.insert("other".into(), other);
    let plan = say(&mut state, &Command::ReleaseAll).unwrap();
    let changed: Vec<String> =
        plan.actions.iter().map(|action| format!("{} {:?}", action.function, action.change.to())).collect();
    assert_eq!(
        changed,
        [format!("capped {:?}", Setting::Concurrency(None)), format!("capped {:?}", Setting::Async(THEIRS))]
    );
    assert_eq!(plan.notices.iter().filter(|notice| notice.kind == NoticeKind::Released).count(), 1);
    assert_eq!(state.operator.armed, Some(false));
    assert_eq!(serde_json::to_string(&Command::ReleaseAll).unwrap(), r#"{"command":"release-all"}"#);
}

#[test]
fn words_are_written_as_json_with_a_command_each() {
    let json = r#"{"command":"cap","function":"plain","concurrency":3}"#;
    assert_eq!(serde_json::from_str::<Command>(json).unwrap(), cap_of("plain", 3));
    assert_eq!(serde_json::to_string(&Command::Arm).unwrap(), r#"{"command":"arm"}"#);
    let unknown = r#"{"command":"hold","function":"plain","minutes":3,"seconds":1}"#;
    assert!(serde_json::from_str::<Command>(unknown).is_err());
}

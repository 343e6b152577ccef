//! The way back: when, by how much, and to what.

use super::*;
use crate::plan::AsyncSetting;
use crate::policy::AtRollover;

/// A function capped at noon and calm since noon, asked at so many minutes after.
fn capped(original: Option<u32>, cap: u32, phase: Phase, minutes: i64) -> Desk {
    let mut desk = Desk::new(policy(), &[("a", 0)]);
    desk.hold("a", original, cap, phase);
    desk.latch("a").calm_since = Some(Minute::of(noon()));
    desk.at(noon() + Duration::minutes(minutes));
    desk
}

fn step(desk: &Desk) -> Option<(Setting, Reason)> {
    let plan = desk.plan();
    assert!(plan.actions.len() <= 1, "{plan:?}");
    plan.actions.first().map(|action| (action.change.to(), action.reason.clone()))
}

fn to(value: Option<u32>) -> Setting {
    Setting::Concurrency(value)
}

#[test]
fn a_cap_is_doubled_when_cooldown_and_calm_are_over_and_not_a_minute_before() {
    assert_eq!(step(&capped(None, 5, Phase::Capped, 29)), None);
    let waiting = capped(None, 5, Phase::Capped, 29).plan();
    assert_eq!(*reason(&waiting, "a"), Reason::CoolingDown { minutes: 1 });
    let due = capped(None, 5, Phase::Capped, 30);
    assert_eq!(step(&due), Some((to(Some(10)), Reason::Calm { minutes: 30 })));
}

#[test]
fn calm_must_have_lasted_ten_minutes_however_old_the_cap() {
    let mut desk = capped(None, 5, Phase::Capped, 100);
    desk.latch("a").calm_since = Some(Minute::of(noon()).plus(91));
    assert_eq!(*reason(&desk.plan(), "a"), Reason::CoolingDown { minutes: 1 });
    desk.latch("a").calm_since = Some(Minute::of(noon()).plus(90));
    assert_eq!(step(&desk), Some((to(Some(10)), Reason::Calm { minutes: 10 })));
    desk.latch("a").calm_since = None;
    assert_eq!(*reason(&desk.plan(), "a"), Reason::CoolingDown { minutes: 10 });
}

#[test]
fn the_next_step_of_a_ramp_waits_for_calm_only() {
    assert_eq!(step(&capped(None, 10, Phase::Ramping, 9)), None);
    assert_eq!(step(&capped(None, 10, Phase::Ramping, 10)).map(|(to, _)| to), Some(to(Some(20))));
}

#[test]
fn the_cooldown_doubles_with_every_relapse_up_to_sixteen_hours() {
    for (relapses, minutes) in [(0, 30), (1, 60), (2, 120), (5, 960), (6, 960), (40, 960)] {
        let mut early = capped(None, 5, Phase::Capped, minutes - 1);
        early.latch("a").relapses = relapses;
        early.book().period_end = noon() + Duration::hours(48);
        assert_eq!(step(&early), None, "{relapses}");
        early.at(noon() + Duration::minutes(minutes));
        assert!(step(&early).is_some(), "{relapses}");
    }
}

#[test]
fn the_ramp_ends_where_a_doubling_passes_four_floors_or_the_original() {
    // The floor is five: up to twenty is ramped.
    for (original, cap, next) in [
        (None, 10, Some(20)),
        (None, 11, None),
        (None, 1, Some(5)),
        (None, 0, Some(5)),
        (Some(19), 10, Some(19)),
        (Some(21), 10, Some(20)),
        (Some(400), 100, Some(200)),
        (Some(400), 200, Some(400)),
        (Some(0), 0, None),
    ] {
        let desk = capped(original, cap, Phase::Ramping, 10);
        let wanted = if original == Some(cap) { None } else { Some(to(next)) };
        assert_eq!(step(&desk).map(|(to, _)| to), wanted, "{original:?} {cap}");
        let is_last = next == original;
        let restored = step(&desk).is_none_or(|(_, reason)| (reason == Reason::Restored) == is_last);
        assert!(restored, "{original:?} {cap}");
    }
}

#[test]
fn a_ramp_without_room_in_the_pool_gives_a_reservation_back_or_is_as_high_as_there_is_room() {
    // 100 of the account stay unreserved.
    for (original, limit, next) in [
        (Some(400), 300, Some(to(Some(200)))),
        (Some(400), 299, Some(to(Some(199)))),
        (Some(400), 200, None),
        (Some(150), 249, Some(to(Some(149)))),
        (None, 209, Some(to(None))),
    ] {
        let mut desk = capped(original, 100, Phase::Ramping, 10);
        desk.roster.inventory.account.concurrency = limit;
        assert_eq!(step(&desk).map(|(to, _)| to), next, "{original:?} {limit}");
    }
    let mut desk = capped(Some(400), 100, Phase::Ramping, 10);
    desk.roster.inventory.account.concurrency = 200;
    assert_eq!(*reason(&desk.plan(), "a"), Reason::NoRoom { wanted: 400, room: 100 });
}

#[test]
fn a_standing_cap_is_given_back_as_far_as_the_pool_has_room() {
    let mut desk = capped(Some(400), 100, Phase::Standing, 10);
    desk.roster.inventory.account.concurrency = 260;
    assert_eq!(step(&desk), Some((to(Some(160)), Reason::Restored)));
}

#[test]
fn a_ramp_never_stops_below_the_provisioned_concurrency() {
    for (limit, next) in [(1000, Some(to(Some(8)))), (107, None)] {
        let mut desk = capped(Some(400), 0, Phase::Ramping, 10);
        desk.roster.inventory.functions[0].provisioned = 8;
        desk.roster.inventory.account.concurrency = limit;
        assert_eq!(step(&desk).map(|(to, _)| to), next, "{limit}");
    }
}

#[test]
fn what_gives_its_reservation_back_is_released_first() {
    let mut desk = Desk::new(policy(), &[("a", 0), ("z", 0)]);
    desk.roster.inventory.account.concurrency = 310;
    desk.hold("a", Some(400), 100, Phase::Ramping);
    desk.hold("z", None, 11, Phase::Ramping);
    for name in ["a", "z"] {
        desk.latch(name).calm_since = Some(Minute::of(noon()));
    }
    desk.at(noon() + Duration::minutes(10));
    assert_eq!(caps(&desk.plan()), [("z", to(None)), cap("a", 200)]);
}

#[test]
fn nothing_is_released_that_a_budget_at_its_line_would_catch_again() {
    let mut desk = capped(None, 5, Phase::Capped, 1);
    desk.reading.rolled = vec![0];
    desk.with_also();
    desk.state.budgets.get_mut("also").unwrap().spent = UsdRange::exact(usd("10"));
    assert_eq!(step(&desk), Some((to(Some(10)), Reason::Rollover)), "nothing exceeds the ordinary");
    desk.reading.functions[0].excess_per_hour = Usd::from_dollars(5);
    assert_eq!(step(&desk), None, "the other budget is at its line");
    desk.roster.rules[1].mode = Mode::Alert;
    assert_eq!(step(&desk), Some((to(Some(10)), Reason::Rollover)), "it only tells people");
    desk.roster.rules[1].mode = Mode::Cap;
    desk.roster.members[0].budgets = vec![0];
    assert_eq!(step(&desk), Some((to(Some(10)), Reason::Rollover)), "it does not cover the function");
}

#[test]
fn a_stopped_function_stays_so_while_nine_tenths_are_used() {
    let mut desk = capped(None, 0, Phase::Capped, 30);
    desk.roster.rules[0].mode = Mode::Stop;
    desk.spent("9");
    assert_eq!(step(&desk), None);
    // Half past noon to midnight.
    assert_eq!(*reason(&desk.plan(), "a"), Reason::CoolingDown { minutes: 690 });
    desk.book().spent = UsdRange::exact(usd("9") - Usd::from_picos(1));
    assert_eq!(step(&desk).map(|(to, _)| to), Some(to(Some(5))));
    desk.spent("9");
    desk.roster.rules[0].mode = Mode::Cap;
    assert_eq!(step(&desk).map(|(to, _)| to), Some(to(Some(5))), "a cap is not a stop");
}

#[test]
fn a_new_period_takes_the_first_step_at_once_where_the_policy_says_so() {
    let mut desk = capped(None, 5, Phase::Capped, 1);
    desk.latch("a").calm_since = None;
    desk.reading.rolled = vec![0];
    assert_eq!(step(&desk), Some((to(Some(10)), Reason::Rollover)));
    desk.roster.rules[0].at_rollover = AtRollover::Hold;
    assert_eq!(step(&desk), None);
    desk.roster.rules[0].at_rollover = AtRollover::Release;
    desk.latch("a").phase = Phase::Ramping;
    assert_eq!(step(&desk), None, "a ramp goes on in its own time");
}

#[test]
fn nothing_is_released_blind_or_against_an_operator_s_hold_or_while_a_change_is_open() {
    let mut desk = capped(None, 5, Phase::Capped, 30);
    desk.reading.functions[0].freshness = Freshness::Late(7);
    assert_eq!(step(&desk), None);
    assert_eq!(*reason(&desk.plan(), "a"), Reason::Blind { freshness: Freshness::Late(7) });
    let mut desk = capped(None, 5, Phase::Capped, 30);
    desk.state.operator.holds.insert("a".into(), noon() + Duration::hours(1));
    assert_eq!(step(&desk), None);
    assert_eq!(*reason(&desk.plan(), "a"), Reason::Operator);
    let mut desk = capped(None, 5, Phase::Capped, 30);
    desk.latch("a").levers[0].pending = Some(to(Some(10)));
    assert_eq!(step(&desk), None);
    let mut desk = capped(None, 5, Phase::Capped, 3000);
    desk.latch("a").levers[0].found = found(9);
    assert_eq!(step(&desk), None);
}

fn mark(desk: &mut Desk) -> Option<Minute> {
    super::super::release::mark_calm(&desk.roster, &mut desk.state, &desk.reading, &desk.seen);
    desk.state.latches.get("a").and_then(|latch| latch.calm_since)
}

#[test]
fn calm_is_fresh_unthrottled_and_ordinary_and_its_beginning_is_kept() {
    let mut desk = capped(None, 5, Phase::Capped, 7);
    assert_eq!(mark(&mut desk), Some(Minute::of(noon())), "since when it was");
    let spoil: [fn(&mut FunctionReading); 3] = [
        |reading| reading.throttles = 1,
        |reading| reading.excess_per_hour = Usd::from_picos(1),
        |reading| reading.freshness = Freshness::Unknown,
    ];
    for spoil in spoil {
        let before = desk.reading.functions[0];
        spoil(&mut desk.reading.functions[0]);
        assert_eq!(mark(&mut desk), None);
        desk.reading.functions[0] = before;
        assert_eq!(mark(&mut desk), Some(Minute::of(noon()).plus(7)), "a new calm");
    }
}

#[test]
fn without_history_a_function_at_its_cap_is_not_calm() {
    let mut desk = capped(None, 5, Phase::Capped, 7);
    desk.reading.functions[0].concurrency_max = 5;
    assert!(mark(&mut desk).is_some(), "with history, the money says it");
    desk.reading.functions[0].ordinary_per_hour = None;
    desk.reading.functions[0].burn_per_hour = Usd::ZERO;
    assert_eq!(mark(&mut desk), None);
    desk.reading.functions[0].concurrency_max = 4;
    assert!(mark(&mut desk).is_some());
    let mut stopped = capped(None, 0, Phase::Capped, 7);
    stopped.reading.functions[0].ordinary_per_hour = None;
    stopped.reading.functions[0].burn_per_hour = Usd::ZERO;
    assert!(mark(&mut stopped).is_some(), "a stopped function is not at its cap for ever");
}

#[test]
fn a_watch_ends_with_the_flap_window_and_words_of_operators_when_they_expire() {
    let end = noon() + Duration::hours(24);
    let mut desk = capped(None, 5, Phase::Watching, 0);
    desk.latch("a").levers.clear();
    desk.state.operator.holds.insert("a".into(), end);
    desk.state.operator.pardons.insert("a".into(), end);
    desk.at(end - Duration::seconds(1));
    mark(&mut desk);
    let left = |desk: &Desk| {
        let operator = &desk.state.operator;
        (desk.state.latches.len(), operator.holds.len(), operator.pardons.len())
    };
    assert_eq!(left(&desk), (1, 1, 1));
    desk.at(end);
    mark(&mut desk);
    assert_eq!(left(&desk), (0, 0, 0));
    let mut still = capped(None, 5, Phase::Capped, 3000);
    mark(&mut still);
    assert_eq!(still.state.latches.len(), 1, "a cap is no watch");
    let mut held = capped(None, 5, Phase::Watching, 3000);
    mark(&mut held);
    assert_eq!(held.state.latches.len(), 1, "what it holds is not forgotten");
}

#[test]
fn a_standing_ceiling_ends_the_ramp_as_far_as_the_pool_has_room() {
    let next = |limit: u32, reason: Reason| {
        let mut desk = capped(None, 2, Phase::Ramping, 10);
        desk.roster.inventory.account.concurrency = limit;
        let mut draft = desk.draft();
        draft.ceilings.insert(0, standing::Held { ceiling: 5, reason, rule: 0 });
        draft.release();
        draft.actions.first().map(|action| action.change.to())
    };
    let envelope = Reason::Envelope { floor: 5 };
    let barrier = Reason::Barrier { remaining: Usd::ZERO };
    assert_eq!(next(105, envelope.clone()), Some(to(Some(5))));
    assert_eq!(next(105, barrier.clone()), Some(to(Some(5))));
    assert_eq!(next(104, envelope), Some(to(None)), "what cannot stand is not held");
    assert_eq!(next(104, barrier), None, "what must not be passed is not");
}

#[test]
fn without_history_calm_is_a_burn_within_the_even_share_of_the_budget() {
    let share = policy_share();
    for (burn, is_calm) in [(share, true), (share + Usd::from_picos(1), false)] {
        let mut desk = capped(None, 5, Phase::Capped, 7);
        desk.reading.functions[0].ordinary_per_hour = None;
        desk.reading.functions[0].burn_per_hour = burn;
        assert_eq!(mark(&mut desk).is_some(), is_calm, "{burn}");
        desk.latch("a").budget = None;
        assert!(mark(&mut desk).is_some(), "without a budget there is no share");
    }
}

/// The even share of the desk's budget per hour.
fn policy_share() -> Usd {
    Desk::new(policy(), &[]).roster.rules[0].even_share_per_hour()
}

#[test]
fn retries_come_back_last_when_everything_else_is_back() {
    let async_setting = |max_retries| AsyncSetting { max_retries, max_event_age_s: 3600 };
    let back = Setting::Async(async_setting(2));
    let retries = LeverState {
        lever: Lever::AsyncConfig,
        original: back,
        ours: Some(Setting::Async(async_setting(0))),
        pending: None,
        found: None,
    };
    for (original, wanted) in [(None, vec![to(Some(10))]), (Some(9), vec![to(Some(9)), back])] {
        let mut desk = capped(original, 5, Phase::Capped, 30);
        desk.latch("a").levers.insert(0, retries.clone());
        let steps: Vec<Setting> = desk.plan().actions.iter().map(|action| action.change.to()).collect();
        assert_eq!(steps, wanted);
    }
    let mut desk = capped(None, 5, Phase::Capped, 30);
    desk.latch("a").levers = vec![retries];
    assert_eq!(step(&desk), Some((back, Reason::Restored)));
}

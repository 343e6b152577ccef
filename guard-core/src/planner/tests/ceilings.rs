//! Ceilings without a trip: the envelope at the floor, and the barrier that keeps the worst case within a budget.
//!
//! A unit of a function of the desk (1 GB, time-out 10 s, ten requests a second) costs at worst
//! 0.0000166667 + 10 × 0.0000002 = 0.0000186667 a second. What ceilings of before can still spend lasts
//! 180 + 30 + 2 × 10 = 230 s, what the next ones can spend 60 + 30 + 10 = 100 s.

use super::*;
use crate::inventory::AsyncConfig;
use crate::ledger::FunctionLedger;

/// What a test changes of a desk.
type Spoil = fn(&mut Desk);

impl Desk {
    /// Hours of history in which a function needed so much concurrency at once.
    fn remember(&mut self, name: &str, hours: i64, concurrency: u32) {
        let mut ledger = FunctionLedger::new(name.into());
        for back in 0..hours {
            ledger.profile.record(Hour::of(noon()).plus(-back), Usd::ZERO, concurrency);
        }
        ledger.profile.refresh();
        ledger.last_invoked = Some(Minute::of(noon()));
        self.state.functions.push(ledger);
    }

    /// The ceilings that a function under a guarantee has had, each since so many minutes ago.
    fn commanded(&mut self, name: &str, history: &[(i64, Option<u32>)]) {
        let now = self.reading.now;
        let history = history.iter().map(|(ago, ceiling)| (now.plus(-ago), *ceiling)).collect();
        self.state.commanded.insert(name.into(), history);
    }
}

/// A function with a week's history of 20 at once, hence a floor of 30, under a standing cap.
fn enveloped() -> Desk {
    let mut desk = Desk::new(policy(), &[("a", 0)]);
    desk.roster.rules[0].envelope = true;
    desk.remember("a", 168, 20);
    desk
}

/// A function without reservation under a guarantee of $10, of which so much is spent.
fn guaranteed(spent: &str) -> Desk {
    let mut desk = Desk::new(policy(), &[("a", 0)]);
    desk.roster.rules[0].guarantee = true;
    desk.spent(spent);
    desk
}

fn barrier(remaining: &str) -> Reason {
    Reason::Barrier { remaining: usd(remaining) }
}

#[test]
fn a_standing_cap_is_held_at_the_floor_after_a_week_of_history() {
    let plan = enveloped().plan();
    assert_eq!(caps(&plan), [cap("a", 30)]);
    assert_eq!(plan.actions[0].reason, Reason::Envelope { floor: 30 });
    assert_eq!(plan.actions[0].budget, Some("day".into()));
    let spoil: [(&str, Spoil); 4] = [
        ("less than a week", |desk| {
            desk.state.functions.clear();
            desk.remember("a", 167, 20);
        }),
        ("never used", |desk| desk.state.functions[0].last_invoked = None),
        ("never seen", |desk| desk.state.functions.clear()),
        ("the owner's reservation", |desk| desk.roster.inventory.functions[0].reserved = Some(100)),
    ];
    for (why, spoil) in spoil {
        let mut desk = enveloped();
        spoil(&mut desk);
        assert_eq!(caps(&desk.plan()), [], "{why}");
    }
}

#[test]
fn no_ceiling_stands_on_what_the_budget_or_an_operator_keeps_the_guard_from() {
    let later = noon() + Duration::seconds(1);
    let spoil: [(&str, Spoil); 8] = [
        ("tags unread", |desk| desk.roster.inventory.functions[0].tags_known = false),
        ("not covered", |desk| desk.roster.members[0].budgets.clear()),
        ("protected", |desk| desk.roster.members[0].protected = true),
        ("mode of the budget", |desk| desk.roster.rules[0].mode = Mode::Alert),
        ("mode by tag", |desk| desk.roster.members[0].overrides.mode = Some(Mode::Alert)),
        ("no envelope", |desk| desk.roster.rules[0].envelope = false),
        ("held", |desk| _ = desk.state.operator.holds.insert("a".into(), noon() + Duration::seconds(1))),
        ("pardoned", |desk| {
            _ = desk.state.operator.pardons.insert("a".into(), noon() + Duration::seconds(1))
        }),
    ];
    for (why, spoil) in spoil {
        let mut desk = enveloped();
        spoil(&mut desk);
        assert_eq!(caps(&desk.plan()), [], "{why}");
    }
    let mut desk = enveloped();
    desk.state.operator.holds.insert("a".into(), later);
    desk.state.operator.pardons.insert("a".into(), later);
    desk.at(later);
    assert_eq!(caps(&desk.plan()), [cap("a", 30)], "words of operators end when they end");
}

#[test]
fn a_standing_cap_is_lowered_at_once_and_raised_by_doubling_only() {
    for (now, phase, wanted) in [
        (31, Phase::Standing, vec![cap("a", 30)]),
        (30, Phase::Standing, vec![]),
        (16, Phase::Standing, vec![]),
        (15, Phase::Standing, vec![cap("a", 30)]),
        (0, Phase::Standing, vec![cap("a", 30)]),
        (31, Phase::Capped, vec![cap("a", 30)]),
        (15, Phase::Capped, vec![]),
    ] {
        let mut desk = enveloped();
        desk.hold("a", None, now, phase);
        assert_eq!(caps(&desk.plan()), wanted, "{now} {phase:?}");
    }
    let mut desk = enveloped();
    desk.hold("a", None, 31, Phase::Standing);
    desk.latch("a").levers[0].pending = Some(Setting::Concurrency(Some(30)));
    assert_eq!(caps(&desk.plan()), [], "a change on its way is waited for");
    let mut desk = enveloped();
    desk.hold("a", None, 31, Phase::Standing);
    desk.latch("a").levers[0].found = found(31);
    desk.latch("a").levers[0].ours = Some(Setting::Concurrency(Some(20)));
    assert_eq!(caps(&desk.plan()), [], "somebody else has set it");
}

#[test]
fn a_standing_cap_is_not_below_what_is_provisioned() {
    let mut desk = enveloped();
    desk.roster.inventory.functions[0].provisioned = 40;
    assert_eq!(caps(&desk.plan()), [cap("a", 40)]);
    desk.hold("a", None, 40, Phase::Standing);
    assert_eq!(caps(&desk.plan()), [], "it is in force");
    let mut desk = guaranteed("5.8");
    desk.roster.rules[0].below_floor = BelowFloor::Stop;
    desk.roster.inventory.functions[0].provisioned = 40;
    assert_eq!(caps(&desk.plan()), [cap("a", 40)], "AWS takes no less, not even nothing");
}

#[test]
fn a_standing_cap_that_the_pool_has_no_room_for_is_refused() {
    for (others, wanted) in [(870, vec![cap("a", 30)]), (871, vec![])] {
        let mut desk = enveloped();
        let mut other = Function::new("other", 1024, 10);
        other.reserved = Some(others);
        desk.roster.inventory.functions.push(other);
        let plan = desk.plan();
        assert_eq!(caps(&plan), wanted);
        if wanted.is_empty() {
            assert_eq!(plan.refusals[0].reason, Reason::NoRoom { wanted: 30, room: 29 });
            let change = Change::ReservedConcurrency { from: None, to: Some(30) };
            assert_eq!(plan.refusals[0].change, Some(change));
        }
    }
}

#[test]
fn a_standing_cap_that_is_wanted_no_more_is_given_back() {
    let given_back = |phase: Phase, pending: bool| {
        let mut desk = Desk::new(policy(), &[("a", 0), ("b", 0)]);
        desk.roster.rules[0].envelope = true;
        desk.remember("a", 168, 20);
        desk.hold("a", None, 30, Phase::Standing);
        desk.hold("b", Some(100), 30, phase);
        desk.latch("b").levers[0].pending = pending.then_some(Setting::Concurrency(Some(40)));
        let plan = desk.plan();
        plan.actions.first().map(|action| {
            assert_eq!((plan.actions.len(), action.function.as_str()), (1, "b"));
            assert_eq!((&action.reason, &action.budget), (&Reason::Restored, &Some("day".into())));
            action.change.to()
        })
    };
    assert_eq!(given_back(Phase::Standing, false), Some(Setting::Concurrency(Some(100))));
    assert_eq!(given_back(Phase::Standing, true), None);
    assert_eq!(given_back(Phase::Capped, false), None);
}

#[test]
fn the_first_budget_that_asks_for_a_ceiling_is_named_and_a_lower_one_counts() {
    let mut desk = enveloped();
    desk.with_also();
    desk.roster.rules.iter_mut().for_each(|rule| rule.envelope = true);
    assert_eq!(desk.plan().actions[0].budget, Some("day".into()));
    for (day, also, lower) in [("4", "5", "also"), ("5", "4", "day")] {
        let mut desk = guaranteed(day);
        desk.with_also();
        desk.roster.rules.iter_mut().for_each(|rule| rule.guarantee = true);
        desk.state.budgets.get_mut(&BudgetName::from("also")).unwrap().spent = UsdRange::exact(usd(also));
        let plan = desk.plan();
        assert_eq!((caps(&plan), plan.actions[0].budget.clone()), (vec![cap("a", 378)], Some(lower.into())));
        assert_eq!(plan.actions[0].reason, barrier("5"));
    }
}

#[test]
fn a_barrier_falls_when_the_worst_case_no_longer_fits_into_what_is_left() {
    // 1,000 in the pool: 230 s and 100 s of all of them are 6.160011, which is just left.
    assert_eq!(caps(&guaranteed("3.839989").plan()), []);
    let plan = guaranteed("3.839989000001").plan();
    assert_eq!(caps(&plan), [cap("a", 900)], "the most that can be reserved");
    assert_eq!(plan.actions[0].reason, barrier("6.160010999999"));
    // (5 − 4.293341) ÷ 0.00186667 = 378.57.
    let plan = guaranteed("5").plan();
    assert_eq!((caps(&plan), &plan.actions[0].reason), (vec![cap("a", 378)], &barrier("5")));
}

#[test]
fn a_barrier_counts_the_high_end_of_what_is_spent_and_of_what_is_deferred() {
    let mut desk = guaranteed("4");
    desk.book().spent = UsdRange::new(usd("4"), usd("4"), usd("5"), Causes::of(Cause::UnseenMinutes));
    assert_eq!(caps(&desk.plan()), [cap("a", 378)]);

    // Behind a cap of 100 may wait 3,600 × 100 × 0.0000186667 = 6.720012.
    let mut desk = guaranteed("3");
    desk.hold("a", None, 100, Phase::Capped);
    let waiting = AsyncConfig { max_event_age_s: 3600, ..AsyncConfig::default() };
    desk.roster.inventory.functions[0].asynchronous = Some(waiting);
    let plan = desk.plan();
    assert_eq!((caps(&plan), &plan.actions[0].reason), (vec![cap("a", 5)], &barrier("0.279988")));
}

#[test]
fn a_barrier_keeps_the_floor_or_goes_down_to_nothing_as_the_policy_says() {
    for (below_floor, to) in [(BelowFloor::KeepFloor, 5), (BelowFloor::Stop, 0)] {
        let mut desk = guaranteed("5.8");
        desk.roster.rules[0].below_floor = below_floor;
        let plan = desk.plan();
        assert_eq!((caps(&plan), &plan.actions[0].reason), (vec![cap("a", to)], &barrier("4.2")));
    }
    let mut desk = guaranteed("5.8");
    desk.remember("a", 168, 20);
    assert_eq!(caps(&desk.plan()), [cap("a", 30)], "the floor that history says");
}

#[test]
fn a_barrier_below_a_standing_cap_takes_its_place() {
    let mut desk = enveloped();
    desk.roster.rules[0].guarantee = true;
    desk.spent("5.8");
    assert_eq!(desk.plan().actions[0].reason, Reason::Envelope { floor: 30 });
    desk.roster.rules[0].below_floor = BelowFloor::Stop;
    let plan = desk.plan();
    assert_eq!((caps(&plan), &plan.actions[0].reason), (vec![cap("a", 0)], &barrier("4.2")));
}

#[test]
fn what_the_guard_may_not_move_is_taken_off_what_is_left_first() {
    let with_other = |spoil: Spoil| {
        let mut desk = Desk::new(policy(), &[("a", 0), ("b", 0)]);
        desk.roster.rules[0].guarantee = true;
        desk.spent("5");
        desk.roster.inventory.functions[1].reserved = Some(100);
        spoil(&mut desk);
        let plan = desk.plan();
        assert_eq!(plan.actions.len(), 1);
        (plan.actions[0].change.to(), plan.actions[0].reason.clone())
    };
    let to = |cap| Setting::Concurrency(Some(cap));
    // 330 s of 100 are 0.6160011, and 900 are left in the pool: (4.3839989 − 3.8640069) ÷ 0.00186667 = 278.57.
    let protected = with_other(|desk| desk.roster.members[1].protected = true);
    assert_eq!(protected, (to(278), barrier("4.3839989")));
    // Whoever the budget does not cover only narrows the pool: (5 − 3.8640069) ÷ 0.00186667 = 608.57.
    let uncovered = with_other(|desk| desk.roster.members[1].budgets.clear());
    assert_eq!(uncovered, (to(608), barrier("5")));
}

#[test]
fn a_reservation_inside_the_budget_is_priced_by_itself() {
    // The one in the pool is lowered, as it can burn most. Before: 230 s of 1,000 and of 100; of the other from now on
    // 100 s of 100. (5 − 4.7226751 − 0.186667) ÷ 0.00186667 = 48.57.
    let mut desk = Desk::new(policy(), &[("a", 0), ("b", 0)]);
    desk.roster.rules[0].guarantee = true;
    desk.spent("5");
    desk.roster.inventory.functions[1].reserved = Some(100);
    let plan = desk.plan();
    assert_eq!((caps(&plan), &plan.actions[0].reason), (vec![cap("a", 48)], &barrier("5")));
}

#[test]
fn a_barrier_loosens_only_when_the_ceilings_of_before_can_spend_no_more() {
    let mut desk = guaranteed("5");
    desk.hold("a", None, 378, Phase::Standing);
    desk.commanded("a", &[(9, None), (3, Some(378))]);
    assert_eq!(caps(&desk.plan()), [], "the whole pool may still run unseen");
    desk.commanded("a", &[(9, Some(378))]);
    let plan = desk.plan();
    assert_eq!(
        plan.actions[0].change.to(),
        Setting::Concurrency(None),
        "what was there before is affordable"
    );
    desk.commanded("a", &[(9, Some(200))]);
    assert_eq!(desk.plan().actions.len(), 1, "what is in force counts too");
    desk.hold("a", Some(400), 378, Phase::Standing);
    assert_eq!(caps(&desk.plan()), [cap("a", 400)], "back to the owner's reservation");
    desk.latch("a").phase = Phase::Capped;
    assert_eq!(caps(&desk.plan()), [], "a trip has its own way back");
}

#[test]
fn a_barrier_costs_no_event_unless_the_policy_allows_it() {
    let nothing_left = |now: Option<u32>, allow_event_loss: bool| {
        let mut desk = guaranteed("5.8");
        desk.roster.rules[0].below_floor = BelowFloor::Stop;
        desk.roster.rules[0].allow_event_loss = allow_event_loss;
        desk.roster.inventory.functions[0].asynchronous =
            Some(AsyncConfig { max_event_age_s: 60, ..AsyncConfig::default() });
        if let Some(now) = now {
            desk.hold("a", None, now, Phase::Standing);
            desk.commanded("a", &[(1, None)]);
        }
        let plan = desk.plan();
        let refused = plan.refusals.iter().filter(|refusal| refusal.reason == Reason::EventLoss).count();
        (plan.actions.first().map(|action| action.change.to()), refused)
    };
    let to = |cap| Some(Setting::Concurrency(Some(cap)));
    assert_eq!(nothing_left(None, false), (to(1), 1), "one keeps the backlog from expiring");
    assert_eq!(nothing_left(Some(2), false), (to(1), 1));
    assert_eq!(nothing_left(Some(1), false), (None, 1));
    assert_eq!(nothing_left(Some(0), false), (None, 0), "it is at nothing already");
    assert_eq!(nothing_left(None, true), (to(0), 0));
    assert_eq!(nothing_left(Some(1), true), (to(0), 0));
}

fn history(desk: &mut Desk) -> Vec<(i64, Option<u32>)> {
    standing::remember(&desk.roster, &mut desk.state, &desk.reading);
    let now = desk.reading.now;
    let history = desk.state.commanded.get(&FunctionName::from("a"));
    history.into_iter().flatten().map(|(since, ceiling)| (now.since(*since), *ceiling)).collect()
}

#[test]
fn ceilings_under_a_guarantee_are_remembered_until_what_they_admitted_has_shown() {
    let mut desk = guaranteed("1");
    assert_eq!(history(&mut desk), [(0, None)]);
    desk.at(noon() + Duration::minutes(1));
    assert_eq!(history(&mut desk), [(1, None)], "nothing new");
    desk.roster.inventory.functions[0].reserved = Some(7);
    assert_eq!(history(&mut desk), [(1, None), (0, Some(7))]);
    // 180 s of lag, 30 s to act and a time-out of 10 s are four minutes, and one for the minute under way.
    desk.at(noon() + Duration::minutes(5));
    assert_eq!(history(&mut desk), [(5, None), (4, Some(7))]);
    desk.at(noon() + Duration::minutes(6));
    assert_eq!(history(&mut desk), [(5, Some(7))]);
    desk.roster.rules[0].guarantee = false;
    assert_eq!(history(&mut desk), []);
}

#[test]
fn ceilings_are_remembered_of_functions_under_a_guarantee_only() {
    let mut desk = guaranteed("1");
    desk.with_also();
    desk.roster.rules[1].guarantee = true;
    desk.roster.members[0].budgets = vec![0];
    assert_eq!(history(&mut desk), []);
    desk.roster.members[0].budgets = vec![0, 1];
    assert_eq!(history(&mut desk), [(0, None)]);
}

#[test]
fn of_a_ceiling_on_its_way_and_the_one_in_force_the_higher_is_remembered() {
    for (reserved, pending, remembered) in [
        (None, Some(5), None),
        (Some(9), Some(5), Some(9)),
        (Some(5), Some(9), Some(9)),
        (Some(5), None, None),
    ] {
        let mut desk = guaranteed("1");
        desk.hold("a", None, 1, Phase::Standing);
        desk.roster.inventory.functions[0].reserved = reserved;
        desk.latch("a").levers[0].pending = Some(Setting::Concurrency(pending));
        assert_eq!(history(&mut desk), [(0, remembered)], "{reserved:?} {pending:?}");
    }
}

#[test]
fn an_envelope_that_finds_no_room_when_a_cap_is_lifted_is_told_with_it() {
    let mut desk = enveloped();
    desk.roster.inventory.account.concurrency = 129;
    desk.reading.functions[0].concurrency_p99 = Some(20);
    desk.hold("a", None, 2, Phase::Ramping);
    desk.latch("a").calm_since = Some(Minute::of(noon()));
    desk.at(noon() + Duration::minutes(10));
    let plan = desk.plan();
    assert_eq!(caps(&plan), [("a", Setting::Concurrency(None))]);
    let refused: Vec<&Reason> = plan.refusals.iter().map(|refusal| &refusal.reason).collect();
    assert_eq!(refused, [&Reason::NoRoom { wanted: 30, room: 29 }]);
}

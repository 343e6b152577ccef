//! Ceilings without a trip: the envelope at the floor.

use super::*;
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
}

/// A function with a week's history of 20 at once, hence a floor of 30, under a standing cap.
fn enveloped() -> Desk {
    let mut desk = Desk::new(policy(), &[("a", 0)]);
    desk.roster.rules[0].envelope = true;
    desk.remember("a", 168, 20);
    desk
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
fn the_first_budget_that_asks_for_a_ceiling_is_named() {
    let mut desk = enveloped();
    desk.with_also();
    desk.roster.rules.iter_mut().for_each(|rule| rule.envelope = true);
    assert_eq!(desk.plan().actions[0].budget, Some("day".into()));
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

//! An incident that has used up its slack: capped before the line, where a cap bites and pays.

use super::*;
use crate::policy::Slack;

/// A budget of $10 a day, of which $3 are spent at noon, and an hour that burnt $6: without history three times $1.25 of
/// slack, and $1.25 tolerated an hour. Function a burns $1 of the ordinary and so much above it, with so much concurrency.
pub(super) fn incident(mode: Mode, below_floor: BelowFloor, excess: i64, concurrency: u32) -> Desk {
    let mut text = policy();
    text.budget[0].mode = mode;
    text.budget[0].below_floor = below_floor;
    let mut desk = Desk::new(text, &[("a", excess)]);
    let settled = desk.reading.settled;
    for back in 0..60 {
        desk.book().post(settled.plus(-back), &Entry::exact(usd("0.1")));
    }
    desk.spent("3");
    desk.reading.functions[0].concurrency_max = concurrency;
    desk
}

const CAP: (Mode, BelowFloor) = (Mode::Cap, BelowFloor::KeepFloor);

#[test]
fn an_incident_that_has_used_up_its_slack_is_capped_long_before_the_line() {
    let plan = incident(CAP.0, CAP.1, 5, 50).plan();
    assert_eq!(caps(&plan), [cap("a", 5)]);
    let record = &plan.budgets[0];
    assert_eq!((record.verdict, record.at_line), (Verdict::BreachedAct, false));
    assert!(record.incident >= record.slack && record.slack == usd("3.75"), "{record:?}");
    assert!(matches!(
        plan.actions[0].reason,
        Reason::SlackUsedUp { excess_share_per_mille: 1000, floor: 5, .. }
    ));
    let told: Vec<&str> = plan.notices.iter().map(|notice| notice.headline.as_str()).collect();
    assert!(told.iter().any(|line| line.starts_with("Budget day SPENDING FAST")), "{told:?}");
}

#[test]
fn before_the_line_the_fewest_functions_that_explain_nine_tenths_are_capped_and_the_rest_are_named_innocent()
{
    for (split, capped) in [([900, 100], 1), ([899, 101], 2)] {
        let mut desk = incident(CAP.0, CAP.1, 5, 50);
        let others = Desk::new(policy(), &[("a", split[0]), ("b", split[1])]);
        (desk.roster, desk.reading) = (others.roster, others.reading);
        for reading in &mut desk.reading.functions {
            reading.concurrency_max = 50;
        }
        let plan = desk.plan();
        assert_eq!(plan.actions.len(), capped, "{split:?}");
        assert_eq!(*reason(&plan, "b") == Reason::ExplainedByOthers, capped == 1, "{split:?}");
    }
}

#[test]
fn before_the_line_nothing_is_stopped_and_at_the_line_it_is() {
    for (mode, below_floor) in [(Mode::Stop, BelowFloor::KeepFloor), (Mode::Cap, BelowFloor::Stop)] {
        let mut desk = incident(mode, below_floor, 5, 50);
        assert_eq!(caps(&desk.plan()), [cap("a", 5)], "{mode:?} {below_floor:?}");
        desk.spent("10");
        assert_eq!(caps(&desk.plan()), [cap("a", 0)], "{mode:?} {below_floor:?}");
    }
}

#[test]
fn a_cap_that_would_refuse_as_much_that_is_ordinary_waits_for_the_line() {
    assert_eq!(caps(&incident(CAP.0, CAP.1, 2, 50).plan()), [cap("a", 5)], "two parts in three are excess");
    let mut desk = incident(CAP.0, CAP.1, 2, 50);
    desk.reading.functions[0].excess_per_hour -= Usd::from_picos(1);
    let plan = desk.plan();
    assert_eq!((plan.actions.len(), plan.budgets[0].verdict), (0, Verdict::Warn));
    assert_eq!(*reason(&plan, "a"), Reason::Growth);
    let lines: Vec<String> = plan.notices.iter().flat_map(|notice| notice.body.clone()).collect();
    assert!(lines.iter().any(|line| line.starts_with("No cap before the budget is used up")), "{lines:?}");
    desk.spent("10");
    assert_eq!(caps(&desk.plan()), [cap("a", 5)]);
}

#[test]
fn a_cap_that_would_hold_nothing_back_waits_for_the_line() {
    let plan = incident(CAP.0, CAP.1, 5, 5).plan();
    assert_eq!((plan.actions.len(), plan.budgets[0].verdict), (0, Verdict::Warn));
    assert_eq!(*reason(&plan, "a"), Reason::WouldNotBite { cap: 5, concurrency: 5 });
    assert_eq!(caps(&incident(CAP.0, CAP.1, 5, 6).plan()), [cap("a", 5)]);
}

#[test]
fn a_function_that_is_held_already_is_acted_on_whatever_a_cap_would_do() {
    let mut desk = incident(CAP.0, CAP.1, 1, 5);
    desk.hold("a", None, 5, Phase::Capped);
    assert_eq!(desk.plan().budgets[0].verdict, Verdict::BreachedAct);
}

#[test]
fn a_slack_of_the_whole_period_leaves_everything_to_the_line() {
    let mut desk = incident(CAP.0, CAP.1, 5, 50);
    let mut text = desk.roster.policy.clone();
    text.budget[0].slack = Some(Slack::PERIOD);
    desk.roster = Roster::new(text, PriceTable::embedded(), desk.roster.inventory.clone(), None);
    let plan = desk.plan();
    assert_eq!((plan.actions.len(), plan.budgets[0].verdict), (0, Verdict::Fine));
}

#[test]
fn a_mode_that_may_only_alert_tells_of_the_incident_and_caps_nobody() {
    let plan = incident(Mode::Alert, BelowFloor::KeepFloor, 5, 50).plan();
    assert_eq!((plan.actions.len(), plan.budgets[0].verdict), (0, Verdict::BreachedAlert));
}

#[test]
fn a_period_that_ends_lets_no_incident_go_that_goes_on() {
    let mut desk = incident(CAP.0, CAP.1, 5, 5);
    desk.hold("a", None, 5, Phase::Capped);
    desk.reading.rolled = vec![0];
    // Two minutes of it break nothing.
    desk.book().period_end = noon() + Duration::minutes(2);
    desk.book().period_start = noon() - Duration::hours(24) + Duration::minutes(2);
    let plan = desk.plan();
    assert_eq!((plan.actions.len(), plan.budgets[0].verdict < Verdict::BreachedAlert), (0, true));
    desk.reading.functions[0].excess_per_hour = Usd::ZERO;
    let plan = desk.plan();
    assert_eq!(plan.actions[0].reason, Reason::Rollover, "nothing of it is this function's");
}

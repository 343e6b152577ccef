//! When an alarm about a function or about the guard itself is closed, told again, and forgotten.

use super::*;
use crate::state::AlertState;

const ALARM: &str = "dow-guard/function/a";

impl Desk {
    /// Moves on to so many minutes after noon with so much spent, and says what is told of "a".
    fn told_of_a(&mut self, minutes: i64, spent: &str) -> Vec<NoticeKind> {
        self.at(noon() + Duration::minutes(minutes));
        self.spent(spent);
        self.tell().into_iter().filter(|(_, alarm)| alarm == ALARM).map(|(kind, _)| kind).collect()
    }
}

/// A protected function that breaks the budget, refused and told at noon.
fn refused() -> Desk {
    let mut desk = Desk::new(policy(), &[("a", 5)]);
    desk.roster.members[0].protected = true;
    assert_eq!(desk.told_of_a(0, "10"), [NoticeKind::Refused]);
    desk
}

#[test]
fn a_refusal_s_alarm_closes_once_the_function_has_been_quiet_for_an_hour() {
    let mut desk = refused();
    assert_eq!(desk.told_of_a(1, "1"), []);
    assert_eq!(desk.told_of_a(60, "1"), []);
    assert_eq!(desk.told_of_a(61, "1"), [NoticeKind::Released]);
    assert!(!desk.state.alerts[ALARM].open);
    assert_eq!(desk.told_of_a(62, "1"), []);
}

#[test]
fn the_quiet_hour_of_a_refusal_begins_when_nothing_is_refused_any_more() {
    let mut desk = refused();
    assert_eq!(desk.told_of_a(30, "10"), []);
    assert_eq!(desk.told_of_a(31, "1"), []);
    assert_eq!(desk.told_of_a(90, "1"), []);
    assert_eq!(desk.told_of_a(91, "1"), [NoticeKind::Released]);
}

#[test]
fn an_alarm_is_not_closed_by_the_very_look_at_which_its_cause_comes_back() {
    let mut desk = refused();
    assert_eq!(desk.told_of_a(1, "1"), []);
    assert_eq!(desk.told_of_a(61, "10"), []);
}

#[test]
fn a_function_that_an_operator_has_capped_in_the_quiet_hour_keeps_its_alarm_open() {
    let mut desk = refused();
    assert_eq!(desk.told_of_a(1, "1"), []);
    desk.hold("a", None, 5, Phase::Capped);
    desk.latch("a").budget = None;
    assert_eq!(desk.told_of_a(61, "1"), []);
}

#[test]
fn the_quiet_hour_does_not_run_while_something_is_held_or_somebody_else_has_the_lever() {
    let settled: fn(&mut Latch) = |_| {};
    let on_its_way: fn(&mut Latch) = |latch| latch.levers[0].pending = latch.levers[0].ours.take();
    let no_lever: fn(&mut Latch) = |latch| latch.levers.clear();
    let foreign: fn(&mut Latch) = |latch| latch.levers[0].found = found(9);
    for (phase, levers, is_held) in [
        (Phase::Capped, settled, true),
        (Phase::Capped, on_its_way, true),
        (Phase::Capped, foreign, true),
        (Phase::Watching, no_lever, false),
    ] {
        let mut desk = refused();
        desk.hold("a", None, 5, phase);
        desk.latch("a").budget = None;
        levers(desk.latch("a"));
        assert_eq!(desk.told_of_a(1, "1"), []);
        desk.state.latches.clear();
        let wanted = if is_held { vec![] } else { vec![NoticeKind::Released] };
        assert_eq!(desk.told_of_a(61, "1"), wanted, "{phase:?}");
        assert_eq!(desk.state.alerts[ALARM].open, is_held);
    }
}

#[test]
fn being_disarmed_or_armed_is_told_when_it_changes() {
    let mut desk = Desk::new(policy(), &[("a", 0)]);
    let armed = vec![(NoticeKind::Armed, "dow-guard/armed".to_owned())];
    assert_eq!(desk.tell(), armed);
    assert_eq!(desk.tell(), []);
    desk.state.operator.armed = Some(false);
    assert_eq!(desk.tell(), armed);
    assert_eq!(desk.tell(), []);
}

#[test]
fn what_was_told_is_forgotten_two_days_after_unless_it_is_open_or_says_whether_the_guard_is_armed() {
    let mut desk = Desk::new(policy(), &[("a", 0)]);
    desk.tell();
    let two_days_ago = noon() - Duration::hours(48);
    for (alarm, open, sent_at) in [
        ("closed", false, two_days_ago),
        ("closed later", false, two_days_ago + Duration::seconds(1)),
        ("open", true, two_days_ago),
        ("dow-guard/armed", false, two_days_ago),
    ] {
        let digest = "armed".to_owned();
        let alert = AlertState { open, opened_at: sent_at, sent_at, quiet_since: None, digest };
        desk.state.alerts.insert(alarm.to_owned(), alert);
    }
    assert_eq!(desk.tell(), []);
    let kept: Vec<&str> = desk.state.alerts.keys().map(String::as_str).collect();
    assert_eq!(kept, ["closed later", "dow-guard/armed", "open"]);
}

#[test]
fn the_same_cap_is_told_once_and_one_that_goes_further_down_at_once() {
    let mut desk = last_minute(Mode::Cap, BelowFloor::KeepFloor);
    desk.state.operator.armed = Some(false);
    assert_eq!(desk.told_of_a(0, "9.5"), [NoticeKind::WouldHaveCapped], "440 are afforded");
    assert_eq!(desk.told_of_a(0, "9.5"), []);
    assert_eq!(desk.told_of_a(0, "10"), [NoticeKind::WouldHaveCapped], "down to the floor of five");
}

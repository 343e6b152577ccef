//! What counts as usual, and what never does.

use super::Habit;
use crate::money::Usd;
use crate::time::Minute;

const SLACK: Usd = Usd::from_dollars(4);

/// One incident a day at the given hour: from nothing to its peak within an hour, and away again.
fn days(habit: &mut Habit, hour: i64, peaks: &[(i64, bool, bool)]) {
    for (day, (dollars, is_broken, is_acted_on)) in (0..).zip(peaks) {
        for minute in 0..24 * 60 {
            let within = minute - hour * 60;
            let amount = if (10..50).contains(&within) { Usd::from_dollars(*dollars) } else { Usd::ZERO };
            let is_on = amount > Usd::ZERO;
            let at = Minute(day * 24 * 60 + minute);
            habit.note(at, amount, SLACK, (*is_broken && is_on, *is_acted_on && is_on));
        }
    }
}

fn at(day: i64, hour: i64) -> crate::time::Hour {
    Minute((day * 24 + hour) * 60).hour()
}

#[test]
fn an_excess_is_usual_at_its_time_of_day_once_it_came_on_two_days() {
    let mut habit = Habit::default();
    days(&mut habit, 2, &[(3, false, true)]);
    assert_eq!(habit.at_this_time(at(1, 2)), Usd::ZERO, "once is chance");
    let mut habit = Habit::default();
    days(&mut habit, 2, &[(3, false, true), (2, false, true)]);
    let usual = [1, 2, 3, 4, 14].map(|hour| habit.at_this_time(at(2, hour)));
    assert_eq!(usual, [3, 3, 3, 0, 0].map(Usd::from_dollars));
    assert_eq!(habit.at_this_time(at(9, 2)), Usd::ZERO, "a week later it is forgotten");
}

#[test]
fn two_excesses_of_one_day_are_no_habit() {
    let mut habit = Habit::default();
    days(&mut habit, 2, &[(3, false, false)]);
    days(&mut habit, 3, &[(3, false, false)]);
    assert_eq!(habit.at_this_time(at(1, 2)), Usd::ZERO);
}

#[test]
fn an_excess_that_broke_the_budget_takes_the_habit_back() {
    let mut habit = Habit::default();
    days(&mut habit, 2, &[(3, false, false), (3, false, false), (3, true, true)]);
    assert_eq!(habit.at_this_time(at(3, 2)), Usd::ZERO);
}

#[test]
fn a_burst_is_usual_in_size_once_two_have_ended_without_the_guard() {
    let mut habit = Habit::default();
    let bursts = [(3, true), (2, false), (1, false), (3, false), (1, false), (1, false)];
    let mut usual = Vec::new();
    for (hour, (dollars, is_acted_on)) in (0..).zip(bursts) {
        let amount = Usd::from_dollars(dollars);
        habit.note(Minute(hour * 60), amount, SLACK, (false, is_acted_on));
        // More than half of it is still there.
        habit.note(Minute(hour * 60 + 5), amount.mul_div_up(2, 3), SLACK, (false, false));
        usual.push(habit.usual_burst());
        habit.note(Minute(hour * 60 + 9), Usd::ZERO, SLACK, (false, false));
    }
    assert_eq!(usual, [0, 0, 0, 1, 2, 2].map(Usd::from_dollars));
    // A month later all of it is forgotten, and smaller ones count again.
    for minute in [40 * 1440, 40 * 1440 + 100] {
        habit.note(Minute(minute), Usd::from_dollars(1), SLACK, (false, false));
        habit.note(Minute(minute + 9), Usd::ZERO, SLACK, (false, false));
    }
    assert_eq!(habit.usual_burst(), Usd::from_dollars(1));
}

#[test]
fn a_rise_that_is_small_against_the_slack_is_not_remembered() {
    let mut habit = Habit::default();
    for day in 0..3 {
        for minute in 0..24 * 60 {
            let amount = Usd::from_picos(if minute % 60 < 30 { 200_000_000_000 } else { 0 });
            habit.note(Minute(day * 24 * 60 + minute), amount, SLACK, (false, false));
        }
    }
    assert_eq!(habit.at_this_time(at(3, 2)), Usd::ZERO);
}

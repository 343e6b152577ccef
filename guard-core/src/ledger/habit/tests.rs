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

/// One burst: a rise from what there is, and some hours in which it drains to a third.
fn burst(habit: &mut Habit, at: i64, from: Usd, rise: i64, is_acted_on: bool) -> Usd {
    let high = from + Usd::from_dollars(rise);
    habit.note(Minute(at), from, SLACK, (false, false));
    habit.note(Minute(at + 5), high, SLACK, (false, is_acted_on));
    let low = from + Usd::from_dollars(rise).mul_div_up(1, 3);
    for minute in (10..=180).step_by(10) {
        habit.note(Minute(at + minute), low, SLACK, (false, false));
    }
    low
}

#[test]
fn a_burst_is_usual_in_size_once_two_have_ended_without_the_guard() {
    let mut habit = Habit::default();
    let mut usual = Vec::new();
    for (number, (rise, is_acted_on)) in
        (0..).zip([(9, true), (2, false), (1, false), (3, false), (1, false), (1, false)])
    {
        burst(&mut habit, number * 200, Usd::ZERO, rise, is_acted_on);
        usual.push(habit.usual_burst());
    }
    assert_eq!(usual, [0, 0, 1, 2, 2, 2].map(Usd::from_dollars));
    // A month later all of it is forgotten, and smaller ones count again.
    for at in [40 * 1440, 40 * 1440 + 200] {
        burst(&mut habit, at, Usd::ZERO, 1, false);
    }
    assert_eq!(habit.usual_burst(), Usd::from_dollars(1));
}

#[test]
fn bursts_that_come_before_the_last_has_drained_are_bursts_of_their_own() {
    let mut habit = Habit::default();
    let low = burst(&mut habit, 0, Usd::ZERO, 3, false);
    let low = burst(&mut habit, 200, low, 3, false);
    assert_eq!(low, Usd::from_dollars(2));
    // A third of the same size reaches five dollars.
    assert_eq!(habit.usual_incident(), low + Usd::from_dollars(3).mul_div_up(5, 4));
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

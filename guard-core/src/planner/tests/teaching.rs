//! Floods that last before their budget breaks, minute by minute through whole ticks: they teach the guard nothing.

use super::*;
use crate::observation::{Census, Point, Series};
use crate::policy::Slack;
use crate::sampling;

/// A function of 1 GB that is busy with so many environments.
fn busy(concurrency: u32, seconds: u64) -> Point {
    let concurrency_seconds = u64::from(concurrency) * seconds;
    Point {
        invocations: concurrency_seconds,
        duration_us: concurrency_seconds * 1_000_000,
        concurrency_max: concurrency,
        ..Point::default()
    }
}

/// Four units of concurrency for four weeks, then 48 times as many for so many hours. The month's budget has room for
/// `line_h` hours of it.
fn flood(line_h: i64, flood_h: i64) -> (State, Vec<Action>) {
    let start = Utc.with_ymd_and_hms(2026, 11, 2, 0, 30, 0).unwrap();
    let begin = Minute::of(start).plus(30);
    // A unit of 1 GB that answers once a second: $0.0000166667 + half a millisecond + $0.0000002 a second.
    let per_hour = usd("0.0607501224") * 192;
    let amount = usd("0.0607501224") * 4 * 25 + per_hour * i128::from(line_h);
    // What acts before the line would leave nothing to teach.
    let text = Budget { mode: Mode::Cap, slack: Some(Slack::PERIOD), ..Budget::per_month("month", amount) };
    let policy = Policy { armed: true, budget: vec![text], ..Policy::default() };
    let inventory = Inventory::new("us-east-1", AccountLimits::default(), vec![Function::new("a", 1024, 10)]);
    let roster = Roster::new(policy, PriceTable::embedded(), inventory, None);
    let mut state = State::new();
    let level = |minute: Minute| if minute >= begin { 192 } else { 4 };
    let (mut focus, mut actions) = (Vec::new(), Vec::new());
    for tick in 0..30 + flood_h * 60 {
        let now = Minute::of(start).plus(tick);
        let from = sampling::ask_from(&roster, &state, now.start(), (&focus, &[]));
        let minutes: Vec<(Minute, Point)> =
            (from.0..now.0 - 3).map(|at| (Minute(at), busy(level(Minute(at)), 60))).collect();
        let census = sampling::census(&roster, &state, now.start()).map(|asked| {
            let hours = asked.first.0..=asked.last.0;
            let hours: Vec<(Hour, Point)> =
                hours.map(|hour| (Hour(hour), busy(level(Hour(hour).first_minute()), 3600))).collect();
            let functions = asked.functions.iter().map(|name| (name.clone(), hours.clone())).collect();
            Census { asked, region: hours.clone(), functions }
        });
        let seen = Observation {
            glances: Vec::new(),
            at: now.start(),
            from,
            census,
            region: Series::fresh(minutes.clone()),
            functions: focus
                .iter()
                .map(|name: &FunctionName| (name.clone(), Series::fresh(minutes.clone())))
                .collect(),
        };
        let plan = tick_of(&roster, &mut state, &seen);
        focus = plan.sampling.focus;
        actions.extend(plan.actions);
        if !actions.is_empty() {
            break;
        }
    }
    (state, actions)
}

/// `super::tick`, whose name the loop has.
fn tick_of(roster: &Roster, state: &mut State, seen: &Observation) -> Plan {
    super::super::tick(roster, state, seen)
}

#[test]
fn a_flood_of_48_times_the_ordinary_is_capped_at_the_ordinary_floor_however_long_it_took_to_the_line() {
    for line_h in [2, 7, 12, 20, 66] {
        let (state, actions) = flood(line_h, line_h + 3);
        let [action] = actions.as_slice() else { panic!("one action after {line_h} h: {actions:?}") };
        // One and a half times the four of every hour before.
        assert_eq!(action.change.to(), Setting::Concurrency(Some(6)), "{line_h}");
        assert_eq!(state.functions[0].profile.concurrency_p99(), Some(4), "{line_h}");
    }
}

#[test]
fn what_led_to_a_breach_is_gone_from_what_is_ordinary() {
    let (state, _) = flood(12, 15);
    let profile = &state.functions[0].profile;
    let at = state.last_tick.unwrap();
    let taught = (0_i64..24).map(|back| Hour::of(at).plus(-back)).filter(|hour| {
        profile.amount(*hour).is_some_and(|amount| amount > Usd::from_dollars(1))
            && !profile.is_excluded(*hour)
    });
    assert_eq!(taught.count(), 0);
}

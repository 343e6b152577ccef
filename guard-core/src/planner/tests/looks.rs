//! A tick that looks again before it decides: the region's totals, glances, and the flooded function in full.

use super::*;
use crate::observation::{Point, Series};
use crate::plan::SamplingPlan;
use crate::policy::Slack;
use crate::sampling::LOOKS_MAX;

const FLOODED: &str = "f07";

/// Twenty functions of 1 GB under a budget of $10 a day with a slack of $1.25, which also counts without history.
fn roster() -> Roster {
    let mut policy = policy();
    policy.budget[0].slack = Some(Slack::of_minutes(180));
    let all = (0..20).map(|index| Function::new(format!("f{index:02}").as_str(), 1024, 10)).collect();
    let inventory = Inventory::new("us-east-1", AccountLimits::default(), all);
    Roster::new(policy, PriceTable::embedded(), inventory, None)
}

/// What CloudWatch answers at a time to who asks for the last hour: from noon on, one function alone is busy for 60,000
/// seconds a minute, which is $1.
fn look(at: DateTime<Utc>, asked: &SamplingPlan) -> Observation {
    let now = Minute::of(at);
    let point =
        Point { invocations: 6_000, duration_us: 60_000_000_000, concurrency_max: 1_000, ..Point::default() };
    let busy: Vec<(Minute, Point)> = (1..60)
        .rev()
        .map(|back| now.plus(-back))
        .filter(|minute| minute.start() >= noon())
        .map(|minute| (minute, point))
        .collect();
    let answers = |names: &[FunctionName]| {
        names
            .iter()
            .map(|name| {
                let is_flooded = name.as_str() == FLOODED;
                let series = if is_flooded { Series::fresh(busy.clone()) } else { Series::silent() };
                (name.clone(), series)
            })
            .collect()
    };
    Observation {
        from: now.plus(-60),
        region: Series::fresh(busy.clone()),
        functions: answers(&asked.focus),
        glances: answers(&asked.glance),
        ..Observation::blind(at)
    }
}

/// Ticks from ten minutes before noon on, of so many looks each, up to the first action: its minute after noon, and the
/// functions that the last tick looked at again, look by look.
fn first_action(looks: usize) -> (i64, Vec<SamplingPlan>) {
    let roster = roster();
    let mut state = State::new();
    let mut asked = SamplingPlan::default();
    for minute in -10..60 {
        let at = noon() + Duration::minutes(minute);
        let mut seen = look(at, &asked);
        let mut begun = Begun::new(&roster, &mut state, &seen);
        let mut again = Vec::new();
        for _ in 1..looks {
            let Some(further) = begun.further(&roster, &mut state, &seen) else { break };
            seen = seen.and(look(at, &further));
            begun.see(&roster, &mut state, &seen);
            again.push(further);
        }
        let plan = begun.decide(&roster, &mut state, &seen);
        if let [action] = &plan.actions[..] {
            assert_eq!(action.function.as_str(), FLOODED);
            return (minute, again);
        }
        asked = plan.sampling;
    }
    panic!("nothing was done within an hour");
}

#[test]
fn a_flood_is_found_read_in_full_and_answered_in_one_tick() {
    let (alone, _) = first_action(1);
    let (minute, _) = first_action(LOOKS_MAX);
    assert!(minute < alone, "{minute} and with a single look {alone}");
    // By hand: $1.25 are gone within the second minute, which is settled at the fourth tick.
    assert_eq!(minute, 4);
}

#[test]
fn whoever_was_looked_at_in_a_tick_is_not_asked_again_in_it() {
    let roster = roster();
    let mut state = State::new();
    let all: Vec<FunctionName> =
        roster.inventory.functions.iter().map(|function| function.name.clone()).collect();
    let before = noon() - Duration::minutes(10);
    let _ = tick(&roster, &mut state, &look(before, &SamplingPlan::default()));
    let at = noon() + Duration::minutes(5);
    let mut seen = look(at, &SamplingPlan::default());
    let mut begun = Begun::new(&roster, &mut state, &seen);
    let further = begun.further(&roster, &mut state, &seen).expect("somebody burns");
    assert!(further.focus.is_empty() && further.glance == all, "{further:?}");
    seen = seen.and(look(at, &further));
    begun.see(&roster, &mut state, &seen);
    let further = begun.further(&roster, &mut state, &seen).expect("one stands out");
    assert_eq!((&further.focus[..], &further.glance[..]), (&[FLOODED.into()][..], &[][..]));
    seen = seen.and(look(at, &further));
    begun.see(&roster, &mut state, &seen);
    assert_eq!(begun.further(&roster, &mut state, &seen), None);
    assert_eq!((seen.functions.len(), seen.glances.len()), (1, 19));
    // What was posted three times counts once: $1 a minute.
    let spent = state.budgets["day"].spent;
    assert!(spent.low >= usd("4.9") && spent.high <= usd("5.1"), "{spent:?}");
}

#[test]
fn news_of_the_books_survives_a_second_look() {
    let first = noon() - Duration::hours(13);
    for looks_again in [false, true] {
        let roster = roster();
        let mut state = State::new();
        let _ = tick(&roster, &mut state, &look(first, &SamplingPlan::default()));
        // A day later the period has ended.
        let seen = look(noon(), &SamplingPlan::default());
        let mut begun = Begun::new(&roster, &mut state, &seen);
        assert_eq!(begun.reading.rolled, [0]);
        if looks_again {
            begun.see(&roster, &mut state, &seen);
        }
        assert_eq!(begun.reading.rolled, [0], "{looks_again}");
    }
}

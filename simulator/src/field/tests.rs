use guard_core::money::Usd;
use guard_core::pricing::PriceTable;
use guard_core::time::Minute;

use super::{POLICIES, Policy, line, threshold};
use crate::load::{Loaded, Source};
use crate::run::{Run, run_under};
use crate::world::Cast;

/// A function of 200 ms and 512 MB, called twice a second for so many minutes, and what a test adds.
fn ready(minutes: u32, more: &str) -> Loaded {
    let text = format!(
        r#"
        schema = 1
        title = "a test"
        start = "2026-11-04T00:00:00Z"
        minutes = {minutes}
        history_days = 2
        [[function]]
        name = "api"
        duration = {{ constant_ms = 200 }}
        init_ms = 0
        [[traffic]]
        name = "customers"
        function = "api"
        rate = {{ law = "even", rps = 2 }}
        {more}
        "#
    );
    Source::of_text("test", &text).ready(&[]).unwrap_or_else(|failure| panic!("{failure}"))
}

const FLOOD: &str = r#"
        [[traffic]]
        name = "flood"
        kind = "attack"
        function = "api"
        rate = { law = "even", rps = 100 }
        from_min = 20
        for_min = 30
"#;

const BUDGET: &str = r#"
        [policy]
        armed = true
        [[policy.budget]]
        name = "day"
        period = "day"
        usd = "0.05"
        mode = "cap"
"#;

fn under(policy: Policy, loaded: &Loaded, seed: u64) -> Run {
    let request = loaded.request(seed);
    let terms = request.terms(false, Cast::Everyone, Some(loaded.scenario.minutes));
    let rival = policy.rival(&request, PriceTable::embedded()).unwrap();
    run_under(rival, &terms, PriceTable::embedded())
}

/// Minutes in which the function was held at their end.
fn held(run: &Run) -> Vec<u32> {
    run.rows.iter().filter(|row| row.held).map(|row| row.minute).collect()
}

#[test]
fn a_threshold_is_twice_the_busiest_minute_and_at_least_one_a_second() {
    let loaded = ready(30, FLOOD);
    let start = Minute::of(loaded.scenario.start);
    let place = loaded.stage.place(&"api".into()).unwrap();
    // Two a second are 120 a minute; four deviations of 11 on top; twice.
    assert_eq!(threshold(&loaded.stage, place, start), 328);
    let quiet = Source::open("dormant-woken").unwrap().ready(&[]).unwrap();
    let place = quiet.stage.place(&"experiment-2023".into()).unwrap();
    assert_eq!(threshold(&quiet.stage, place, Minute::of(quiet.scenario.start)), 60);
}

#[test]
fn a_threshold_counts_what_a_chain_sends_on_and_the_recorded_minutes() {
    let chain = Source::open("background-chained").unwrap().ready(&[]).unwrap();
    let start = Minute::of(chain.scenario.start);
    let of = |name: &str| threshold(&chain.stage, chain.stage.place(&name.into()).unwrap(), start);
    assert_eq!((of("upload-form"), of("transcode")), (of("tag-faces"), of("tag-faces")));
    assert!(of("tag-faces") > 60, "{}", of("tag-faces"));
    let recorded = Source::open("calm-worldcup").unwrap().ready(&[]).unwrap();
    let most = recorded.stage.traffic.iter().find_map(|actor| match &actor.flow {
        crate::stage::Flow::Counts(counts) => counts.known().max(),
        crate::stage::Flow::Law(_) => None,
    });
    let place = recorded.stage.traffic[0].function;
    assert_eq!(Some(threshold(&recorded.stage, place, Minute::of(recorded.scenario.start)) / 2), most);
}

#[test]
fn an_alarm_stops_a_function_when_its_first_minute_shows_and_never_lets_go() {
    let loaded = ready(90, &format!("{FLOOD}{BUDGET}"));
    // The flood's first minute ends at 21, shows at 22.
    assert_eq!(held(&under(Policy::Alarm, &loaded, 1)), (22..90).collect::<Vec<_>>());
    assert_eq!(held(&under(Policy::PatientAlarm, &loaded, 1)), (24..90).collect::<Vec<_>>());
}

#[test]
fn an_alarm_whose_action_fails_until_its_retries_are_over_does_nothing() {
    let event = "[[event]]\nwhat = \"control_plane_down\"\nat_min = 20\nfor_min = ";
    let down = |minutes: u32| ready(60, &format!("{FLOOD}{event}{minutes}\n{BUDGET}"));
    assert_eq!(
        held(&under(Policy::Alarm, &down(4), 1)).first(),
        Some(&25),
        "the second retry, after three minutes"
    );
    assert_eq!(held(&under(Policy::Alarm, &down(6), 1)), [0_u32; 0]);
}

#[test]
fn an_alarm_fires_again_when_a_deploy_has_undone_the_stop() {
    let event = "[[event]]\nwhat = \"deploy\"\nfunction = \"api\"\nat_min = 30\n";
    let run = under(Policy::Alarm, &ready(60, &format!("{FLOOD}{event}{BUDGET}")), 1);
    let free: Vec<u32> = (22..60).filter(|minute| !held(&run).contains(minute)).collect();
    assert_eq!(free, [30, 31]);
}

#[test]
fn billing_data_stop_a_function_eight_to_sixteen_hours_after_its_line() {
    let loaded = ready(1440, &format!("{FLOOD}{BUDGET}"));
    let mut first = Vec::new();
    for seed in 1..=4 {
        let run = under(Policy::Budgets, &loaded, seed);
        let crossed = (run.periods[0].crossed.unwrap() - loaded.scenario.start).num_minutes();
        let stopped = i64::from(held(&run)[0]);
        assert!((480..960).contains(&(stopped - crossed)), "seed {seed}: {crossed}, {stopped}");
        assert_eq!(held(&run).last(), Some(&1439), "it never lets go");
        first.push(stopped);
    }
    first.dedup();
    assert!(first.len() > 1, "the hour of the refresh is drawn: {first:?}");
}

#[test]
fn a_counter_serves_to_its_last_dollar_and_every_refusal_still_costs_its_request() {
    // A request of $0.0000002, and 200 ms of half a GB at $0.0000166667: $0.00000186667. A hundred of them.
    let budget = BUDGET.replace("0.05", "0.000186667");
    let run = under(Policy::Counter, &ready(10, &budget), 1);
    let tally = run.traffic[0].tally;
    let refused = tally.offered - 100;
    assert_eq!((tally.served, tally.refused, tally.attempts), (100, refused, tally.offered));
    // Each worked 205 ms and each refusal 5 ms, a write each.
    assert_eq!(tally.billed_ms, 100 * 205 + refused * 5);
    assert_eq!(run.bill.guard, Usd::from_picos(625_000 * i128::from(tally.offered)));
    assert_eq!(held(&run), [0_u32; 0], "nobody attacks");
    assert_eq!((run.false_stops, run.periods[0].spent > run.periods[0].amount), (1, true));
}

#[test]
fn a_counter_begins_anew_with_its_period() {
    let budget =
        BUDGET.replace("0.05", "0.000186667").replace("\"day\"\n        usd", "\"hour\"\n        usd");
    let run = under(Policy::Counter, &ready(130, &budget), 1);
    assert_eq!(run.traffic[0].tally.served, 300);
}

#[test]
fn an_event_that_a_counter_refuses_goes_the_way_of_failures() {
    let source = r#"
        schema = 1
        title = "a test"
        start = "2026-11-04T00:00:00Z"
        minutes = 30
        [[function]]
        name = "worker"
        duration = { constant_ms = 200 }
        init_ms = 0
        asynchronous = { max_retries = 2, on_failure = true, duplicates_at_rest = 0.0 }
        [[traffic]]
        name = "events"
        function = "worker"
        via = "async"
        rate = { law = "even", rps = 1 }
        for_min = 10
        [policy]
        [[policy.budget]]
        name = "day"
        period = "day"
        usd = "0.000186667"
    "#;
    let loaded = Source::of_text("test", source).ready(&[]).unwrap_or_else(|failure| panic!("{failure}"));
    let tally = under(Policy::Counter, &loaded, 1).traffic[0].tally;
    assert_eq!((tally.served, tally.dead_lettered), (100, tally.offered - 100));
    assert_eq!(
        tally.attempts,
        100 + 3 * (tally.offered - 100),
        "each is tried three times, and billed each time"
    );
}

#[test]
fn a_line_has_all_policies_and_marks_the_best_and_the_idle() {
    let loaded = ready(90, &format!("{FLOOD}{BUDGET}"));
    let line = line(&loaded.request(1), PriceTable::embedded());
    assert_eq!(line.outcomes.iter().map(|outcome| outcome.policy).collect::<Vec<_>>(), POLICIES);
    let of = |policy: Policy| line.outcomes.iter().find(|outcome| outcome.policy == policy).unwrap();
    assert!(line.is_idle(Policy::Nothing) && line.is_idle(Policy::Budgets) && !line.is_idle(Policy::Alarm));
    assert_eq!((of(Policy::Alarm).stop_min, of(Policy::PatientAlarm).stop_min), (Some(2), Some(4)));
    assert!(of(Policy::Alarm).usd < of(Policy::Guard).usd && of(Policy::Guard).usd < of(Policy::Nothing).usd);
    assert!(of(Policy::Alarm).unserved > of(Policy::Guard).unserved);
    // The last may still run when the replay ends.
    assert!(of(Policy::Nothing).unserved <= 1 && of(Policy::Nothing).outage_min == 0);
    // Stopped in the second minute after the beginning, until the end; two minutes pass before half of five are gone.
    assert!((60..=68).contains(&of(Policy::Alarm).outage_min), "{}", of(Policy::Alarm).outage_min);
    assert!(line.best().contains(&Policy::Alarm) && line.best().contains(&Policy::Nothing));
}

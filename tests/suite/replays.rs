//! Whole replays of small accounts, written here: metrics that come late or not at all, a small account, customers beside a
//! guarantee, batches that come every night and bursts that come every hour.

use guard_core::plan::{Change, NoticeKind};
use guard_core::pricing::PriceTable;
use guard_core::settle::ApplyResult;
use simulator::load::Source;
use simulator::replay::Replay;

/// A function, and what is sent to it.
const API: &str = r#"
    schema = 1
    title = "a small account"
    start = "2026-11-04T00:00:00Z"

    [[function]]
    name = "api"
    memory_mb = 2048
    timeout_s = 6
    duration = { constant_ms = 250.0 }

    [[traffic]]
    name = "customers"
    function = "api"
    rate = { law = "diurnal", rps = 8 }
"#;

/// A flood of so many requests a second from a minute on.
fn flood(rps: u32, from_min: u32) -> String {
    format!(
        "[[traffic]]\nname = \"flood\"\nfunction = \"api\"\nrate = {{ law = \"constant\", rps = {rps} }}\n\
         from_min = {from_min}\nkind = \"attack\"\n"
    )
}

/// What goes wrong with the metrics from a minute on, for four hours.
fn event(what: &str, at_min: u32, more: &str) -> String {
    format!("[[event]]\nwhat = \"{what}\"\nat_min = {at_min}\nfor_min = 240\n{more}\n")
}

/// An armed policy with one budget.
fn budget(text: &str) -> String {
    format!("[policy]\narmed = true\n[[policy.budget]]\nname = \"b\"\n{text}\n")
}

fn replay(parts: &[&str]) -> Replay {
    // Keys of the scenario itself come before its tables.
    let text = parts.join("\n");
    let loaded =
        Source::of_text("written-here", &text).ready(&[]).unwrap_or_else(|problem| panic!("{problem}"));
    Replay::new(&loaded.request(1), PriceTable::embedded(), |_, _| ())
}

/// Minutes in which people got a notice of a kind, from the first minute given.
fn noticed(replay: &Replay, kind: NoticeKind, from: u32) -> Vec<u32> {
    let ticks = replay.with.ticks.iter().filter(|tick| tick.minute >= from);
    let has = |tick: &&simulator::run::Tick| tick.plan.notices.iter().any(|notice| notice.kind == kind);
    ticks.filter(has).map(|tick| tick.minute).collect()
}

fn of_length(minutes: u32) -> String {
    format!("minutes = {minutes}\n{API}")
}

#[test]
fn metrics_that_come_later_than_usual_still_show_a_flood_and_cap_it() {
    for delay in [3, 7, 11, 19] {
        let late = event("metric_delay", 40, &format!("minutes = {delay}"));
        let day = budget("period = \"day\"\nusd = \"20\"\nmode = \"cap\"");
        let found = replay(&[&of_length(420), &flood(400, 60), &late, &day]);
        let capped = found.findings.cap_min.unwrap_or(u32::MAX);
        // Without delay it takes some ten minutes: the slack is $2.50, and the flood costs $12 an hour.
        assert!(capped <= 25 + 2 * delay, "{delay} min late: capped after {capped} min");
        assert!(
            found.findings.bound_used_percent().unwrap_or(0.0) <= 100.0,
            "{delay}: {:?}",
            found.findings.overruns
        );
    }
}

#[test]
fn people_hear_that_the_functions_of_a_narrow_budget_cannot_be_read() {
    let throttled = event("metric_throttled", 50, "");
    let narrow = budget("period = \"day\"\nusd = \"9\"\nmode = \"cap\"\nscope = { functions = \"a*\" }");
    let other = "[[function]]\nname = \"web\"\nmemory_mb = 512\ntimeout_s = 6\nduration = { constant_ms = 90.0 }\n\
                 [[traffic]]\nname = \"visitors\"\nfunction = \"web\"\nrate = { law = \"constant\", rps = 9 }\n";
    let found = replay(&[&of_length(360), other, &flood(300, 70), &throttled, &narrow]);
    let blind = noticed(&found, NoticeKind::Blind, 70);
    assert!(blind.first().is_some_and(|minute| *minute <= 90), "{blind:?}");
}

#[test]
fn a_small_account_is_capped_in_the_room_that_aws_leaves() {
    let account = "[account]\nconcurrency = 60\nunreserved_minimum = 20\n";
    let day = budget("period = \"day\"\nusd = \"7\"\nmode = \"cap\"");
    let found = replay(&[&of_length(600), account, &flood(150, 120), &day]);
    assert!(found.findings.cap_min.is_some_and(|minutes| minutes <= 60), "{:?}", found.findings.cap_min);
    // The floor goes on after the line.
    let [with, without] = [found.findings.usd_with, found.findings.usd_without].map(|usd| usd.to_f64());
    assert!(with * 2.0 < without, "{with} of {without}");
}

#[test]
fn a_guarantee_leaves_other_functions_the_concurrency_that_they_need() {
    let shop = "[[function]]\nname = \"shop\"\nmemory_mb = 512\ntimeout_s = 9\nduration = { constant_ms = 400.0 }\n\
                [[traffic]]\nname = \"buyers\"\nfunction = \"shop\"\n\
                rate = { law = \"bursty\", quiet_rps = 30.0, busy_rps = 900.0, quiet_s = 2400.0, busy_s = 400.0 }\n";
    let guarantee = budget(
        "period = \"day\"\nusd = \"9\"\nmode = \"cap\"\nbelow_floor = \"stop\"\nguarantee = true\nscope = { functions = \"api\" }",
    );
    let found = replay(&[&of_length(720), shop, &guarantee]);
    assert_eq!(found.findings.harm_percent(), Some(0.0), "{:?}", found.findings.legitimate_with);
    let held = found.with.ticks.iter().any(|tick| !tick.outcomes.is_empty());
    assert!(held, "there is a ceiling");
}

#[test]
fn ceilings_that_loosen_take_the_room_there_is_and_nobody_is_written_to() {
    let five = (0..5).map(|number| {
        format!(
            "[[function]]\nname = \"f{number}\"\nmemory_mb = {}\ntimeout_s = 20\nduration = {{ median_ms = 300.0, sigma = 0.5 }}\n\
             [[traffic]]\nname = \"t{number}\"\nfunction = \"f{number}\"\nrate = {{ law = \"diurnal\", rps = {} }}\n",
            256 << (number % 4),
            1 + number * 2
        )
    });
    let five: String = five.collect();
    let guarantee =
        budget("period = \"day\"\nusd = \"30\"\nmode = \"cap\"\nbelow_floor = \"stop\"\nguarantee = true");
    let found = replay(&[&of_length(1440), &five, &guarantee]);
    assert_eq!(found.findings.harm_percent(), Some(0.0));
    // Armed, the beginning of the guarantee, and its hold.
    assert!(found.findings.alerts <= 5, "{} messages", found.findings.alerts);
}

/// A batch of half an hour at the same time every night.
fn batches(nights: u32) -> String {
    let batch = "[[function]]\nname = \"report\"\nmemory_mb = 3008\ntimeout_s = 600\nduration = { median_ms = 45000.0, sigma = 0.3 }\n";
    let night = |night: u32| {
        format!(
            "[[traffic]]\nname = \"n{night}\"\nfunction = \"report\"\nrate = {{ law = \"constant\", rps = 2 }}\n\
             from_min = {}\nfor_min = 30\n",
            night * 1440 + 200
        )
    };
    batch.to_owned() + &(0..nights).map(night).collect::<String>()
}

#[test]
fn a_nightly_batch_of_a_young_account_is_let_through_once_it_has_come_on_some_nights() {
    let nights = 8;
    let day = budget("period = \"day\"\nusd = \"18\"\nmode = \"cap\"");
    let found = replay(&[&format!("history_days = 0\n{}", of_length(nights * 1440)), &batches(nights), &day]);
    let without = found.findings.usd_without.to_f64() / f64::from(nights);
    assert!(without < 18.0 / 1.25, "the day's budget holds it: {without}");
    let capped = noticed(&found, NoticeKind::Capped, 0);
    assert!(capped.iter().all(|minute| *minute < 4 * 1440), "capped in minutes {capped:?}");
}

#[test]
fn bursts_that_come_every_hour_are_no_news_after_some_days() {
    let burst = API.replace(
        "{ law = \"diurnal\", rps = 8 }",
        "{ law = \"bursty\", quiet_rps = 6.0, busy_rps = 90.0, quiet_s = 4000.0, busy_s = 240.0 }",
    );
    let day = budget("period = \"day\"\nusd = \"16\"\nmode = \"cap\"");
    let found = replay(&[&format!("minutes = {}\n{burst}", 10 * 1440), &day]);
    assert!(found.findings.usd_without.to_f64() / 10.0 < 16.0 / 1.25, "{}", found.findings.usd_without);
    assert_eq!(found.findings.caps, 0);
    // Some hundred come in the last week, of lengths as chance has it.
    let late: Vec<u32> = noticed(&found, NoticeKind::Noticed, 3 * 1440);
    assert!(late.len() <= 4, "noticed in minutes {late:?}");
}

#[test]
fn before_the_line_a_function_without_room_is_not_stopped() {
    let account = "[account]\nconcurrency = 12\nunreserved_minimum = 10\n";
    let day = "[policy]\narmed = true\nlimits = { no_room = \"stop\" }\n[[policy.budget]]\nname = \"b\"\nperiod = \"day\"\n\
               usd = \"30\"\nmode = \"cap\"\nslack = \"1h\"\n";
    let found = replay(&[&of_length(300), account, &flood(60, 60), day]);
    let stops = found.with.ticks.iter().flat_map(|tick| tick.plan.actions.iter().zip(&tick.outcomes));
    let stops = stops.filter(|(action, outcome)| {
        outcome.result == ApplyResult::Applied
            && matches!(action.change, Change::ReservedConcurrency { to: Some(0), .. })
    });
    assert_eq!(stops.count(), 0);
    assert!(found.findings.usd_with.to_f64() < 30.0, "{}", found.findings.usd_with);
}

use chrono::TimeZone;
use guard_core::money::UsdRange;
use guard_core::observation::Freshness;
use guard_core::plan::{Action, Change, NoticeKind, PLAN_SCHEMA, Reason, Unit};
use guard_core::sampling::SamplingPlan;

use super::super::layout::WIDTH;
use super::*;
use crate::bill::BillLine;

fn at(hour: u32, minute: u32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2019, 7, 15, hour, minute, 0).unwrap()
}

fn dollars(amount: i64) -> UsdRange {
    UsdRange::exact(Usd::from_dollars(amount))
}

fn record(spent: i64, verdict: Verdict) -> BudgetRecord {
    BudgetRecord {
        budget: "account-day".into(),
        unit: Unit::Usd,
        amount: Usd::from_dollars(20),
        period_start: at(0, 0),
        period_end: at(23, 59),
        spent: dollars(spent),
        unattributed: UsdRange::ZERO,
        repeated: UsdRange::ZERO,
        unseen: UsdRange::ZERO,
        committed: UsdRange::ZERO,
        deferred: UsdRange::ZERO,
        burn_per_hour: Usd::from_dollars(spent),
        baseline_per_hour: None,
        projected_if_sustained: dollars(123),
        projected_if_it_stops: dollars(12),
        exhausted_if_sustained: Some(at(16, 42)),
        exhausted_if_it_stops: None,
        burning: Vec::new(),
        freshness: Freshness::Fresh,
        verdict,
        price_unknown: false,
    }
}

fn plan(at: DateTime<Utc>, record: BudgetRecord) -> Plan {
    Plan {
        schema: PLAN_SCHEMA,
        at,
        armed: false,
        actions: Vec::new(),
        refusals: Vec::new(),
        notices: Vec::new(),
        budgets: vec![record],
        functions: Vec::new(),
        sampling: SamplingPlan::default(),
    }
}

fn capped(at: DateTime<Utc>, limit: u32) -> Plan {
    let change = Change::ReservedConcurrency { from: None, to: Some(limit) };
    let action = Action { function: "f".into(), change, reason: Reason::Operator, budget: None };
    Plan { actions: vec![action], ..plan(at, record(20, Verdict::BreachedAct)) }
}

/// The lines that the plans leave on a page.
fn lines(detail: Detail, plans: &[Plan]) -> Vec<String> {
    let mut out = Vec::new();
    let mut page = Page::new(&mut out, Palette::Plain, detail);
    plans.iter().for_each(|plan| page.tick(plan).unwrap());
    String::from_utf8(out).unwrap().lines().map(str::to_owned).collect()
}

const NEWS: Detail = Detail { all: false, every_min: 30 };

#[test]
fn a_row_says_what_is_spent_where_it_goes_and_when_the_budget_is_gone() {
    assert_eq!(
        lines(NEWS, &[plan(at(10, 34), record(5, Verdict::Warn))]),
        ["10:34 account-day  █▌····    $5.00   $123.00  16:42    $5.00       ? warn"]
    );
    let spent = lines(NEWS, &[plan(at(10, 34), record(20, Verdict::BreachedAct))]);
    assert_eq!(spent, ["10:34 account-day  ██████   $20.00   $123.00    now   $20.00       ? WOULD ACT"]);
}

#[test]
fn a_quiet_minute_is_printed_on_the_beat_only() {
    let quiet: Vec<Plan> =
        (1..=61).map(|m| plan(at(10 + m / 60, m % 60), record(1, Verdict::Fine))).collect();
    let times = |detail| lines(detail, &quiet).iter().map(|line| line[..5].to_owned()).collect::<Vec<_>>();
    assert_eq!(times(NEWS), ["10:01", "10:30", "11:00"]);
    assert_eq!(times(Detail { all: true, ..NEWS }).len(), 61);
}

#[test]
fn a_minute_with_news_is_printed_whenever_it_is() {
    let fine = |minute| plan(at(10, minute), record(1, Verdict::Fine));
    let notice = Notice {
        digest: String::new(),
        kind: NoticeKind::Warned,
        alarm: "a".to_owned(),
        alarming: true,
        budget: None,
        function: None,
        headline: "half is gone".to_owned(),
        body: vec!["more of it".to_owned()],
    };
    let over = Notice { alarming: false, ..notice.clone() };
    let plans = [
        fine(1),
        plan(at(10, 2), record(1, Verdict::Warn)),
        plan(at(10, 3), record(1, Verdict::Warn)),
        Plan { notices: vec![notice], ..plan(at(10, 4), record(1, Verdict::Warn)) },
        Plan { notices: vec![over], ..plan(at(10, 5), record(1, Verdict::Warn)) },
    ];
    let lines = lines(NEWS, &plans);
    let starts: Vec<&str> = lines.iter().map(|line| line.get(..5).unwrap_or_default()).collect();
    assert_eq!(starts, ["10:01", "10:02", "10:04", "     ", "     ", "10:05", "     ", "     "]);
    assert_eq!(lines[3..5], ["      ! warned: half is gone", "          more of it"]);
    assert_eq!(lines[6], "      ! warned, over: half is gone");
}

#[test]
fn an_action_is_told_once_and_again_when_it_ends() {
    let end = plan(at(10, 4), record(20, Verdict::BreachedAct));
    let lines = lines(NEWS, &[capped(at(10, 1), 9), capped(at(10, 2), 8), end]);
    let told: Vec<&str> = lines.iter().map(|line| line.trim()).filter(|line| line.starts_with('>')).collect();
    assert_eq!(told, ["> would set f: reserved concurrency unset → 9", "> nothing more to change"]);
    assert_eq!(lines[2], format!("          {}", Reason::Operator));
}

#[test]
fn refusals_for_the_same_reason_share_a_line() {
    let refusal = |name: &str, reason| Refusal { function: name.into(), change: None, reason, budget: None };
    let refusals = vec![
        refusal("a", Reason::ExplainedByOthers),
        refusal("b", Reason::Protected),
        refusal("c", Reason::ExplainedByOthers),
        refusal("d", Reason::ExplainedByOthers),
    ];
    let refused = Plan { refusals, ..plan(at(10, 1), record(20, Verdict::BreachedRefused)) };
    let text = lines(NEWS, &[refused.clone(), Plan { at: at(10, 2), ..refused }]).join(" ");
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(text.matches("- not ").count(), 2, "told once: {text}");
    assert!(text.contains(&format!("- not a, c and 1 more: {}", Reason::ExplainedByOthers)), "{text}");
    assert!(text.contains(&format!("- not b: {}", Reason::Protected)), "{text}");
}

#[test]
fn a_new_day_has_a_line_of_its_own() {
    let tomorrow = plan(at(0, 0) + chrono::Duration::days(1), record(1, Verdict::Fine));
    let lines = lines(NEWS, &[plan(at(10, 0), record(1, Verdict::Fine)), tomorrow]);
    assert_eq!(lines[1], "── 2019-07-16 ──");
}

#[test]
fn the_time_of_another_day_is_a_date_and_tonights_midnight_is_not() {
    assert_eq!(short_time(at(23, 59), at(10, 0)), "23:59");
    assert_eq!(short_time(at(0, 0) + chrono::Duration::days(1), at(10, 0)), "00:00");
    assert_eq!(short_time(at(0, 1) + chrono::Duration::days(1), at(10, 0)), "16 Jul");
    assert_eq!(short_time(at(0, 0) + chrono::Duration::days(2), at(0, 0)), "17 Jul");
}

#[test]
fn the_summary_names_the_worst_period_the_peak_and_the_dearest_functions() {
    let mut out = Vec::new();
    let mut page = Page::new(&mut out, Palette::Plain, NEWS);
    page.tick(&plan(at(10, 0), record(5, Verdict::Fine))).unwrap();
    page.tick(&plan(at(11, 0), record(25, Verdict::BreachedAct))).unwrap();
    page.tick(&plan(at(12, 0), record(21, Verdict::BreachedAct))).unwrap();
    let line = |name: &str| BillLine { function: name.into(), invocations: 1234, cost: Usd::from_dollars(3) };
    let functions = (0..7).map(|index| line(&format!("f{index}"))).collect();
    page.finish(&Bill { total: Usd::from_dollars(26), functions }).unwrap();
    let text = String::from_utf8(out).unwrap();
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat.contains("account-day: at most $25.00 of $20.00 in a period (125 %, the one from 2019-07-15 00:00); verdict beyond a warning at 11:00, amount seen spent at 11:00"), "{text}");
    assert!(flat.contains("peak burn $25.00 an hour, seen at 2019-07-15 11:00"), "{text}");
    assert!(flat.contains("notices none, in 3 ticks"), "{text}");
    assert!(flat.contains("bill $26.00 in all"), "{text}");
    assert!(flat.contains("dearest f0 $3.00 1,234 invocations"), "{text}");
    assert_eq!(text.matches("invocations\n").count(), 5, "the five dearest");
    assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
}

#[test]
fn the_summary_counts_notices_and_keeps_the_first_of_equal_extremes() {
    let notice = Notice {
        digest: String::new(),
        kind: NoticeKind::Warned,
        alarm: "a".to_owned(),
        alarming: true,
        budget: None,
        function: None,
        headline: String::new(),
        body: Vec::new(),
    };
    let mut summary = Summary::default();
    let next_period = BudgetRecord { period_start: at(11, 0), ..record(7, Verdict::Warn) };
    for (minute, record) in [(1, record(7, Verdict::Warn)), (2, next_period)] {
        summary.add(&Plan { notices: vec![notice.clone()], ..plan(at(11, minute), record) });
    }
    assert_eq!(summary.notices, BTreeMap::from([(NoticeKind::Warned, 2)]));
    let budget = &summary.budgets[0];
    assert_eq!((budget.most_spent, budget.period_start), (Usd::from_dollars(7), at(0, 0)));
    assert_eq!(budget.peak_burn, (Usd::from_dollars(7), at(11, 1)));
    assert_eq!((budget.first_breached, budget.first_over), (None, None), "a warning is no breach");
}

#[test]
fn the_header_names_the_columns_and_a_label_once() {
    let mut out = Vec::new();
    let entries = [("trace", "a".to_owned()), ("trace", "b".to_owned()), ("cost", "c".to_owned())];
    Page::new(&mut out, Palette::Plain, NEWS).header("Title", &entries).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert_eq!(
        text,
        "Title\n  trace     a\n            b\n  cost      c\n\n\
         time  budget       used      spent sustained   gone   burn/h usual/h verdict\n"
    );
}

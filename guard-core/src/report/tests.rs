//! What people read, word for word.

use chrono::{DateTime, TimeZone, Utc};
use insta::assert_snapshot;

use super::*;
use crate::extras::{Extra, Uncounted};
use crate::inventory::{AsyncConfig, EventSourceMapping};
use crate::money::{Cause, Causes};
use crate::plan::Reason;
use crate::policy::Mode;

fn time() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 23, 3, 7, 0).unwrap()
}

fn dollars(dollars: i64) -> Usd {
    Usd::from_dollars(dollars)
}

fn spread(low: i64, expected: i64, high: i64) -> UsdRange {
    UsdRange::new(dollars(low), dollars(expected), dollars(high), Causes::of(Cause::UnseenMinutes))
}

fn record() -> BudgetRecord {
    BudgetRecord {
        budget: "all".into(),
        unit: Unit::Usd,
        amount: dollars(1000),
        period_start: Utc.with_ymd_and_hms(2026, 11, 1, 0, 0, 0).unwrap(),
        period_end: Utc.with_ymd_and_hms(2026, 12, 1, 0, 0, 0).unwrap(),
        known_from: None,
        spent: spread(390, 400, 420),
        unattributed: UsdRange::ZERO,
        repeated: UsdRange::ZERO,
        unseen: spread(0, 5, 12),
        committed: UsdRange::exact(dollars(2)),
        deferred: UsdRange::ZERO,
        burn_per_hour: dollars(90),
        baseline_per_hour: None,
        projected_if_sustained: spread(1500, 2100, 2500),
        projected_if_it_stops: spread(1000, 1100, 1200),
        exhausted_if_sustained: Some(Utc.with_ymd_and_hms(2026, 11, 23, 9, 40, 0).unwrap()),
        exhausted_if_it_stops: None,
        incident: Usd::ZERO,
        incident_since: None,
        slack: dollars(20),
        mode: Mode::Cap,
        slack_ends: None,
        at_line: true,
        freshness: Freshness::Fresh,
        verdict: Verdict::Warn,
        price_unknown: false,
        uncounted: Uncounted::new(),
    }
}

fn reserve(from: Option<u32>, to: Option<u32>) -> Change {
    Change::ReservedConcurrency { from, to }
}

fn act(change: Change) -> Action {
    Action { function: "pay".into(), change, reason: Reason::Operator, budget: None }
}

const BEFORE: AsyncSetting = AsyncSetting { max_retries: 2, max_event_age_s: 21_600 };
const AFTER: AsyncSetting = AsyncSetting { max_retries: 0, max_event_age_s: 60 };

#[test]
fn amounts_carry_their_unit() {
    let million: Usd = "1234567.891".parse().unwrap();
    assert_eq!(amount(million, Unit::Usd), "$1,234,567.90");
    assert_eq!(amount(million, Unit::Cny), "¥1,234,567.90");
    assert_eq!(amount(million, Unit::Invocations), "1,234,567");
    assert_eq!(amount(Usd::MAX, Unit::Usd), "unbounded");
    assert_eq!(amount(Usd::MAX, Unit::Invocations), "unbounded");
    assert_eq!(amount(dollars(-5), Unit::Invocations), "0");
    assert_eq!(range(spread(1, 2, 3), Unit::Cny), "¥2.00 [¥1.00–¥3.00]");
    assert_eq!(range(spread(1, 2, 3), Unit::Invocations), "2 [1–3]");
    assert_eq!(range(UsdRange::exact(dollars(2)), Unit::Usd), "$2.00");
}

#[test]
fn every_reason_has_its_sentence_and_its_word() {
    let concurrency = |value| Setting::Concurrency(value);
    let reasons = [
        Reason::WithinBaseline,
        Reason::ExcessWithinBudget,
        Reason::BudgetLine { excess_share_per_mille: 911, affordable: 3, floor: 5 },
        Reason::HardLine,
        Reason::SlackUsedUp { excess_share_per_mille: 910, affordable: 0, floor: 8 },
        Reason::CutRetries { attempts_per_mille: 2057 },
        Reason::Barrier { remaining: dollars(12) },
        Reason::Envelope { floor: 8 },
        Reason::Calm { minutes: 10 },
        Reason::Restored,
        Reason::Relapse { relapses: 2 },
        Reason::Untripped { last_modified: Some(time()) },
        Reason::Untripped { last_modified: None },
        Reason::Resumed,
        Reason::Rollover,
        Reason::Affords { affordable: 40 },
        Reason::Operator,
        Reason::Growth,
        Reason::WouldNotBite { cap: 8, concurrency: 7 },
        Reason::ExplainedByOthers,
        Reason::Blind { freshness: Freshness::Late(4) },
        Reason::Blind { freshness: Freshness::Unknown },
        Reason::CoolingDown { minutes: 7 },
        Reason::ModeForbids,
        Reason::Protected,
        Reason::NoRoom { wanted: 5, room: 0 },
        Reason::EventLoss,
        Reason::NothingTighter { reach: 3, floor: 5 },
        Reason::ChangedBySomebodyElse { ours: concurrency(Some(5)), found: concurrency(None) },
        Reason::TickFull,
        Reason::Unsafe { rule: "the floor is kept".to_owned() },
    ];
    let lines: Vec<String> =
        reasons.iter().map(|reason| format!("{}: {reason}", reason_word(reason))).collect();
    assert_snapshot!(lines.join("\n"), @r"
    within-baseline: as usual
    excess-within-budget: above usual, within every budget
    budget-line: the budget is used up; 92 % of the extra spending is here; the money left pays for 3 at once, 5 are kept for usual traffic
    hard-line: the budget is used up, and it stops all that it covers
    slack-used-up: the incident has used up what is allowed above usual; 91 % of the extra spending is here; the money left pays for 0 at once, 8 are kept for usual traffic
    cut-retries: 2.05 attempts per event: repeats are cut, no new event is refused
    barrier: guarantee: the worst case must fit into $12.00
    envelope: standing cap of 8, what usual traffic needs
    calm: quiet for 10 min: one step up
    restored: the cap is over: the original value is put back
    relapse: extra spending came back (2×): capped again, for longer
    untripped: overwritten by the deploy of 2026-11-23 03:07 UTC
    untripped: overwritten from outside
    resumed: written down earlier, not found in force: made again
    rollover: the period ended
    affords: the money left pays for 40 at once: as much more is let through
    operator: an operator said so
    growth: less than twice the usual on top of it: a cap would refuse as many customers; it comes when the budget is used up
    would-not-bite: a cap of 8 would hold little back: 7 run at once; it comes when the budget is used up
    explained-by-others: other functions explain the extra spending
    blind: data is 4 min late: unknown never loosens a cap
    blind: data is unknown: unknown never loosens a cap
    cooling-down: next step in 7 min at the earliest
    mode-forbids: its mode allows no change
    protected: protected
    no-room: no room in the account's pool: wanted 5, could reserve 0
    event-loss: events would be lost: nothing is known to catch them, allow_event_loss is false
    nothing-tighter: nothing tighter to set: its owner leaves it 3, usual traffic needs 5
    changed-by-somebody-else: changed by somebody else: none instead of 5
    tick-full: more changes than one check may make; the next one goes on
    unsafe: second opinion objects: the floor is kept
    ");
}

#[test]
fn changes_name_the_lever_and_both_values() {
    let mapping = || "m-1".into();
    let changes = [
        reserve(None, Some(5)),
        reserve(Some(5), None),
        Change::AsyncConfig { from: BEFORE, to: AFTER },
        Change::MappingConcurrency { mapping: mapping(), from: None, to: Some(2) },
        Change::MappingEnabled { mapping: mapping(), from: true, to: false },
    ];
    assert_snapshot!(changes.iter().map(change).collect::<Vec<_>>().join("\n"), @r"
    reserved concurrency none → 5
    reserved concurrency 5 → none
    asynchronous retries 2 retries, event age 21600 s → 0 retries, event age 60 s
    maximum concurrency of mapping m-1 none → 2
    event source mapping m-1 enabled → disabled
    ");
    let done = act(reserve(None, Some(5)));
    assert_eq!(action(&done, true), "Change pay: reserved concurrency none → 5: an operator said so");
    assert_eq!(action(&done, false), "Would change pay: reserved concurrency none → 5: an operator said so");
    let left = |change| Refusal { function: "pay".into(), change, reason: Reason::Protected, budget: None };
    assert_eq!(refusal(&left(None)), "Left pay: protected");
    assert_eq!(
        refusal(&left(Some(reserve(None, Some(5))))),
        "Left pay (reserved concurrency none → 5): protected"
    );
    assert_eq!(freshness(Freshness::Fresh), "up to date");
    assert_eq!(freshness(Freshness::Silent), "silent");
    assert_eq!(
        rollover(AtRollover::Release),
        "Policy at_rollover = release: caps are raised step by step from now on."
    );
    assert_eq!(rollover(AtRollover::Hold), "Policy at_rollover = hold: caps stay until it is quiet.");
}

fn effects(function: &Function, changes: &[Change]) -> String {
    let actions: Vec<Action> = changes.iter().cloned().map(act).collect();
    consequences(function, &actions.iter().collect::<Vec<_>>()).join("\n")
}

#[test]
fn a_cap_on_synchronous_calls_breaks_them() {
    let function = Function { provisioned: 4, ..Function::new("pay", 512, 60) };
    assert_snapshot!(effects(&function, &[reserve(None, Some(5))]), @r"
    Customers: calls beyond the cap get HTTP 429, attackers and customers alike.
    Still bills: provisioned concurrency 4, used or not.
    Still bills: invocations already running, up to their time-out.
    ");
    assert_snapshot!(effects(&Function::new("pay", 512, 60), &[reserve(None, Some(0))]), @r"
    Customers: all calls get HTTP 429, attackers and customers alike.
    Still bills: invocations already running, up to their time-out.
    ");
}

#[test]
fn a_cap_on_asynchronous_events_lets_them_wait_or_loses_them() {
    let with = |on_failure: bool| {
        let config = AsyncConfig { max_retries: 2, max_event_age_s: 3601, on_failure };
        let base = Function::new("pay", 512, 60);
        Function { synchronous: false, asynchronous: Some(config), ..base }
    };
    let first =
        |function: Function, change: Change| effects(&function, &[change]).lines().next().unwrap().to_owned();
    let (cap, stop) = (reserve(None, Some(5)), reserve(None, Some(0)));
    assert_snapshot!([
        first(with(true), cap.clone()),
        first(with(false), cap),
        first(with(true), stop.clone()),
        first(with(false), stop),
        first(with(false), Change::AsyncConfig { from: BEFORE, to: AFTER }),
    ].join("\n"), @r"
    Asynchronous events wait up to 2 h, then go to the on-failure destination.
    Asynchronous events wait up to 2 h, then ARE LOST: no on-failure destination.
    New asynchronous events go to the on-failure destination at once.
    New asynchronous events ARE LOST: no on-failure destination.
    Still bills: invocations already running, up to their time-out.
    ");
}

#[test]
fn what_waits_in_queues_and_streams_expires() {
    let queue = EventSource::Sqs {
        max_concurrency: None,
        provisioned_pollers: false,
        max_receive_count: None,
        retention_s: 345_600,
    };
    let stream = EventSource::Stream {
        shards: 1,
        parallelization: 1,
        max_retries: None,
        bisect: false,
        retention_s: 86_400,
        on_failure: true,
    };
    let mapping =
        |id: &str, source| EventSourceMapping { id: id.into(), enabled: true, batch_size: 10, source };
    let mappings = vec![mapping("queue", queue), mapping("stream", stream)];
    let function = Function { synchronous: false, mappings, ..Function::new("pay", 512, 60) };
    let disabled = |id: &str| Change::MappingEnabled { mapping: id.into(), from: true, to: false };
    let limited = Change::MappingConcurrency { mapping: "queue".into(), from: None, to: Some(2) };
    assert_snapshot!(effects(&function, &[limited, disabled("stream")]), @r"
    Mapping queue: what waits longer than 96 h is lost.
    Mapping queue: no dead-letter queue is known; without one, failing events repeat until they expire.
    Mapping stream: what waits longer than 24 h is lost.
    Still bills: invocations already running, up to their time-out.
    ");
    assert_snapshot!(effects(&function, &[reserve(None, Some(5))]), @r"
    Mapping queue: no dead-letter queue is known; without one, failing events repeat until they expire.
    Still bills: invocations already running, up to their time-out.
    ");
}

#[test]
fn a_budget_that_nothing_was_read_of_is_unknown_and_not_fine() {
    let unread = BudgetRecord { verdict: Verdict::Fine, freshness: Freshness::Unknown, ..record() };
    let headline = |record: &BudgetRecord| budget_headline(record);
    assert_eq!(
        headline(&unread),
        "Budget all UNKNOWN: no metrics could be read; $400.00 of $1,000.00 spent as far as known"
    );
    let new = BudgetRecord { spent: UsdRange::ZERO, unit: Unit::Cny, ..unread.clone() };
    assert_eq!(
        headline(&new),
        "Budget all UNKNOWN: no metrics could be read; nothing is known of its ¥1,000.00"
    );
    // What was used up before stays so.
    let breached = BudgetRecord { verdict: Verdict::BreachedAct, ..unread };
    assert!(headline(&breached).starts_with("Budget all REACHED: "), "{}", headline(&breached));
}

#[test]
fn a_budget_that_is_overspent_says_by_how_much() {
    let over = |cents: i64| BudgetRecord {
        spent: UsdRange::exact(dollars(10) * i128::from(cents)),
        verdict: Verdict::BreachedOrdinary,
        exhausted_if_sustained: None,
        ..record()
    };
    assert_eq!(budget_headline(&over(129)), "Budget all OVER: $1,290.00 of $1,000.00 (129 %), $90.00/h");
    assert_eq!(budget_headline(&over(1000)), "Budget all OVER: $10,000.00 of $1,000.00 (1,000 %), $90.00/h");
    assert!(budget_headline(&over(100)).starts_with("Budget all REACHED: $1,000.00 seen"));
}

#[test]
fn a_budgets_headline_says_how_it_stands_and_when_it_is_gone() {
    let of = |verdict, unit| budget_headline(&BudgetRecord { verdict, unit, ..record() });
    assert_snapshot!([
        of(Verdict::Fine, Unit::Usd),
        of(Verdict::Warn, Unit::Cny),
        of(Verdict::BreachedAlert, Unit::Invocations),
        of(Verdict::BreachedAct, Unit::Usd),
        of(Verdict::BreachedRefused, Unit::Usd),
        of(Verdict::BreachedOrdinary, Unit::Usd),
        budget_headline(&BudgetRecord { exhausted_if_sustained: None, ..record() }),
        budget_headline(&BudgetRecord { spent: spread(1000, 1000, 1000), ..record() }),
        BudgetRecord { spent: UsdRange::exact(dollars(999)), ..record() }.to_string(),
        budget_headline(&BudgetRecord { verdict: Verdict::BreachedAct, at_line: false, ..record() }),
    ].join("\n"), @r"
    Budget all fine: $400.00 of $1,000.00, $90.00/h
    Budget all warning: ¥400.00 of ¥1,000.00, ¥90.00/h; used up Mon 09:40 UTC at this rate
    Budget all REACHED: 400 seen and 7 not shown yet, of 1,000, 90/h; used up Mon 09:40 UTC at this rate
    Budget all REACHED: $400.00 seen and $7.00 not shown yet, of $1,000.00, $90.00/h; used up Mon 09:40 UTC at this rate
    Budget all REACHED: $400.00 seen and $7.00 not shown yet, of $1,000.00, $90.00/h; used up Mon 09:40 UTC at this rate
    Budget all REACHED: $400.00 seen and $7.00 not shown yet, of $1,000.00, $90.00/h; used up Mon 09:40 UTC at this rate
    Budget all warning: $400.00 of $1,000.00, $90.00/h
    Budget all warning: $1,000.00 of $1,000.00, $90.00/h
    Budget all warning: $999.00 of $1,000.00, $90.00/h; used up Mon 09:40 UTC at this rate
    Budget all SPENDING FAST: $400.00 of $1,000.00, $90.00/h; used up Mon 09:40 UTC at this rate
    ");
}

#[test]
fn an_incident_is_told_with_its_cost_its_beginning_and_when_the_guard_acts() {
    let at = |hour| Utc.with_ymd_and_hms(2026, 11, 23, hour, 2, 0).unwrap();
    let incident = BudgetRecord {
        incident: dollars(12),
        incident_since: Some(at(3)),
        slack: dollars(20),
        slack_ends: Some(at(4)),
        ..record()
    };
    let line = |record: &BudgetRecord| budget_lines(record)[4..].join(" / ");
    assert_snapshot!([
        line(&incident),
        line(&BudgetRecord { slack_ends: None, ..incident.clone() }),
        line(&BudgetRecord { incident: dollars(21), slack_ends: None, ..incident.clone() }),
        line(&BudgetRecord { slack: dollars(1000), ..incident.clone() }),
        line(&BudgetRecord { unit: Unit::Invocations, verdict: Verdict::BreachedAct, incident: dollars(20), slack_ends: None, ..incident }),
    ].join("\n"), @r"
    Above usual: $12.00 since Mon 03:02 UTC; $20.00 allowed before the guard acts: used up Mon 04:02 UTC at this rate
    Above usual: $12.00 since Mon 03:02 UTC; $20.00 allowed before the guard acts
    Above usual: $21.00 since Mon 03:02 UTC; $20.00 allowed before the guard acts: used up / No cap before the budget is used up: it would refuse as much usual traffic, or hold nothing back.
    Above usual: $12.00 since Mon 03:02 UTC; acts when the budget is used up
    Above usual: 20 since Mon 03:02 UTC; 20 allowed before the guard acts: used up
    ");
}

#[test]
fn a_budgets_lines_carry_every_number_with_its_range() {
    assert_snapshot!(budget_lines(&record()).join("\n"), @r"
    Period 2026-11-01 00:00 to 2026-12-01 00:00 UTC, data up to date
    Spent $400.00 [$390.00–$420.00]; not shown yet $5.00 [$0.00–$12.00]; retries to come $2.00
    Rate $90.00/h (no history yet)
    At the end of the period: $2,100.00 at this rate, $1,100.00 if it stops
    ");
    let full = BudgetRecord {
        unit: Unit::Cny,
        baseline_per_hour: Some(dollars(3)),
        repeated: spread(0, 50, 80),
        freshness: Freshness::Late(6),
        verdict: Verdict::BreachedOrdinary,
        price_unknown: true,
        uncounted: [(Extra::SnapStart, [FunctionName::from("api")].into())].into(),
        ..record()
    };
    assert_snapshot!(budget_lines(&full).join("\n"), @r"
    Period 2026-11-01 00:00 to 2026-12-01 00:00 UTC, data 6 min late
    Spent ¥400.00 [¥390.00–¥420.00]; not shown yet ¥5.00 [¥0.00–¥12.00]; retries to come ¥2.00
    Rate ¥90.00/h (usual ¥3.00/h)
    At the end of the period: ¥2,100.00 at this rate, ¥1,100.00 if it stops
    Repeated work (retries, duplicates): ¥50.00 [¥0.00–¥80.00], 12.5 % of what was spent
    Spending is as usual now: nothing is capped. Extra spending used up the amount before, or it is too small.
    A price of this region is unknown: the dearest known one stands in.
    Not counted, and on the bill: SnapStart's cache of each published version ($0.0054 an hour and GB of memory), used by api.
    ");
}

#[test]
fn a_trips_headline_says_what_was_done() {
    let name = FunctionName::from("pay");
    let first = act(Change::AsyncConfig { from: BEFORE, to: AFTER });
    let last = act(reserve(None, Some(5)));
    let actions = [&first, &last];
    let refused = Refusal { function: "pay".into(), change: None, reason: Reason::EventLoss, budget: None };
    let headline = |kind| trip_headline(kind, &name, &actions, &[], None);
    assert_snapshot!([
        headline(NoticeKind::Capped),
        headline(NoticeKind::WouldHaveCapped),
        headline(NoticeKind::Releasing),
        headline(NoticeKind::Released),
        headline(NoticeKind::Untripped),
        trip_headline(NoticeKind::Capped, &name, &actions, &[&refused], Some(&record())),
        trip_headline(NoticeKind::Refused, &name, &[], &[&refused], Some(&record())),
        trip_headline(NoticeKind::Refused, &name, &actions, &[&refused], None),
        trip_headline(NoticeKind::Capped, &name, &[], &[], None),
    ].join("\n"), @r"
    pay CAPPED: reserved concurrency none → 5
    pay would have been capped: reserved concurrency none → 5 (disarmed)
    pay recovering: reserved concurrency none → 5
    OK: pay released: reserved concurrency none → 5
    pay
    pay CAPPED: reserved concurrency none → 5. $400.00 of $1,000.00, $90.00/h
    pay NOT capped: events would be lost: nothing is known to catch them, allow_event_loss is false. $400.00 of $1,000.00, $90.00/h
    pay NOT capped: events would be lost: nothing is known to catch them, allow_event_loss is false
    pay
    ");
}

#[test]
fn a_functions_line_tells_only_what_there_is_to_tell() {
    let plain = FunctionRecord {
        function: "pay".into(),
        burn_per_hour: dollars(7),
        baseline_per_hour: None,
        excess_per_hour: Usd::ZERO,
        attempts_per_mille: 1000,
        cap: None,
        freshness: Freshness::Fresh,
        reason: Reason::WithinBaseline,
    };
    let full = FunctionRecord {
        baseline_per_hour: Some(dollars(1)),
        attempts_per_mille: 1001,
        cap: Some(0),
        ..plain.clone()
    };
    assert_eq!(plain.to_string(), "pay: $7.00/h: as usual");
    assert_eq!(full.to_string(), "pay: $7.00/h (usual $1.00/h), 1.00× attempts, cap 0: as usual");
}

#[test]
fn dollars_have_two_decimals_and_below_a_cent_two_digits_that_count() {
    let shown = |text: &str| super::dollars(text.parse().unwrap());
    for (amount, wanted) in [
        ("0", "$0.00"),
        ("1234.5", "$1,234.50"),
        ("0.5945", "$0.60"),
        ("0.01", "$0.01"),
        ("0.009", "$0.0090"),
        ("0.003326", "$0.0034"),
        ("0.00005211", "$0.000053"),
        ("-0.25", "-$0.25"),
        ("0.000000000001", "$0.000000000001"),
    ] {
        assert_eq!(shown(amount), wanted, "{amount}");
    }
}

#[test]
fn the_changes_of_a_tick_are_a_line_with_what_became_of_each() {
    let action = |to| Action {
        function: "f".into(),
        change: Change::ReservedConcurrency { from: None, to: Some(to) },
        reason: Reason::Operator,
        budget: None,
    };
    let actions = [action(5), action(7)];
    let outcomes =
        [Outcome { function: "f".into(), change: actions[0].change.clone(), result: ApplyResult::Applied }];
    let line = "f: reserved concurrency none → 5 (operator, applied); f: reserved concurrency none → 7 (operator, not tried)";
    assert_eq!(changes(&actions, &outcomes), line);
    assert_eq!(changes(&[], &[]), "");
}

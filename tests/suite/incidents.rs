//! The queue that ate $14,000 a week. Billed invocation by invocation on one side, from metrics on the other.

use guard_core::inventory::{EventSource, EventSourceMapping, Function};
use guard_core::money::Usd;
use guard_core::observation::{Observation, Point, Series};
use guard_core::plan::NoticeKind;
use guard_core::pricing::PriceTable;
use guard_core::roster::Roster;
use guard_core::state::State;
use guard_core::time::Minute;

use crate::policy;

/// Messages per minute, of which some poison ones come back at every visibility time-out.
const HEALTHY_PER_MINUTE: u64 = 200;
const POISON_PER_MINUTE: u64 = 4;
const VISIBILITY_MIN: i64 = 2;
/// Microseconds of a healthy and of a failing run: billed as 211 ms and 30,000 ms (the time-out).
const HEALTHY_US: u64 = 210_400;
const POISON_US: u64 = 30_000_000;

#[test]
fn a_queue_that_retries_for_ever_is_priced_within_five_percent_and_flagged_as_repeated_work() {
    let mut worker = Function::new("worker", 1024, 30);
    worker.synchronous = false;
    worker.mappings = vec![EventSourceMapping {
        id: "m-1".into(),
        enabled: true,
        batch_size: 1,
        source: EventSource::Sqs {
            max_concurrency: None,
            provisioned_pollers: false,
            max_receive_count: None,
            retention_s: 345_600,
        },
    }];
    let text = policy("[[budget]]\nname = \"week\"\nperiod = \"week\"\nusd = 200");
    let inventory = guard_core::inventory::Inventory::new("us-east-1", Default::default(), vec![worker]);
    let roster = Roster::new(text, PriceTable::embedded(), inventory, None);
    let mut state = State::new();
    let start = Minute::of(suite::start());
    let mut bill_picos: i128 = 0;
    let mut repeated_picos: i128 = 0;
    let mut points: Vec<(Minute, Point)> = Vec::new();
    let mut last = None;
    let mut warnings: Vec<String> = Vec::new();
    for minute in 0..24 * 60_i64 {
        // Every poison message of an earlier minute whose visibility time-out ends now comes back.
        let returning: u64 =
            (1..=minute).filter(|age| age % VISIBILITY_MIN == 0).count() as u64 * POISON_PER_MINUTE;
        let poison = POISON_PER_MINUTE + returning;
        for (runs, us, again) in [
            (HEALTHY_PER_MINUTE, HEALTHY_US, 0),
            (POISON_PER_MINUTE, POISON_US, 0),
            (returning, POISON_US, 1),
        ] {
            // The bill: each run by itself, rounded up to the millisecond, at $0.0000166667 and $0.20 a million.
            let billed_ms = i128::from(us.div_ceil(1000));
            let each = 200_000 + (billed_ms * 16_666_700).div_euclid(1000);
            bill_picos += each * i128::from(runs);
            repeated_picos += each * i128::from(runs) * again;
        }
        let point = Point {
            invocations: HEALTHY_PER_MINUTE + poison,
            errors: poison,
            duration_us: HEALTHY_PER_MINUTE * HEALTHY_US + poison * POISON_US,
            concurrency_max: u32::try_from(poison / 2 + 1).unwrap(),
            polled_events: Some(HEALTHY_PER_MINUTE + poison),
            invoked_events: Some(HEALTHY_PER_MINUTE + poison),
            ..Point::default()
        };
        points.push((start.plus(minute), point));
        let from = start.plus(minute - 8);
        let window: Vec<_> = points.iter().copied().filter(|(at, _)| *at >= from).collect();
        let seen = Observation {
            glances: Vec::new(),
            at: start.plus(minute + 4).start(),
            from,
            census: None,
            region: Series::fresh(window.clone()),
            functions: vec![("worker".into(), Series::fresh(window))],
        };
        let plan = guard_core::tick(&roster, &mut state, &seen);
        let told = plan.notices.iter().filter(|notice| notice.kind == NoticeKind::Warned);
        warnings.extend(told.map(|notice| notice.digest.clone()));
        last = Some(plan);
    }
    let plan = last.unwrap();
    let record = &plan.budgets[0];
    let bill = Usd::from_picos(bill_picos);
    let off = (record.spent.expected - bill).picos().abs() * 1000 / bill.picos();
    assert!(off < 50, "estimate {} against bill {bill}: {off} ‰ off", record.spent);
    assert!(record.spent.low <= bill && bill <= record.spent.high, "{} does not hold {bill}", record.spent);
    let repeated = Usd::from_picos(repeated_picos);
    assert!(repeated.picos() * 10 > bill.picos() * 9, "the story is about repeats: {repeated} of {bill}");
    assert!(record.repeated.high >= repeated, "{} hides {repeated}", record.repeated);
    assert!(
        record.repeated.expected.picos() * 10 > repeated.picos() * 7,
        "{} of {repeated}",
        record.repeated
    );
    let attempts = plan.functions[0].attempts_per_mille;
    assert!(attempts > 2000, "{attempts}");
    assert!(record.exhausted_if_sustained.is_some(), "{record:?}");
    for step in [" 00505", " 00755", " 00905", " 30000"] {
        assert!(warnings.iter().any(|digest| digest.ends_with(step)), "{step} was not told: {warnings:?}");
    }
}

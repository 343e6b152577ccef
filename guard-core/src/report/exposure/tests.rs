//! The account as a whole, and what is unknown.

use super::*;
use crate::baseline::Profile;
use crate::inventory::{AsyncConfig, Function, Inventory};
use crate::ledger::FunctionLedger;
use crate::policy::Policy;
use crate::pricing::PriceTable;
use crate::time::Hour;

const NOW: Minute = Minute(30_000_000);

/// One gigabyte busy for a second in us-east-1, and ten requests.
const GB: i128 = 16_666_700 + 10 * 200_000;

fn report(functions: Vec<Function>, ledgers: Vec<FunctionLedger>, unknown: &[&str]) -> ExposureReport {
    let account = AccountLimits { concurrency: 100, ..AccountLimits::default() };
    let inventory = Inventory::new("us-east-1", account, functions);
    let roster = Roster::new(Policy::default(), PriceTable::embedded(), inventory, None);
    let state = State { functions: ledgers, ..State::new() };
    ExposureReport::new(&roster, &state, NOW, &unknown.iter().map(|name| (*name).into()).collect())
}

fn ledger(name: &str, p99: u32, hours: i64) -> FunctionLedger {
    let mut profile = Profile::default();
    (0..hours).for_each(|hour| profile.record(Hour(hour), Usd::ZERO, p99));
    profile.refresh();
    FunctionLedger { profile, ..FunctionLedger::new(name.into()) }
}

#[test]
fn functions_that_share_the_pool_do_not_add_up_to_more_than_the_pool() {
    let reserved = Function { reserved: Some(40), ..Function::new("r", 1024, 3) };
    let report =
        report(vec![reserved, Function::new("a", 1024, 3), Function::new("b", 1024, 3)], vec![], &[]);
    assert_eq!(report.pool, 60);
    assert_eq!(report.total.worst_per_hour, Usd::from_picos(GB * 100 * 3600));
    assert_eq!(report.total.worst_per_day, Usd::from_picos(GB * 100 * 86_400));
    assert_eq!((report.total.without_cap, report.total.advised_worst_per_hour), (2, None));
}

#[test]
fn an_advised_cap_leaves_the_pool() {
    let report = report(
        vec![Function::new("a", 1024, 3), Function::new("b", 1024, 3)],
        vec![ledger("a", 10, 24)],
        &[],
    );
    // 15 for one, and the other takes the 85 that are left: as much as before, because it has no cap.
    assert_eq!(report.total.advised_worst_per_hour, Some(Usd::from_picos(GB * 100 * 3600)));
    let both = |n| ledger(n, 10, 24);
    let report = self::report(
        vec![Function::new("a", 1024, 3), Function::new("b", 1024, 3)],
        vec![both("a"), both("b")],
        &[],
    );
    assert_eq!(report.total.advised_worst_per_hour, Some(Usd::from_picos(GB * 30 * 3600)));
}

#[test]
fn what_is_not_known_is_neither_yes_nor_no() {
    let events =
        |name: &str| Function { asynchronous: Some(AsyncConfig::default()), ..Function::new(name, 128, 3) };
    let report = report(
        vec![events("a"), events("b"), Function::new("c", 128, 3)],
        vec![ledger("a", 10, 24), ledger("b", 0, 672)],
        &["a"],
    );
    let of = |name: &str| {
        let entry = report.functions.iter().find(|entry| entry.row.function.as_str() == name).unwrap();
        (entry.dormant, entry.dead_letter)
    };
    assert_eq!([of("a"), of("b"), of("c")], [(None, None), (Some(true), Some(false)), (None, Some(true))]);
    let total = report.total;
    assert_eq!((total.dormant, total.dormant_unknown), (1, 2));
    assert_eq!((total.no_dead_letter, total.dead_letter_unknown), (1, 1));
}

#[test]
fn it_says_what_watching_the_account_costs() {
    let functions = (0..1000).map(|index| Function::new(format!("f{index:04}").as_str(), 128, 3)).collect();
    let report = report(functions, vec![], &[]);
    let sentence = "Reading its metrics costs a guard at most $5.00 a month: region totals $1.30, daily census $1.20, looks at \
                    single functions up to $2.51.";
    let page = report.page(80, 5).to_string();
    let words = page.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains(sentence), "{page}");
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(
        json["watching"],
        serde_json::json!({ "sweep": "1.296", "glances": "2.504", "census": "1.2" })
    );
}

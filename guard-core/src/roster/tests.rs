//! The policy read against the inventory.

use super::*;
use crate::inventory::{AccountLimits, Function};
use crate::policy::{Budget, Floor, Scope, Timing};

fn function(name: &str, timeout_s: u32, tags: &[(&str, &str)]) -> Function {
    let tags = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    Function { tags, ..Function::new(name, 1024, timeout_s) }
}

fn roster(policy: Policy, functions: Vec<Function>) -> Roster {
    let inventory = Inventory::new("us-east-1", AccountLimits::default(), functions);
    Roster::new(policy, PriceTable::embedded(), inventory, Some("guard".into()))
}

fn of(name: &str, functions: &str) -> Budget {
    let scope = Scope { functions: Some(functions.to_owned()), ..Scope::default() };
    Budget { scope, mode: Mode::Stop, ..Budget::per_month(name, Usd::from_dollars(1)) }
}

#[test]
fn a_window_covers_lag_and_time_out_rounded_up_and_two_minutes() {
    let roster = roster(
        Policy::default(),
        vec![function("a", 60, &[]), function("b", 61, &[]), function("c", 900, &[])],
    );
    let windows: Vec<i64> = roster.members.iter().map(|member| member.window_min).collect();
    assert_eq!(windows, [6, 7, 20]);
    assert_eq!(roster.reread_min(), 20);
    assert_eq!(self::roster(Policy::default(), vec![]).reread_min(), 5);
    let timing = Timing { metric_lag_s: 900, ..Timing::default() };
    let slow = self::roster(Policy { timing, ..Policy::default() }, vec![function("a", 900, &[])]);
    assert_eq!(slow.reread_min(), 32);
}

#[test]
fn a_function_belongs_to_every_budget_that_covers_it() {
    let budget = vec![of("a-all", "a*"), of("b-all", "b*"), of("all", "*")];
    let policy = Policy { budget, ..Policy::default() };
    let tagged = function("ab", 60, &[("dow-guard:monthly-usd", "5")]);
    let roster = roster(policy, vec![tagged, function("b", 60, &[])]);
    assert_eq!(roster.members[0].budgets, [0, 2, 3]);
    assert_eq!(roster.members[1].budgets, [1, 2]);
    assert_eq!(roster.rules[3].name.as_str(), "tag:ab");
    assert_eq!(roster.members[0].overrides.monthly_usd, Some(Usd::from_dollars(5)));
}

#[test]
fn the_guard_tagged_and_listed_functions_are_protected() {
    let policy = Policy { protected: vec!["pay*".to_owned()], ..Policy::default() };
    let roster = roster(
        policy,
        vec![
            function("guard", 60, &[]),
            function("other", 60, &[]),
            function("payments", 60, &[]),
            function("tagged", 60, &[("dow-guard:protect", "true")]),
        ],
    );
    let protected: Vec<bool> = roster.members.iter().map(|member| member.protected).collect();
    assert_eq!(protected, [true, false, true, true]);
}

#[test]
fn the_floor_is_the_need_with_headroom_rounded_up_and_at_least_the_minimum() {
    let functions = vec![function("a", 60, &[]), function("b", 60, &[("dow-guard:floor", "3")])];
    let roster = roster(Policy::default(), functions);
    assert_eq!(roster.floor(0, None), 5);
    assert_eq!(roster.floor(0, Some(3)), 5);
    assert_eq!(roster.floor(0, Some(4)), 6);
    assert_eq!(roster.floor(0, Some(5)), 8);
    assert_eq!(roster.floor(0, Some(100)), 150);
    assert_eq!(roster.floor(0, Some(u32::MAX)), u32::MAX);
    assert_eq!(roster.floor(1, Some(100)), 3);
    assert_eq!(roster.floor(9, Some(100)), 150);
    let floor = Floor { headroom_percent: 100, minimum: 1 };
    let tight = self::roster(Policy { floor, ..Policy::default() }, vec![function("a", 60, &[])]);
    assert_eq!(tight.floor(0, Some(7)), 7);
    assert_eq!(tight.floor(0, Some(0)), 1);
}

#[test]
fn a_tag_restrains_the_mode_of_a_budget() {
    let policy = Policy { budget: vec![of("all", "*")], ..Policy::default() };
    let functions = vec![function("a", 60, &[]), function("b", 60, &[("dow-guard:mode", "alert")])];
    let roster = roster(policy, functions);
    assert_eq!(roster.mode(0, &roster.rules[0]), Mode::Stop);
    assert_eq!(roster.mode(1, &roster.rules[0]), Mode::Alert);
    assert_eq!(roster.mode(9, &roster.rules[0]), Mode::Stop);
}

#[test]
fn each_architecture_has_its_prices_and_the_first_companion_counts() {
    let companion = |functions: &str, dollars: i64| Companion {
        functions: functions.to_owned(),
        other_usd_per_million: Usd::from_dollars(dollars),
        ..Companion::default()
    };
    let policy = Policy { companion: vec![companion("b*", 1), companion("*b", 5)], ..Policy::default() };
    let arm = Function { architecture: Architecture::Arm64, ..function("arm", 60, &[]) };
    let roster = roster(policy, vec![arm, function("ab", 60, &[]), function("b", 60, &[])]);
    let request: Vec<i128> = roster.members.iter().map(|member| member.unit.per_request.picos()).collect();
    assert_eq!(request, [5_200_000, 200_000, 1_200_000]);
    let second: Vec<i128> = roster.members.iter().map(|m| m.unit.per_busy_second().picos()).collect();
    assert_eq!(second, [16_666_700, 13_333_400, 16_666_700]);
    assert_eq!(roster.quote(Architecture::Arm64), &roster.quote_arm64);
    assert_eq!(roster.quote(Architecture::X86_64), &roster.quote_x86_64);
    assert_ne!(roster.quote_arm64, roster.quote_x86_64);
    assert!(!roster.price_unknown());
}

#[test]
fn an_unknown_price_of_either_architecture_is_told() {
    let item = crate::pricing::PriceItem::Request;
    let mut x86 = roster(Policy::default(), vec![]);
    x86.quote_x86_64.unknown = vec![item];
    assert!(x86.price_unknown());
    let mut arm = roster(Policy::default(), vec![]);
    arm.quote_arm64.unknown = vec![item];
    assert!(arm.price_unknown());
}

#[test]
fn a_zone_that_is_none_counts_as_utc() {
    let policy = Policy { timezone: "Moon/Tycho".to_owned(), ..Policy::default() };
    assert_eq!(roster(policy, vec![]).timezone, chrono_tz::UTC);
    let policy = Policy { timezone: "Europe/Berlin".to_owned(), ..Policy::default() };
    assert_eq!(roster(policy, vec![]).timezone, chrono_tz::Europe::Berlin);
}

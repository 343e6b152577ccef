//! Policies change while the guard watches: what is told, what is kept, and what is let go.

use guard_core::inventory::Function;
use guard_core::plan::{NoticeKind, Plan};
use guard_core::policy::Policy;
use guard_core::pricing::PriceTable;
use guard_core::roster::Roster;

use suite::{Load, World};

/// Puts another policy over the same account.
fn obey(world: &mut World, policy: &str) {
    let policy = Policy::from_toml(policy).unwrap();
    let roster = &world.roster;
    world.roster =
        Roster::new(policy, PriceTable::embedded(), roster.inventory.clone(), roster.guard.clone());
}

fn budget(name: &str, period: &str, rest: &str) -> String {
    format!("armed = true\n[[budget]]\nname = \"{name}\"\nperiod = \"{period}\"\nmode = \"cap\"\n{rest}\n")
}

/// What the last plan tells of changed budgets.
fn told(plan: &Plan) -> Vec<String> {
    let of_budgets = plan.notices.iter().filter(|notice| notice.alarm == "dow-guard/budgets");
    of_budgets
        .inspect(|notice| assert_eq!(notice.kind, NoticeKind::Armed))
        .flat_map(|n| n.body.clone())
        .collect()
}

#[test]
fn a_change_of_budgets_is_told_once_and_in_plain_words() {
    let month = budget("account", "month", "usd = 400");
    let mut world = World::new(Policy::from_toml(&month).unwrap(), vec![Function::new("shop", 1024, 10)])
        .with_history("shop", Load::of(40, 100));
    let load = [("shop", Load::of(40, 100))];
    world.live(60, &load);
    assert!(world.plans.iter().all(|plan| told(plan).is_empty()), "a first look changes nothing");
    obey(&mut world, &budget("account-month", "month", "usd = 300"));
    world.live(1, &load);
    let plan = world.plans.last().unwrap();
    let spent = plan.budgets[0].spent.expected;
    assert_eq!(
        told(plan),
        [format!(
            "account-month: goes on with what account has spent. Spent since 2026-11-01 00:00 UTC: {spent}."
        )]
    );
    world.live(1, &load);
    assert!(told(world.plans.last().unwrap()).is_empty(), "once");
    obey(&mut world, &budget("calls", "month", "invocations = 90000000"));
    world.live(1, &load);
    let lines = told(world.plans.last().unwrap());
    assert!(lines[0].starts_with("calls: is new and was counted from what is known. Spent since 2026-11-01"));
    assert!(lines[0].contains(". Known from 2026-11-0"), "{}", lines[0]);
    assert!(
        lines[1].starts_with("account-month: no budget of the policy any more. What it spent is kept until")
    );
    let record = &world.plans.last().unwrap().budgets[0];
    let lines_of_record = guard_core::report::budget_lines(record);
    assert!(record.known_from.is_some() && lines_of_record.iter().any(|line| line.starts_with("Known from")));
    obey(&mut world, &budget("calls", "day", "usd = 9000"));
    world.live(1, &load);
    let lines = told(world.plans.last().unwrap());
    assert!(lines[0].starts_with("calls: counts something else than before"), "{}", lines[0]);
    obey(&mut world, &budget("account-month", "month", "usd = 300"));
    world.live(1, &load);
    let lines = told(world.plans.last().unwrap());
    assert!(lines[0].starts_with("account-month: is back; it was away since"), "{}", lines[0]);
    assert!(world.plans.last().unwrap().budgets[0].spent.expected >= spent);
}

#[test]
fn the_alarm_of_a_name_that_is_gone_is_closed() {
    let day = budget("day", "day", "usd = 10\nslack = \"period\"");
    let mut world = World::new(Policy::from_toml(&day).unwrap(), vec![Function::new("shop", 1024, 10)]);
    world.live(60, &[("shop", Load::of(300, 1000))]);
    assert!(world.state.alerts["dow-guard/budget/day"].open);
    obey(&mut world, &budget("daily", "day", "usd = 10\nslack = \"period\""));
    world.live(1, &[("shop", Load::of(300, 1000))]);
    assert!(!world.state.alerts["dow-guard/budget/day"].open);
    assert!(world.state.alerts["dow-guard/budget/daily"].open);
    let latch = world.state.latches.values().next().unwrap();
    assert_eq!(latch.budget, Some("daily".into()), "the trip goes with its budget");
}

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

/// A flood that $10 a day does not last for.
const FLOOD: Load = Load { rps: 600, duration_ms: 500, failing_per_mille: 0 };
/// What the function ordinarily does.
const CALM: Load = Load { rps: 2, duration_ms: 200, failing_per_mille: 0 };

#[test]
fn what_the_policy_lets_nobody_hold_any_more_is_given_back_and_never_set_again() {
    let day = budget("day", "day", "usd = 10");
    let other = budget("other", "day", "usd = 10\nscope = { functions = \"nobody\" }");
    let alert = day.replace("\"cap\"", "\"alert\"");
    let protects = format!("protected = [\"shop\"]\n{day}");
    let rescoped = day.replace("usd = 10", "usd = 10\nscope = { functions = \"nobody\" }");
    for (case, policy) in
        [("gone", other), ("lowered", alert), ("protected", protects), ("re-scoped", rescoped)]
    {
        for is_undone in [false, true] {
            for original in [None, Some(400)] {
                let mut shop = Function::new("shop", 1024, 10);
                shop.reserved = original;
                let mut world =
                    World::new(Policy::from_toml(&day).unwrap(), vec![shop]).with_history("shop", CALM);
                world.live(120, &[("shop", FLOOD)]);
                assert_ne!(world.reserved("shop"), original);
                obey(&mut world, &policy);
                if is_undone {
                    world.meddle("shop", original);
                }
                let before = world.plans.len();
                // The flood goes on: whoever forbids to cap it has decided so.
                world.live(90, &[("shop", FLOOD)]);
                assert_eq!(world.reserved("shop"), original, "{case} {is_undone} {original:?}");
                let actions: usize = world.plans[before..].iter().map(|plan| plan.actions.len()).sum();
                assert_eq!(actions, usize::from(!is_undone), "{case} {is_undone} {original:?}");
                let latch = world.state.latches.get("shop");
                assert!(latch.is_none_or(|latch| latch.levers.is_empty()), "{case} {is_undone}: {latch:?}");
            }
        }
    }
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(24))]
    /// `World::tick` fails at the first objection of the second opinion.
    #[test]
    fn whatever_becomes_of_the_policy_the_second_opinion_has_nothing_to_object(
        steps in proptest::collection::vec((0_usize..7, 0_usize..5, proptest::bool::ANY), 2..12),
    ) {
        let day = budget("day", "day", "usd = 10");
        let policies = [
            day.clone(),
            budget("day", "month", "usd = 300"),
            day.replace("\"cap\"", "\"stop\"\nbelow_floor = \"stop\""),
            day.replace("\"cap\"", "\"alert\""),
            format!("protected = [\"shop\"]\n{day}"),
            budget("other", "day", "usd = 5\nscope = { functions = \"shop\" }"),
            budget("other", "day", "usd = 5\nscope = { functions = \"nobody\" }"),
        ];
        let mut world = World::new(Policy::from_toml(&day).unwrap(), vec![Function::new("shop", 1024, 10)])
            .with_history("shop", CALM);
        world.live(60, &[("shop", FLOOD)]);
        for (policy, value, is_flooded) in steps {
            obey(&mut world, &policies[policy]);
            if let Some(reserved) = [None, Some(None), Some(Some(50)), Some(Some(3)), None][value] {
                world.meddle("shop", reserved);
            }
            world.live(25, &[("shop", if is_flooded { FLOOD } else { CALM })]);
        }
    }
}

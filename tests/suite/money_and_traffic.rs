//! Money is saved, legitimate traffic too; an unknown is not a zero; and the projections.

use guard_core::inventory::Function;
use guard_core::money::Usd;
use guard_core::observation::Freshness;
use guard_core::plan::{NoticeKind, Reason, Verdict};
use suite::{Load, World};

use crate::{policy, ten_dollars_a_day};

const CALM: Load = Load { rps: 2, duration_ms: 500, failing_per_mille: 0 };
const FLOOD: Load = Load { rps: 2000, duration_ms: 500, failing_per_mille: 0 };

fn shop(text: &str) -> World {
    World::new(policy(text), vec![Function::new("shop", 1024, 10)]).with_history("shop", CALM)
}

/// The budget's record after so many minutes of the flood.
fn after(world: &mut World, minutes: u32) -> guard_core::plan::BudgetRecord {
    world.live(minutes, &[("shop", FLOOD)]);
    world.budget()
}

#[test]
fn a_viral_day_is_alerted_and_not_capped_by_default() {
    let mut world = shop("armed = true\n[[budget]]\nname = \"day\"\nperiod = \"day\"\nusd = 10");
    world.live(20, &[("shop", CALM)]);
    world.live(8 * 60, &[("shop", Load::of(80, 500))]);
    assert_eq!(world.actions().count(), 0);
    assert!(
        world.count(NoticeKind::Noticed) + world.count(NoticeKind::Warned) >= 2,
        "{:#?}",
        world.headlines()
    );
}

#[test]
fn a_viral_day_under_mode_cap_keeps_the_floor_and_never_stops() {
    let mut world = World::new(ten_dollars_a_day(), vec![Function::new("shop", 1024, 10)])
        .with_history("shop", Load::of(20, 500));
    world.live(24 * 60, &[("shop", Load::of(800, 500))]);
    let caps: Vec<_> = world.actions().map(|(_, action)| action.change.to()).collect();
    assert!(!caps.is_empty());
    // p99 of history is 10 units; headroom 150 %.
    assert!(world.reserved("shop").is_none_or(|cap| cap >= 15), "{caps:?}");
}

#[test]
fn mode_stop_stops_at_the_line_until_the_period_ends() {
    let mut world = shop(
        "armed = true\n[[budget]]\nname = \"day\"\nperiod = \"day\"\nusd = 10\nmode = \"stop\"\nslack = \"period\"",
    );
    world.live(30, &[("shop", FLOOD)]);
    assert_eq!(world.reserved("shop"), Some(0), "{:#?}", world.headlines());
    world.live(10 * 60, &[]);
    assert_eq!(world.reserved("shop"), Some(0), "calm does not bring money back");
    world.live(15 * 60, &[]);
    assert_eq!(world.reserved("shop"), None, "the next day does");
}

#[test]
fn what_is_not_seen_is_neither_zero_nor_a_reason_to_release() {
    let mut world =
        World::new(ten_dollars_a_day(), vec![Function::new("shop", 1024, 10)]).with_history("shop", CALM);
    world.live(6, &[("shop", FLOOD)]);
    let seen = world.budget();
    world.blindness = Some(Freshness::Unknown);
    let blind = after(&mut world, 2);
    assert_eq!(blind.spent, seen.spent, "nothing new was seen");
    assert!(blind.unseen.expected > seen.unseen.expected, "{} {}", blind.unseen, seen.unseen);
    assert_eq!(world.count(NoticeKind::Blind), 1);
    world.blindness = None;
    world.live(20, &[("shop", FLOOD)]);
    assert_eq!(world.reserved("shop"), Some(5));
    assert_eq!(world.count(NoticeKind::Sighted), 1);
    world.blindness = Some(Freshness::Unknown);
    world.live(300, &[("shop", CALM)]);
    assert_eq!(world.reserved("shop"), Some(5), "blind, the cap stays");
    assert!(
        world
            .plans
            .last()
            .unwrap()
            .functions
            .iter()
            .any(|record| matches!(record.reason, Reason::Blind { .. }))
    );
}

#[test]
fn a_guard_that_goes_blind_in_an_attack_still_counts_the_money_and_says_so() {
    let mut world =
        shop("armed = true\n[[budget]]\nname = \"day\"\nperiod = \"day\"\nusd = 10\nmode = \"cap\"");
    world.live(6, &[("shop", FLOOD)]);
    world.blindness = Some(Freshness::Unknown);
    world.live(20, &[("shop", FLOOD)]);
    let record = world.budget();
    assert!(record.verdict >= Verdict::BreachedAlert, "{record}");
}

#[test]
fn projection_is_never_below_what_is_spent_and_tells_when_the_money_is_gone() {
    let mut world = shop("[[budget]]\nname = \"day\"\nperiod = \"day\"\nusd = 100");
    world.live(30, &[("shop", FLOOD)]);
    let record = world.budget();
    assert!(record.projected_if_it_stops.expected >= record.spent.expected);
    assert!(record.projected_if_sustained.expected > record.projected_if_it_stops.expected);
    // About $1.03 a minute, compute and requests: $73 are left after half an hour.
    let gone = record.exhausted_if_sustained.unwrap();
    let minutes = (gone - world.now.start()).num_minutes();
    assert!((60..80).contains(&minutes), "{minutes} min, {record:?}");
    assert!(
        record.exhausted_if_it_stops.is_none()
            || record.exhausted_if_it_stops > record.exhausted_if_sustained
    );
}

#[test]
fn an_innocent_function_is_not_capped_for_another_one_s_sake() {
    let functions = vec![Function::new("innocent", 1024, 10), Function::new("shop", 1024, 10)];
    let mut world = World::new(ten_dollars_a_day(), functions)
        .with_history("innocent", Load::of(100, 500))
        .with_history("shop", CALM);
    world.live(60, &[("innocent", Load::of(100, 500)), ("shop", FLOOD)]);
    assert_eq!(world.reserved("innocent"), None);
    assert_eq!(world.reserved("shop"), Some(5));
}

#[test]
fn a_budget_smaller_than_ordinary_traffic_is_told_and_caps_nobody() {
    let mut world = World::new(ten_dollars_a_day(), vec![Function::new("shop", 1024, 10)])
        .with_history("shop", Load::of(200, 500));
    world.live(6 * 60 + 30, &[("shop", Load::of(200, 500))]);
    assert_eq!(world.actions().count(), 0);
    assert_eq!(world.budget().verdict, Verdict::BreachedOrdinary);
}

#[test]
fn disarmed_nothing_changes_and_the_record_of_what_would_have_is_complete() {
    let mut text = ten_dollars_a_day();
    text.armed = false;
    let mut world = World::new(text, vec![Function::new("shop", 1024, 10)]).with_history("shop", CALM);
    world.live(60, &[("shop", FLOOD)]);
    assert_eq!(world.reserved("shop"), None);
    assert!(world.state.latches.is_empty());
    assert!(world.actions().all(|(plan, _)| !plan.armed));
    assert!(world.actions().count() > 0);
    assert_eq!(world.count(NoticeKind::WouldHaveCapped), 1, "{:#?}", world.headlines());
}

#[test]
fn spend_after_the_line_is_a_few_minutes_of_the_flood_and_then_the_floor() {
    let mut world =
        World::new(ten_dollars_a_day(), vec![Function::new("shop", 1024, 10)]).with_history("shop", CALM);
    world.live(120, &[("shop", FLOOD)]);
    let peak_per_minute = Usd::from_picos(1_030_000_000_000);
    let over = world.spent - Usd::from_dollars(10);
    assert!(over <= peak_per_minute * 5, "{over}");
    assert_eq!(world.reserved("shop"), Some(5));
}

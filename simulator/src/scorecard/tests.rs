use guard_core::money::Usd;
use guard_core::pricing::PriceTable;

use super::{Card, Goal, Score};
use crate::load::{Loaded, Source};
use crate::patch::Patch;
use crate::replay::Replay;
use crate::request::Request;

fn ready(name: &str, patches: &[&str]) -> Loaded {
    let patches: Vec<Patch> = patches.iter().map(|text| text.parse().unwrap()).collect();
    Source::open(name).unwrap().ready(&patches).unwrap_or_else(|failure| panic!("{failure}"))
}

fn request(loaded: &Loaded) -> Request<'_> {
    loaded.request(1)
}

fn replay(loaded: &Loaded) -> Replay {
    Replay::new(&request(loaded), PriceTable::embedded(), |_, _| ())
}

fn held(loaded: &Loaded, replay: &Replay, goal: Goal) -> Option<bool> {
    Score::of(&request(loaded), replay).judged(goal).unwrap().held
}

fn why(loaded: &Loaded, replay: &Replay, goal: Goal) -> String {
    Score::of(&request(loaded), replay).judged(goal).unwrap().why.join("; ")
}

/// Every goal that a short flood asks for, and what breaks it.
#[test]
fn each_goal_is_missed_where_its_numbers_say_so() {
    let loaded = ready("new-function", &[]);
    let good = replay(&loaded);
    for goal in [Goal::Overrun, Goal::Share, Goal::Bound] {
        assert_eq!(held(&loaded, &good, goal), Some(true), "{goal:?}");
    }
    for goal in [Goal::Others, Goal::Kept, Goal::Calm] {
        assert_eq!(held(&loaded, &good, goal), None, "{goal:?}");
    }
    let mut over = good.clone();
    let five = Score::of(&request(&loaded), &good).five_minutes.unwrap();
    over.findings.overruns[0].with = five;
    assert_eq!(held(&loaded, &over, Goal::Overrun), Some(true), "five minutes are allowed");
    over.findings.overruns[0].with = five + Usd::from_picos(1);
    assert_eq!(held(&loaded, &over, Goal::Overrun), Some(false));
    let mut unfair = good.clone();
    let customers = &mut unfair.with.under_cap[0];
    customers.throttles = customers.attempts * 100;
    assert_eq!(held(&loaded, &unfair, Goal::Share), Some(false));
    assert!(
        why(&loaded, &unfair, Goal::Share).starts_with("api: "),
        "{}",
        why(&loaded, &unfair, Goal::Share)
    );
    let mut broken = good.clone();
    broken.findings.overruns[0].with = broken.findings.overruns[0].bound.unwrap() + Usd::from_picos(1);
    assert_eq!(held(&loaded, &broken, Goal::Bound), Some(false));
}

#[test]
fn five_minutes_of_burn_are_the_dearest_five_in_a_row_without_a_guard() {
    let loaded = ready("new-function", &[]);
    let mut replay = replay(&loaded);
    for (minute, row) in replay.without.rows.iter_mut().enumerate() {
        // A dollar in minute 30, and two in minutes 33 and 36.
        row.attack_spent = Usd::from_dollars(match minute {
            0..30 => 0,
            30..33 => 1,
            33..36 => 3,
            _ => 5,
        });
    }
    assert_eq!(Score::of(&request(&loaded), &replay).five_minutes, Some(Usd::from_dollars(4)));
    let miner = ready("crypto-mining", &["recovery_minutes=0"]);
    let five = Score::new(&request(&miner), PriceTable::embedded()).five_minutes.unwrap();
    // A thousand environments of 3,008 MB at $0.0000166667 per GB-second, for 300 seconds, and a little start-up.
    assert!((five.to_f64() - 14.69).abs() < 0.1, "{five}");
}

#[test]
fn losses_of_other_functions_and_of_caught_events_are_misses_with_their_names() {
    let loaded = ready("blast", &[]);
    let mut replay = replay(&loaded);
    assert_eq!(held(&loaded, &replay, Goal::Others), Some(true));
    let logins = replay.with.traffic.iter_mut().find(|one| one.traffic == "logins").unwrap();
    let lost = logins.tally.offered / 50;
    logins.tally.refused += lost;
    replay.findings.bystanders_lost = lost;
    assert_eq!(held(&loaded, &replay, Goal::Others), Some(false));
    assert!(why(&loaded, &replay, Goal::Others).starts_with(&format!("logins lost {lost} of")));
    let loaded = ready("sqs-retry-storm", &["recovery_minutes=0"]);
    let mut replay = self::replay(&loaded);
    assert_eq!(held(&loaded, &replay, Goal::Kept), Some(true));
    replay.with.traffic[0].tally.lost += 1;
    assert!(why(&loaded, &replay, Goal::Kept).starts_with("invoices: 1 of "));
}

#[test]
fn a_cap_on_recorded_traffic_without_an_attack_is_a_false_one() {
    let loaded = ready("calm-worldcup", &["minutes=30"]);
    let mut replay = replay(&loaded);
    assert_eq!(held(&loaded, &replay, Goal::Calm), Some(true));
    replay.findings.caps = 1;
    assert_eq!(held(&loaded, &replay, Goal::Calm), Some(false));
}

#[test]
fn reasons_are_what_was_in_force_while_the_money_went() {
    let slow = |what: &str| {
        let loaded = ready(what, &["recovery_minutes=0", "policy.budget.*.slack=period"]);
        why(&loaded, &replay(&loaded), Goal::Overrun)
    };
    let disarmed = slow("disarmed");
    assert!(disarmed.contains("the policy is disarmed; "), "{disarmed}");
    assert!(disarmed.contains(" before anything was held, and nothing was ever held"), "{disarmed}");
    let alerting = slow("alert-only");
    assert!(alerting.contains("the budget only alerts"), "{alerting}");
    let dark = slow("metric-blackout");
    assert!(dark.contains("no metrics from minute 70 to 110"), "{dark}");
    let small = slow("small-account");
    assert!(small.contains("api was left alone: no room in the account's pool"), "{small}");
}

#[test]
fn a_card_holds_a_goal_where_every_seed_that_asks_holds_it() {
    let loaded = ready("new-function", &[]);
    let replay = replay(&loaded);
    let good = Score::of(&request(&loaded), &replay);
    let mut bad = good.clone();
    let overrun = bad.goals.iter_mut().find(|judged| judged.goal == Goal::Overrun).unwrap();
    (overrun.held, overrun.why) = (Some(false), vec!["because".to_owned()]);
    let mut unasked = good.clone();
    unasked.goals.iter_mut().for_each(|judged| judged.held = None);
    let card = |scores: &[&Score]| Card {
        scenario: "s".to_owned(),
        scores: scores.iter().map(|score| (*score).clone()).collect(),
    };
    assert_eq!(card(&[&good, &unasked]).holds(Goal::Overrun), Some(true));
    assert_eq!(card(&[&good, &bad]).holds(Goal::Overrun), Some(false));
    assert_eq!(card(&[&unasked]).holds(Goal::Overrun), None);
    let (count, first) = (card(&[&good, &bad, &bad]).missed(Goal::Overrun).0, card(&[&good, &bad]));
    assert_eq!(
        (count, first.missed(Goal::Overrun).1.unwrap().why.as_slice()),
        (2, &["because".to_owned()][..])
    );
    let numbers = card(&[&bad, &good, &unasked, &good]);
    assert_eq!(numbers.median(|score| Some(f64::from(u8::from(score.attack)))), Some(1.0));
}

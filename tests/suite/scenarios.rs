//! The embedded scenarios, replayed with the guard in the loop: what must hold for all of them and several seeds.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::LazyLock;

use guard_core::money::{Unit, Usd};
use guard_core::plan::NoticeKind;
use guard_core::pricing::PriceTable;
use simulator::cases::{cores, in_order};
use simulator::load::{Loaded, Source};
use simulator::patch::Patch;
use simulator::replay::{Findings, Replay, gone};
use simulator::run::Row;
use simulator::scenarios::ALL;

/// What is kept of a replay.
struct Told {
    findings: Findings,
    attack: Option<(u32, u32)>,
    notices: BTreeMap<NoticeKind, usize>,
    /// Where the guard saw the first budget at the end, and where it truly was.
    seen_and_true: Option<(Usd, Usd)>,
}

const SEEDS: [u64; 2] = [1, 2];

static REPLAYS: LazyLock<BTreeMap<(&str, u64), Told>> = LazyLock::new(|| {
    let cases: Vec<(&str, u64)> =
        SEEDS.into_iter().flat_map(|seed| ALL.iter().map(move |one| (one.name, seed))).collect();
    let mut all = BTreeMap::new();
    let work = |(name, seed): &(&'static str, u64)| told(&replay(&ready(name, &[]), *seed));
    let done: Result<(), Infallible> = in_order(&cases, cores(), work, |case, told| {
        all.insert(*case, told);
        Ok(())
    });
    assert!(done.is_ok());
    all
});

fn ready(name: &str, patches: &[Patch]) -> Loaded {
    Source::open(name).unwrap().ready(patches).unwrap()
}

fn replay(loaded: &Loaded, seed: u64) -> Replay {
    Replay::new(&loaded.request(seed), PriceTable::embedded(), |_, _| ())
}

fn told(replay: &Replay) -> Told {
    let mut notices = BTreeMap::new();
    for notice in replay.with.ticks.iter().flat_map(|tick| &tick.plan.notices) {
        *notices.entry(notice.kind).or_default() += 1;
    }
    let last = replay.with.rows.last().and_then(|row| row.seen);
    let budget = replay.findings.overruns.first().map(|overrun| &overrun.budget);
    let mut periods = replay.with.periods.iter().filter(|period| Some(&period.budget) == budget);
    let period = periods.next_back();
    // What was spent in the first period before the replay began is seen, once the first round of the census has come
    // to its end, and not on its bill.
    let is_told = |row: &&Row| row.seen.is_some_and(|seen| seen > Usd::ZERO);
    let has_past = periods.next().is_none() && replay.with.rows.first().as_ref().is_some_and(is_told);
    let counted = replay.with.rows.get(10).filter(|_| has_past);
    let before = counted.and_then(|row| row.seen.map(|seen| seen - row.spent));
    let last = last.map(|last| last - before.unwrap_or(Usd::ZERO));
    Told {
        findings: replay.findings.clone(),
        attack: replay.attack,
        notices,
        seen_and_true: last.zip(period.map(|period| period.spent)),
    }
}

fn of(name: &str) -> impl Iterator<Item = &'static Told> {
    SEEDS
        .into_iter()
        .map(move |seed| &REPLAYS[&(ALL.iter().find(|one| one.name == name).unwrap().name, seed)])
}

#[test]
fn no_budget_that_acts_is_overrun_beyond_its_published_bound() {
    let mut checked = 0;
    for ((name, seed), told) in REPLAYS.iter() {
        for overrun in &told.findings.overruns {
            if let Some(bound) = overrun.bound {
                checked += 1;
                assert!(overrun.with <= bound, "{name}, seed {seed}: {overrun:?}");
            }
        }
    }
    assert!(checked > 70, "{checked}");
}

#[test]
fn real_days_without_an_attack_are_never_capped_under_one_and_a_half_times_their_cost() {
    for name in ["calm-azure-500", "calm-azure-1350", "calm-worldcup"] {
        for told in of(name) {
            assert_eq!((told.findings.caps, told.findings.cap_min), (0, None), "{name}");
            assert_eq!(
                gone(&told.findings.legitimate_with),
                gone(&told.findings.legitimate_without),
                "{name}"
            );
        }
    }
}

#[test]
fn a_viral_day_is_told_early_and_nobody_is_refused() {
    for told in of("viral") {
        let found = &told.findings;
        assert_eq!((found.caps, gone(&found.legitimate_with)), (0, 0));
        assert!(found.alerts >= 2 && found.alerts <= 10, "{}", found.alerts);
        assert_eq!(found.usd_with, found.usd_without);
    }
}

#[test]
fn spend_that_dances_around_its_line_for_a_day_is_one_trip() {
    for told in of("flapping") {
        assert_eq!(told.findings.caps, 1);
        assert!(told.findings.alerts <= 40, "{}", told.findings.alerts);
    }
}

#[test]
fn at_the_end_of_a_period_a_cap_is_let_go_in_a_way_that_is_told() {
    for told in of("month-rollover") {
        assert!(told.notices.contains_key(&NoticeKind::Expired), "{:?}", told.notices);
        assert!(told.notices.contains_key(&NoticeKind::Released), "{:?}", told.notices);
        assert!(!told.findings.still_capped);
    }
}

#[test]
fn a_deploy_that_undoes_a_cap_is_named_and_the_cap_set_again() {
    for told in of("deploy-untrips") {
        assert_eq!(told.notices.get(&NoticeKind::Untripped), Some(&1), "{:?}", told.notices);
        let overrun = &told.findings.overruns[0];
        assert!(
            overrun.with.picos() * 5 < overrun.without.picos(),
            "set again, it goes on saving: {overrun:?}"
        );
    }
}

#[test]
fn a_person_who_sets_another_value_is_not_fought() {
    for told in of("operator-interferes") {
        assert!(told.notices.contains_key(&NoticeKind::Refused), "{:?}", told.notices);
        assert_eq!(told.findings.caps, 1);
    }
}

#[test]
fn where_no_cap_fits_the_policy_decides_and_the_message_says_so() {
    for told in of("small-account") {
        assert_eq!(told.findings.cap_min, None);
        assert!(told.notices.contains_key(&NoticeKind::Refused), "{:?}", told.notices);
    }
    for told in of("small-account-stop") {
        assert_eq!(told.findings.caps, 1);
        assert!(told.findings.usd_with.picos() * 10 < told.findings.usd_without.picos());
    }
}

#[test]
fn an_outage_of_the_metrics_is_loud_and_so_is_its_end() {
    for told in of("metric-blackout") {
        let of = |kind| told.notices.get(&kind).copied().unwrap_or(0);
        assert_eq!((of(NoticeKind::Blind), of(NoticeKind::Sighted)), (1, 1), "{:?}", told.notices);
    }
}

#[test]
fn functions_that_nobody_attacks_lose_nothing_to_the_guard() {
    for ((name, seed), told) in REPLAYS.iter() {
        assert_eq!(told.findings.bystanders_lost, 0, "{name}, seed {seed}");
    }
}

#[test]
fn events_with_a_dead_letter_queue_are_never_lost_to_the_guard() {
    for ((name, seed), told) in
        REPLAYS.iter().filter(|((name, _), _)| name.starts_with("sqs-") || name.starts_with("stream-"))
    {
        let (with, without) = (&told.findings.legitimate_with, &told.findings.legitimate_without);
        assert!(with.lost <= without.lost, "{name}, seed {seed}: {with:?}");
        assert!(with.dead_lettered <= without.dead_lettered, "{name}, seed {seed}: {with:?}");
    }
}

#[test]
fn disarmed_the_guard_changes_nothing_at_all() {
    for name in ["disarmed", "alert-only"] {
        for told in of(name) {
            assert_eq!(told.findings.usd_with, told.findings.usd_without, "{name}");
            assert_eq!(told.findings.legitimate_with, told.findings.legitimate_without, "{name}");
        }
    }
    assert!(of("disarmed").all(|told| told.notices.contains_key(&NoticeKind::WouldHaveCapped)));
}

#[test]
fn what_the_guard_sees_is_what_is_billed() {
    for ((name, seed), told) in REPLAYS.iter() {
        let (seen, truth) = told.seen_and_true.unwrap();
        let unit = told.findings.overruns[0].unit;
        assert_eq!(unit, Unit::Usd, "{name}");
        let off = (seen - truth).picos().abs();
        // Five percent, and a cent for the minutes that no metric shows yet. Of an account in which only the dearest
        // five hundred functions are read one by one, the rest is priced at the mean memory of all: fifteen.
        let part = if *name == "calm-azure-1350" { truth * 3 } else { truth };
        let accepted = part.picos() / 20 + Usd::from_dollars(1).picos() / 100;
        assert!(off <= accepted, "{name}, seed {seed}: seen {seen} of {truth}");
    }
}

#[test]
fn the_guard_costs_less_than_it_saves_where_there_is_an_attack_worth_a_dollar() {
    for ((name, seed), told) in REPLAYS.iter().filter(|(_, told)| told.attack.is_some()) {
        let saved = told.findings.usd_without - told.findings.usd_with;
        if saved >= Usd::from_dollars(1) {
            assert!(told.findings.usd_guard < saved, "{name}, seed {seed}: {:?}", told.findings);
        }
    }
}

#[test]
fn with_a_guarantee_no_incident_passes_the_line() {
    // Beyond the lag that the guarantee assumes, with the guard or its levers out of order, or over a person's word,
    // nothing is promised.
    let excluded =
        ["late-metrics", "metric-blackout", "guard-outage", "control-plane-down", "operator-interferes"];
    let names: Vec<&str> = ALL.iter().map(|one| one.name).filter(|name| !excluded.contains(name)).collect();
    let patches: Vec<Patch> = [
        "policy.armed=true",
        "policy.budget.*.mode=cap",
        "policy.budget.*.below_floor=stop",
        "policy.budget.*.guarantee=true",
        "policy.budget.*.allow_event_loss=true",
        "policy.limits.no_room=stop",
        "recovery_minutes=0",
    ]
    .iter()
    .map(|text| text.parse().unwrap())
    .collect();
    let work = |name: &&str| replay(&ready(name, &patches), 1).findings;
    let mut broken = Vec::new();
    let done: Result<(), Infallible> =
        in_order(&names, cores(), work, |name, findings| {
            let over = findings.overruns.iter().filter(|overrun| overrun.with > Usd::ZERO);
            broken.extend(over.map(|overrun| {
                format!("{name}: {} of {} by {}", overrun.budget, overrun.amount, overrun.with)
            }));
            Ok(())
        });
    assert!(done.is_ok() && broken.is_empty(), "{broken:#?}");
}

#[test]
fn the_same_seed_makes_the_same_bytes_and_another_seed_others() {
    let loaded = ready("new-function", &[]);
    let bytes = |seed| serde_json::to_string(&replay(&loaded, seed)).unwrap();
    let first = bytes(1);
    assert!(first == bytes(1));
    assert!(first != bytes(2));
}

#[test]
fn every_scenario_ends_as_it_did() {
    let minutes = |minutes: Option<u32>| minutes.map_or("–".to_owned(), |minutes| minutes.to_string());
    let mut lines = vec![format!(
        "{:<26} {:>8} {:>8} {:>8} {:>14} {:>5} {:>7} {:>9} {:>9}",
        "seed 1", "without", "with", "perfect", "notice/cap/rel", "trips", "alerts", "overrun", "harm"
    )];
    for ((name, _), told) in REPLAYS.iter().filter(|((_, seed), _)| *seed == 1) {
        let found = &told.findings;
        let times = [found.notice_min, found.cap_min, found.release_min].map(minutes).join("/");
        let overrun = found.overruns.iter().map(|overrun| overrun.with).max().unwrap_or(Usd::ZERO);
        lines.push(format!(
            "{name:<26} {:>8.2} {:>8.2} {:>8.2} {times:>14} {:>5} {:>7} {overrun:>9.2} {:>8.2}%",
            found.usd_without,
            found.usd_with,
            found.usd_perfect,
            found.caps,
            found.alerts,
            found.harm_percent().unwrap_or(0.0)
        ));
    }
    insta::assert_snapshot!(lines.join("\n"));
}

//! A book is a book of something: renamed, away or counted otherwise, budgets keep what functions spent.

use std::collections::BTreeMap;

use super::*;
use crate::cost::UnitCost;
use crate::money::PICOS_PER_USD;
use crate::state::{Latch, Phase};

/// A guard that reads three functions, whose every minute is known here, and a policy that changes under it.
struct Reader {
    bench: Bench,
    now: Minute,
    seed: u64,
    changes: Vec<BookChange>,
}

const NAMES: [&str; 3] = ["api", "batch", "bill"];

/// What a function does in a minute: any numbers, always the same.
fn doing(seed: u64, function: usize, minute: Minute) -> Point {
    let mixed = (seed ^ minute.0.cast_unsigned().wrapping_mul(0x9e37_79b9_7f4a_7c15))
        .wrapping_add(u64::try_from(function).unwrap() * 0x51_7cc1)
        .wrapping_mul(0xbf58_476d_1ce4_e5b9);
    point(mixed >> 20 & 15, mixed >> 40 & 63)
}

fn of_hour(seed: u64, function: usize, hour: Hour) -> Point {
    (0..60).fold(Point::default(), |sum, minute| {
        sum.plus(doing(seed, function, hour.first_minute().plus(minute)))
    })
}

fn policy_of(zone: &str, budgets: Vec<Budget>) -> Policy {
    Policy { timezone: zone.to_owned(), budget: budgets, ..Policy::default() }
}

impl Reader {
    fn new(at: &str, budgets: Vec<Budget>) -> Self {
        Reader::of(7, minute(at), budgets)
    }

    /// A guard that has looked for more than a day: what a first look misses, the census of that day has told.
    fn of(seed: u64, at: Minute, budgets: Vec<Budget>) -> Self {
        let functions = NAMES.iter().map(|name| Function::new(*name, 1024, 60)).collect();
        let now = at.plus(-78 * 20);
        let mut reader = Reader { bench: bench(budgets, functions), now, seed, changes: vec![] };
        reader.look();
        reader.looks(78);
        reader
    }

    fn obey(&mut self, policy: Policy) {
        let functions = self.bench.roster.inventory.functions.clone();
        self.bench.roster = roster(policy, functions);
    }

    fn budgets(&mut self, budgets: Vec<Budget>) {
        self.obey(policy_of("UTC", budgets));
    }

    /// Looks at all functions, and takes a census where one is due.
    fn look(&mut self) {
        self.look_at(&NAMES);
    }

    fn look_at(&mut self, names: &[&str]) {
        let at = self.now.start();
        let census = sampling::census(&self.bench.roster, &self.bench.state, at).map(|asked| {
            let hours = |function: usize| -> Vec<(Hour, Point)> {
                let all = asked.first.0..=asked.last.0;
                all.map(|hour| (Hour(hour), of_hour(self.seed, function, Hour(hour)))).collect()
            };
            let of = |name: &FunctionName| NAMES.iter().position(|other| *other == name.as_str()).unwrap();
            let functions = asked.functions.iter().map(|name| (name.clone(), hours(of(name)))).collect();
            let region =
                (asked.first.0..=asked.last.0).map(|hour| (Hour(hour), self.all_of_hour(Hour(hour))));
            Census { region: region.collect(), asked: asked.clone(), functions }
        });
        let focus: Vec<FunctionName> = names.iter().map(|name| (*name).into()).collect();
        let from = ask_from(&self.bench.roster, &self.bench.state, at, (&focus, &[]));
        let minutes = |point: &dyn Fn(Minute) -> Point| {
            Series::fresh(
                (from.0..self.now.0 - 3).map(|number| (Minute(number), point(Minute(number)))).collect(),
            )
        };
        let all =
            |minute| (0..3).fold(Point::default(), |sum, index| sum.plus(doing(self.seed, index, minute)));
        let of = |name: &str| {
            let index = NAMES.iter().position(|other| *other == name).unwrap();
            minutes(&|minute| doing(self.seed, index, minute))
        };
        let functions = names.iter().map(|name| ((*name).into(), of(name))).collect();
        let glances = Vec::new();
        let seen = Observation { at, from, census, glances, region: minutes(&all), functions };
        self.changes = self.bench.post(&seen).changes;
    }

    fn all_of_hour(&self, hour: Hour) -> Point {
        (0..3).fold(Point::default(), |sum, index| sum.plus(of_hour(self.seed, index, hour)))
    }

    /// So many looks, twenty minutes apart.
    fn looks(&mut self, looks: i64) {
        for _ in 0..looks {
            self.now = self.now.plus(20);
            self.look();
        }
    }

    /// What the functions of a budget came to between two instants, in its unit.
    fn truth(&self, name: &str, from: DateTime<Utc>) -> Usd {
        let rule = self.bench.roster.rules.iter().find(|rule| rule.name.as_str() == name).unwrap();
        let until = self.now.plus(-3).start();
        let functions = &self.bench.roster.inventory.functions;
        let covered = functions.iter().enumerate().filter(|(_, function)| rule.matcher.matches(function));
        let counting = UnitCost::counting();
        let mut sum = Usd::ZERO;
        for (index, _) in covered {
            let unit = match rule.counts_invocations() {
                true => &counting,
                false => &self.bench.roster.members[index].unit,
            };
            let amount = |point: &Point| match rule.counts_invocations() {
                true => picos(PICOS_PER_USD) * i128::from(point.invocations),
                false => unit.of_point(point, 0, 0).expected,
            };
            let mut minute = Minute::of(from);
            while minute.start() < until {
                if minute.0 % 60 == 0 && minute.hour().plus(1).start() <= until {
                    sum += amount(&of_hour(self.seed, index, minute.hour()));
                    minute = minute.plus(60);
                } else {
                    sum += amount(&doing(self.seed, index, minute));
                    minute = minute.plus(1);
                }
            }
        }
        sum
    }

    /// A book equals the sum of what its functions spent as far as it says to know, and never more than they did.
    fn audit(&self) -> Result<(), String> {
        // A settled hour of a function is kept to the micro-dollar.
        let grain = picos(1_000_000) * 3 * 31 * 24;
        for rule in &self.bench.roster.rules {
            let book = &self.bench.state.budgets[&rule.name];
            let known = book.unknown_before().unwrap_or(book.period_start);
            let (least, most) =
                (self.truth(rule.name.as_str(), known), self.truth(rule.name.as_str(), book.period_start));
            let spent = book.spent;
            let ordered = spent.low <= spent.expected && spent.expected <= spent.high;
            if spent.expected < least - grain || spent.expected > most + grain || !ordered {
                return Err(format!(
                    "{} at {}: {spent} is not within {least} (since {known}) and {most} (since {})",
                    rule.name,
                    self.now.start(),
                    book.period_start
                ));
            }
        }
        Ok(())
    }

    fn spent(&self, name: &str) -> Usd {
        self.bench.book(name).spent.expected
    }

    fn news(&self) -> Vec<(&str, &BookNews)> {
        self.changes.iter().map(|change| (change.budget.as_str(), &change.news)).collect()
    }
}

fn month(name: &str) -> Budget {
    budget(name, Period::Month, None)
}

#[test]
fn a_budget_renamed_keeps_its_money_its_history_and_its_trips() {
    let mut reader = Reader::new("19T13:40", vec![month("account")]);
    reader.looks(8);
    let before = reader.bench.book("account").clone();
    let latch = Latch {
        budget: Some("account".into()),
        tripped_at: reader.now.start(),
        phase: Phase::Capped,
        phase_since: reader.now.start(),
        calm_since: None,
        relapses: 0,
        levers: vec![],
    };
    reader.bench.state.latches.insert("api".into(), latch);
    reader.budgets(vec![Budget { usd: Some(Usd::from_dollars(5)), ..month("account-month") }]);
    reader.look();
    assert_eq!(reader.bench.book("account-month"), &before);
    assert_eq!(reader.news(), [("account-month", &BookNews::Renamed { from: "account".into() })]);
    assert!(!reader.bench.state.budgets.contains_key("account") && reader.bench.state.shelf.is_empty());
    assert_eq!(reader.bench.state.latches["api"].budget, Some("account-month".into()));
    reader.looks(1);
    assert_eq!(reader.news(), []);
    // A second budget of the same meaning starts with what the first has spent.
    reader.budgets(vec![month("account-month"), month("twin")]);
    reader.looks(1);
    assert_eq!(reader.bench.book("twin"), reader.bench.book("account-month"));
    reader.audit().unwrap();
}

#[test]
fn a_month_that_becomes_a_day_is_charged_with_the_day_and_back_with_the_month() {
    let mut reader = Reader::new("21T09:20", vec![month("account")]);
    reader.looks(4);
    let of_month = reader.spent("account");
    reader.budgets(vec![budget("account", Period::Day, None)]);
    reader.looks(1);
    assert_eq!(reader.news(), [("account", &BookNews::Remade)]);
    assert!(reader.spent("account") < of_month.mul_div_up(1, 20), "{}", reader.spent("account"));
    let book = reader.bench.book("account");
    assert_eq!((book.period_start, book.unknown_before()), (time("21T00:00"), None));
    assert!(book.profile.hours() > 500, "what is ordinary in an hour is so under any period");
    reader.audit().unwrap();
    reader.looks(6);
    reader.budgets(vec![budget("account", Period::Week, None)]);
    reader.looks(6);
    reader.audit().unwrap();
    reader.budgets(vec![month("account")]);
    reader.looks(1);
    assert_eq!(reader.news(), [("account", &BookNews::Returned { since: time("21T11:00") })]);
    assert!(reader.spent("account") > of_month);
    assert_eq!(reader.bench.book("account").unknown_before(), None);
    reader.audit().unwrap();
}

#[test]
fn dollars_never_become_invocations_and_what_is_not_known_is_said() {
    let mut reader = Reader::new("12T05:00", vec![month("account")]);
    reader.looks(12);
    reader.budgets(vec![counting("account")]);
    reader.looks(1);
    let book = reader.bench.book("account");
    let from = book.unknown_before().unwrap();
    // The minutes of the hours that are not settled yet tell invocations; history tells money alone.
    assert!(from > time("12T05:00") && from <= time("12T09:20"), "{from}");
    assert_eq!(book.spent.expected.picos() % PICOS_PER_USD, 0);
    assert!(book.profile.hours() < 24, "what dollars are ordinary says nothing of invocations");
    reader.audit().unwrap();
    // Of the next day, and of the dollars when they come back, everything is known.
    reader.budgets(vec![counting("account"), budget("own", Period::Day, Some("b*"))]);
    reader.looks(60);
    reader.audit().unwrap();
    reader.budgets(vec![month("account")]);
    reader.looks(1);
    assert_eq!(reader.bench.book("account").unknown_before(), None);
    reader.audit().unwrap();
}

#[test]
fn a_budget_away_for_a_look_or_for_two_days_has_lost_nothing() {
    for looks in [1, 3, 40, 150, 300] {
        let own = || budget("own", Period::Month, Some("b*"));
        let mut reader = Reader::new("06T22:20", vec![month("account"), own()]);
        let mut stayed = Reader::new("06T22:20", vec![month("account"), own()]);
        reader.looks(9);
        stayed.looks(9);
        reader.budgets(vec![budget("mine", Period::Day, None)]);
        reader.looks(looks);
        stayed.looks(looks);
        let kept: Vec<&str> = reader.bench.state.shelf.iter().map(|shelved| shelved.name.as_str()).collect();
        assert_eq!(kept, ["account", "own"]);
        reader.budgets(vec![month("account"), own()]);
        reader.looks(1);
        stayed.looks(1);
        for name in ["account", "own"] {
            let (back, steady) = (reader.bench.book(name), stayed.bench.book(name));
            assert_eq!(back.unknown_before(), None, "{name} after {looks}");
            let apart = (back.spent.expected - steady.spent.expected).picos().abs();
            assert!(apart < 3 * 1_000_000 * (looks / 3 + 52) as i128, "{name} after {looks}: {apart}");
            if looks == 1 {
                assert_eq!(back.spent.expected, steady.spent.expected, "{name} after {looks}");
            }
        }
        reader.audit().unwrap();
    }
}

#[test]
fn a_minute_away_leaves_no_gap_in_the_minutes_that_tell_how_fast_money_goes() {
    let own = || vec![month("account"), budget("own", Period::Month, Some("b*"))];
    let mut reader = Reader::new("06T22:20", own());
    let mut stayed = Reader::new("06T22:20", own());
    for policy in [own(), own(), vec![budget("mine", Period::Day, None)], own(), own()] {
        reader.budgets(policy);
        for reader in [&mut reader, &mut stayed] {
            reader.now = reader.now.plus(1);
            reader.look();
        }
    }
    for name in ["account", "own"] {
        let (back, steady) = (reader.bench.book(name), stayed.bench.book(name));
        assert_eq!(back.spent.expected, steady.spent.expected, "{name}");
        assert_eq!((&back.minutes, &back.hours), (&steady.minutes, &steady.hours), "{name}");
        assert_eq!((&back.profile, &back.shape), (&steady.profile, &steady.shape), "{name}");
    }
}

#[test]
fn a_book_is_kept_for_a_period_and_eight_books_at_most() {
    let mut reader = Reader::new("03T04:00", vec![budget("own", Period::Day, Some("api"))]);
    reader.budgets(vec![month("account")]);
    reader.looks(1);
    let kept_until = time("04T04:20");
    assert_eq!(reader.news().last(), Some(&("own", &BookNews::Gone { kept_until })));
    reader.looks(71);
    assert_eq!(reader.bench.state.shelf.len(), 1);
    reader.looks(1);
    assert_eq!(reader.bench.state.shelf, []);
    for round in 0..12 {
        reader.budgets(vec![budget(&format!("b{round}"), Period::Day, Some(&format!("x{round}")))]);
        reader.looks(1);
    }
    assert_eq!(reader.bench.state.shelf.len(), 8);
    assert_eq!(reader.bench.state.shelf[7].name.as_str(), "b10");
}

#[test]
fn a_budget_added_late_in_the_month_starts_with_what_is_known_of_it() {
    let mut reader = Reader::new("25T10:00", vec![month("account")]);
    reader.looks(6);
    reader.budgets(vec![month("account"), budget("own", Period::Month, Some("batch"))]);
    reader.looks(1);
    assert_eq!(reader.news(), [("own", &BookNews::New)]);
    assert_eq!(reader.bench.book("own").unknown_before(), None);
    assert!(reader.bench.book("own").profile.hours() > 500);
    reader.audit().unwrap();
}

#[test]
fn what_nobody_looked_at_yet_is_unknown_until_the_census_tells() {
    let mut reader = Reader::new("25T10:00", vec![month("account")]);
    for _ in 0..30 {
        reader.now = reader.now.plus(20);
        reader.look_at(&[]);
    }
    reader.budgets(vec![month("account"), budget("own", Period::Month, Some("batch"))]);
    reader.looks(1);
    let unknown = reader.bench.book("own").unknown_before();
    assert_eq!(unknown, Some(reader.now.start()), "nobody looked at it since the census");
    assert!(reader.spent("own") > Usd::ZERO, "what is known counts nevertheless");
    reader.looks(60);
    assert_eq!(reader.bench.book("own").unknown_before(), None);
    reader.audit().unwrap();
    // Under a budget over everything the region's totals knew it all the time.
    reader.budgets(vec![budget("day", Period::Day, None), budget("own", Period::Month, Some("batch"))]);
    reader.looks(1);
    assert_eq!(reader.bench.book("day").unknown_before(), None);
    reader.audit().unwrap();
}

#[test]
fn an_hour_of_a_breach_is_not_ordinary_but_it_is_spend() {
    let mut reader = Reader::new("14T06:20", vec![month("account")]);
    for _ in 0..12 {
        for name in ["api", "batch"] {
            reader.bench.ledger(name).profile.breach(reader.now.hour(), reader.now.hour());
        }
        reader.looks(1);
    }
    reader.looks(100);
    assert!(reader.bench.ledger("api").profile.is_excluded(hour("14T07:00")));
    reader.budgets(vec![budget("own", Period::Month, Some("api")), budget("b", Period::Week, Some("b*"))]);
    reader.looks(1);
    for name in ["own", "b"] {
        assert_eq!(reader.bench.book(name).unknown_before(), None, "{name}");
        assert!(reader.bench.book(name).profile.is_excluded(hour("14T07:00")), "{name}");
    }
    reader.audit().unwrap();
}

#[test]
fn a_day_that_begins_within_an_hour_counts_what_its_minutes_tell_and_says_what_they_do_not() {
    let india = |budgets| policy_of("Asia/Kolkata", budgets);
    // Midnight in Kolkata is 18:30 UTC.
    for (at, looks, unknown) in [("10T18:40", 5, None), ("10T23:40", 5, Some(time("10T19:00")))] {
        let mut reader = Reader::new("10T14:20", vec![budget("day", Period::Day, None)]);
        while reader.now < minute(at) {
            reader.looks(1);
        }
        reader.looks(looks);
        reader.obey(india(vec![budget("day", Period::Day, None)]));
        reader.looks(1);
        let book = reader.bench.book("day");
        assert_eq!((book.period_start, book.unknown_before()), (time("10T18:30"), unknown), "{at}");
        reader.audit().unwrap();
    }
}

#[test]
fn what_provisioned_concurrency_billed_before_is_not_known_of_a_new_budget() {
    let mut reader = Reader::new("10T09:00", vec![month("account")]);
    reader.bench.roster.inventory.functions[0].provisioned = 5;
    reader.budgets(vec![month("account"), budget("own", Period::Day, Some("api"))]);
    reader.looks(1);
    assert_eq!(reader.bench.book("own").unknown_before(), Some(reader.now.start()));
    // A look away costs the minutes of that look.
    reader.budgets(vec![month("account")]);
    reader.looks(1);
    let standing = reader.bench.roster.standing_per_minute[0];
    let before = reader.bench.state.shelf[0].book.spent.expected;
    reader.budgets(vec![month("account"), budget("own", Period::Day, Some("api"))]);
    reader.now = reader.now.plus(1);
    reader.look_at(&[]);
    let more = reader.spent("own") - before;
    assert!(more >= standing * 21, "{more} of {}", standing * 21);
}

#[test]
fn a_book_from_before_books_knew_their_meaning_is_taken_by_its_period() {
    let mut reader = Reader::new("10T09:00", vec![month("account"), budget("day", Period::Day, None)]);
    reader.looks(3);
    let spent = reader.spent("account");
    let mut json = serde_json::to_value(&reader.bench.state).unwrap();
    for book in json["budgets"].as_object_mut().unwrap().values_mut() {
        book.as_object_mut().unwrap().remove("meaning").unwrap();
    }
    reader.bench.state = serde_json::from_value(json).unwrap();
    reader.budgets(vec![month("account"), budget("day", Period::Week, None)]);
    reader.look();
    assert_eq!(reader.news(), [("day", &BookNews::Remade)]);
    assert_eq!(reader.spent("account"), spent);
    reader.audit().unwrap();
}

/// Some budgets of a policy: name, scope, period, and whether it counts.
fn any_policy() -> impl Strategy<Value = (usize, Vec<Budget>, i64)> {
    let period = prop_oneof![Just(Period::Hour), Just(Period::Day), Just(Period::Week), Just(Period::Month)];
    let scope = prop_oneof![Just(None), Just(Some("api")), Just(Some("b*")), Just(Some("batch"))];
    let one = (0_usize..4, scope, period, any::<bool>());
    (0_usize..4, proptest::collection::vec(one, 0..4), 1_i64..25).prop_map(|(zone, some, looks)| {
        let mut budgets: BTreeMap<String, Budget> = BTreeMap::new();
        for (name, functions, period, counts) in some {
            let name = ["w", "x", "y", "z"][name];
            let plain = budget(name, period, functions);
            let counted = Budget { usd: None, invocations: Some(1000), ..plain.clone() };
            budgets.insert(name.to_owned(), if counts { counted } else { plain });
        }
        (zone, budgets.into_values().collect(), looks)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 8))]
    #[test]
    fn over_any_changes_of_policy_a_book_is_the_sum_of_what_its_functions_spent(
        seed in any::<u64>(),
        day in 2_u32..28,
        steps in proptest::collection::vec(any_policy(), 1..12),
    ) {
        let zones = ["UTC", "Asia/Tokyo", "America/New_York", "Europe/Berlin"];
        let now = minute(&format!("{day:02}T{:02}:20", seed % 24));
        let mut reader = Reader::of(seed, now, vec![]);
        for (zone, budgets, looks) in steps {
            reader.obey(policy_of(zones[zone], budgets));
            for look in 0..looks {
                if (seed >> (look % 50)) & 7 == 0 {
                    let hour = reader.now.hour();
                    if let Some(ledger) = reader.bench.state.functions.first_mut() {
                        ledger.profile.breach(hour, hour);
                    }
                }
                reader.looks(1);
                if let Err(sentence) = reader.audit() {
                    return Err(TestCaseError::fail(sentence));
                }
            }
        }
    }
}

//! The share that a budget over some functions has of what nobody looks at.

use super::*;

/// Two functions, each busy 300 seconds an hour as a rule, under a budget over the first and one over both.
fn two() -> Bench {
    let functions = vec![Function::new("a", 512, 60), Function::new("b", 512, 60)];
    let budgets = vec![budget("all", Period::Day, None), budget("a", Period::Day, Some("a"))];
    let mut bench = bench(budgets, functions);
    for name in ["a", "b"] {
        let mut ledger = FunctionLedger::new(name.into());
        ledger.burn = bench.roster.members[0].unit.compute(0, 300_000_000);
        bench.state.functions.push(ledger);
    }
    bench
}

/// Ticks that show ten busy seconds a minute of the region, and nobody is looked at.
fn unwatched(bench: &mut Bench, first: &str, last: &str) {
    let mut at = minute(first);
    while at <= minute(last) {
        let mut look = seen("23T00:00", vec![]);
        (look.at, look.from) = (at.start(), at.plus(-10));
        look.region = Series::fresh(vec![(at.plus(-5), point(10, 10))]);
        bench.post(&look);
        at = at.plus(1);
    }
}

/// Narrower budgets forgot hours that no look reaches any more until the census of the next day: of a day's budget
/// six hours at most were ever seen.
#[test]
fn a_narrow_budget_keeps_its_share_of_hours_that_no_look_reaches() {
    let mut bench = two();
    unwatched(&mut bench, "23T00:06", "23T20:00");
    let half = |bench: &Bench| bench.book("all").spent_in_all().expected.picos() / 2;
    let spent = bench.book("a").spent_in_all();
    let is_near = |amount: Usd, of: i128| (amount.picos() - of).abs() * 50 <= of;
    assert!(is_near(spent.expected, half(&bench)), "{spent:?} of {}", half(&bench));
    assert!(spent.high.picos() >= 2 * half(&bench) * 9 / 10, "all of it may have been its own: {spent:?}");
    assert_eq!(bench.book("a").passed.len(), 13, "from midnight up to 13:00");
    // The whole counts at once in the next period.
    unwatched(&mut bench, "23T20:01", "24T00:20");
    assert!(bench.book("a").spent_in_all().expected.picos() < half(&bench) * 11 / 10);
}

#[test]
fn a_census_takes_the_place_of_a_share_function_by_function() {
    let mut bench = two();
    unwatched(&mut bench, "23T00:06", "23T20:00");
    let before = bench.book("a").spent_in_all().expected;
    let whole =
        |count: i64| (0..count).map(|ahead| (hour("23T00:00").plus(ahead), point(300, 300))).collect();
    let mut slice = census("23T20:00", vec![("a", whole(12))], "23T00:00", "23T11:00");
    slice.census.as_mut().unwrap().asked.ends_round = false;
    bench.post(&slice);
    let within = |bench: &Bench| {
        let now = bench.book("a").spent_in_all().expected;
        (now.picos() - before.picos()).abs() * 50 <= before.picos()
    };
    assert!(within(&bench), "{before:?} {:?}", bench.book("a").spent_in_all());
    let guessed = |bench: &Bench| bench.book("a").passed.iter().map(|(_, share)| share.expected).sum::<Usd>();
    assert!(guessed(&bench) * 10 <= before, "of thirteen hours one is still a guess");
    bench.post(&census("23T20:01", vec![("b", whole(12))], "23T00:00", "23T11:00"));
    unwatched(&mut bench, "23T20:02", "23T20:02");
    assert!(within(&bench), "{before:?} {:?}", bench.book("a").spent_in_all());
    assert_eq!(bench.book("a").passed.len(), 1, "what a census has settled is no share any more");
}

/// A narrower budget counted no excess as its own, even where no other function could have spent it.
#[test]
fn what_only_the_scope_can_have_spent_is_all_its_own() {
    for outside in [false, true] {
        let mut functions = vec![Function::new("a", 512, 60), Function::new("guard", 256, 60)];
        if outside {
            functions.push(Function::new("z", 512, 60));
        }
        let budgets = vec![budget("all", Period::Day, None), budget("a", Period::Day, Some("a"))];
        let mut bench = bench(budgets, functions);
        bench.roster.guard = Some("guard".into());
        unwatched(&mut bench, "23T00:06", "23T01:00");
        let [all, a] = ["all", "a"].map(|name| bench.book(name).spent_in_all());
        assert!(all.expected > Usd::ZERO && a.high >= all.expected);
        assert_eq!(a.expected, if outside { Usd::ZERO } else { all.expected });
    }
}

/// A function read in full without a glance before counted as looked at since ever, although half an hour of it was read:
/// its earlier spend was lost.
#[test]
fn a_first_full_look_reaches_back_like_a_glance() {
    let mut bench = two();
    unwatched(&mut bench, "23T08:06", "23T10:00");
    let at = time("23T10:01");
    let from = ask_from(&bench.roster, &bench.state, at, (&["a".into()], &[]));
    assert!(from <= minute("23T08:01"), "{from:?}");
    assert!(from >= minute("23T07:00"), "of the time before the guard watched nothing is asked");
    let busy = |from: Minute| {
        let minutes = (from.0..=minute("23T09:56").0).map(Minute).filter(|at| *at >= minute("23T08:00"));
        Series::fresh(minutes.map(|at| (at, point(10, 10))).collect())
    };
    let mut look = seen("23T10:01", vec![("a", busy(from))]);
    (look.from, look.region) = (from, busy(from));
    bench.post(&look);
    let (all, a) = (bench.book("all").spent.expected, bench.book("a").spent_in_all());
    assert!(a.expected >= all && a.expected.picos() * 50 <= all.picos() * 51, "{a:?} of {all}");
}

/// Shares were charged to an incident for the minutes since the last one posted only.
#[test]
fn an_incident_counts_the_minutes_of_a_share() {
    let mut bench = two();
    bench.roster.rules[1].slack = Usd::from_dollars(20);
    unwatched(&mut bench, "23T08:06", "23T08:20");
    let flood = minute("23T08:20");
    for ahead in 1..=30 {
        let mut look = seen("23T00:00", vec![("b", Series::silent())]);
        (look.at, look.from) = (flood.plus(ahead).start(), flood.plus(ahead - 30));
        let minutes = (0..ahead).map(|minute| (flood.plus(minute), point(100, 60_000)));
        look.region = Series::fresh(minutes.collect());
        bench.post(&look);
    }
    // Everybody else was looked at. 60,000 seconds of 512 MB a minute are $0.50, and $0.22 of a minute are tolerated.
    let rule = &bench.roster.rules[1];
    let incident = bench.book("a").incident(rule, flood.plus(26));
    assert!(incident.amount > Usd::from_dollars(6), "{incident:?}");
    assert!(incident.since.is_some_and(|since| since <= flood.plus(1)), "{incident:?}");
}

//! An account for benchmarks: functions that are busy in every minute, fifty budgets over them, and a warm memory.

#![expect(clippy::panic, reason = "a benchmark of a broken policy is none")]

use chrono::{DateTime, TimeZone, Utc};
use guard_core::inventory::{AccountLimits, Function, Inventory};
use guard_core::observation::{Census, CensusSlice, Observation, Point, Series};
use guard_core::policy::Policy;
use guard_core::pricing::PriceTable;
use guard_core::roster::Roster;
use guard_core::state::State;
use guard_core::time::{Hour, Minute};

/// Budgets: one over everything, nine over tags, forty over name patterns that nest within them.
const BUDGETS: usize = 50;
/// Minutes read again at every look.
const WINDOW_MIN: i64 = 15;
/// Hours of history.
const HISTORY_H: i64 = 336;

/// When the first tick is.
pub(crate) fn at() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 17, 12, 30, 0).single().unwrap_or_default()
}

/// So many functions under fifty budgets.
pub(crate) fn roster(functions: usize) -> Roster {
    let mut text = String::from(
        "armed = true\n[[budget]]\nname = \"all\"\nperiod = \"month\"\nusd = 100000\nmode = \"cap\"\n",
    );
    for tag in 0..9 {
        text += &format!(
            "[[budget]]\nname = \"team-{tag}\"\nscope = {{ tags = {{ team = \"{tag}\" }} }}\nperiod = \"day\"\nusd = 1000\nmode = \"cap\"\n"
        );
    }
    for pattern in 10..BUDGETS {
        text += &format!(
            "[[budget]]\nname = \"part-{pattern}\"\nscope = {{ functions = \"f{pattern}*\" }}\nperiod = \"week\"\nusd = 500\nmode = \"cap\"\n"
        );
    }
    let policy = Policy::from_toml(&text).unwrap_or_else(|error| panic!("{error}"));
    let functions = (0..functions)
        .map(|index| {
            let mut function = Function::new(format!("f{index:06}").as_str(), 512, 30);
            function.tags.insert("team".to_owned(), (index % 9).to_string());
            function
        })
        .collect();
    let inventory = Inventory::new("us-east-1", AccountLimits::default(), functions);
    Roster::new(policy, PriceTable::embedded(), inventory, None)
}

/// A point of one function: load differs by function and minute, so that every new minute is news.
fn point(function: usize, minute: Minute) -> Point {
    let wave = u64::try_from(minute.0.rem_euclid(7)).unwrap_or(0);
    let invocations = 20 + (function % 13) as u64 + wave;
    Point {
        invocations,
        errors: invocations / 20,
        duration_us: invocations * 210_000,
        concurrency_max: 2,
        ..Point::default()
    }
}

/// What a look shows: the newest two minutes are still partial.
pub(crate) fn look(roster: &Roster, now: Minute) -> Observation {
    let from = now.plus(-WINDOW_MIN);
    let mut total = vec![Point::default(); usize::try_from(WINDOW_MIN).unwrap_or(0)];
    let functions = roster
        .inventory
        .functions
        .iter()
        .enumerate()
        .map(|(index, function)| {
            let minutes = (0..WINDOW_MIN)
                .map(|offset| {
                    let minute = from.plus(offset);
                    let mut point = point(index, minute);
                    if offset >= WINDOW_MIN - 2 {
                        point.invocations /= 2;
                        point.duration_us /= 2;
                    }
                    (minute, point)
                })
                .collect::<Vec<_>>();
            for (sum, (_, point)) in total.iter_mut().zip(&minutes) {
                *sum = sum.plus(*point);
            }
            (function.name.clone(), Series::fresh(minutes))
        })
        .collect();
    let region = (0..WINDOW_MIN).map(|offset| from.plus(offset)).zip(total).collect();
    Observation {
        at: now.start(),
        from,
        census: None,
        glances: Vec::new(),
        region: Series::fresh(region),
        functions,
    }
}

/// A memory of two weeks, and the tick before the one that is measured.
pub(crate) fn warmed(roster: &Roster) -> State {
    let mut state = State::new();
    let now = Minute::of(at());
    let last = Hour::of(at()).plus(-1);
    let mut seen = look(roster, now.plus(-1));
    let history = |index: usize| {
        let mean = point(index, Minute(3));
        let hour = Point { invocations: mean.invocations * 60, duration_us: mean.duration_us * 60, ..mean };
        (1 - HISTORY_H..=0).map(|back| (last.plus(back), hour)).collect()
    };
    let functions: Vec<_> = roster.inventory.functions.iter().map(|function| function.name.clone()).collect();
    let answered = functions.iter().enumerate().map(|(index, name)| (name.clone(), history(index))).collect();
    let asked = CensusSlice { first: last.plus(1 - HISTORY_H), last, functions, ends_round: true };
    seen.census = Some(Census { asked, region: Vec::new(), functions: answered });
    let _plan = guard_core::tick(roster, &mut state, &seen);
    state
}

//! The eye on whole accounts: what is reported holds what is spent, who floods is named, and calm is cheap. A bare world of
//! busy times, minute by minute, seen through CloudWatch's lag and no better than the plan asks.

use guard_core::inventory::{AccountLimits, Function, Inventory};
use guard_core::money::Usd;
use guard_core::name::FunctionName;
use guard_core::observation::{Census, Observation, Point, Series};
use guard_core::plan::{Plan, SamplingPlan};
use guard_core::policy::{Budget, Mode, Policy, Scope};
use guard_core::pricing::PriceTable;
use guard_core::roster::Roster;
use guard_core::sampling::{ask_from, asks_invocations, census};
use guard_core::state::State;
use guard_core::time::{Hour, Minute};
use proptest::prelude::*;

use crate::properties::share;

/// The first minute: Monday 23 November 2026, 00:00 UTC.
const BEGIN: Minute = Minute(29_923_200);
/// Points show three minutes after their minute has ended.
const LAG_MIN: i64 = 3;
/// Minutes before the beginning that can be asked for.
const KEPT_BEFORE: i64 = 360;

/// One function of the world.
#[derive(Clone, Debug)]
struct Load {
    memory_mb: u32,
    /// Busy milliseconds of a minute as a rule.
    usual_ms: u64,
    /// The same from `from` on.
    flood_ms: u64,
    from: i64,
    /// The flood comes for one minute in so many.
    every: i64,
    /// Environments that begin with each of its bursts, and what each takes to start.
    environments: u32,
    init_ms: u64,
}

impl Load {
    fn calm(memory_mb: u32, usual_ms: u64) -> Self {
        let flood_ms = usual_ms;
        Load { memory_mb, usual_ms, flood_ms, from: i64::MAX, every: 1, environments: 0, init_ms: 0 }
    }

    fn is_flooded(&self, minute: i64) -> bool {
        minute >= self.from && (minute - self.from) % self.every == 0
    }

    /// Milliseconds that environments took to start in a minute.
    fn starts_ms(&self, minute: i64) -> u64 {
        let begins = self.is_flooded(minute) && !self.is_flooded(minute - 1);
        if begins { u64::from(self.environments).min(self.flood_ms.div_ceil(100)) * self.init_ms } else { 0 }
    }

    /// Invocations of 100 ms each.
    fn point_at(&self, minute: i64) -> Point {
        let ms = if self.is_flooded(minute) { self.flood_ms } else { self.usual_ms };
        let starts_ms = self.starts_ms(minute);
        let at_once = if starts_ms > 0 { self.environments } else { 0 };
        let concurrency_max = u32::try_from((ms + starts_ms).div_ceil(60_000)).unwrap().max(at_once);
        Point { invocations: ms.div_ceil(100), duration_us: ms * 1000, concurrency_max, ..Point::default() }
    }
}

fn name(index: usize) -> FunctionName {
    FunctionName::new(format!("f{index:04}"))
}

fn index(name: &FunctionName) -> usize {
    name.as_str()[1..].parse().unwrap()
}

struct World {
    loads: Vec<Load>,
    roster: Roster,
    state: State,
    sampling: SamplingPlan,
    minute: i64,
    /// What had been spent by the end of each minute, by the roster's unit costs.
    spent: Vec<Usd>,
}

impl World {
    fn new(loads: Vec<Load>, budget: Vec<Budget>) -> Self {
        let functions = loads
            .iter()
            .enumerate()
            .map(|(index, load)| Function::new(name(index).as_str(), load.memory_mb, 3));
        let inventory = Inventory::new("us-east-1", AccountLimits::default(), functions.collect());
        let policy = Policy { budget, ..Policy::default() };
        let roster = Roster::new(policy, PriceTable::embedded(), inventory, None);
        World {
            loads,
            roster,
            state: State::new(),
            sampling: SamplingPlan::default(),
            minute: 0,
            spent: vec![],
        }
    }

    /// Lives until the census has read four weeks of the usual.
    fn with_history(mut self) -> Self {
        while self.state.census.through.is_none() {
            let _ = self.tick();
        }
        self
    }

    /// What one minute costs.
    fn cost_of(&self, minute: i64) -> Usd {
        let loads = self.loads.iter().zip(&self.roster.members);
        loads
            .map(|(load, member)| {
                let point = load.point_at(minute);
                let starts = member.unit.compute(0, load.starts_ms(minute) * 1000);
                member.unit.of_point(&point, point.concurrency_max, 0).expected + starts
            })
            .sum()
    }

    fn tick(&mut self) -> Plan {
        let before = self.spent.last().copied().unwrap_or_default();
        self.spent.push(before + self.cost_of(self.minute));
        self.minute += 1;
        let at = BEGIN.plus(self.minute).start();
        let (focus, glance) = (self.sampling.focus.clone(), self.sampling.glance.clone());
        let from = ask_from(&self.roster, &self.state, at, (&focus, &glance));
        let first = (from.0 - BEGIN.0).max(-KEPT_BEFORE);
        let minutes = first..self.minute - LAG_MIN;
        let series = |of: &dyn Fn(i64) -> Point| {
            Series::fresh(minutes.clone().map(|minute| (BEGIN.plus(minute), of(minute))).collect())
        };
        let region = series(&|minute| {
            self.loads.iter().map(|load| load.point_at(minute)).fold(Point::default(), |sum, point| Point {
                concurrency_max: sum.concurrency_max + point.concurrency_max,
                ..sum.plus(point)
            })
        });
        let full =
            |name: &FunctionName| (name.clone(), series(&|minute| self.loads[index(name)].point_at(minute)));
        let glanced = |name: &FunctionName| {
            let with_invocations = asks_invocations(&self.roster, index(name));
            let of = |minute| {
                let point = self.loads[index(name)].point_at(minute);
                let invocations = if with_invocations { point.invocations } else { 0 };
                Point { invocations, duration_us: point.duration_us, ..Point::default() }
            };
            (name.clone(), series(&of))
        };
        let hours_of = |name: &FunctionName, hours: std::ops::RangeInclusive<i64>| {
            let load = &self.loads[index(name)];
            let minutes = |hour: i64| (0..60).map(move |minute| hour * 60 + minute - BEGIN.0);
            let sum =
                |hour| minutes(hour).map(|minute| load.point_at(minute)).fold(Point::default(), Point::plus);
            hours.map(|hour| (Hour(hour), sum(hour))).collect()
        };
        let census = census(&self.roster, &self.state, at).map(|asked| {
            let hours = asked.first.0..=asked.last.0;
            let functions = asked.functions.iter().map(|name| (name.clone(), hours_of(name, hours.clone())));
            Census { region: vec![], functions: functions.collect(), asked }
        });
        let seen = Observation {
            at,
            from,
            census,
            region,
            functions: focus.iter().map(full).collect(),
            glances: glance.iter().map(glanced).collect(),
        };
        let plan = guard_core::tick(&self.roster, &mut self.state, &seen);
        self.sampling = plan.sampling.clone();
        plan
    }

    /// What had been spent by the newest minute that shows.
    fn shown(&self) -> Usd {
        let last = usize::try_from(self.minute - LAG_MIN - 1).ok();
        last.and_then(|last| self.spent.get(last)).copied().unwrap_or_default()
    }
}

/// A month at half as much again as the loads cost as a rule, and at least a dollar.
fn fitting(loads: &[Load]) -> Budget {
    let minute = World::new(loads.to_vec(), vec![]).cost_of(i64::MIN);
    let usd = (minute * 43_200).mul_div_up(3, 2).max(Usd::from_dollars(1));
    Budget { mode: Mode::Alert, ..Budget::per_month("all", usd) }
}

#[test]
fn an_account_of_equal_functions_is_not_looked_at_while_it_is_calm() {
    let loads: Vec<Load> = (0..60).map(|index| Load::calm(512, 1_000 * index)).collect();
    let budget = fitting(&loads);
    let mut world = World::new(loads, vec![budget]).with_history();
    for _ in 0..240 {
        let plan = world.tick();
        assert_eq!(plan.sampling, SamplingPlan::default());
    }
}

#[test]
fn an_idle_dear_function_is_glanced_at_before_all_of_the_slack_may_hide_in_it() {
    let mut loads: Vec<Load> = (0..30).map(|_| Load::calm(256, 30_000)).collect();
    loads.push(Load::calm(8_192, 10));
    let budget = fitting(&loads);
    let slack = budget.usd.unwrap().mul_div_up(12, 720);
    let mut world = World::new(loads, vec![budget]).with_history();
    let (mut glances, mut widest) = (0, Usd::ZERO);
    for _ in 0..600 {
        let plan = world.tick();
        glances += plan.sampling.glance.len();
        assert!(plan.sampling.glance.iter().all(|name| index(name) == 30), "{:?}", plan.sampling);
        let spent = plan.budgets[0].spent;
        // Beside starts of environments, which looking at durations does not tell.
        let starts = world.state.budgets.values().map(|book| book.starts).sum::<Usd>();
        widest = widest.max(spent.high - spent.expected - starts);
    }
    // At 32 times the price of the others it could hide half of the slack within minutes.
    assert!((5..=200).contains(&glances), "{glances}");
    assert!(widest < slack, "{widest} of {slack}");
}

#[test]
fn the_cheapest_of_seven_hundred_is_named_before_its_flood_has_used_up_three_quarters_of_the_slack() {
    let mut loads: Vec<Load> = (0..700).map(|index| Load::calm(1_024, 200 + index)).collect();
    loads[77] = Load { flood_ms: 30_000_000, from: 200, ..Load::calm(128, 50) };
    let budget = Budget { mode: Mode::Cap, ..fitting(&loads) };
    let three_quarters = budget.usd.unwrap().mul_div_up(9, 720);
    let mut world = World::new(loads, vec![budget]).with_history();
    while world.minute < 200 {
        let _ = world.tick();
    }
    let flood = world.cost_of(200) - world.cost_of(199);
    let minutes = three_quarters.div_floor(flood).unwrap();
    let named = (0..minutes).find(|_| world.tick().sampling.focus.contains(&name(77)));
    assert!(named.is_some(), "not within {minutes} minutes");
}

/// Its durations are a hundred seconds of each burst, its starts ten thousand.
#[test]
fn a_flood_of_cold_starts_is_looked_for_though_its_durations_are_nothing() {
    let mut loads: Vec<Load> = (0..40).map(|_| Load::calm(512, 3_000)).collect();
    let bursts =
        Load { flood_ms: 100_000, from: 200, every: 7, environments: 1_000, ..Load::calm(3_008, 100) };
    loads[7] = Load { init_ms: 10_000, ..bursts };
    let budget = fitting(&loads);
    let mut world = World::new(loads, vec![budget]).with_history();
    while world.minute < 200 {
        let _ = world.tick();
    }
    let is_named = |plan: Plan| {
        let sampling = plan.sampling;
        sampling.glance.contains(&name(7)) || sampling.focus.contains(&name(7))
    };
    let named = (0..20).find(|_| is_named(world.tick()));
    assert!(named.is_some());
}

/// Functions as accounts have them, and up to two that flood.
fn any_loads() -> impl Strategy<Value = Vec<Load>> {
    let memory = prop::sample::select(vec![128_u32, 256, 512, 1_024, 2_048, 4_096, 10_240]);
    let load = (memory, 0_u32..17, 0_u64..1_000);
    let starts = (prop::sample::select(vec![1_i64, 2, 3, 7]), 0_u32..1_000, 0_u64..=10_000);
    let flood = (any::<prop::sample::Index>(), 1_u64..600_000, 100_i64..200, starts);
    (prop::collection::vec(load, 1..100), prop::collection::vec(flood, 0..3)).prop_map(|(loads, floods)| {
        let calm = |(memory, power, ms): (u32, u32, u64)| Load::calm(memory, (ms << power) / 1_000);
        let mut loads: Vec<Load> = loads.into_iter().map(calm).collect();
        for (index, times, from, (every, environments, init_ms)) in floods {
            let place = index.index(loads.len());
            let load = &mut loads[place];
            // At most a thousand environments.
            load.flood_ms = (load.usual_ms + times * 100).min(60_000_000);
            load.from = from;
            (load.every, load.environments, load.init_ms) = (every, environments, init_ms);
        }
        loads
    })
}

proptest! {
    #![proptest_config(share(|cases| cases / 8))]

    #[test]
    fn what_is_spent_lies_within_what_is_reported_at_every_tick(loads in any_loads(), history: bool) {
        let everything = fitting(&loads);
        let narrow = Scope { functions: Some("f00*[13579]".to_owned()), ..Scope::default() };
        let narrow = Budget { scope: narrow, name: "narrow".to_owned(), ..everything.clone() };
        let mut world = World::new(loads, vec![everything, narrow]);
        if history {
            world = world.with_history();
        }
        // Of the time before the guard came nothing is reported.
        let mut begun = None;
        // Rounding, of some thousand postings.
        let grain = Usd::from_picos(10_000_000);
        while world.minute < 400 {
            let plan = world.tick();
            let spent = plan.budgets[0].spent;
            let shown = world.shown();
            let begun = *begun.get_or_insert(shown - spent.expected);
            let truth = shown - begun;
            prop_assert!(spent.low <= truth + grain, "{} at {}, low {}", truth, world.minute, spent.low);
            prop_assert!(truth <= spent.high + grain, "{} at {}, high {}", truth, world.minute, spent.high);
        }
    }
}

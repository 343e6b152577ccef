//! One run of a scenario: the world, its metrics and its bill, with the guard, with a policy of others in its place, or
//! with nobody. One file because a run is one loop, and its rows are what the loop keeps.

mod truth;

use guard_core::money::{Usd, UsdRange};
use guard_core::operator::Command;
use guard_core::plan::{Change, Plan, Verdict};
use guard_core::policy::Policy;
use guard_core::pricing::PriceTable;
use guard_core::settle::Outcome;
use guard_core::time::Minute;
use serde::Serialize;

use crate::cloudwatch::CloudWatch;
use crate::field::{Rival, Seat};
use crate::history::Past;
use crate::invoice::{Invoice, Total};
use crate::pilot::{Now, Pilot};
use crate::scenario::{Happening, Kind, Scenario};
use crate::stage::{GUARD, Stage};
use crate::world::{Cast, Tally, TrafficTally, World};

pub use self::truth::{PastLine, PeriodSpend, Split};

use self::truth::Truth;

/// What is run.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// The scenario.
    pub scenario: &'a Scenario,
    /// The same, made ready.
    pub stage: &'a Stage,
    /// The policy that budgets are read from, whether or not a guard runs.
    pub policy: &'a Policy,
    /// Whether the guard runs.
    pub guarded: bool,
    /// Who takes part.
    pub cast: Cast,
    /// The seed of all randomness.
    pub seed: u64,
    /// Minutes to run; `None`: the scenario's, and on until all caps are released.
    pub minutes: Option<u32>,
}

/// What happened.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Run {
    /// Minutes run.
    pub minutes: u32,
    /// Minute by minute.
    pub rows: Vec<Row>,
    /// The bill at the end.
    pub bill: Bill,
    /// What became of each traffic, in the order of the scenario.
    pub traffic: Vec<TrafficTally>,
    /// What became of each traffic in the minutes in which its function was held below what it could do at the start.
    pub under_cap: Vec<Tally>,
    /// True spend of every budget in each of its periods.
    pub periods: Vec<PeriodSpend>,
    /// Ticks with something to tell: what was decided, told and done.
    pub ticks: Vec<Tick>,
    /// Function names with their part of the bill and their requests, dearest first.
    pub functions: Vec<FunctionBill>,
    /// Whether something the guard changed in a trip was still in force at the end.
    pub holds: bool,
    /// How often a function that nobody attacks went from free to held.
    pub false_stops: u32,
    /// Arrivals and ends lived.
    #[serde(skip)]
    pub steps: u64,
}

/// A bill.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Bill {
    /// Everything but the guard.
    pub all: Usd,
    /// Part of attack traffic.
    pub attack: Usd,
    /// Part of attempts that were not the first of their event.
    pub repeated: Usd,
    /// The guard, or the policy in its place: its invocations, and what it paid for looking.
    pub guard: Usd,
}

/// One function on the bill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FunctionBill {
    /// The function.
    pub function: String,
    /// Its cost.
    pub cost: Usd,
    /// Its requests.
    pub requests: i128,
}

/// One minute.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Row {
    /// Its beginning, in minutes from the start.
    pub minute: u32,
    /// Spent since the start, everything but the guard.
    pub spent: Usd,
    /// Part of it spent on attack traffic.
    pub attack_spent: Usd,
    /// What the guard has seen spent of the first budget in its period.
    pub seen: Option<Usd>,
    /// Where the guard sees the first budget at the end of its period if the excess lasts.
    pub projected: Option<UsdRange>,
    /// What was decided for the first budget.
    pub verdict: Option<Verdict>,
    /// The most environments busy at once, of all functions.
    pub busy: u32,
    /// The same of the function in the spotlight.
    pub busy_spotlight: u32,
    /// The cap on the function in the spotlight, if any.
    pub cap: Option<u32>,
    /// Legitimate events sent, served, and refused or lost for good.
    pub legitimate: Fate,
    /// The same of legitimate traffic of functions that are attacked.
    pub attacked: Fate,
    /// The same of attack traffic.
    pub attack: Fate,
    /// Whether a function that is attacked was held below what it could do at the start.
    pub held: bool,
    /// Attempts that ran.
    pub attempts: u64,
    /// Of these, not the first of their event.
    pub repeated: u64,
    /// Attempts that were refused.
    pub throttles: u64,
}

/// What became of a minute's events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Fate {
    /// Sent.
    pub offered: u64,
    /// Served.
    pub served: u64,
    /// Refused, given up or lost.
    pub refused: u64,
}

impl Fate {
    /// Both together.
    #[must_use]
    pub fn plus(self, other: Fate) -> Fate {
        Fate {
            offered: self.offered + other.offered,
            served: self.served + other.served,
            refused: self.refused + other.refused,
        }
    }

    /// All of it but a part.
    #[must_use]
    pub fn minus(self, part: Fate) -> Fate {
        Fate {
            offered: self.offered - part.offered,
            served: self.served - part.served,
            refused: self.refused - part.refused,
        }
    }
}

/// A tick with something to tell.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Tick {
    /// The minute at whose beginning it ran.
    pub minute: u32,
    /// What was decided.
    pub plan: Plan,
    /// What became of its actions.
    pub outcomes: Vec<Outcome>,
}

/// Runs.
pub fn run(terms: &Terms<'_>, prices: &PriceTable, progress: impl FnMut(u32)) -> Run {
    live(Runner::new(terms, prices), progress)
}

/// Runs with a policy of others where the guard would sit.
pub fn run_under(rival: Box<dyn Rival>, terms: &Terms<'_>, prices: &PriceTable) -> Run {
    let mut runner = Runner::new(&Terms { guarded: false, ..*terms }, prices);
    runner.rival = Some(rival);
    live(runner, |_| ())
}

fn live(mut stage_run: Runner<'_>, mut progress: impl FnMut(u32)) -> Run {
    let terms = stage_run.terms;
    let (planned, most) = match terms.minutes {
        Some(minutes) => (minutes, minutes),
        None => (terms.scenario.minutes, terms.scenario.minutes + terms.scenario.recovery_minutes),
    };
    let mut minute = 0;
    while minute < planned || (minute < most && stage_run.pilot.as_ref().is_some_and(Pilot::holds_anything)) {
        stage_run.minute(minute);
        minute += 1;
        progress(minute);
    }
    stage_run.finish(minute)
}

struct Runner<'a> {
    terms: Terms<'a>,
    start: Minute,
    world: World,
    cloudwatch: CloudWatch<'a>,
    invoice: Invoice,
    pilot: Option<Pilot>,
    rival: Option<Box<dyn Rival>>,
    /// Budgets, for their true spend.
    truth: Truth,
    spotlight: usize,
    /// What limited each function at the start, and whether it is held lower now.
    open: Vec<Option<u32>>,
    held: Vec<bool>,
    /// Functions with attack traffic.
    attacked: Vec<bool>,
    run: Run,
    sums: Sums,
    last_plan: Option<Plan>,
}

impl<'a> Runner<'a> {
    fn new(terms: &Terms<'a>, prices: &PriceTable) -> Self {
        let (scenario, stage) = (terms.scenario, terms.stage);
        let start = Minute::of(scenario.start);
        let pilot = Pilot::new(stage, scenario, terms.policy.clone(), prices);
        let past = Past { stage, start, days: scenario.history_days };
        let service = &scenario.service;
        let cloudwatch = CloudWatch::new(past, service.metric_delay_s, service.late_share);
        let attacks = || stage.traffic.iter().filter(|actor| actor.kind == Kind::Attack);
        let spotlight = attacks().next().or(stage.traffic.first()).map_or(0, |actor| actor.function);
        let world = World::new(stage, start, terms.cast, terms.seed);
        let places = 0..stage.functions.len();
        Runner {
            terms: *terms,
            start,
            open: places.clone().map(|place| world.cap(place)).collect(),
            held: vec![false; stage.functions.len()],
            attacked: places.map(|place| attacks().any(|actor| actor.function == place)).collect(),
            world,
            cloudwatch,
            invoice: Invoice::new(stage, pilot.quotes()),
            truth: Truth::new(&pilot),
            pilot: terms.guarded.then_some(pilot),
            rival: None,
            spotlight,
            run: Run { under_cap: vec![Tally::default(); stage.traffic.len()], ..Run::default() },
            sums: Sums::default(),
            last_plan: None,
        }
    }

    /// A tick, then a minute.
    fn minute(&mut self, minute: u32) {
        let now = Now { events: &self.terms.scenario.events, minute };
        self.happen(&now);
        let tick_s = self.terms.policy.timing.tick_s.max(60);
        if self.terms.guarded && (minute * 60) % tick_s < 60 && !now.is(Happening::GuardOutage) {
            self.tick(&now);
        }
        let at = self.world.minute();
        if let Some(rival) = &mut self.rival {
            rival.minute(&mut Seat {
                at,
                now: &now,
                cloudwatch: &mut self.cloudwatch,
                world: &mut self.world,
                periods: &self.run.periods,
            });
        }
        let before = self.tallies_if_held();
        let told = self.world.live_minute();
        self.note_under_cap(&before);
        if self.is_watched() {
            let delay =
                now.lasting(Happening::MetricDelay).filter_map(|event| event.minutes).max().unwrap_or(0);
            self.cloudwatch.publish(at, &told, self.world.last_peak(), delay);
        }
        self.invoice.add_minute(at, self.world.tallies());
        self.truth.add_minute(at, &self.invoice, &self.held, &mut self.run.periods);
        let peak = told.iter().find(|metrics| metrics.function == self.spotlight);
        let busy_spotlight =
            peak.and_then(|metrics| metrics.points.last()).map_or(0, |(_, point)| point.concurrency_max);
        self.row(minute, busy_spotlight);
    }

    /// Whether somebody looks at metrics and changes settings.
    fn is_watched(&self) -> bool {
        self.pilot.is_some() || self.rival.is_some()
    }

    /// The tallies of all traffic, where something was held when the minute began.
    fn tallies_if_held(&self) -> Vec<Tally> {
        if self.held.contains(&true) { self.world.tallies().copied().collect() } else { Vec::new() }
    }

    /// Sees what is held now, and adds the minute of whatever was held from its beginning to its end.
    fn note_under_cap(&mut self, before: &[Tally]) {
        if !self.is_watched() {
            return;
        }
        let held_before = self.held.clone();
        for (place, (held, open)) in self.held.iter_mut().zip(&self.open).enumerate() {
            *held = self.world.cap(place).is_some_and(|cap| open.is_none_or(|open| cap < open));
        }
        for ((held, before), attacked) in self.held.iter().zip(&held_before).zip(&self.attacked) {
            self.run.false_stops += u32::from(*held && !*before && !*attacked);
        }
        let is_held = |place: usize| {
            [&held_before, &self.held].iter().all(|held| held.get(place).copied().unwrap_or(false))
        };
        let grown = self.terms.stage.traffic.iter().zip(self.world.tallies().zip(before));
        for ((actor, (now, before)), sum) in grown.zip(&mut self.run.under_cap) {
            if is_held(actor.function) {
                *sum = sum.plus(now.minus(*before));
            }
        }
    }

    /// What other people do now.
    fn happen(&mut self, now: &Now<'_>) {
        let at = self.start.plus(i64::from(now.minute));
        if self.rival.is_some() {
            self.meddle_with_rival(now);
        }
        let Some(pilot) = &mut self.pilot else { return };
        for event in now.beginning() {
            let Some(function) = &event.function else { continue };
            let command = match event.what {
                Happening::Deploy => {
                    let declared = pilot.declared(function);
                    pilot.meddle(at, function, declared, &mut self.world);
                    continue;
                }
                Happening::OperatorSets => {
                    pilot.meddle(at, function, event.reserved, &mut self.world);
                    continue;
                }
                Happening::OperatorReleases => Command::Release { function: function.as_str().into() },
                Happening::OperatorHolds => {
                    Command::Hold { function: function.as_str().into(), minutes: event.for_min.max(1) }
                }
                _ => continue,
            };
            if let Some(plan) = pilot.command(at, &command, now, &mut self.world) {
                let outcomes = std::mem::take(&mut pilot.outcomes);
                self.run.ticks.push(Tick { minute: now.minute, plan, outcomes });
            }
        }
    }

    /// Deploys and operators undo what a policy of others has set: it does not listen to them.
    fn meddle_with_rival(&mut self, now: &Now<'_>) {
        for event in now.beginning() {
            let place =
                event.function.as_ref().and_then(|name| self.terms.stage.place(&name.as_str().into()));
            let Some(place) = place else { continue };
            let declared = self.terms.stage.functions.get(place).and_then(|spec| spec.reserved);
            let to = match event.what {
                Happening::Deploy | Happening::OperatorReleases => declared,
                Happening::OperatorSets => event.reserved,
                _ => continue,
            };
            let change = Change::ReservedConcurrency { from: self.world.reserved(place), to };
            self.world.schedule(place, change, self.terms.scenario.service.actuation_s);
        }
    }

    fn tick(&mut self, now: &Now<'_>) {
        // The guard is a Lambda function like any other: refused, it does not run.
        if !self.world.invoke(self.terms.stage.guard_traffic()) {
            return;
        }
        let at = self.start.plus(i64::from(now.minute));
        let Some(pilot) = &mut self.pilot else { return };
        let plan = pilot.tick(at, now, &mut self.cloudwatch, &mut self.world);
        let outcomes = std::mem::take(&mut pilot.outcomes);
        let has_news = !plan.notices.is_empty()
            || !outcomes.is_empty()
            || self.last_plan.as_ref().is_none_or(|last| differs(last, &plan));
        if has_news {
            self.run.ticks.push(Tick { minute: now.minute, plan: plan.clone(), outcomes });
        }
        self.last_plan = Some(plan);
    }

    fn row(&mut self, minute: u32, busy_spotlight: u32) {
        let bill = self.invoice.total();
        let now = self.sums();
        let record = self.last_plan.as_ref().and_then(|plan| plan.budgets.first());
        let all = now.legitimate.plus(now.attack);
        let before = self.sums.legitimate.plus(self.sums.attack);
        self.run.rows.push(Row {
            minute,
            spent: bill.all,
            attack_spent: bill.attack,
            seen: record.map(|record| record.spent.expected),
            projected: record.map(|record| record.projected_if_sustained),
            verdict: record.map(|record| record.verdict),
            busy: self.world.last_peak(),
            busy_spotlight,
            cap: self.world.cap(self.spotlight),
            legitimate: fate(&now.legitimate, &self.sums.legitimate),
            attacked: fate(&now.attacked, &self.sums.attacked),
            attack: fate(&now.attack, &self.sums.attack),
            held: self.held.iter().zip(&self.attacked).any(|(held, attacked)| *held && *attacked),
            attempts: all.attempts - before.attempts,
            repeated: all.repeated - before.repeated,
            throttles: all.throttles - before.throttles,
        });
        self.sums = now;
    }

    /// The sums so far, the guard's own traffic left out.
    fn sums(&self) -> Sums {
        let mut sums = Sums::default();
        let actors = self.terms.stage.traffic.iter().take(self.terms.stage.guard_traffic());
        for (actor, tally) in actors.zip(self.world.tallies()) {
            match actor.kind {
                Kind::Legitimate => {
                    sums.legitimate = sums.legitimate.plus(*tally);
                    if self.attacked.get(actor.function).copied().unwrap_or(false) {
                        sums.attacked = sums.attacked.plus(*tally);
                    }
                }
                Kind::Attack => sums.attack = sums.attack.plus(*tally),
            }
        }
        sums
    }

    fn finish(mut self, minutes: u32) -> Run {
        let Total { all, attack, repeated, guard } = *self.invoice.total();
        let looking = self.pilot.as_ref().map_or(Usd::ZERO, Pilot::looking)
            + self.rival.as_ref().map_or(Usd::ZERO, |rival| rival.cost(minutes, &self.world.traffic()));
        self.run.minutes = minutes;
        self.run.bill = Bill { all, attack, repeated, guard: guard + looking };
        self.run.traffic = self.world.traffic();
        self.run.traffic.truncate(self.terms.stage.guard_traffic());
        self.run.under_cap.truncate(self.terms.stage.guard_traffic());
        self.run.holds = self.pilot.as_ref().is_some_and(Pilot::holds_anything);
        self.run.steps = self.world.steps();
        let functions = &self.terms.stage.functions;
        let costs = self.invoice.by_function(functions.len());
        let requests = self.invoice.requests_by_function(functions.len());
        let mut bills: Vec<FunctionBill> = functions
            .iter()
            .zip(costs)
            .zip(requests)
            .filter(|((spec, _), _)| spec.name != GUARD)
            .map(|((spec, cost), requests)| FunctionBill { function: spec.name.clone(), cost, requests })
            .collect();
        bills.sort_by(|a, b| b.cost.cmp(&a.cost).then_with(|| a.function.cmp(&b.function)));
        self.run.functions = bills;
        self.run
    }
}

/// Traffic so far.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    legitimate: Tally,
    /// Part of it of functions that are attacked.
    attacked: Tally,
    attack: Tally,
}

/// Whether a plan says something that the one before did not: another verdict, other refusals.
fn differs(last: &Plan, now: &Plan) -> bool {
    let verdicts = |plan: &Plan| plan.budgets.iter().map(|record| record.verdict).collect::<Vec<_>>();
    let refusals = |plan: &Plan| {
        let of = |refusal: &guard_core::plan::Refusal| {
            (refusal.function.clone(), std::mem::discriminant(&refusal.reason))
        };
        plan.refusals.iter().map(of).collect::<Vec<_>>()
    };
    verdicts(last) != verdicts(now) || refusals(last) != refusals(now)
}

fn fate(now: &Tally, before: &Tally) -> Fate {
    let gone = |tally: &Tally| tally.refused + tally.lost + tally.dead_lettered + tally.failed;
    Fate {
        offered: now.offered - before.offered,
        served: now.served - before.served,
        refused: gone(now) - gone(before),
    }
}

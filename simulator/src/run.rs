//! One run of a scenario: the world, its metrics and its bill, with or without the guard.

use chrono::{DateTime, Utc};
use guard_core::money::{Usd, UsdRange};
use guard_core::name::BudgetName;
use guard_core::operator::Command;
use guard_core::plan::{Plan, Unit, Verdict};
use guard_core::policy::Policy;
use guard_core::pricing::PriceTable;
use guard_core::settle::Outcome;
use guard_core::time::Minute;
use serde::Serialize;

use crate::cloudwatch::CloudWatch;
use crate::history::Past;
use crate::invoice::{Invoice, Total};
use crate::pilot::{Now, Pilot};
use crate::scenario::{Happening, Kind, Scenario};
use crate::stage::{GUARD, Stage};
use crate::world::{Cast, Tally, TrafficTally, World};

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
    /// True spend of every budget in each of its periods.
    pub periods: Vec<PeriodSpend>,
    /// Ticks with something to tell: what was decided, told and done.
    pub ticks: Vec<Tick>,
    /// Function names with their part of the bill and their requests, dearest first.
    pub functions: Vec<FunctionBill>,
    /// Whether something the guard changed in a trip was still in force at the end.
    pub holds: bool,
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
    /// The guard: its invocations and what it paid for looking.
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

/// True spend of a budget in one period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PeriodSpend {
    /// The budget.
    pub budget: BudgetName,
    /// What its amounts count.
    pub unit: Unit,
    /// Start of the period.
    pub start: DateTime<Utc>,
    /// The amount.
    pub amount: Usd,
    /// What was spent.
    pub spent: Usd,
    /// When the amount was spent.
    pub crossed: Option<DateTime<Utc>>,
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
    /// The same of attack traffic.
    pub attack: Fate,
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
pub fn run(terms: &Terms<'_>, prices: &PriceTable, mut progress: impl FnMut(u32)) -> Run {
    let mut stage_run = Runner::new(terms, prices);
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
    /// Budgets, for their true spend.
    truth: Truth,
    spotlight: usize,
    run: Run,
    legitimate: Tally,
    attack: Tally,
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
        let attacked = stage.traffic.iter().find(|actor| actor.kind == Kind::Attack);
        Runner {
            terms: *terms,
            start,
            world: World::new(stage, start, terms.cast, terms.seed),
            cloudwatch,
            invoice: Invoice::new(stage, pilot.quotes()),
            truth: Truth::new(&pilot),
            pilot: terms.guarded.then_some(pilot),
            spotlight: attacked.or(stage.traffic.first()).map_or(0, |actor| actor.function),
            run: Run::default(),
            legitimate: Tally::default(),
            attack: Tally::default(),
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
        let told = self.world.live_minute();
        if self.terms.guarded {
            let delay =
                now.lasting(Happening::MetricDelay).filter_map(|event| event.minutes).max().unwrap_or(0);
            self.cloudwatch.publish(at, &told, self.world.last_peak(), delay);
        }
        self.invoice.add_minute(at, self.world.tallies());
        self.truth.add_minute(at, &self.invoice, &mut self.run.periods);
        let peak = told.iter().find(|metrics| metrics.function == self.spotlight);
        let busy_spotlight =
            peak.and_then(|metrics| metrics.points.last()).map_or(0, |(_, point)| point.concurrency_max);
        self.row(minute, busy_spotlight);
    }

    /// What other people do now.
    fn happen(&mut self, now: &Now<'_>) {
        let at = self.start.plus(i64::from(now.minute));
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
        let (legitimate, attack) = self.sums();
        let record = self.last_plan.as_ref().and_then(|plan| plan.budgets.first());
        let all = legitimate.plus(attack);
        let before = self.legitimate.plus(self.attack);
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
            legitimate: fate(&legitimate, &self.legitimate),
            attack: fate(&attack, &self.attack),
            attempts: all.attempts - before.attempts,
            repeated: all.repeated - before.repeated,
            throttles: all.throttles - before.throttles,
        });
        (self.legitimate, self.attack) = (legitimate, attack);
    }

    /// Legitimate and attack traffic, the guard's own left out.
    fn sums(&self) -> (Tally, Tally) {
        let mut sums = (Tally::default(), Tally::default());
        let own = self.terms.stage.guard_traffic();
        for (index, (actor, tally)) in self.terms.stage.traffic.iter().zip(self.world.tallies()).enumerate() {
            match actor.kind {
                _ if index == own => {}
                Kind::Legitimate => sums.0 = sums.0.plus(*tally),
                Kind::Attack => sums.1 = sums.1.plus(*tally),
            }
        }
        sums
    }

    fn finish(mut self, minutes: u32) -> Run {
        let Total { all, attack, repeated, guard } = *self.invoice.total();
        let looking = self.pilot.as_ref().map_or(Usd::ZERO, Pilot::looking);
        self.run.minutes = minutes;
        self.run.bill = Bill { all, attack, repeated, guard: guard + looking };
        self.run.traffic = self.world.traffic();
        self.run.traffic.truncate(self.terms.stage.guard_traffic());
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

/// True spend of budgets, period by period.
struct Truth {
    /// Each with whether it covers the function at a place.
    rules: Vec<(guard_core::budget::BudgetRule, Vec<bool>)>,
    timezone: chrono_tz::Tz,
}

impl Truth {
    fn new(pilot: &Pilot) -> Self {
        let roster = pilot.roster();
        let covered = |rule: &guard_core::budget::BudgetRule| {
            roster.inventory.functions.iter().map(|function| rule.matcher.matches(function)).collect()
        };
        Truth {
            rules: roster.rules.iter().map(|rule| (rule.clone(), covered(rule))).collect(),
            timezone: roster.timezone,
        }
    }

    fn add_minute(&self, at: Minute, invoice: &Invoice, periods: &mut Vec<PeriodSpend>) {
        for (rule, covers) in &self.rules {
            let covered =
                invoice.grown().iter().filter(|one| covers.get(one.function).copied().unwrap_or(false));
            let grown: Usd = if rule.counts_invocations() {
                Usd::from_dollars(1) * covered.map(|one| one.requests).sum::<i128>()
            } else {
                covered.map(|one| one.cost).sum()
            };
            let (start, _) = rule.period_at(self.timezone, at.start());
            let open = periods.iter_mut().rfind(|period| period.budget == rule.name);
            let period = match open {
                Some(period) if period.start == start => period,
                _ => {
                    periods.push(PeriodSpend {
                        budget: rule.name.clone(),
                        unit: rule.unit,
                        start,
                        amount: rule.amount,
                        spent: Usd::ZERO,
                        crossed: None,
                    });
                    let Some(period) = periods.last_mut() else { return };
                    period
                }
            };
            period.spent += grown;
            if period.spent >= period.amount {
                period.crossed.get_or_insert(at.plus(1).start());
            }
        }
    }
}

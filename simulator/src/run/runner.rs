//! A run under way, minute by minute: the world, the view of it, the guard or the policy in its place, and the bill.

use guard_core::bound::Known;
use guard_core::money::Usd;
use guard_core::operator::Command;
use guard_core::plan::{Change, Plan, Refusal};
use guard_core::pricing::PriceTable;
use guard_core::report;
use guard_core::time::Minute;

use super::rival::{Rival, Seat};
use super::truth::Truth;
use super::{Bill, Fate, FunctionBill, Row, Run, Terms, Tick, Watched};
use crate::cloudwatch::CloudWatch;
use crate::history::Past;
use crate::invoice::{Invoice, Total};
use crate::pilot::{Now, Pilot};
use crate::scenario::{Happening, Kind};
use crate::stage::{GUARD, Stage};
use crate::world::{Tally, World};

/// How often the guard's knowledge of the functions is noted. History changes by the hour, and slowly.
const KNOWN_EVERY_MIN: u32 = 360;

/// A run under way.
pub(super) struct Runner<'a> {
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
    /// The same of each function that is watched.
    of_watched: Vec<Tally>,
    last_plan: Option<Plan>,
}

impl<'a> Runner<'a> {
    /// Before the first minute, with the guard or a policy of others where one sits.
    pub(super) fn new(terms: &Terms<'a>, prices: &PriceTable, rival: Option<Box<dyn Rival>>) -> Self {
        let (scenario, stage) = (terms.scenario, terms.stage);
        let start = Minute::of(scenario.start);
        let pilot = Pilot::new(stage, scenario, scenario.policy.clone(), prices);
        let past = Past { stage, start, days: scenario.history_days };
        let service = &scenario.service;
        let cloudwatch = CloudWatch::new(past, service.metric_delay_s, service.late_share);
        let spotlight = stage.attacks().next().or(stage.traffic.first()).map_or(0, |actor| actor.function);
        let world = World::new(stage, start, terms.cast, terms.seed);
        let places = 0..stage.functions.len();
        Runner {
            terms: *terms,
            start,
            open: places.clone().map(|place| world.cap(place)).collect(),
            held: vec![false; stage.functions.len()],
            attacked: places.map(|place| stage.attacks().any(|actor| actor.function == place)).collect(),
            world,
            cloudwatch,
            invoice: Invoice::new(stage, pilot.quotes()),
            truth: Truth::new(&pilot),
            pilot: terms.guarded.then_some(pilot),
            rival,
            spotlight,
            run: Run {
                under_cap: vec![Tally::default(); stage.traffic.len()],
                watched: watched(stage, spotlight),
                ..Run::default()
            },
            sums: Sums::default(),
            of_watched: Vec::new(),
            last_plan: None,
        }
    }

    /// Runs to its end. `progress` receives the minutes run.
    pub(super) fn live(mut self, mut progress: impl FnMut(u32)) -> Run {
        let terms = self.terms;
        let (planned, most) = match terms.minutes {
            Some(minutes) => (minutes, minutes),
            None => (terms.scenario.minutes, terms.scenario.minutes + terms.scenario.recovery_minutes),
        };
        let mut minute = 0;
        while minute < planned || (minute < most && self.pilot.as_ref().is_some_and(Pilot::holds_anything)) {
            self.minute(minute);
            minute += 1;
            progress(minute);
        }
        self.finish(minute)
    }

    /// A tick, then a minute.
    fn minute(&mut self, minute: u32) {
        let now = Now { events: &self.terms.scenario.events, minute };
        self.happen(&now);
        let tick_s = self.terms.scenario.policy.timing.tick_s.max(60);
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

    /// Whether a guard or a policy looks at metrics and changes settings.
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
                self.run.ticks.push(reported(now.minute, plan, pilot));
            }
        }
    }

    /// Deploys and operators undo the settings of a third-party policy, which does not listen to them.
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
        let has_news = !plan.notices.is_empty()
            || !pilot.outcomes.is_empty()
            || self.last_plan.as_ref().is_none_or(|last| differs(last, &plan));
        if has_news {
            self.run.ticks.push(reported(now.minute, plan.clone(), pilot));
        }
        self.last_plan = Some(plan);
        if now.minute % KNOWN_EVERY_MIN == KNOWN_EVERY_MIN - 1 {
            self.note_known();
        }
    }

    /// Notes what the guard knows of the functions where it is more than before.
    fn note_known(&mut self) {
        let Some(pilot) = &self.pilot else { return };
        let functions = &pilot.roster().inventory.functions;
        let known = functions
            .iter()
            .map(|function| pilot.state().profile(&function.name).map(Known::of).unwrap_or_default());
        if self.run.known.is_empty() {
            self.run.known = known.collect();
        } else {
            self.run.known.iter_mut().zip(known).for_each(|(most, known)| *most = most.at_most(known));
        }
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
        self.watch();
    }

    /// Notes the minute of the functions whose traffic is drawn.
    fn watch(&mut self) {
        let mut sums = vec![Tally::default(); self.run.watched.len()];
        let actors = self.terms.stage.traffic.iter().take(self.terms.stage.guard_traffic());
        for (actor, tally) in
            actors.zip(self.world.tallies()).filter(|(actor, _)| actor.kind == Kind::Legitimate)
        {
            let place = self.run.watched.iter().position(|one| one.place == actor.function);
            if let Some(sum) = place.and_then(|place| sums.get_mut(place)) {
                *sum = sum.plus(*tally);
            }
        }
        self.of_watched.resize(sums.len(), Tally::default());
        for ((one, now), before) in self.run.watched.iter_mut().zip(&sums).zip(&self.of_watched) {
            one.fates.push(fate(now, before));
        }
        self.of_watched = sums;
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
        self.note_known();
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

/// A tick with what became of it.
fn reported(minute: u32, plan: Plan, pilot: &mut Pilot) -> Tick {
    let outcomes = std::mem::take(&mut pilot.outcomes);
    let changes = report::changes(&plan.actions, &outcomes);
    Tick { minute, plan, outcomes, changes, told: std::mem::take(&mut pilot.told) }
}

/// Functions whose traffic is drawn one by one.
const WATCHED_MAX: usize = 4;

/// The functions under attack that also have legitimate traffic, the first of them; without any, the one in the spotlight.
fn watched(stage: &Stage, spotlight: usize) -> Vec<Watched> {
    let mut places: Vec<usize> = stage.attacks().map(|actor| actor.function).collect();
    if places.is_empty() {
        places.push(spotlight);
    }
    places.sort_unstable();
    places.dedup();
    let is_used = |place: &usize| {
        stage.traffic.iter().any(|actor| actor.kind == Kind::Legitimate && actor.function == *place)
    };
    let named = |place: usize| {
        let function = stage.functions.get(place).map(|spec| spec.name.clone()).unwrap_or_default();
        Watched { place, function, fates: Vec::new() }
    };
    places.into_iter().filter(is_used).take(WATCHED_MAX).map(named).collect()
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
        let of = |refusal: &Refusal| (refusal.function.clone(), std::mem::discriminant(&refusal.reason));
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
        waiting: now.pending(),
    }
}

//! The guard in the loop: the decision code that ships, looking through CloudWatch and acting through the control plane.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use guard_core::Begun;
use guard_core::alert::{self, Before};
use guard_core::amplification::counts_received;
use guard_core::inventory::Architecture;
use guard_core::money::Usd;
use guard_core::name::FunctionName;
use guard_core::observation::{CensusSlice, Observation};
use guard_core::operator::{self, Command};
use guard_core::plan::{Action, Change, Notice, Plan, SamplingPlan};
use guard_core::policy::Policy;
use guard_core::pricing::{PriceTable, Quote};
use guard_core::roster::Roster;
use guard_core::sampling::{
    LOOKS_MAX, METRICS_PER_COUNT, METRICS_PER_LOOK, METRICS_PER_SWEEP, USD_PER_METRIC, ask_from,
    asks_invocations, metrics_of_glance,
};
use guard_core::settle::{self, ApplyResult, Outcome};
use guard_core::state::{Phase, State};
use guard_core::time::Minute;

use crate::cloudwatch::{CloudWatch, Glanced, Query};
use crate::control_plane::ControlPlane;
use crate::scenario::{Event, Happening, Scenario};
use crate::stage::{GUARD, Stage};
use crate::world::World;

/// The guard with its memory, and the account whose configuration it may change.
#[derive(Clone, Debug)]
pub struct Pilot {
    roster: Roster,
    state: State,
    names: Vec<FunctionName>,
    control: ControlPlane,
    sampling: SamplingPlan,
    /// The values in other people's templates, which a deploy sets.
    declared: Vec<Option<u32>>,
    looking: Usd,
    /// Actions and what became of them, since asked last.
    pub outcomes: Vec<Outcome>,
    /// The notices that the last tick or order has sent, before its changes and after them.
    pub told: [Vec<Notice>; 2],
}

impl Pilot {
    /// A guard that remembers nothing yet.
    pub fn new(stage: &Stage, scenario: &Scenario, policy: Policy, prices: &PriceTable) -> Self {
        let inventory = stage.inventory();
        let names: Vec<FunctionName> =
            inventory.functions.iter().map(|function| function.name.clone()).collect();
        let declared = inventory.functions.iter().map(|function| function.reserved).collect();
        let roster = Roster::new(policy, prices, inventory, Some(GUARD.into()));
        Pilot {
            roster,
            state: State::new(),
            names,
            control: ControlPlane { actuation_s: scenario.service.actuation_s },
            sampling: SamplingPlan::default(),
            declared,
            looking: Usd::ZERO,
            outcomes: Vec::new(),
            told: Default::default(),
        }
    }

    /// Policy and inventory, as the guard reads them.
    pub fn roster(&self) -> &Roster {
        &self.roster
    }

    /// The guard's memory.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The prices it reckons with.
    pub fn quotes(&self) -> BTreeMap<Architecture, Quote> {
        [Architecture::X86_64, Architecture::Arm64]
            .into_iter()
            .map(|architecture| (architecture, self.roster.quote(architecture).clone()))
            .collect()
    }

    /// What `GetMetricData` has cost so far.
    pub fn looking(&self) -> Usd {
        self.looking
    }

    /// Whether anything the guard changed is still in force.
    pub fn holds_anything(&self) -> bool {
        self.state.latches.values().any(|latch| matches!(latch.phase, Phase::Capped | Phase::Ramping))
    }

    /// One tick: look until no function is left to be looked at, decide, act if armed, settle.
    pub fn tick(
        &mut self,
        at: Minute,
        events: &Now<'_>,
        cloudwatch: &mut CloudWatch<'_>,
        world: &mut World,
    ) -> Plan {
        let census = guard_core::sampling::census(&self.roster, &self.state, at.start());
        let sampling = std::mem::take(&mut self.sampling);
        let mut seen = self.look(at, events, cloudwatch, &sampling, census);
        let mut begun = Begun::new(&self.roster, &mut self.state, &seen);
        for _ in 1..LOOKS_MAX {
            let Some(further) = begun.further(&self.roster, &mut self.state, &seen) else { break };
            seen = seen.and(self.look(at, events, cloudwatch, &further, None));
            begun.see(&self.roster, &mut self.state, &seen);
        }
        let plan = begun.decide(&self.roster, &mut self.state, &seen);
        self.sampling = plan.sampling.clone();
        self.done(plan, at, events, world)
    }

    /// An operator's word, carried out like a tick's plan.
    pub fn command(
        &mut self,
        at: Minute,
        command: &Command,
        events: &Now<'_>,
        world: &mut World,
    ) -> Option<Plan> {
        let plan = operator::command(&self.roster, &mut self.state, at.start(), command).ok()?;
        Some(self.done(plan, at, events, world))
    }

    /// Carries out a plan, and tells what is true of it: the order of the Lambda.
    fn done(&mut self, mut plan: Plan, at: Minute, events: &Now<'_>, world: &mut World) -> Plan {
        let realert = TimeDelta::minutes(i64::from(self.roster.policy.alerts.realert_min));
        let before = if plan.armed && !plan.actions.is_empty() {
            let before = alert::before_actions(&plan, &mut self.state.alerts);
            self.carry_out(&plan.actions, at, events, world);
            before
        } else {
            Before::default()
        };
        let rest = before.rest(&plan);
        self.state.alerts.extend(before.held);
        let after = alert::after_actions(&rest, &self.outcomes, &mut self.state.alerts, realert);
        self.told = [before.notices, after];
        plan.notices = self.told.concat();
        plan
    }

    fn look(
        &mut self,
        at: Minute,
        events: &Now<'_>,
        cloudwatch: &mut CloudWatch<'_>,
        sampling: &SamplingPlan,
        census: Option<CensusSlice>,
    ) -> Observation {
        if events.is(Happening::MetricBlackout) {
            return Observation::blind(at.start());
        }
        let places = |names: &[FunctionName]| -> Vec<usize> {
            let places: BTreeSet<usize> =
                names.iter().filter_map(|name| self.names.binary_search(name).ok()).collect();
            places.into_iter().collect()
        };
        let focus = places(&sampling.focus);
        let glance = places(&sampling.glance);
        let settled = self.roster.policy.timing.settled(at.start());
        let hourly = census.as_ref().map_or(0, |slice| slice.functions.len());
        let sweeps = 1 + u64::from(census.is_some());
        let functions = &self.roster.inventory.functions;
        let received =
            focus.iter().filter(|place| functions.get(**place).is_some_and(counts_received)).count();
        let count = |number: usize| u64::try_from(number).unwrap_or(0);
        let metrics = METRICS_PER_SWEEP * sweeps
            + METRICS_PER_LOOK * count(focus.len())
            + METRICS_PER_COUNT * count(hourly)
            + glance
                .iter()
                .map(|place| metrics_of_glance(&self.roster, *place, sampling.with_concurrency))
                .sum::<u64>()
            + count(received);
        self.looking += USD_PER_METRIC * i128::from(metrics);
        cloudwatch.look(&Query {
            at,
            from: ask_from(&self.roster, &self.state, at.start(), (&sampling.focus, &sampling.glance)),
            focus: &focus,
            glance: &glance
                .iter()
                .map(|place| Glanced {
                    place: *place,
                    invocations: asks_invocations(&self.roster, *place),
                    concurrency: sampling.with_concurrency,
                })
                .collect::<Vec<_>>(),
            census,
            settled,
            names: &self.names,
            functions_answer: !events.is(Happening::MetricThrottled),
        })
    }

    fn carry_out(&mut self, actions: &[Action], at: Minute, events: &Now<'_>, world: &mut World) {
        let is_down = events.is(Happening::ControlPlaneDown);
        let mut outcomes = Vec::new();
        for (index, action) in (0_u32..).zip(actions) {
            let result = self.control.call(&mut self.roster.inventory, action, is_down);
            if result == ApplyResult::Applied
                && let Ok(place) = self.names.binary_search(&action.function)
            {
                world.schedule(place, action.change.clone(), self.control.delay_s(index));
            }
            outcomes.push(Outcome {
                function: action.function.clone(),
                change: action.change.clone(),
                result,
            });
        }
        settle::settle(&mut self.state, at.start(), &outcomes);
        self.outcomes.extend(outcomes);
    }

    /// Someone other than the guard sets reserved concurrency.
    pub fn meddle(&mut self, at: Minute, function: &str, reserved: Option<u32>, world: &mut World) {
        let Ok(place) = self.names.binary_search(&FunctionName::from(function)) else { return };
        let Some(found) = self.roster.inventory.functions.get_mut(place) else { return };
        let change = Change::ReservedConcurrency { from: found.reserved, to: reserved };
        found.reserved = reserved;
        found.last_modified = Some(at.start());
        world.schedule(place, change, self.control.actuation_s);
    }

    /// The value that a deploy would set.
    pub fn declared(&self, function: &str) -> Option<u32> {
        let place = self.names.binary_search(&FunctionName::from(function)).ok()?;
        self.declared.get(place).copied().flatten()
    }

    /// Reserved concurrency as configured, by the function's place.
    pub fn configured(&self, place: usize) -> Option<u32> {
        self.roster.inventory.functions.get(place).and_then(|function| function.reserved)
    }
}

/// The events of a scenario at a minute.
#[derive(Clone, Copy, Debug)]
pub struct Now<'a> {
    /// All of them.
    pub events: &'a [Event],
    /// Minutes since the start.
    pub minute: u32,
}

impl<'a> Now<'a> {
    /// Whether something lasts now.
    pub fn is(&self, what: Happening) -> bool {
        self.lasting(what).next().is_some()
    }

    /// Events of a kind that last now.
    pub fn lasting(&self, what: Happening) -> impl Iterator<Item = &'a Event> + use<'a> {
        let minute = self.minute;
        self.events.iter().filter(move |event| {
            event.what == what
                && event.at_min <= minute
                && minute < event.at_min.saturating_add(event.for_min)
        })
    }

    /// Events that begin now.
    pub fn beginning(&self) -> impl Iterator<Item = &'a Event> + use<'a> {
        let minute = self.minute;
        self.events.iter().filter(move |event| event.at_min == minute)
    }
}

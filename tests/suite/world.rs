//! A world of one account for stories: functions with offered load, metrics that arrive late, and an actuator that
//! sets what an armed plan asks for. Small enough to check by hand; the simulator is the real thing.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, TimeZone, Utc};
use guard_core::inventory::{AccountLimits, EventSource, Function, Inventory};
use guard_core::money::Usd;
use guard_core::name::FunctionName;
use guard_core::observation::{Census, CensusSlice, Freshness, Observation, Point, Series};
use guard_core::plan::{Action, BudgetRecord, NoticeKind, Plan, Reason};
use guard_core::policy::Policy;
use guard_core::pricing::PriceTable;
use guard_core::roster::Roster;
use guard_core::settle::{self, ApplyResult, Outcome};
use guard_core::state::State;
use guard_core::time::{Hour, Minute};

/// What is offered to a function in every second of a minute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Requests or events per second.
    pub rps: u64,
    /// Milliseconds per invocation.
    pub duration_ms: u64,
    /// Attempts that fail, in per mille.
    pub failing_per_mille: u64,
}

impl Load {
    /// So many requests per second of so many milliseconds, all well.
    pub fn of(rps: u64, duration_ms: u64) -> Self {
        Load { rps, duration_ms, failing_per_mille: 0 }
    }

    /// The same load with failures.
    #[must_use]
    pub fn failing(self, per_mille: u64) -> Self {
        Load { failing_per_mille: per_mille, ..self }
    }
}

/// What the actuator answers to an action.
pub type Actuator = fn(&Action) -> ApplyResult;

/// The account, its metrics and the guard's memory.
pub struct World {
    /// Policy and inventory, as the guard reads them.
    pub roster: Roster,
    /// The guard's memory.
    pub state: State,
    /// The next minute to be lived.
    pub now: Minute,
    /// Minutes by which metrics are late.
    pub lag_min: i64,
    /// Freshness forced upon all series, if any.
    pub blindness: Option<Freshness>,
    /// What calls to the control plane answer.
    pub actuator: Actuator,
    /// Plans made so far.
    pub plans: Vec<Plan>,
    /// What was truly spent on compute and requests since the start.
    pub spent: Usd,
    history: BTreeMap<FunctionName, Vec<(Hour, Point)>>,
    points: BTreeMap<FunctionName, BTreeMap<Minute, Point>>,
}

/// Monday 2 November 2026, 00:00 UTC.
pub fn start() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 2, 0, 0, 0).single().unwrap_or_default()
}

impl World {
    /// An account of `us-east-1` with these functions under this policy.
    pub fn new(policy: Policy, functions: Vec<Function>) -> Self {
        World::with_account(policy, AccountLimits::default(), functions)
    }

    /// The same with other account limits.
    pub fn with_account(policy: Policy, account: AccountLimits, functions: Vec<Function>) -> Self {
        let inventory = Inventory::new("us-east-1", account, functions);
        World {
            roster: Roster::new(policy, PriceTable::embedded(), inventory, Some("dow-guard".into())),
            state: State::new(),
            now: Minute::of(start()),
            lag_min: 3,
            blindness: None,
            actuator: |_| ApplyResult::Applied,
            plans: Vec::new(),
            spent: Usd::ZERO,
            history: BTreeMap::new(),
            points: BTreeMap::new(),
        }
    }

    /// Gives a function four weeks in which every hour bore this load.
    #[must_use]
    pub fn with_history(mut self, function: &str, load: Load) -> Self {
        let last = self.now.hour().plus(-1);
        let concurrency_max = u32::try_from((load.rps * load.duration_ms).div_ceil(1000)).unwrap_or(u32::MAX);
        let point = Point {
            invocations: load.rps * 3600,
            errors: load.rps * 3600 * load.failing_per_mille / 1000,
            duration_us: load.rps * 3600 * load.duration_ms * 1000,
            concurrency_max,
            ..Point::default()
        };
        let hours = (0..672).rev().map(|back| (last.plus(-back), point)).collect();
        self.history.insert(function.into(), hours);
        self
    }

    /// Begins at another minute than [`start`].
    #[must_use]
    pub fn at(mut self, at: DateTime<Utc>) -> Self {
        self.now = Minute::of(at);
        self
    }

    /// Lives so many minutes under constant load; functions not named are idle.
    pub fn live(&mut self, minutes: u32, loads: &[(&str, Load)]) {
        for _ in 0..minutes {
            for (name, load) in loads {
                self.serve(name, *load);
            }
            self.now = self.now.plus(1);
            self.tick();
        }
    }

    /// The record of the first budget in the last plan.
    pub fn budget(&self) -> BudgetRecord {
        let record = self.plans.last().and_then(|plan| plan.budgets.first()).cloned();
        record.unwrap_or_else(|| unreachable!("a minute was lived under a policy with a budget"))
    }

    /// One minute of a function's load against its caps.
    fn serve(&mut self, name: &str, load: Load) {
        let Some(function) = self.roster.inventory.function(&name.into()) else { return };
        let retries = function.asynchronous.map_or(0, |config| u32::from(config.max_retries));
        let mut attempts_per_mille = 1000;
        for retry in 1..=retries {
            attempts_per_mille += 1000 * load.failing_per_mille.pow(retry) / 1000_u64.pow(retry);
        }
        let attempts = load.rps * 60 * attempts_per_mille / 1000;
        let per_minute = 60_000 / load.duration_ms.max(1);
        let room = match ceiling(function) {
            None => u64::MAX,
            Some(cap) => (u64::from(cap) * per_minute).min(u64::from(cap) * 600),
        };
        let invocations = attempts.min(room);
        let waits = function.asynchronous.is_some() || !function.synchronous;
        let busy_ms = invocations * load.duration_ms;
        let point = Point {
            invocations,
            errors: invocations * load.failing_per_mille / 1000,
            throttles: if waits && ceiling(function) != Some(0) { 0 } else { attempts - invocations },
            duration_us: busy_ms * 1000,
            concurrency_max: u32::try_from(busy_ms.div_ceil(60_000)).unwrap_or(u32::MAX),
            async_received: function.asynchronous.map(|_| load.rps * 60),
            ..Point::default()
        };
        let index =
            self.roster.inventory.functions.iter().position(|function| function.name.as_str() == name);
        let unit = index.and_then(|index| self.roster.members.get(index)).map(|member| &member.unit);
        if let Some(unit) = unit {
            self.spent += unit.of_point(&point, point.concurrency_max, 0).low;
        }
        self.points.entry(name.into()).or_default().insert(self.now, point);
    }

    /// What CloudWatch would show now.
    pub fn look(&self) -> Observation {
        let at = self.now.start();
        let all: Vec<_> =
            self.roster.inventory.functions.iter().map(|function| function.name.clone()).collect();
        let from = guard_core::sampling::ask_from(&self.roster, &self.state, at, (&all, &[]));
        let until = self.now.plus(-self.lag_min);
        let last = self.now.hour().plus(-1);
        let first = || {
            let of = |name: &FunctionName| self.history.get(name).cloned().unwrap_or_default();
            let answered = all.iter().map(|name| (name.clone(), of(name))).collect();
            let asked =
                CensusSlice { first: last.plus(-671), last, functions: all.clone(), ends_round: true };
            Census { asked, region: Vec::new(), functions: answered }
        };
        let census = self.state.census.through.is_none().then(first).filter(|_| self.blindness.is_none());
        let mut region: BTreeMap<Minute, Point> = BTreeMap::new();
        let mut functions = Vec::new();
        for function in &self.roster.inventory.functions {
            let all = self.points.get(&function.name);
            let minutes: Vec<(Minute, Point)> = all
                .map(|all| all.range(from..until).map(|(minute, point)| (*minute, *point)).collect())
                .unwrap_or_default();
            for (minute, point) in &minutes {
                let sum = region.entry(*minute).or_default();
                *sum = sum.plus(*point);
            }
            let freshness = if minutes.is_empty() { Freshness::Silent } else { Freshness::Fresh };
            let series = match self.blindness {
                Some(freshness) => Series { freshness, ..Series::default() },
                None => Series { freshness, minutes },
            };
            functions.push((function.name.clone(), series));
        }
        let region = match self.blindness {
            Some(freshness) => Series { freshness, ..Series::default() },
            None => Series::fresh(region.into_iter().collect()),
        };
        Observation { at, from, census, region, functions, glances: Vec::new() }
    }

    /// One tick: look, decide, act if armed, settle.
    pub fn tick(&mut self) {
        let seen = self.look();
        let plan = guard_core::tick(&self.roster, &mut self.state, &seen);
        // Every plan made in any story passes the second opinion.
        let objections: Vec<_> =
            plan.refusals.iter().filter(|refusal| matches!(refusal.reason, Reason::Unsafe { .. })).collect();
        assert!(objections.is_empty(), "{objections:#?}");
        let mut outcomes = Vec::new();
        for action in plan.actions.iter().filter(|_| plan.armed) {
            let mut result = (self.actuator)(action);
            let refused = || ApplyResult::Rejected { message: "the value in force is another".to_owned() };
            if result == ApplyResult::Applied
                && !settle::apply(&mut self.roster.inventory, &action.function, &action.change)
            {
                result = refused();
            }
            outcomes.push(Outcome {
                function: action.function.clone(),
                change: action.change.clone(),
                result,
            });
        }
        settle::settle(&mut self.state, seen.at, &outcomes);
        self.plans.push(plan);
    }

    /// Reserved concurrency of a function now.
    pub fn reserved(&self, name: &str) -> Option<u32> {
        self.roster.inventory.function(&name.into()).and_then(|function| function.reserved)
    }

    /// Sets a function's reserved concurrency behind the guard's back.
    pub fn meddle(&mut self, name: &str, reserved: Option<u32>) {
        let all = &mut self.roster.inventory.functions;
        if let Some(function) = all.iter_mut().find(|function| function.name.as_str() == name) {
            function.reserved = reserved;
            function.last_modified = Some(self.now.start() - Duration::seconds(20));
        }
    }

    /// Every action of every plan so far.
    pub fn actions(&self) -> impl Iterator<Item = (&Plan, &Action)> {
        self.plans.iter().flat_map(|plan| plan.actions.iter().map(move |action| (plan, action)))
    }

    /// How many notices of a kind were sent so far.
    pub fn count(&self, kind: NoticeKind) -> usize {
        self.plans.iter().flat_map(|plan| &plan.notices).filter(|notice| notice.kind == kind).count()
    }

    /// Headlines of all notices so far, each with its time.
    pub fn headlines(&self) -> Vec<String> {
        let notices =
            self.plans.iter().flat_map(|plan| plan.notices.iter().map(move |notice| (plan.at, notice)));
        notices
            .map(|(at, notice)| format!("{} {:?}: {}", at.format("%d %R"), notice.kind, notice.headline))
            .collect()
    }
}

/// The concurrency a function may reach, if something limits it.
fn ceiling(function: &Function) -> Option<u32> {
    let mappings = function.mappings.iter().map(|mapping| match mapping.source {
        _ if !mapping.enabled => Some(0),
        EventSource::Sqs { max_concurrency, .. } => max_concurrency,
        EventSource::Stream { .. } => None,
    });
    let of_mappings = if function.synchronous {
        None
    } else {
        mappings.min_by_key(|cap| cap.unwrap_or(u32::MAX)).flatten()
    };
    match (function.reserved, of_mappings) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

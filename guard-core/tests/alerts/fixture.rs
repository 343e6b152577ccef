//! A shop of a few functions, seen through `guard_core::tick` minute by minute: where the plans in these tests are from.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, TimeZone, Utc};
use guard_core::alert::{self, Context};
use guard_core::inventory::{AccountLimits, Function, Inventory};
use guard_core::name::FunctionName;
use guard_core::observation::{Census, CensusSlice, Freshness, Observation, Point, Series};
use guard_core::plan::{Notice, NoticeKind, Plan};
use guard_core::policy::Policy;
use guard_core::pricing::PriceTable;
use guard_core::roster::Roster;
use guard_core::settle::{self, ApplyResult, Outcome};
use guard_core::state::State;
use guard_core::time::Minute;

/// Requests per second on an ordinary day.
pub(crate) const CALM: u64 = 2;
/// Requests per second of an attack.
pub(crate) const FLOOD: u64 = 2000;
/// Milliseconds of a request.
const BUSY_MS: u64 = 500;
/// Minutes by which metrics are late.
const LAG_MIN: i64 = 3;

/// A policy with one budget of $10 a day; `rest` comes before the budget, `mode` is the budget's.
pub(crate) fn policy(rest: &str, mode: &str) -> Policy {
    let text = format!("{rest}\n[[budget]]\nname = \"day\"\nperiod = \"day\"\nusd = 10\nmode = \"{mode}\"\n");
    Policy::from_toml(&text).unwrap_or_else(|error| panic!("{error}"))
}

/// What the guard says about itself in all messages.
pub(crate) fn context() -> Context {
    Context {
        account: "123456789012".to_owned(),
        region: "us-east-1".to_owned(),
        guard: "dow-guard".to_owned(),
        stage: "prod".to_owned(),
        metric_lag_s: 180,
        realert_min: 60,
        runbook: "https://example.com/runbook.md".to_owned(),
    }
}

/// A plan and what is to be sent of it.
pub(crate) struct Told {
    pub(crate) plan: Plan,
    pub(crate) notices: Vec<Notice>,
}

/// The account and its guard.
pub(crate) struct Shop {
    pub(crate) roster: Roster,
    pub(crate) state: State,
    pub(crate) now: Minute,
    /// Whether CloudWatch answers.
    pub(crate) answers: bool,
    /// What the control plane says to a change.
    pub(crate) control: ApplyResult,
    /// Every tick so far.
    pub(crate) told: Vec<Told>,
    points: BTreeMap<FunctionName, Vec<(Minute, Point)>>,
}

impl Shop {
    /// Functions with four weeks of ordinary days behind them, on a Monday at `hour`.
    pub(crate) fn open(policy: Policy, functions: Vec<Function>, hour: u32) -> Self {
        let start: DateTime<Utc> = Utc.with_ymd_and_hms(2026, 11, 2, hour, 0, 0).unwrap();
        let inventory = Inventory::new("us-east-1", AccountLimits::default(), functions);
        Shop {
            roster: Roster::new(policy, PriceTable::embedded(), inventory, Some("dow-guard".into())),
            state: State::new(),
            now: Minute::of(start),
            answers: true,
            control: ApplyResult::Applied,
            told: Vec::new(),
            points: BTreeMap::new(),
        }
    }

    /// So many minutes in which every function gets so many requests a second.
    pub(crate) fn live(&mut self, minutes: u32, rps: u64) {
        for _ in 0..minutes {
            for function in &self.roster.inventory.functions {
                let wanted = rps * 60;
                let room = function.reserved.map_or(u64::MAX, |cap| u64::from(cap) * 60_000 / BUSY_MS);
                let point = point(60, wanted.min(room), wanted.saturating_sub(room));
                self.points.entry(function.name.clone()).or_default().push((self.now, point));
            }
            self.now = self.now.plus(1);
            self.tick();
        }
    }

    fn look(&self) -> Observation {
        let at = self.now.start();
        let names: Vec<FunctionName> =
            self.roster.inventory.functions.iter().map(|function| function.name.clone()).collect();
        let from = guard_core::sampling::ask_from(&self.roster, &self.state, at, (&names, &[]));
        let last = self.now.hour().plus(-1);
        let history = || {
            let hour = point(3600, CALM * 3600, 0);
            let hours: Vec<_> = (0..672).rev().map(|back| (last.plus(-back), hour)).collect();
            let functions = names.iter().map(|name| (name.clone(), hours.clone())).collect();
            let asked =
                CensusSlice { first: last.plus(-671), last, functions: names.clone(), ends_round: true };
            Census { asked, region: Vec::new(), functions }
        };
        let census = self.state.census.through.is_none().then(history);
        if !self.answers {
            let unknown = |name: &FunctionName| (name.clone(), Series::default());
            return Observation { functions: names.iter().map(unknown).collect(), ..Observation::blind(at) };
        }
        let mut region: BTreeMap<Minute, Point> = BTreeMap::new();
        let mut functions = Vec::new();
        for name in names {
            let shown = |minute: &Minute| *minute >= from && *minute < self.now.plus(-LAG_MIN);
            let known = self.points.get(&name).into_iter().flatten();
            let minutes: Vec<_> = known.filter(|(minute, _)| shown(minute)).copied().collect();
            for (minute, point) in &minutes {
                let sum = region.entry(*minute).or_default();
                *sum = sum.plus(*point);
            }
            let freshness = if minutes.is_empty() { Freshness::Silent } else { Freshness::Fresh };
            functions.push((name, Series { freshness, minutes }));
        }
        Observation {
            at,
            from,
            census,
            glances: Vec::new(),
            region: Series::fresh(region.into_iter().collect()),
            functions,
        }
    }

    fn tick(&mut self) {
        let seen = self.look();
        let plan = guard_core::tick(&self.roster, &mut self.state, &seen);
        let mut outcomes = Vec::new();
        for action in plan.actions.iter().filter(|_| plan.armed) {
            if self.control == ApplyResult::Applied {
                assert!(settle::apply(&mut self.roster.inventory, &action.function, &action.change));
            }
            outcomes.push(Outcome {
                function: action.function.clone(),
                change: action.change.clone(),
                result: self.control.clone(),
            });
        }
        settle::settle(&mut self.state, seen.at, &outcomes);
        let realert = Duration::minutes(60);
        let notices = alert::after_actions(&plan, &outcomes, &mut self.state.alerts, realert);
        self.told.push(Told { plan, notices });
    }

    /// The first notice of a kind so far that is about a function or not, with its plan.
    pub(crate) fn first(&self, kind: NoticeKind) -> (&Notice, &Plan) {
        self.all(kind).next().unwrap_or_else(|| panic!("no {kind:?} in:\n{}", self.headlines()))
    }

    /// All notices of a kind so far.
    pub(crate) fn all(&self, kind: NoticeKind) -> impl Iterator<Item = (&Notice, &Plan)> {
        let each = self.told.iter().flat_map(|told| told.notices.iter().map(|notice| (notice, &told.plan)));
        each.filter(move |(notice, _)| notice.kind == kind)
    }

    /// Everything told so far, a line each.
    pub(crate) fn headlines(&self) -> String {
        let each = self.told.iter().flat_map(|told| told.notices.iter().map(|notice| (notice, &told.plan)));
        each.map(|(n, plan)| format!("{} {:?} {}: {}\n", plan.at, n.kind, n.alarm, n.headline)).collect()
    }

    /// Sets a function's reserved concurrency from outside.
    pub(crate) fn deploy(&mut self, name: &str, reserved: Option<u32>) {
        let at = self.now.start() - Duration::seconds(20);
        for function in self.roster.inventory.functions.iter_mut().filter(|f| f.name.as_str() == name) {
            (function.reserved, function.last_modified) = (reserved, Some(at));
        }
    }
}

/// What so many seconds leave in CloudWatch.
fn point(seconds: u64, invocations: u64, throttles: u64) -> Point {
    Point {
        invocations,
        throttles,
        duration_us: invocations * BUSY_MS * 1000,
        concurrency_max: u32::try_from((invocations * BUSY_MS).div_ceil(seconds * 1000)).unwrap(),
        ..Point::default()
    }
}

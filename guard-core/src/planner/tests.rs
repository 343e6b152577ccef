//! Decisions with exact numbers, on a desk where everything that was read can be set by hand.

mod alarms;
mod ceilings;
mod decisions;
mod escalation;
mod guarantee;
mod hard_line;
mod looks;
mod messages;
mod records;
mod release;
mod slack;
mod teaching;

use chrono::{DateTime, Duration, TimeZone, Utc};

use super::*;
use crate::inventory::{AccountLimits, Function, Inventory};
use crate::ledger::{BudgetLedger, Entry};
use crate::plan::NoticeKind;
use crate::policy::{BelowFloor, Budget, Mode, Period, Policy};
use crate::posting::Hidden;
use crate::pricing::PriceTable;
use crate::state::{Found, Latch, LeverState, Phase};
use crate::time::Hour;

/// A budget of $10 a day, Monday noon, and functions of which everything that was read is said here.
struct Desk {
    roster: Roster,
    state: State,
    seen: Observation,
    reading: Reading,
}

fn noon() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 2, 12, 0, 0).unwrap()
}

fn usd(text: &str) -> Usd {
    text.parse().unwrap()
}

fn policy() -> Policy {
    let day =
        Budget { period: Period::Day, mode: Mode::Cap, ..Budget::per_month("day", Usd::from_dollars(10)) };
    Policy { armed: true, budget: vec![day], ..Policy::default() }
}

impl Desk {
    /// Functions of 1 GB with so many dollars an hour above an ordinary of $1.
    fn new(policy: Policy, functions: &[(&str, i64)]) -> Self {
        let all = functions.iter().map(|(name, _)| Function::new(*name, 1024, 10)).collect();
        let inventory = Inventory::new("us-east-1", AccountLimits::default(), all);
        let roster = Roster::new(policy, PriceTable::embedded(), inventory, None);
        let mut state = State::new();
        let midnight = noon() - Duration::hours(12);
        state.budgets.insert("day".into(), BudgetLedger::new(midnight, midnight + Duration::hours(24)));
        let mut desk = Desk { roster, state, seen: Observation::blind(noon()), reading: Reading::default() };
        for (index, function) in desk.roster.inventory.functions.iter().enumerate() {
            let excess = functions.iter().find(|(name, _)| *name == function.name.as_str()).unwrap().1;
            desk.reading.functions.push(FunctionReading {
                index,
                burn_per_hour: Usd::from_dollars(excess + 1),
                invocations_per_hour: Usd::ZERO,
                ordinary_per_hour: Some(Usd::from_dollars(1)),
                excess_per_hour: Usd::from_dollars(excess),
                is_new: false,
                attempts_per_mille: 1000,
                failure_per_mille: 0,
                throttles: 0,
                concurrency_max: 0,
                concurrency_p99: None,
                freshness: Freshness::Fresh,
            });
        }
        desk.reading.region = Freshness::Fresh;
        desk.reading.hidden = vec![Hidden::default()];
        desk.at(noon());
        desk
    }

    /// Moves the desk to another time; nothing is unseen.
    fn at(&mut self, at: DateTime<Utc>) {
        self.seen.at = at;
        self.reading.now = Minute::of(at);
        self.reading.settled = Minute::of(at).plus(-1);
    }

    /// A second budget, "also", which is and has spent what the first is and has.
    fn with_also(&mut self) {
        let mut policy = self.roster.policy.clone();
        policy.budget.push(Budget { name: "also".to_owned(), ..policy.budget[0].clone() });
        self.roster = Roster::new(policy, PriceTable::embedded(), self.roster.inventory.clone(), None);
        self.reading.hidden.push(Hidden::default());
        let book = self.book().clone();
        self.state.budgets.insert("also".into(), book);
    }

    fn book(&mut self) -> &mut BudgetLedger {
        self.state.budgets.get_mut("day").unwrap()
    }

    fn spent(&mut self, amount: &str) {
        self.book().spent = UsdRange::exact(usd(amount));
    }

    fn plan(&self) -> Plan {
        plan(&self.roster, &self.state, &self.seen, &self.reading, &[])
    }

    /// Plans and remembers what was told.
    fn tell(&mut self) -> Vec<(NoticeKind, String)> {
        let plan = self.plan();
        notify::remember(&self.roster, &mut self.state, &plan);
        plan.notices.into_iter().map(|notice| (notice.kind, notice.alarm)).collect()
    }

    fn draft(&self) -> Draft<'_> {
        let mut draft = Draft::new(&self.roster, &self.state, &self.seen, &self.reading);
        draft.look_ahead();
        draft
    }

    /// The guard holds a function's reserved concurrency at `cap` since noon.
    fn hold(&mut self, name: &str, original: Option<u32>, cap: u32, phase: Phase) {
        let function =
            self.roster.inventory.functions.iter_mut().find(|function| function.name.as_str() == name);
        function.unwrap().reserved = Some(cap);
        let lever = LeverState {
            lever: Lever::ReservedConcurrency,
            original: Setting::Concurrency(original),
            ours: Some(Setting::Concurrency(Some(cap))),
            pending: None,
            found: None,
        };
        let latch = Latch {
            budget: Some("day".into()),
            tripped_at: noon(),
            phase,
            phase_since: noon(),
            calm_since: None,
            relapses: 0,
            levers: vec![lever],
        };
        self.state.latches.insert(name.into(), latch);
    }

    fn latch(&mut self, name: &str) -> &mut Latch {
        self.state.latches.get_mut(name).unwrap()
    }
}

/// A minute before the end of a budget's period, with 9.5 dollars spent and a burn of $20 an hour: $0.50 until an
/// answer takes effect.
fn last_minute(mode: Mode, below_floor: BelowFloor) -> Desk {
    let mut text = policy();
    text.budget[0].mode = mode;
    text.budget[0].below_floor = below_floor;
    let mut desk = Desk::new(text, &[("a", 5)]);
    let end = noon() + Duration::minutes(1);
    desk.book().period_start = end - Duration::hours(24);
    desk.book().period_end = end;
    let settled = desk.reading.settled;
    let entry = Entry::exact(usd("0.333333333334"));
    for back in 0..5 {
        desk.book().post(settled.plus(-back), &entry);
    }
    desk.spent("9.5");
    desk
}

/// What somebody else has set lately.
fn found(reserved: u32) -> Option<Found> {
    Some(Found { value: Setting::Concurrency(Some(reserved)), looks: 1 })
}

/// Functions acted on and to which reserved concurrency.
fn caps(plan: &Plan) -> Vec<(&str, Setting)> {
    plan.actions.iter().map(|action| (action.function.as_str(), action.change.to())).collect()
}

fn cap(name: &str, to: u32) -> (&str, Setting) {
    (name, Setting::Concurrency(Some(to)))
}

fn reason<'a>(plan: &'a Plan, name: &str) -> &'a Reason {
    &plan.functions.iter().find(|record| record.function.as_str() == name).unwrap().reason
}

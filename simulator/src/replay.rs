//! A scenario three times over: without a guard, with the guard, and with a perfect guard that lets all legitimate
//! traffic through and no attack. All three on the same seed and for the same time.

use std::thread;

use guard_core::alert::Context;
use guard_core::money::{Unit, Usd};
use guard_core::name::BudgetName;
use guard_core::plan::{NoticeKind, messages_of};
use guard_core::policy::Mode;
use guard_core::pricing::PriceTable;
use guard_core::settle::ApplyResult;
use serde::Serialize;

use crate::number::as_f64;
use crate::request::Request;
use crate::run::{Run, run};
use crate::scenario::Kind;
use crate::stage::{GUARD, Stage};
use crate::text::shell_word;
use crate::world::{Cast, Tally};

/// The three runs and their findings.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Replay {
    /// Version of this format. Raised when a reader would break.
    pub schema: u32,
    /// The scenario's name: the name of its file.
    pub name: String,
    /// Its title.
    pub title: String,
    /// Its story.
    pub story: String,
    /// Where its numbers come from.
    pub source: String,
    /// First moment.
    pub start: chrono::DateTime<chrono::Utc>,
    /// The seed.
    pub seed: u64,
    /// Whether the policy is armed.
    pub armed: bool,
    /// When attack traffic begins and ends, in minutes from the start; `None` where there is none.
    pub attack: Option<(u32, u32)>,
    /// The numbers that matter.
    pub findings: Findings,
    /// Without a guard.
    pub without: Run,
    /// With the guard.
    pub with: Run,
    /// With a perfect guard.
    pub perfect: Run,
    /// What the guard's messages say about it.
    #[serde(skip)]
    pub context: Context,
    /// The command that makes the same replay again.
    #[serde(skip)]
    pub again: String,
}

/// The numbers that matter.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Findings {
    /// The bill without a guard.
    pub usd_without: Usd,
    /// With it.
    pub usd_with: Usd,
    /// With a perfect one.
    pub usd_perfect: Usd,
    /// The cost of the guard itself.
    pub usd_guard: Usd,
    /// Minutes from the beginning of the attack to the first alarm.
    pub notice_min: Option<u32>,
    /// Minutes from the beginning of the attack to the first change that was made.
    pub cap_min: Option<u32>,
    /// Minutes from the end of the attack until everything was put back.
    pub release_min: Option<u32>,
    /// Whether something the guard changed was still in force at the end.
    pub still_capped: bool,
    /// Trips: functions that went from free to capped, each time.
    pub caps: u32,
    /// Messages sent to people.
    pub alerts: u32,
    /// Legitimate events without a guard, with it, and with a perfect one.
    pub legitimate_without: Tally,
    /// With it.
    pub legitimate_with: Tally,
    /// With a perfect one.
    pub legitimate_perfect: Tally,
    /// Legitimate events of functions without attack traffic that the guard's run lost and the unguarded did not.
    pub bystanders_lost: u64,
    /// Attempts per event in per mille, without and with the guard.
    pub attempts_per_mille: (u64, u64),
    /// For each budget that acts: how far its worst period went past the line, and the published bound.
    pub overruns: Vec<Overrun>,
}

/// A budget's worst period against its bound.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Overrun {
    /// The budget.
    pub budget: BudgetName,
    /// What its amounts count.
    pub unit: Unit,
    /// Its amount.
    pub amount: Usd,
    /// Spent past the line with the guard, in the worst period.
    pub with: Usd,
    /// Spent past the line without it.
    pub without: Usd,
    /// The published bound; `None` for budgets that only alert.
    pub bound: Option<Usd>,
}

impl Findings {
    /// Of what a perfect guard would have saved, the share that was saved, in percent: below 0 where the guard cost
    /// more than it saved. `None` where there was nothing to save.
    pub fn saved_percent(&self) -> Option<f64> {
        let possible = (self.usd_without - self.usd_perfect).to_f64();
        let saved = (self.usd_without - self.usd_with).to_f64();
        // Below a cent the bills differ by chance.
        (possible >= 0.01).then(|| saved / possible * 100.0)
    }

    /// Legitimate events that were not served because of the guard, in percent of all.
    pub fn harm_percent(&self) -> Option<f64> {
        let offered = self.legitimate_with.offered;
        let harmed = gone(&self.legitimate_with).saturating_sub(gone(&self.legitimate_without));
        (offered > 0).then(|| as_f64(harmed) / as_f64(offered) * 100.0)
    }

    /// The most spent past a line in dollars, with the guard; budgets in other units are left out.
    pub fn overrun(&self) -> Usd {
        let in_money = self.overruns.iter().filter(|overrun| overrun.unit == Unit::Usd);
        in_money.map(|overrun| overrun.with).max().unwrap_or(Usd::ZERO)
    }

    /// The most of a published bound that was used, in percent; above 100 it is broken.
    pub fn bound_used_percent(&self) -> Option<f64> {
        let used = self.overruns.iter().filter_map(|overrun| {
            let bound = overrun.bound?.to_f64();
            Some(if bound > 0.0 { overrun.with.to_f64() / bound * 100.0 } else { 0.0 })
        });
        used.max_by(f64::total_cmp)
    }
}

/// The version of [`Replay`]'s serialised form.
pub const SCHEMA: u32 = 1;

impl Replay {
    /// Makes all three runs. `progress` receives the minutes run so far, and in all.
    pub fn new(request: &Request<'_>, prices: &PriceTable, progress: impl Fn(u32, u32) + Sync) -> Replay {
        let planned = request.scenario.minutes;
        let with =
            run(&request.terms(true, Cast::Everyone, None), prices, |minute| progress(minute, planned * 3));
        let minutes = with.minutes;
        let (without, perfect) = thread::scope(|scope| {
            let other = scope
                .spawn(|| run(&request.terms(false, Cast::LegitimateOnly, Some(minutes)), prices, |_| ()));
            let without = run(&request.terms(false, Cast::Everyone, Some(minutes)), prices, |minute| {
                progress(minutes + minute * 2, minutes * 3);
            });
            (without, other.join().unwrap_or_default())
        });
        let attack = attack_of(request.stage, minutes);
        let findings = findings(request, attack, &without, &with, &perfect);
        Replay {
            schema: SCHEMA,
            name: request.name.to_owned(),
            title: request.scenario.title.clone(),
            story: request.scenario.story.trim().to_owned(),
            source: request.scenario.source.clone(),
            start: request.scenario.start,
            seed: request.seed,
            armed: request.scenario.policy.armed,
            attack,
            findings,
            without,
            with,
            perfect,
            context: context(request),
            again: format!("dowsim replay {} --seed {}", shell_word(request.name), request.seed),
        }
    }
}

/// What messages say about a simulated guard: no account, because there is none.
fn context(request: &Request<'_>) -> Context {
    let policy = &request.scenario.policy;
    Context {
        account: String::new(),
        region: request.stage.inventory().region.to_string(),
        guard: GUARD.to_owned(),
        stage: "simulated".to_owned(),
        metric_lag_s: policy.timing.metric_lag_s,
        realert_min: policy.alerts.realert_min,
        runbook: policy.alerts.runbook.clone(),
    }
}

/// When attack traffic begins and ends.
pub(crate) fn attack_of(stage: &Stage, minutes: u32) -> Option<(u32, u32)> {
    let from = stage.attacks().map(|actor| actor.from_s / 60).min()?;
    let until = stage.attacks().map(|actor| actor.until_s / 60).max()?;
    Some((from, until.min(minutes)))
}

fn findings(
    request: &Request<'_>,
    attack: Option<(u32, u32)>,
    without: &Run,
    with: &Run,
    perfect: &Run,
) -> Findings {
    let alarming = |kind: NoticeKind| kind != NoticeKind::Armed;
    let from = attack.map_or(0, |(from, _)| from);
    let after = |minute: u32| minute.saturating_sub(from);
    let first_alarm = with.ticks.iter().find(|tick| {
        tick.minute >= from && tick.plan.notices.iter().any(|notice| notice.alarming && alarming(notice.kind))
    });
    let is_applied = |tick: &&crate::run::Tick| {
        tick.minute >= from && tick.outcomes.iter().any(|outcome| outcome.result == ApplyResult::Applied)
    };
    let first_cap = with.ticks.iter().find(is_applied);
    let trips = trips(with);
    // What stands before anybody attacks, as an envelope does, needs no time to be set.
    let stands = with.rows.iter().find(|row| attack.is_some() && row.minute == from).is_some_and(|row| {
        row.cap.is_some() && without.rows.iter().all(|other| other.minute != from || other.cap.is_none())
    });
    let all = |run: &Run| run.traffic.iter().fold(Tally::default(), |sum, one| sum.plus(one.tally));
    Findings {
        usd_without: without.bill.all,
        usd_with: with.bill.all,
        usd_perfect: perfect.bill.all,
        usd_guard: with.bill.guard,
        notice_min: first_alarm.map(|tick| after(tick.minute)),
        cap_min: if stands { Some(0) } else { first_cap.map(|tick| after(tick.minute)) },
        release_min: trips
            .released
            .filter(|_| !trips.held)
            .map(|minute| minute.saturating_sub(attack.map_or(0, |(_, until)| until))),
        still_capped: trips.held,
        caps: trips.count,
        alerts: messages(with),
        legitimate_without: legitimate(without),
        legitimate_with: legitimate(with),
        legitimate_perfect: legitimate(perfect),
        bystanders_lost: bystanders_lost(without, with),
        attempts_per_mille: (all(without).attempts_per_mille(), all(with).attempts_per_mille()),
        overruns: overruns(request, without, with),
    }
}

/// How often functions were capped, and how that ended.
#[derive(Clone, Copy, Debug, Default)]
struct Trips {
    /// Functions that went from free to capped, each time; a cap that is lowered again on its way back is no new trip.
    count: u32,
    /// The minute of the last release.
    released: Option<u32>,
    /// Whether something was still held at the end.
    held: bool,
}

fn trips(run: &Run) -> Trips {
    // Functions that are capped, or would be: a guard that holds nothing releases nothing.
    let mut held = std::collections::BTreeMap::new();
    let mut trips = Trips::default();
    for tick in &run.ticks {
        for notice in &tick.plan.notices {
            // Other alarms of a function, such as failing calls, end without a release.
            let Some(alarm) = notice.function.as_ref().map(|_| &notice.alarm) else { continue };
            match notice.kind {
                NoticeKind::Capped | NoticeKind::WouldHaveCapped => {
                    let is_real = notice.kind == NoticeKind::Capped;
                    trips.count += u32::from(held.insert(alarm, is_real).is_none());
                }
                NoticeKind::Released if held.remove(alarm) == Some(true) => {
                    trips.released = Some(tick.minute);
                }
                _ => {}
            }
        }
    }
    trips.held = run.holds;
    trips
}

/// Messages that people got in a run.
pub(crate) fn messages(run: &Run) -> u32 {
    let told = run.ticks.iter().flat_map(|tick| &tick.told);
    u32::try_from(told.map(|notices| messages_of(notices)).sum::<usize>()).unwrap_or(u32::MAX)
}

/// Functions that a run's guard took from free to capped, each time.
pub(crate) fn caps(run: &Run) -> u32 {
    trips(run).count
}

/// All legitimate traffic together.
pub fn legitimate(run: &Run) -> Tally {
    let legitimate = run.traffic.iter().filter(|one| one.kind == Kind::Legitimate);
    legitimate.fold(Tally::default(), |sum, one| sum.plus(one.tally))
}

/// Events of functions not under attack that were served without the guard but not with it.
fn bystanders_lost(without: &Run, with: &Run) -> u64 {
    let attacked: Vec<&str> =
        with.traffic.iter().filter(|one| one.kind == Kind::Attack).map(|one| one.function.as_str()).collect();
    let pairs = without.traffic.iter().zip(&with.traffic);
    pairs
        .filter(|(_, one)| one.kind == Kind::Legitimate && !attacked.contains(&one.function.as_str()))
        .map(|(before, after)| gone(&after.tally).saturating_sub(gone(&before.tally)))
        .sum()
}

/// Events whose senders waited in vain.
pub fn gone(tally: &Tally) -> u64 {
    tally.refused + tally.lost + tally.dead_lettered
}

fn overruns(request: &Request<'_>, without: &Run, with: &Run) -> Vec<Overrun> {
    let past = |run: &Run, budget: &str| {
        let periods = run.periods.iter().filter(|period| period.budget.as_str() == budget);
        periods.map(|period| (period.spent - period.amount).at_least_zero()).max().unwrap_or(Usd::ZERO)
    };
    let mut overruns: Vec<Overrun> = Vec::new();
    for period in &with.periods {
        if overruns.iter().any(|known| known.budget == period.budget) {
            continue;
        }
        let budget =
            request.scenario.policy.budget.iter().find(|budget| budget.name == period.budget.as_str());
        let acts = budget.is_some_and(|budget| budget.mode >= Mode::Cap) && request.scenario.policy.armed;
        overruns.push(Overrun {
            budget: period.budget.clone(),
            unit: period.unit,
            amount: period.amount,
            with: past(with, period.budget.as_str()),
            without: past(without, period.budget.as_str()),
            bound: acts
                .then(|| crate::published::bound(request, period.budget.as_str(), &with.known))
                .flatten(),
        });
    }
    overruns
}

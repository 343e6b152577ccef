//! One tick: look, decide, remember, act, remember, report.

use std::collections::BTreeSet;
use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};
use guard_core::Begun;
use guard_core::alert::{self, Audience, Context};
use guard_core::amplification::counts_received;
use guard_core::name::FunctionName;
use guard_core::observation::{CensusSlice, Observation};
use guard_core::plan::{Notice, Plan, SamplingPlan};
use guard_core::roster::Roster;
use guard_core::sampling::{self, LOOKS_MAX, USD_PER_METRIC, ask_from};
use guard_core::settle::{self, Outcome};
use guard_core::state::State;

use super::own::{keep_pace, mistyped, own_notice, without_budget};
use super::tell::send;
use super::{
    ACTED, BEGUN, Guard, InForce, LOOKED, SAVED, SETTLED, SURVEYED, TOLD, TOLD_FIRST, Took, act, load,
};
use crate::config::Metrics;
use crate::emf::{self, OwnUse};
use crate::log_line::TickLine;
use crate::memory::Memory;
use crate::ports::{Ask, Glanced, Look, StoreError, Unavailable};
use crate::wake::Hint;

/// Control-plane calls that an ordinary tick spends on configuration. Our choice: with one each to CloudWatch,
/// DynamoDB and SSM an idle tick stays below ten calls.
pub(super) const SURVEY_CALLS: u32 = 5;

/// The same before the account was ever listed in full: half a minute at the survey's pace of ten a second, which
/// leaves five of the control plane's 15 to deployments ("Lambda quotas", read 2026-11).
const FIRST_SURVEY_CALLS: u32 = 300;

/// The result of a tick.
#[derive(Clone, Debug)]
pub struct Report {
    /// The decision.
    pub plan: Plan,
    /// The outcomes of its actions.
    pub outcomes: Vec<Outcome>,
    /// The guard's own AWS calls and their cost.
    pub own: OwnUse,
    /// The problems met on the way, each once.
    pub problems: Vec<String>,
    /// Functions known; `None` before they were ever listed in full.
    pub functions: Option<usize>,
    /// The structured line for the log.
    pub line: TickLine,
    /// Metrics in the embedded format, a line each.
    pub metrics: Vec<serde_json::Value>,
}

/// Why a tick decided nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TickError {
    /// Its memory could not be read or written, so nothing was changed.
    #[error("nothing was changed, because the guard cannot remember")]
    Memory(#[from] StoreError),
}

/// A tick after its decision.
pub(super) struct Decided {
    pub(super) roster: Roster,
    pub(super) plan: Plan,
    touched: BTreeSet<FunctionName>,
    pub(super) problems: Vec<String>,
    metrics: u64,
    took: Took,
}

/// The looks of a tick, merged and posted.
struct Looked {
    begun: Begun,
    seen: Observation,
    metrics: u64,
    /// Functions whose hours were read.
    counted: BTreeSet<FunctionName>,
    /// The problems met, each once.
    faults: BTreeSet<String>,
}

impl Guard {
    /// One tick. Functions named by hints, these and those heeded before, are looked at in addition to those that the
    /// last tick asked for.
    ///
    /// # Errors
    /// If the memory cannot be read, or another tick has saved since. Nothing was changed then.
    pub async fn tick(&mut self, at: DateTime<Utc>, hints: &[Hint]) -> Result<Report, TickError> {
        self.heard.note(hints);
        let hinted = self.heard.tick(at);
        if self.is_visiting {
            return self.visited(at, &hinted).await;
        }
        let (memory, fetched, mispriced) = self.begin(at).await;
        let (memory, was_warm) = memory?;
        match self.tick_on(memory, at, &hinted, (fetched.clone(), mispriced.clone())).await {
            // Another environment has saved since this one did; nothing was changed on what was known before.
            Err(TickError::Memory(StoreError::Conflict { .. }))
                if was_warm && !self.time.is_past(LOOKED.0) =>
            {
                let memory = load(self.ports.store.as_ref(), self.time.at(LOOKED.1)).await?;
                self.tick_on(memory, at, &hinted, (fetched, mispriced)).await
            }
            done => done,
        }
    }

    /// A visitor's tick: decided as by a disarmed guard, and forgotten.
    async fn visited(&mut self, at: DateTime<Utc>, hinted: &[FunctionName]) -> Result<Report, TickError> {
        let may_change = std::mem::replace(&mut self.may_change, false);
        let report = self.rehearse(at, hinted).await;
        self.may_change = may_change;
        report
    }

    /// A tick on a memory, with the policy's text and the problem with the prices.
    async fn tick_on(
        &mut self,
        mut memory: Memory,
        at: DateTime<Utc>,
        hinted: &[FunctionName],
        (fetched, mispriced): (Result<String, Unavailable>, Option<Unavailable>),
    ) -> Result<Report, TickError> {
        let in_force = self.in_force(fetched, &mut memory.policy, at);
        let mut decided = self.decide(&mut memory, in_force, at, hinted).await;
        decided.problems.extend(mispriced.map(|problem| problem.to_string()));
        let context = self.context(&decided.roster);
        let realert = TimeDelta::minutes(i64::from(decided.roster.policy.alerts.realert_min));
        let acts = decided.plan.armed && !decided.plan.actions.is_empty();
        if !acts {
            let told = alert::after_actions(&decided.plan, &[], &mut memory.state.alerts, realert);
            let own = own_notice(&mut memory, &decided.problems, at, realert);
            let notices: Vec<Notice> = told.into_iter().chain(own).collect();
            memory.queue(alert::messages(&notices, &decided.plan, &context));
            timed(&mut decided.took, "remember", self.save(&mut memory, &decided.touched, SAVED)).await?;
            return Ok(self.tell(memory, decided, Vec::new(), (&context, BTreeSet::new())).await);
        }
        // What is true before any change is told beside the changes, which may hang. What calls something done waits until
        // it is; if this process ends before that, the next one finds out, and tells.
        let before = alert::before_actions(&decided.plan, &mut memory.state.alerts);
        memory.queue(alert::messages(&before.notices, &decided.plan, &context));
        let save = self.save(&mut memory, &decided.touched, SAVED);
        timed(&mut decided.took, "remember", save).await?;
        let waiting = std::mem::take(&mut memory.outbox);
        let start = begin();
        let tell = send(self.ports.alerts.as_ref(), waiting, self.time.at(TOLD_FIRST), BTreeSet::new());
        let time = self.time.stage(ACTED.0, ACTED.1);
        let change = act::carry_out(self.ports.control.as_ref(), &decided.plan.actions, time);
        let (told, outcomes) = tokio::join!(tell, change);
        decided.took.push(("act", start.elapsed()));
        memory.outbox = told.left;
        decided.problems.extend(told.problems.iter().map(Unavailable::to_string));
        let outcomes = act::note(outcomes, &decided.plan, &mut memory);
        decided.problems.extend(act::left(&decided.plan.actions, &outcomes).map(|left| left.to_string()));
        settle::settle(&mut memory.state, at, &outcomes);
        let rest = before.rest(&decided.plan);
        memory.state.alerts.extend(before.held);
        let done = alert::after_actions(&rest, &outcomes, &mut memory.state.alerts, realert);
        let own = own_notice(&mut memory, &decided.problems, at, realert);
        let notices: Vec<Notice> = done.into_iter().chain(own).collect();
        memory.queue(alert::messages(&notices, &decided.plan, &context));
        // Notices are sent before the save: if the save fails, the next tick finds each intent, compares it with the
        // world, and may send the notice twice.
        Ok(self.tell(memory, decided, outcomes, (&context, told.deaf)).await)
    }

    /// The decision a tick would make now: everything except saving, acting and sending messages.
    ///
    /// # Errors
    /// When the memory cannot be read.
    pub async fn rehearse(
        &self,
        at: DateTime<Utc>,
        looking_at: &[FunctionName],
    ) -> Result<Report, TickError> {
        let (memory, decided) = self.rehearsed(at, looking_at).await?;
        let context = self.context(&decided.roster);
        Ok(self.report(&memory, decided, Vec::new(), &context))
    }

    /// The same, with the memory that the decision was based on.
    pub(super) async fn rehearsed(
        &self,
        at: DateTime<Utc>,
        looking_at: &[FunctionName],
    ) -> Result<(Memory, Decided), TickError> {
        let mut memory = load(self.ports.store.as_ref(), self.time.at(BEGUN)).await?;
        let in_force = self.policy(&mut memory.policy, at).await;
        let decided = self.decide(&mut memory, in_force, at, looking_at).await;
        Ok((memory, decided))
    }

    /// Survey, look and plan, on a memory that is not saved yet.
    async fn decide(
        &self,
        memory: &mut Memory,
        mut in_force: InForce,
        at: DateTime<Utc>,
        hinted: &[FunctionName],
    ) -> Decided {
        let mut took: Took = Vec::new();
        // Of a policy that cannot be read that is told, and not what it lacks.
        let has_policy = in_force.problem.is_none();
        let mut problems: Vec<String> = in_force.problem.into_iter().collect();
        if self.is_scheduled {
            problems.extend(keep_pace(&mut in_force.policy, memory.state.last_tick, at));
        }
        let mut focus: BTreeSet<FunctionName> = memory.sampling.focus.iter().cloned().collect();
        // What a hint names is looked at; its configuration is read in its turn.
        let urgent = memory.urgent(&focus, at);
        focus.extend(hinted.iter().cloned());
        let calls = survey_calls(memory);
        let time = self.time.stage(SURVEYED.0, SURVEYED.1);
        let survey = self.ports.control.survey(&mut memory.survey, &urgent, at, calls, time);
        let faults = timed(&mut took, "survey", survey).await;
        problems.extend(faults.iter().map(Unavailable::to_string));

        let roster = self.roster(in_force.policy, memory.survey.inventory.clone());
        if self.is_scheduled {
            problems.extend(mistyped(&roster.tag_problems));
            problems.extend(without_budget(&roster).filter(|_| has_policy));
        }
        focus.retain(|name| roster.inventory.function(name).is_some());
        let sampling = SamplingPlan { focus: focus.into_iter().collect(), ..memory.sampling.clone() };
        let census = sampling::census(&roster, &memory.state, at);
        let looked = self.look(&roster, &mut memory.state, (at, sampling, census), &mut took).await;
        let Looked { begun, seen, metrics, counted, faults } = looked;
        problems.extend(faults);

        let start = begin();
        let word = memory.state.operator.armed;
        if !self.may_change {
            memory.state.operator.armed = Some(false);
        }
        let plan = begun.decide(&roster, &mut memory.state, &seen);
        memory.state.operator.armed = word;
        let mut touched = touched(&memory.state, &plan, &seen);
        touched.extend(counted);
        memory.sampling = plan.sampling.clone();
        took.push(("decide", start.elapsed()));
        Decided { roster, plan, touched, problems, metrics, took }
    }

    /// Looks, and looks again before deciding if the result calls for more.
    async fn look(
        &self,
        roster: &Roster,
        state: &mut State,
        (at, sampling, census): (DateTime<Utc>, SamplingPlan, Option<CensusSlice>),
        took: &mut Took,
    ) -> Looked {
        let until = Some(self.time.at(LOOKED.1));
        let asked = Ask { until, ..ask(roster, state, at, sampling, census) };
        let first = timed(took, "look", self.ports.metrics.look(&asked)).await;
        let Look { observation: mut seen, mut metrics, problems } = first;
        let mut faults: BTreeSet<String> = problems.iter().map(Unavailable::to_string).collect();
        let start = begin();
        let counted = counted(&seen);
        let mut begun = Begun::new(roster, state, &seen);
        let mut posting = start.elapsed();
        for _ in 1..LOOKS_MAX {
            if self.time.is_past(LOOKED.0) {
                break;
            }
            let start = begin();
            let further = begun.further(roster, state, &seen);
            posting += start.elapsed();
            let Some(further) = further else { break };
            let asked = Ask { until, ..ask(roster, state, at, further, None) };
            let look = timed(took, "look", self.ports.metrics.look(&asked)).await;
            metrics += look.metrics;
            faults.extend(look.problems.iter().map(Unavailable::to_string));
            let start = begin();
            seen = seen.and(look.observation);
            begun.see(roster, state, &seen);
            posting += start.elapsed();
        }
        took.push(("decide", posting));
        Looked { begun, seen, metrics, counted, faults }
    }

    /// Sends the waiting messages but those to deaf audiences, saves the memory with the outcomes of the actions, and
    /// reports.
    async fn tell(
        &mut self,
        mut memory: Memory,
        mut decided: Decided,
        outcomes: Vec<Outcome>,
        (context, deaf): (&Context, BTreeSet<Audience>),
    ) -> Report {
        let acted = decided.plan.armed && !decided.plan.actions.is_empty();
        let is_changed = acted || !memory.outbox.is_empty();
        let start = begin();
        let waiting = std::mem::take(&mut memory.outbox);
        let told = send(self.ports.alerts.as_ref(), waiting, self.time.at(TOLD), deaf).await;
        memory.outbox = told.left;
        decided.problems.extend(told.problems.iter().map(Unavailable::to_string));
        let nothing = BTreeSet::new();
        let saved = if is_changed { self.save(&mut memory, &nothing, SETTLED).await } else { Ok(()) };
        decided.took.push(("tell", start.elapsed()));
        if let Err(error) = &saved {
            decided.problems.push(error.to_string());
        }
        let report = self.report(&memory, decided, outcomes, context);
        self.warm = saved.is_ok().then_some(memory);
        report
    }

    fn report(&self, memory: &Memory, decided: Decided, outcomes: Vec<Outcome>, context: &Context) -> Report {
        let own = OwnUse {
            caps_in_force: emf::caps_in_force(&memory.state),
            calls: self.ports.calls.take().values().sum(),
            cost: USD_PER_METRIC * i128::from(decided.metrics),
        };
        let line = TickLine::of(&decided.plan, &outcomes, &own, &decided.took);
        let mut metrics = emf::documents(&decided.plan, &own, context);
        metrics.truncate(match self.identity.metrics {
            Metrics::None => 0,
            Metrics::Guard => 1,
            Metrics::All => usize::MAX,
        });
        let listed = memory.survey.is_complete().then_some(memory.survey.inventory.functions.len());
        Report {
            plan: decided.plan,
            outcomes,
            own,
            problems: decided.problems,
            functions: listed,
            line,
            metrics,
        }
    }

    pub(super) fn context(&self, roster: &Roster) -> Context {
        Context {
            account: self.identity.account.clone(),
            region: self.identity.region.to_string(),
            guard: self
                .identity
                .function
                .as_ref()
                .map_or_else(|| "dow-guard".to_owned(), ToString::to_string),
            stage: self.identity.stage.clone(),
            metric_lag_s: roster.policy.timing.metric_lag_s,
            realert_min: roster.policy.alerts.realert_min,
            runbook: roster.policy.alerts.runbook.clone(),
        }
    }
}

/// Control-plane calls for configuration that is not urgent.
pub(super) fn survey_calls(memory: &Memory) -> u32 {
    if memory.survey.is_complete() { SURVEY_CALLS } else { FIRST_SURVEY_CALLS }
}

/// The next request to CloudWatch.
fn ask(
    roster: &Roster,
    state: &State,
    at: DateTime<Utc>,
    sampling: SamplingPlan,
    census: Option<CensusSlice>,
) -> Ask {
    let SamplingPlan { focus, glance, with_concurrency, .. } = sampling;
    let place = |name: &FunctionName| {
        roster.inventory.functions.binary_search_by(|function| function.name.cmp(name)).ok()
    };
    let from = ask_from(roster, state, at, (&focus, &glance));
    let glance = glance.into_iter().filter(|name| focus.binary_search(name).is_err());
    let glance = glance.filter_map(|name| {
        let invocations = sampling::asks_invocations(roster, place(&name)?);
        Some(Glanced { name, invocations, concurrency: with_concurrency })
    });
    let received = focus.iter().filter(|name| roster.inventory.function(name).is_some_and(counts_received));
    Ask {
        at,
        received: received.cloned().collect(),
        from,
        settled: roster.policy.timing.settled(at),
        glance: glance.collect(),
        focus,
        census,
        until: None,
    }
}

/// Functions whose hours a look has read.
fn counted(seen: &Observation) -> BTreeSet<FunctionName> {
    seen.census.iter().flat_map(|census| census.functions.iter().map(|(name, _)| name.clone())).collect()
}

/// Functions whose ledgers this tick may have changed, the census aside: those looked at, those that explain a breach,
/// and those with a trip, whichever phase the tick leaves it in: the hours of a trip are marked before the phase
/// changes.
fn touched(state: &State, plan: &Plan, seen: &Observation) -> BTreeSet<FunctionName> {
    let looked_at = seen.functions.iter().chain(&seen.glances).map(|(name, _)| name);
    let breaching =
        plan.functions.iter().filter(|record| record.reason.is_breach()).map(|record| &record.function);
    looked_at.chain(breaching).chain(state.latches.keys()).cloned().collect()
}

#[expect(clippy::disallowed_methods, reason = "the durations of steps are reported")]
fn begin() -> Instant {
    Instant::now()
}

/// Waits for a step and notes how long it took.
async fn timed<T>(took: &mut Took, step: &'static str, work: impl Future<Output = T>) -> T {
    let start = begin();
    let done = work.await;
    took.push((step, start.elapsed()));
    done
}

#[cfg(test)]
mod tests;

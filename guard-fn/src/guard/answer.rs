//! Operators' questions and orders: answered from the memory, from a rehearsed tick, or by a change made at once.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use guard_core::alert;
use guard_core::money::Usd;
use guard_core::name::{BudgetName, FunctionName, Region};
use guard_core::observation::Freshness;
use guard_core::operator::{self, Command, CommandError};
use guard_core::plan::{FunctionRecord, Plan, Verdict};
use guard_core::report;
use guard_core::report::bound::BoundReport;
use guard_core::report::exposure::ExposureReport;
use guard_core::roster::Roster;
use guard_core::settle::{self, ApplyResult, Outcome};
use guard_core::state::{Latch, Operator};
use guard_core::text::nearest;
use guard_core::time::Minute;
use serde::Serialize;

use super::tell::send;
use super::{
    ACTED, BEGUN, Guard, InForce, Report, SAVED, SETTLED, SURVEYED, TOLD, TickError, act, in_time, leave,
    load,
};
use crate::memory::{Memory, Overview};
use crate::ports::{Granted, Proof, StoreError, Unavailable};
use crate::wake::Question;

/// An answer, with what it lacks.
#[derive(Clone, Debug, Serialize)]
pub struct Reply {
    /// The answer.
    #[serde(flatten)]
    pub answer: Answer,
    /// What could not be read, each once: the answer rests on what was known before.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
    /// Whether the region has no function at all, which is rarely the region meant.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_empty: bool,
}

/// The answer to a question or an order.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub enum Answer {
    /// The order was carried out, as far as its outcomes say.
    Done(Done),
    /// The state of the guard.
    Status(Status),
    /// The decision that a tick would make now.
    Plan {
        /// In sentences.
        says: Vec<String>,
        /// In full.
        plan: Box<Plan>,
    },
    /// The reasons for a function's current state.
    Explain(Box<Explained>),
    /// The highest possible cost of each function, dearest first.
    Exposure(Box<ExposureReport>),
    /// The overrun possible for each budget before a cap bites.
    Bound(Box<BoundReport>),
    /// The permissions granted.
    SelfTest {
        /// Whether none is missing, of those that can be proved without changing anything.
        ok: bool,
        /// Each permission, with AWS's answer.
        proofs: Vec<Proof>,
    },
}

/// The result of an order.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Done {
    /// The order.
    pub order: Command,
    /// The result, in sentences.
    pub says: Vec<String>,
    /// Every change and its outcome.
    pub outcomes: Vec<Outcome>,
}

/// The state of the guard, from its memory alone.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Status {
    /// When the last tick looked.
    pub last_tick: Option<DateTime<Utc>>,
    /// Whether it may change anything: by the policy, or by an operator's order.
    pub armed: bool,
    /// The orders of operators that are still in force.
    pub operator: Operator,
    /// Spent in the present period, by budget.
    pub spent: BTreeMap<BudgetName, Usd>,
    /// The levers held and the reasons, by function.
    pub trips: BTreeMap<FunctionName, Latch>,
    /// Alarms that are open.
    pub alarms: Vec<String>,
    /// Functions known.
    pub functions: usize,
    /// When all functions were listed last.
    pub listed_at: Option<DateTime<Utc>>,
    /// Messages that no service has accepted yet.
    pub waiting_messages: usize,
}

/// The reasons for a function's current state.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explained {
    /// In sentences.
    pub says: Vec<String>,
    /// Its numbers at this moment; `None` if it was not looked at.
    pub record: Option<FunctionRecord>,
    /// The trip it is in.
    pub trip: Option<Latch>,
    /// The concurrency that a cap would leave to it.
    pub floor: u32,
    /// Whether the guard must never touch it.
    pub protected: bool,
    /// Budgets that cover it.
    pub budgets: Vec<BudgetName>,
}

/// Why an operator gets no answer.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// The order cannot be carried out.
    #[error(transparent)]
    Refused(#[from] CommandError),
    /// The memory could not be read or written: nothing was changed.
    #[error(transparent)]
    Tick(#[from] TickError),
    /// AWS says that the function does not exist.
    #[error("no function {function:?} in {region}{near}")]
    Missing {
        /// The function asked for.
        function: String,
        /// The region asked.
        region: Region,
        /// What there is instead, in words.
        near: String,
    },
    /// Something could not be put back.
    #[error("still changed by the guard, which is now disarmed: {}; ask again", .held.join("; "))]
    Held {
        /// Functions, and why if it is known.
        held: Vec<String>,
    },
    /// What an answer needs could not be read, so there is none.
    #[error("UNKNOWN: {what}: {}", .problems.join("; "))]
    Unread {
        /// What is unknown.
        what: String,
        /// Why, each once.
        problems: Vec<String>,
    },
}

/// Calls without which it is unknown whether a function exists.
const OF_EXISTENCE: [&str; 3] =
    ["lambda:GetFunction:", "lambda:ListFunctions:", "lambda:GetAccountSettings:"];

/// The policy and the account as far as they could be read.
struct Surveyed {
    roster: Roster,
    problems: Vec<String>,
}

impl From<Unavailable> for AnswerError {
    fn from(problem: Unavailable) -> Self {
        StoreError::from(problem).into()
    }
}

impl From<StoreError> for AnswerError {
    fn from(error: StoreError) -> Self {
        AnswerError::Tick(error.into())
    }
}

impl Guard {
    /// Carries out an operator's order at once; it is recorded before and settled after, like a tick's plan.
    ///
    /// # Errors
    /// If the order is refused, or the memory cannot be read or saved. Nothing was changed then.
    pub async fn obey(&mut self, order: &Command, at: DateTime<Utc>) -> Result<Reply, AnswerError> {
        let mut memory = load(self.ports.store.as_ref(), self.time.at(BEGUN)).await?;
        // An order is about its functions: the others are read in their turn by the next tick.
        let calls = super::tick::SURVEY_CALLS;
        let urgent = leave::urgent(&memory, order);
        let Surveyed { roster, problems } = self.surveyed(&mut memory, &urgent, at, calls).await;
        let waiting = memory.outbox.len();
        let planned = operator::command(&roster, &mut memory.state, at, order);
        let plan = planned.map_err(|refused| self.refused(refused, &memory, &problems))?;
        let reply = |says: Vec<String>, outcomes: Vec<Outcome>| Reply {
            answer: Answer::Done(Done { order: order.clone(), says, outcomes }),
            problems: problems.clone(),
            is_empty: false,
        };
        if !self.may_change {
            let mut says: Vec<String> =
                plan.actions.iter().map(|action| report::action(action, false)).collect();
            says.push("Nothing was changed and nothing was noted; --apply does it.".to_owned());
            return Ok(reply(says, Vec::new()));
        }
        self.save(&mut memory, &BTreeSet::new(), SAVED).await?;
        let time = self.time.stage(ACTED.0, ACTED.1);
        let outcomes = act::carry_out(self.ports.control.as_ref(), &plan.actions, time).await;
        let outcomes = act::note(outcomes, &plan, &mut memory);
        settle::settle(&mut memory.state, at, &outcomes);
        let realert = TimeDelta::minutes(i64::from(roster.policy.alerts.realert_min));
        let notices = alert::after_actions(&plan, &outcomes, &mut memory.state.alerts, realert);
        memory.queue(alert::messages(&notices, &plan, &self.context(&roster)));
        let mut says: Vec<String> = outcomes.iter().map(said).collect();
        says.extend(act::left(&plan.actions, &outcomes).map(|left| left.to_string()));
        if self.is_visiting {
            // The messages are for the topics of the guard whose memory this is, and so are those that waited before.
            let own = memory.outbox.len().saturating_sub(waiting);
            says.extend((own > 0).then(|| "the deployed guard reports it at its next tick".to_owned()));
        } else {
            let messages = std::mem::take(&mut memory.outbox);
            let told = send(self.ports.alerts.as_ref(), messages, self.time.at(TOLD), BTreeSet::new()).await;
            memory.outbox = told.left;
            says.extend(told.problems.iter().map(|problem| format!("not told yet: {problem}")));
        }
        if (!outcomes.is_empty() || memory.outbox.len() != waiting)
            && let Err(error) = self.save(&mut memory, &BTreeSet::new(), SETTLED).await
        {
            says.push(format!("{error}; the next tick finds what was changed"));
        }
        if *order == Command::ReleaseAll {
            let held = leave::held(&memory, &outcomes, at);
            if !held.is_empty() {
                return Err(AnswerError::Held { held });
            }
        }
        if says.is_empty() {
            says.push("noted; it counts from the next tick on".to_owned());
        }
        Ok(reply(says, outcomes))
    }

    /// Answers a question. Nothing is changed, except that a self-test sends a message to each topic.
    ///
    /// # Errors
    /// If the memory cannot be read, the function in question does not exist, or what the answer needs is unknown.
    pub async fn answer(&mut self, question: &Question, at: DateTime<Utc>) -> Result<Reply, AnswerError> {
        let reply = |answer, problems| Reply { answer, problems, is_empty: false };
        match question {
            Question::Status => self.status(at).await,
            Question::Plan => {
                let report = self.rehearse(at, &[]).await?;
                let answer = Answer::Plan { says: report.says(), plan: Box::new(report.plan) };
                Ok(Reply { is_empty: report.functions == Some(0), ..reply(answer, report.problems) })
            }
            Question::Explain { function } => self.explain(function, at).await,
            Question::Exposure => {
                let (memory, Surveyed { roster, problems }) = self.remembered(at).await?;
                let report = ExposureReport::new(&roster, &memory.state, Minute::of(at), &BTreeSet::new());
                Ok(Reply {
                    is_empty: report.functions.is_empty(),
                    ..reply(Answer::Exposure(Box::new(report)), problems)
                })
            }
            Question::Bound => {
                let (memory, Surveyed { roster, problems }) = self.remembered(at).await?;
                let report = BoundReport::new(&roster, |name| memory.state.profile(name));
                let is_empty = roster.inventory.functions.is_empty();
                Ok(Reply { is_empty, ..reply(Answer::Bound(Box::new(report)), problems) })
            }
            Question::SelfTest => Ok(reply(self.prove().await, Vec::new())),
        }
    }

    /// The memory and the roster built from it, where all functions and the account's limits are known.
    async fn remembered(&self, at: DateTime<Utc>) -> Result<(Memory, Surveyed), AnswerError> {
        let mut memory = load(self.ports.store.as_ref(), self.time.at(BEGUN)).await?;
        let calls = super::tick::survey_calls(&memory);
        let mut surveyed = self.surveyed(&mut memory, &[], at, calls).await;
        if let (Some(listed_at), false) = (memory.survey.listed_at, surveyed.problems.is_empty()) {
            let listed_at = listed_at.format("%F %R");
            surveyed.problems.push(format!("The answer rests on the list of functions of {listed_at} UTC."));
        }
        let region = &self.identity.region;
        let what = if !memory.survey.is_complete() {
            format!("the functions of {region} could not be listed")
        } else if memory.survey.account_at.is_none() {
            format!("the account's limits in {region} could not be read")
        } else {
            return Ok((memory, surveyed));
        };
        Err(AnswerError::Unread { what, problems: surveyed.problems })
    }

    /// Policy, survey and roster, with the order's functions read afresh.
    async fn surveyed(
        &self,
        memory: &mut Memory,
        urgent: &[FunctionName],
        at: DateTime<Utc>,
        calls: u32,
    ) -> Surveyed {
        let in_force = self.policy(&mut memory.policy, at).await;
        let time = self.time.stage(SURVEYED.0, SURVEYED.1);
        let faults = self.ports.control.survey(&mut memory.survey, urgent, at, calls, time).await;
        let problems = in_force.problem.into_iter().chain(faults.iter().map(ToString::to_string));
        Surveyed {
            problems: problems.collect(),
            roster: self.roster(in_force.policy, memory.survey.inventory.clone()),
        }
    }

    /// Why an order or a question about a function gets no answer: a function that is not known does not exist only if
    /// AWS said so.
    fn refused(&self, refused: CommandError, memory: &Memory, problems: &[String]) -> AnswerError {
        let CommandError::NoSuchFunction { function } = &refused else { return refused.into() };
        let is_of_existence = |problem: &&String| OF_EXISTENCE.iter().any(|call| problem.starts_with(call));
        let region = self.identity.region.clone();
        if memory.survey.is_complete() && problems.iter().find(is_of_existence).is_none() {
            let names = memory.survey.inventory.functions.iter().map(|function| function.name.as_str());
            let near = match (names.len(), nearest(function, names)) {
                (0, _) => ", which has no function at all: is it the right region?".to_owned(),
                (_, Some(near)) => format!("; did you mean {near:?}?"),
                (1, None) => ", which has 1 function".to_owned(),
                (count, None) => format!(", which has {count} functions"),
            };
            return AnswerError::Missing { function: function.clone(), region, near };
        }
        let what = format!(
            "{region} could not be asked whether it has a function {function:?}; nothing was changed"
        );
        AnswerError::Unread { what, problems: problems.to_vec() }
    }

    async fn status(&self, at: DateTime<Utc>) -> Result<Reply, AnswerError> {
        let read = self.ports.store.overview();
        let mut overview = in_time(self.time.at(BEGUN), "reading the memory", read).await??;
        let InForce { policy, problem } = self.policy(&mut overview.policy, at).await;
        let Overview { state, listed_at, functions, waiting_messages, .. } = overview;
        let open = state.alerts.iter().filter(|(_, alert)| alert.open).map(|(alarm, _)| alarm.clone());
        let answer = Answer::Status(Status {
            last_tick: state.last_tick,
            armed: state.operator.armed.unwrap_or(policy.armed),
            spent: state.budgets.iter().map(|(name, book)| (name.clone(), book.spent.expected)).collect(),
            alarms: open.collect(),
            operator: state.operator,
            trips: state.latches,
            functions,
            listed_at,
            waiting_messages,
        });
        Ok(Reply { answer, problems: problem.into_iter().collect(), is_empty: false })
    }

    async fn explain(&self, name: &FunctionName, at: DateTime<Utc>) -> Result<Reply, AnswerError> {
        let (memory, decided) = self.rehearsed(at, std::slice::from_ref(name)).await?;
        let roster = &decided.roster;
        let missing = || {
            let unknown = CommandError::NoSuchFunction { function: name.to_string() };
            self.refused(unknown, &memory, &decided.problems)
        };
        let place = roster.inventory.functions.binary_search_by(|function| function.name.cmp(name));
        let (place, member) =
            place.ok().and_then(|place| Some((place, roster.members.get(place)?))).ok_or_else(missing)?;
        let p99 = memory.state.profile(name).and_then(|profile| profile.concurrency_p99());
        let plan = &decided.plan;
        let of_actions = plan.actions.iter().filter(|action| action.function == *name);
        let of_refusals = plan.refusals.iter().filter(|refusal| refusal.function == *name);
        let record = plan.functions.iter().find(|record| record.function == *name).cloned();
        // Without its metrics a function is neither usual nor unusual.
        let reason = match &record {
            Some(record) if record.freshness == Freshness::Unknown => {
                "UNKNOWN: its metrics could not be read".to_owned()
            }
            Some(record) => record.reason.to_string(),
            None => "UNKNOWN: it was not looked at".to_owned(),
        };
        let mistyped = roster.tag_problems.iter().filter(|problem| problem.function.as_ref() == Some(name));
        let says = std::iter::once(reason)
            .chain(of_actions.map(|action| report::action(action, plan.armed)))
            .chain(of_refusals.map(report::refusal))
            .chain(mistyped.map(ToString::to_string));
        let budgets = member.budgets.iter().filter_map(|index| roster.rules.get(*index));
        let answer = Answer::Explain(Box::new(Explained {
            says: says.collect(),
            trip: memory.state.latches.get(name).cloned(),
            floor: roster.floor(place, p99),
            protected: member.protected,
            budgets: budgets.map(|rule| rule.name.clone()).collect(),
            record,
        }));
        Ok(Reply { answer, problems: decided.problems, is_empty: false })
    }

    /// Proves every permission without harm. What cannot be proved is no failure.
    async fn prove(&self) -> Answer {
        let mut proofs = self.ports.policy.prove().await;
        proofs.extend(self.ports.store.prove().await);
        proofs.extend(self.ports.metrics.prove().await);
        // A memory that cannot be read shows in the store's own proofs.
        let memory = load(self.ports.store.as_ref(), self.time.at(BEGUN)).await;
        let known = memory.map(|memory| memory.survey.inventory.functions).unwrap_or_default();
        proofs.extend(self.ports.control.prove(&known).await);
        proofs.extend(self.ports.alerts.prove().await);
        Answer::SelfTest { ok: proofs.iter().all(|proof| proof.granted != Granted::No), proofs }
    }
}

impl Report {
    /// The plan for a person: each budget's state, the changes it would make, and those it would leave. Without the list of
    /// all functions no budget is fine.
    pub(crate) fn says(&self) -> Vec<String> {
        let Report { plan, functions, .. } = self;
        let budgets = plan.budgets.iter().map(|record| match functions {
            None if record.verdict == Verdict::Fine => {
                report::unknown_headline(record, "the functions could not be listed")
            }
            _ => report::budget_headline(record),
        });
        let actions = plan.actions.iter().map(|action| report::action(action, plan.armed));
        budgets.chain(actions).chain(plan.refusals.iter().map(report::refusal)).collect()
    }
}

fn said(outcome: &Outcome) -> String {
    let change = report::change(&outcome.change);
    match &outcome.result {
        ApplyResult::Applied => format!("{}: {change}", outcome.function),
        ApplyResult::Rejected { message } => format!("{}: refused: {change}: {message}", outcome.function),
        ApplyResult::Unavailable { message } => {
            format!("{}: no answer: {change}: {message}", outcome.function)
        }
    }
}

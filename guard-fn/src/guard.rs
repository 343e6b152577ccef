//! The guard as it runs: one tick after another on one memory, through ports. The order of a tick's steps guarantees
//! that a crash between any two of them loses nothing and doubles nothing.

mod act;
mod answer;
mod heed;
mod leave;
mod own;
mod tell;
mod tick;

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use guard_core::inventory::Inventory;
use guard_core::name::{FunctionName, Region};
use guard_core::operator::Command;
use guard_core::policy::Policy;
use guard_core::pricing::PriceTable;
use guard_core::roster::Roster;
use tokio::time::{Instant, timeout_at};

pub use self::answer::{Answer, AnswerError, Done, Explained, Reply, Status};
pub use self::tick::{Report, TickError};

use self::heed::Heard;
use crate::config::Metrics;
use crate::deadline::Deadline;
use crate::memory::{KnownPolicy, Memory};
use crate::ports::{Ports, PriceSource, StateStore, StoreError, TIME_IS_UP, Unavailable};
use crate::wake;

/// The guard's identity and where it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The account's twelve digits; empty if unknown.
    pub account: String,
    /// The region it guards.
    pub region: Region,
    /// Its own function, which it never touches; `None` on a laptop.
    pub function: Option<FunctionName>,
    /// The owner's name for this installation.
    pub stage: String,
    /// Which custom metrics a tick writes.
    pub metrics: Metrics,
}

/// A guard with its ports, and what stays warm between two ticks.
pub struct Guard {
    ports: Ports,
    identity: Identity,
    prices: PriceTable,
    /// The memory as saved last, kept while this process is alone with it.
    warm: Option<Memory>,
    /// Seconds between two ticks, by the policy that was in force last.
    tick_s: u32,
    /// Whether it may change anything, whatever the policy and operators say.
    may_change: bool,
    /// Whether the memory is another guard's, which has a policy of its own.
    is_visiting: bool,
    /// Whether that policy applies, and not the one of its own port.
    borrows_policy: bool,
    /// Whether a schedule wakes it, so that the time between two ticks means something.
    is_scheduled: bool,
    /// The time of the present invocation.
    time: Deadline,
    /// Hints and ticks so far.
    heard: Heard,
}

/// The policy in force and what is wrong with the present one.
#[derive(Clone, Debug)]
struct InForce {
    policy: Policy,
    problem: Option<String>,
}

impl Guard {
    /// A guard that has not run yet.
    pub fn new(ports: Ports, identity: Identity, prices: PriceTable) -> Self {
        Guard {
            ports,
            identity,
            prices,
            warm: None,
            tick_s: Policy::default().timing.tick_s,
            may_change: true,
            is_visiting: false,
            borrows_policy: false,
            is_scheduled: false,
            time: Deadline::none(),
            heard: Heard::default(),
        }
    }

    /// Sets when the present invocation must be over: every step of it keeps to its part of the time.
    pub fn must_end_within(&mut self, time: Duration) {
        self.time = Deadline::within(time);
    }

    /// A schedule wakes it: a longer time than the policy's `timing.tick_s` since the last tick is told, and counts as
    /// the time until it looks again.
    pub fn keep_schedule(&mut self) {
        self.is_scheduled = true;
    }

    /// The guard's identity.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Sets whether the guard may change anything at all; by default it may. If not, everything is decided, remembered
    /// and reported as by a disarmed guard, and an operator's order is only described.
    pub fn permit_changes(&mut self, may_change: bool) {
        self.may_change = may_change;
    }

    /// Makes it a visitor to another guard's memory: the visitor's policy applies to its own answers, and does not
    /// become the one that the other falls back on when its own cannot be read. A visitor that borrows the policy takes
    /// the one that the other read last. A visitor's tick saves, changes and sends nothing; its orders are carried out,
    /// and the other guard tells of them.
    pub fn visit(&mut self, borrows_policy: bool) {
        self.is_visiting = true;
        self.borrows_policy = borrows_policy;
    }

    /// Disarms the guard, and puts back everything it changed on any function: it is about to be deleted. Another tick may
    /// save meanwhile, and an answer may be lost, so it is tried again while there is time.
    ///
    /// # Errors
    /// If something could not be put back, or the memory cannot be read or saved.
    pub async fn leave(&mut self, at: DateTime<Utc>) -> Result<Reply, AnswerError> {
        let mut tries = 1;
        loop {
            let done = self.obey(&Command::ReleaseAll, at).await;
            let is_worth_another = matches!(
                done,
                Err(AnswerError::Held { .. }
                    | AnswerError::Tick(TickError::Memory(StoreError::Conflict { .. })))
            );
            if !is_worth_another || tries >= LEAVE_TRIES || self.time.is_past(LEAVE_AGAIN) {
                return done;
            }
            tries += 1;
        }
    }

    /// How old an event may be and still be obeyed.
    pub fn limits(&self) -> wake::Limits {
        wake::Limits::for_period(TimeDelta::seconds(i64::from(self.tick_s)))
    }

    /// Takes its account from the invocation if it was unknown before.
    pub fn in_account(&mut self, account: &str) {
        if self.identity.account.is_empty() {
            account.clone_into(&mut self.identity.account);
        }
    }

    /// The memory, warm or loaded, with whether it was warm; the policy's text; and what was wrong with the prices if
    /// they were due. None of the three waits for another.
    async fn begin(
        &mut self,
        at: DateTime<Utc>,
    ) -> (Result<(Memory, bool), StoreError>, Result<String, Unavailable>, Option<Unavailable>) {
        let until = self.time.at(BEGUN);
        let warm = self.warm.take();
        let Ports { store, policy, prices, .. } = &mut self.ports;
        let memory = async {
            match warm {
                Some(memory) => Ok((memory, true)),
                None => load(store.as_ref(), until).await.map(|memory| (memory, false)),
            }
        };
        let policy = in_time(until, "reading the policy", policy.fetch());
        let prices =
            in_time(until, "reading the prices", reprice(prices.as_deref_mut(), &mut self.prices, at));
        let (memory, policy, prices) = tokio::join!(memory, policy, prices);
        (memory, policy.and_then(|policy| policy), prices.and_then(|prices| prices).err())
    }

    /// Saves the memory before so many percent of the time are gone; one that could not be saved is not kept warm either.
    async fn save(
        &mut self,
        memory: &mut Memory,
        touched: &BTreeSet<FunctionName>,
        percent: u32,
    ) -> Result<(), StoreError> {
        self.warm = None;
        let save = self.ports.store.save(memory, touched);
        in_time(self.time.at(percent), "writing the memory", save).await?
    }

    /// The policy in force: the present one, or the last good one while that is unreadable or invalid.
    async fn policy(&self, last_good: &mut Option<KnownPolicy>, at: DateTime<Utc>) -> InForce {
        if self.borrows_policy {
            return Self::borrowed(last_good.as_ref());
        }
        let fetched = in_time(self.time.at(BEGUN), "reading the policy", self.ports.policy.fetch()).await;
        self.in_force(fetched.and_then(|fetched| fetched), last_good, at)
    }

    /// The policy that the guard whose memory this is has read last.
    fn borrowed(last_good: Option<&KnownPolicy>) -> InForce {
        let known = last_good.and_then(|known| Policy::from_toml(&known.text).ok());
        let problem = known.is_none().then(|| "the memory has no policy yet: --policy names one".to_owned());
        InForce { policy: known.unwrap_or_default(), problem }
    }

    /// The same, of a text that was fetched.
    fn in_force(
        &self,
        fetched: Result<String, Unavailable>,
        last_good: &mut Option<KnownPolicy>,
        at: DateTime<Utc>,
    ) -> InForce {
        if self.borrows_policy {
            return Self::borrowed(last_good.as_ref());
        }
        let present = fetched.map(|text| (Policy::from_toml(&text), text));
        let problem = match present {
            Ok((Ok(policy), text)) => {
                if !self.is_visiting && last_good.as_ref().is_none_or(|known| known.text != text) {
                    *last_good = Some(KnownPolicy { text, since: at });
                }
                return InForce { policy, problem: None };
            }
            Ok((Err(error), _)) => format!("the policy is not valid: {error}"),
            Err(error) => format!("the policy cannot be read: {error}"),
        };
        let known = last_good.as_ref().and_then(|known| Policy::from_toml(&known.text).ok());
        // Without any policy the guard watches, disarmed and without budgets: never silent, never harmful.
        InForce { policy: known.unwrap_or_default(), problem: Some(problem) }
    }

    fn roster(&self, policy: Policy, inventory: Inventory) -> Roster {
        Roster::new(policy, &self.prices, inventory, self.identity.function.clone())
    }
}

/// Refreshes the prices if they are due. After an error the prices known before stay in force.
async fn reprice(
    source: Option<&mut (dyn PriceSource + 'static)>,
    prices: &mut PriceTable,
    at: DateTime<Utc>,
) -> Result<(), Unavailable> {
    let Some(source) = source else { return Ok(()) };
    if let Some(newer) = source.refresh(prices, at).await? {
        *prices = newer;
    }
    Ok(())
}

/// The memory as it is stored.
async fn load(store: &dyn StateStore, until: Instant) -> Result<Memory, StoreError> {
    in_time(until, "reading the memory", store.load()).await?
}

/// The result of a step, unless its time is up before.
async fn in_time<T>(until: Instant, what: &str, work: impl Future<Output = T>) -> Result<T, Unavailable> {
    timeout_at(until, work).await.map_err(|_| Unavailable::new(what, TIME_IS_UP))
}

/// The parts of an invocation's time, in percent of it, so that in a minute every step can still end when calls take five
/// seconds. Our choice. Until then memory and policy must be read.
const BEGUN: u32 = 40;
/// From the first the survey begins nothing new, and at the second it ends.
const SURVEYED: (u32, u32) = (40, 50);
/// Before the first the guard may look again, and at the second a look ends.
const LOOKED: (u32, u32) = (45, 62);
/// When the memory with the decision and its intents must be saved. Where that comes late there is no time to act, and the
/// next tick does.
const SAVED: u32 = 88;
/// From the first no change begins, and at the second what is under way is given up.
const ACTED: (u32, u32) = (76, 83);
/// When the first messages are given up while changes are made, and when the last ones are.
const TOLD_FIRST: u32 = 83;
const TOLD: u32 = 89;
/// When the outcomes must be saved: what is left is for the answer and the log.
const SETTLED: u32 = 96;

/// How often a guard that is about to be deleted tries to put everything back, and the part of the time until which it
/// begins again. Our choice: a try needs half of it.
const LEAVE_TRIES: u32 = 3;
const LEAVE_AGAIN: u32 = 40;

/// How long each step took, in order.
type Took = Vec<(&'static str, Duration)>;

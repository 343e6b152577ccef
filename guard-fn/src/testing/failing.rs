//! Any port, whose calls fail or are slow by a schedule: refused, hanging until their time is over, done without an answer,
//! or the last thing that happened before the process ended.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use guard_core::alert::Message;
use guard_core::inventory::Function;
use guard_core::name::FunctionName;
use guard_core::observation::{Freshness, Observation, Series};
use guard_core::plan::Action;
use guard_core::settle::ApplyResult;
use tokio::sync::Notify;

use super::locked;
use crate::deadline::Stage;
use crate::memory::Memory;
use crate::ports::{
    AlertSink, Ask, ConcurrencyControl, Look, MetricSource, PolicySource, Proof, StateStore, StoreError,
    Unavailable,
};
use crate::survey::Survey;

/// How long a call that hangs takes until it is given up: the operation time-out of the real adapters.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(12);

/// What goes wrong with one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The service says no. Nothing took effect.
    Refused,
    /// No answer in time. Nothing took effect.
    Hanging,
    /// It took effect, and the answer is lost.
    Lost,
    /// The process ends before the call.
    Stopped,
    /// The process ends after it took effect.
    StoppedAfter,
}

/// A fault that came to pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fired {
    /// The call, counted from 0 over all ports.
    pub call: u64,
    /// Its port and name.
    pub name: &'static str,
    /// What went wrong.
    pub fault: Fault,
}

#[derive(Debug)]
enum Schedule {
    Listed(BTreeMap<u64, Fault>),
    Seeded { seed: u64, odds: Odds },
}

/// How often calls go wrong, and how long they take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Odds {
    /// Calls of a thousand that are refused, hang or lose their answer.
    pub fail: u64,
    /// Calls of a thousand at which the process ends, before or after they take effect.
    pub kill: u64,
    /// The longest that a call takes which does not hang; each takes a part of it.
    pub slowest: Duration,
}

#[derive(Debug)]
struct Inner {
    schedule: Schedule,
    calls: u64,
    fired: Vec<Fired>,
}

/// Which calls fail, counted over all ports that share it. Clones are the same schedule.
#[derive(Clone, Debug)]
pub struct Faults(Arc<Mutex<Inner>>, Arc<Notify>);

impl Faults {
    fn of(schedule: Schedule) -> Self {
        Faults(Arc::new(Mutex::new(Inner { schedule, calls: 0, fired: Vec::new() })), Arc::default())
    }

    /// No call fails.
    pub fn none() -> Self {
        Faults::of(Schedule::Listed(BTreeMap::new()))
    }

    /// These calls fail, counted from 0.
    pub fn listed(faults: impl IntoIterator<Item = (u64, Fault)>) -> Self {
        Faults::of(Schedule::Listed(faults.into_iter().collect()))
    }

    /// Calls go wrong and take time by these odds; which, the seed says.
    pub fn seeded(seed: u64, odds: Odds) -> Self {
        Faults::of(Schedule::Seeded { seed, odds })
    }

    /// From now on no call fails or takes time.
    pub fn cease(&self) {
        locked(&self.0).schedule = Schedule::Listed(BTreeMap::new());
    }

    /// Returns when the process ends at a call, from now on.
    pub async fn ended(&self) {
        self.1.notified().await;
    }

    /// The process ends: nothing comes back from here.
    async fn end(&self) -> ! {
        self.1.notify_waiters();
        std::future::pending().await
    }

    /// Calls made so far.
    pub fn calls(&self) -> u64 {
        locked(&self.0).calls
    }

    /// What came to pass since this was asked last.
    pub fn take_fired(&self) -> Vec<Fired> {
        std::mem::take(&mut locked(&self.0).fired)
    }

    /// The fate of the next call, and how long it takes.
    fn next(&self, name: &'static str) -> (Option<Fault>, Duration) {
        let mut inner = locked(&self.0);
        let call = inner.calls;
        inner.calls += 1;
        let (fault, takes) = match &inner.schedule {
            Schedule::Listed(faults) => (faults.get(&call).copied(), Duration::ZERO),
            Schedule::Seeded { seed, odds } => drawn(*seed, call, odds),
        };
        inner.fired.extend(fault.map(|fault| Fired { call, name, fault }));
        (fault, takes)
    }
}

/// The fault of a call by its seed, and how long it takes.
fn drawn(seed: u64, call: u64, odds: &Odds) -> (Option<Fault>, Duration) {
    let bits = mixed(mixed(seed).wrapping_add(call));
    let kinds = [Fault::Refused, Fault::Hanging, Fault::Lost];
    let kind = usize::try_from(bits % 3).ok().and_then(|kind| kinds.get(kind).copied());
    let failed = kind.filter(|_| (bits >> 8) % 1000 < odds.fail);
    let end = if (bits >> 7) & 1 == 0 { Fault::Stopped } else { Fault::StoppedAfter };
    let killed = Some(end).filter(|_| (bits >> 24) % 1000 < odds.kill);
    // Most answers are fast, and a few take all of the time: the square of an even draw.
    let part = u32::try_from((bits >> 40) % 1000).unwrap_or(0);
    (killed.or(failed), odds.slowest * part / 1000 * part / 1000)
}

/// Spreads a number over all bits (the finalizer of splitmix64, Steele, Lea and Flood 2014).
const fn mixed(number: u64) -> u64 {
    let a = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let b = (a ^ (a >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let c = (b ^ (b >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    c ^ (c >> 31)
}

/// A port whose calls may fail.
#[derive(Clone, Debug)]
pub struct Failing<P> {
    port: P,
    faults: Faults,
}

impl<P> Failing<P> {
    /// A port behind a schedule.
    pub fn new(port: P, faults: &Faults) -> Self {
        Failing { port, faults: faults.clone() }
    }
}

/// What is left of a call that was drawn a fault: whether it takes effect, and what its caller hears.
struct Drawn<'a> {
    faults: &'a Faults,
    name: &'static str,
    fault: Option<Fault>,
}

impl<'a> Drawn<'a> {
    /// Draws the fate of a call; one that hangs has hung, and one before which the process ends never returns.
    async fn of(faults: &'a Faults, name: &'static str) -> Self {
        let (fault, takes) = faults.next(name);
        if !takes.is_zero() {
            tokio::time::sleep(takes).await;
        }
        match fault {
            Some(Fault::Stopped) => faults.end().await,
            Some(Fault::Hanging) => tokio::time::sleep(CALL_TIMEOUT).await,
            _ => {}
        }
        Drawn { faults, name, fault }
    }

    fn takes_effect(&self) -> bool {
        !matches!(self.fault, Some(Fault::Refused | Fault::Hanging))
    }

    /// After the effect: what went wrong, if anything. Never returns where the process ended.
    async fn answer(&self) -> Result<(), Unavailable> {
        let reason = match self.fault {
            None => return Ok(()),
            Some(Fault::Stopped | Fault::StoppedAfter) => self.faults.end().await,
            Some(Fault::Refused) => "refused",
            Some(Fault::Hanging) => "no answer in time",
            Some(Fault::Lost) => "the answer was lost",
        };
        Err(Unavailable::new(self.name, reason))
    }
}

#[async_trait]
impl<P: MetricSource> MetricSource for Failing<P> {
    /// A look that loses its answer has lost it for every other function, and for the region.
    async fn look(&self, ask: &Ask) -> Look {
        let drawn = Drawn::of(&self.faults, "metrics:look").await;
        let mut look = self.port.look(ask).await;
        if let Err(problem) = drawn.answer().await {
            let all_unknown = !drawn.takes_effect();
            forget(&mut look.observation, all_unknown);
            look.problems.push(problem);
        }
        look
    }

    async fn prove(&self) -> Vec<Proof> {
        self.port.prove().await
    }
}

/// Makes what was seen unknown: all of it, or the region and every other function.
fn forget(seen: &mut Observation, all: bool) {
    let unknown = || Series { freshness: Freshness::Unknown, ..Series::default() };
    seen.region = unknown();
    for (index, (_, series)) in seen.functions.iter_mut().enumerate() {
        if all || index % 2 == 0 {
            *series = unknown();
        }
    }
}

#[async_trait]
impl<P: ConcurrencyControl> ConcurrencyControl for Failing<P> {
    async fn survey(
        &self,
        survey: &mut Survey,
        urgent: &[FunctionName],
        at: DateTime<Utc>,
        calls: u32,
        time: Stage,
    ) -> Vec<Unavailable> {
        let drawn = Drawn::of(&self.faults, "control:survey").await;
        if let Err(problem) = drawn.answer().await {
            return vec![problem];
        }
        self.port.survey(survey, urgent, at, calls, time).await
    }

    async fn apply(&self, action: &Action) -> ApplyResult {
        let drawn = Drawn::of(&self.faults, "control:apply").await;
        if drawn.fault == Some(Fault::Refused) {
            return ApplyResult::Rejected { message: "refused".to_owned() };
        }
        let result = if drawn.takes_effect() { Some(self.port.apply(action).await) } else { None };
        match (drawn.answer().await, result) {
            (Ok(()), Some(result)) => result,
            (Err(problem), _) => ApplyResult::Unavailable { message: problem.to_string() },
            (Ok(()), None) => ApplyResult::Unavailable { message: "no answer".to_owned() },
        }
    }

    async fn prove(&self, known: &[Function]) -> Vec<Proof> {
        self.port.prove(known).await
    }
}

#[async_trait]
impl<P: StateStore> StateStore for Failing<P> {
    async fn load(&self) -> Result<Memory, StoreError> {
        let drawn = Drawn::of(&self.faults, "store:load").await;
        drawn.answer().await?;
        self.port.load().await
    }

    async fn save(&self, memory: &mut Memory, touched: &BTreeSet<FunctionName>) -> Result<(), StoreError> {
        let drawn = Drawn::of(&self.faults, "store:save").await;
        let revision = memory.state.revision;
        let saved = if drawn.takes_effect() { self.port.save(memory, touched).await } else { Ok(()) };
        if let Err(problem) = drawn.answer().await {
            memory.state.revision = revision;
            return Err(problem.into());
        }
        saved
    }

    async fn prove(&self) -> Vec<Proof> {
        self.port.prove().await
    }
}

#[async_trait]
impl<P: AlertSink> AlertSink for Failing<P> {
    async fn send(&self, message: &Message) -> Result<(), Unavailable> {
        let drawn = Drawn::of(&self.faults, "alerts:send").await;
        if drawn.takes_effect() {
            self.port.send(message).await?;
        }
        drawn.answer().await
    }

    async fn prove(&self) -> Vec<Proof> {
        self.port.prove().await
    }
}

#[async_trait]
impl<P: PolicySource> PolicySource for Failing<P> {
    async fn fetch(&self) -> Result<String, Unavailable> {
        let drawn = Drawn::of(&self.faults, "policy:fetch").await;
        drawn.answer().await?;
        self.port.fetch().await
    }

    async fn prove(&self) -> Vec<Proof> {
        self.port.prove().await
    }
}

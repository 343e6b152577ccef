//! What the guard needs from outside, by role. Adapters for AWS are in `aws`, for a laptop in `local`, for tests in
//! `testing`.

use std::collections::BTreeSet;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use guard_core::name::FunctionName;
use guard_core::observation::{CensusSlice, Observation};
use guard_core::plan::Action;
use guard_core::pricing::PriceTable;
use guard_core::settle::ApplyResult;
use guard_core::time::Minute;
use serde::Serialize;

use crate::alert::Message;
use crate::calls::Calls;
use crate::memory::{Memory, Overview};
use crate::survey::Survey;

/// What could not be asked, and why: nobody knows the answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{call}: {reason}")]
pub struct Unavailable {
    /// The call, such as `cloudwatch:GetMetricData`.
    pub call: String,
    /// The error and its causes in one line, without payloads.
    pub reason: String,
}

impl Unavailable {
    /// A call that failed.
    pub fn new(call: impl Into<String>, reason: impl Into<String>) -> Self {
        Unavailable { call: call.into(), reason: reason.into() }
    }
}

/// One permission, tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Proof {
    /// The IAM action, such as `lambda:PutFunctionConcurrency`.
    pub action: String,
    /// Whether it is there.
    pub ok: bool,
    /// What was tried and what AWS said.
    pub detail: String,
}

/// What a look at the metrics asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Now.
    pub at: DateTime<Utc>,
    /// The first minute, of the region and of the functions in focus.
    pub from: Minute,
    /// The newest minute that should have settled: what lacks points since is late.
    pub settled: Minute,
    /// Functions to read minute by minute, sorted.
    pub focus: Vec<FunctionName>,
    /// Functions of which to read the durations only, sorted; none of them is in focus.
    pub glance: Vec<Glanced>,
    /// Those in focus of which to read as well what Lambda's own queue received: `Point::async_received`.
    pub received: Vec<FunctionName>,
    /// Hours to read, and of whom.
    pub census: Option<CensusSlice>,
}

/// What to read of a function beside its durations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glanced {
    /// The function.
    pub name: FunctionName,
    /// Whether to read its invocations.
    pub invocations: bool,
    /// Whether to read its concurrency.
    pub concurrency: bool,
}

/// What a look brought, and what it took.
#[derive(Clone, Debug, PartialEq)]
pub struct Look {
    /// What was seen. What could not be read is there as unknown.
    pub observation: Observation,
    /// Metrics requested, which is what `GetMetricData` bills.
    pub metrics: u64,
    /// What went wrong, each once.
    pub problems: Vec<Unavailable>,
}

/// The source of metrics.
#[async_trait]
pub trait MetricSource: Send + Sync {
    /// One look. It never fails: what could not be read is unknown, and said under `problems`.
    async fn look(&self, ask: &Ask) -> Look;

    /// Proves its permissions without harm, one by one.
    async fn prove(&self) -> Vec<Proof>;
}

/// The control plane: it reads configuration and changes it.
#[async_trait]
pub trait ConcurrencyControl: Send + Sync {
    /// Brings the survey up to date: what is urgent in full and in this order, as far as a part of a tick goes; the rest
    /// by turns, with at most so many calls on top of that. What could not be read stays as it was known; each problem is
    /// returned once.
    async fn survey(
        &self,
        survey: &mut Survey,
        urgent: &[FunctionName],
        at: DateTime<Utc>,
        calls: u32,
    ) -> Vec<Unavailable>;

    /// Makes one change, by compare-and-set: the value in force is read again right before the call, and where it is
    /// not the one the change starts from, nothing is changed. An action that is found done is applied.
    async fn apply(&self, action: &Action) -> ApplyResult;

    /// Proves its permissions without harm, one by one.
    async fn prove(&self) -> Vec<Proof>;
}

/// The store of the guard's memory.
#[async_trait]
pub trait StateStore: Send + Sync {
    /// What was saved last; a new memory where nothing was.
    ///
    /// # Errors
    /// When it cannot be read: the guard then changes nothing.
    async fn load(&self) -> Result<Memory, StoreError>;

    /// What is not known function by function, of what was saved last. A store that can reads no more than that.
    ///
    /// # Errors
    /// When it cannot be read.
    async fn overview(&self) -> Result<Overview, StoreError> {
        self.load().await.map(Overview::from)
    }

    /// Saves all of it, if nobody else has since it was loaded; then its revision rises by one. `touched` are the
    /// functions whose ledgers may have changed.
    ///
    /// # Errors
    /// On [`StoreError::Conflict`] and [`StoreError::Unavailable`] the old memory is in force; after the latter the
    /// new one may be.
    async fn save(&self, memory: &mut Memory, touched: &BTreeSet<FunctionName>) -> Result<(), StoreError>;

    /// Proves its permissions without harm, one by one.
    async fn prove(&self) -> Vec<Proof>;
}

/// Why the memory could not be read or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Another tick has saved since: this one must not act.
    #[error("another tick has saved since revision {revision}")]
    Conflict {
        /// The revision that this tick started from.
        revision: u64,
    },
    /// The store did not answer, or not usefully.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// What is there cannot be read: written by a newer version, or damaged.
    #[error("the memory is not readable: {reason}")]
    Unreadable {
        /// What is wrong with it.
        reason: String,
    },
}

/// The sink of messages for people, chat and pagers.
#[async_trait]
pub trait AlertSink: Send + Sync {
    /// Sends one message to whoever its audience is; nothing where nobody of that audience is configured.
    ///
    /// # Errors
    /// When the service did not take it: it is tried again at the next tick.
    async fn send(&self, message: &Message) -> Result<(), Unavailable>;

    /// Proves its permissions without harm, one by one.
    async fn prove(&self) -> Vec<Proof>;
}

/// The source of the policy.
#[async_trait]
pub trait PolicySource: Send + Sync {
    /// The policy's text.
    ///
    /// # Errors
    /// When it cannot be read: the last good one stays in force.
    async fn fetch(&self) -> Result<String, Unavailable>;

    /// Proves its permissions without harm, one by one.
    async fn prove(&self) -> Vec<Proof>;
}

/// The source of current prices.
#[async_trait]
pub trait PriceSource: Send + Sync {
    /// The table with the prices of today over it, where they are due; `None` where they are not.
    ///
    /// # Errors
    /// When they cannot be read: the prices known before stay in force.
    async fn refresh(
        &mut self,
        prices: &PriceTable,
        at: DateTime<Utc>,
    ) -> Result<Option<PriceTable>, Unavailable>;
}

/// All of them.
pub struct Ports {
    /// CloudWatch.
    pub metrics: Box<dyn MetricSource>,
    /// Lambda's control plane.
    pub control: Box<dyn ConcurrencyControl>,
    /// DynamoDB.
    pub store: Box<dyn StateStore>,
    /// SNS.
    pub alerts: Box<dyn AlertSink>,
    /// SSM, or the environment.
    pub policy: Box<dyn PolicySource>,
    /// The public price list; `None`: the prices that the guard starts with stay in force.
    pub prices: Option<Box<dyn PriceSource>>,
    /// Counts what the others ask.
    pub calls: Calls,
}

//! The guard's outside dependencies, by role. Adapters for AWS are in `aws`, for a laptop in `local`, for tests in
//! `testing`.

use std::collections::BTreeSet;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use guard_core::alert::Message;
use guard_core::inventory::Function;
use guard_core::name::FunctionName;
use guard_core::observation::{CensusSlice, Observation};
use guard_core::plan::Action;
use guard_core::pricing::PriceTable;
use guard_core::settle::ApplyResult;
use guard_core::time::Minute;
use serde::Serialize;
use tokio::time::Instant;

use crate::calls::Calls;
use crate::deadline::Stage;
use crate::memory::{Memory, Overview};
use crate::survey::Survey;

/// A call that gave no answer, and why: the result is unknown.
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

/// The reason of a call that was given up because the invocation must end.
pub const TIME_IS_UP: &str = "no answer before the time for it was up";

/// The result of testing one permission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Proof {
    /// The IAM action, such as `lambda:PutFunctionConcurrency`.
    pub action: String,
    /// Whether the permission is granted.
    pub granted: Granted,
    /// What was tried, and AWS's answer.
    pub detail: String,
}

/// Whether a permission is granted, as far as it can be found out without changing anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Granted {
    /// The service looked at the request.
    Yes,
    /// It was denied where the guard needs it, or there was no usable answer.
    No,
    /// There is nothing that it can be tried on without changing it.
    Unproved,
}

impl Granted {
    /// What a try proves that must succeed.
    pub const fn of(is_done: bool) -> Self {
        if is_done { Granted::Yes } else { Granted::No }
    }
}

/// The request of one look at the metrics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Now.
    pub at: DateTime<Utc>,
    /// The first minute, of the region and of the functions in focus.
    pub from: Minute,
    /// The newest minute that should have settled: metrics without data points since then are late.
    pub settled: Minute,
    /// Functions to read minute by minute, sorted.
    pub focus: Vec<FunctionName>,
    /// Functions of which to read the durations only, sorted; none of them is in focus.
    pub glance: Vec<Glanced>,
    /// Functions in focus of which to read also the events that Lambda's own queue received: `Point::async_received`.
    pub received: Vec<FunctionName>,
    /// The hours to read, and the functions to read them for.
    pub census: Option<CensusSlice>,
    /// When to give up what has not been answered; `None`: never.
    pub until: Option<Instant>,
}

/// The metrics to read of a function besides its durations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glanced {
    /// The function.
    pub name: FunctionName,
    /// Whether to read its invocations.
    pub invocations: bool,
    /// Whether to read its concurrency.
    pub concurrency: bool,
}

/// The result of a look, and its cost.
#[derive(Clone, Debug, PartialEq)]
pub struct Look {
    /// The observed values. Values that could not be read are recorded as unknown.
    pub observation: Observation,
    /// Metrics requested, which is what `GetMetricData` bills.
    pub metrics: u64,
    /// The errors that occurred, each once.
    pub problems: Vec<Unavailable>,
}

/// The source of metrics.
#[async_trait]
pub trait MetricSource: Send + Sync {
    /// One look. It never fails: values that could not be read are unknown, and are reported under `problems`.
    async fn look(&self, ask: &Ask) -> Look;

    /// Proves its permissions without harm, one by one.
    async fn prove(&self) -> Vec<Proof>;
}

/// The control plane: it reads configuration and changes it.
#[async_trait]
pub trait ConcurrencyControl: Send + Sync {
    /// Brings the survey up to date. Urgent functions are read in full and in the given order, as far as their part of
    /// a tick allows; the rest are read in turn, with at most the given number of further calls. Functions that could
    /// not be read keep their known configuration; each problem is returned once, and so is what there was no time for
    /// in this stage of the tick.
    async fn survey(
        &self,
        survey: &mut Survey,
        urgent: &[FunctionName],
        at: DateTime<Utc>,
        calls: u32,
        time: Stage,
    ) -> Vec<Unavailable>;

    /// Makes one change by compare-and-set: the value in force is read again right before the call, and nothing is
    /// changed unless it is the value the change starts from. An action found already in force counts as applied.
    async fn apply(&self, action: &Action) -> ApplyResult;

    /// Proves its permissions without harm, one by one. `known` are the functions in the memory, some of which may carry the
    /// tag that permits changes.
    async fn prove(&self, known: &[Function]) -> Vec<Proof>;
}

/// The store of the guard's memory.
#[async_trait]
pub trait StateStore: Send + Sync {
    /// The memory saved last, or a new memory if none was saved.
    ///
    /// # Errors
    /// When it cannot be read: the guard then changes nothing.
    async fn load(&self) -> Result<Memory, StoreError>;

    /// The part of the last saved memory that is not kept per function. A store that can reads only that part.
    ///
    /// # Errors
    /// When it cannot be read.
    async fn overview(&self) -> Result<Overview, StoreError> {
        self.load().await.map(Overview::from)
    }

    /// Saves the whole memory unless another process has saved one since it was loaded; its revision then rises by one.
    /// `touched` are the functions whose ledgers may have changed.
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
    /// Another tick has saved since; this one must not act.
    #[error("another tick has saved since revision {revision}")]
    Conflict {
        /// The revision that this tick started from.
        revision: u64,
    },
    /// The store did not answer, or gave an unusable answer.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The memory is about another region.
    #[error("{file} remembers {remembers}, and {asked} was asked for; --state names another file")]
    Elsewhere {
        /// The memory's file.
        file: String,
        /// Its region.
        remembers: String,
        /// The region asked for.
        asked: String,
    },
    /// The stored memory cannot be read: it was written by a newer version, or is damaged.
    #[error("the memory is not readable: {reason}")]
    Unreadable {
        /// What is wrong with it.
        reason: String,
    },
}

/// The sink of messages for people, chat and pagers.
#[async_trait]
pub trait AlertSink: Send + Sync {
    /// Sends one message to its audience; does nothing if no recipient of that audience is configured.
    ///
    /// # Errors
    /// If the service did not accept it: the next tick tries again.
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
    /// The price table updated with today's prices if a refresh is due; `None` if it is not.
    ///
    /// # Errors
    /// When they cannot be read: the prices known before stay in force.
    async fn refresh(
        &mut self,
        prices: &PriceTable,
        at: DateTime<Utc>,
    ) -> Result<Option<PriceTable>, Unavailable>;
}

/// All ports.
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
    /// Counts the calls that the other ports make.
    pub calls: Calls,
}

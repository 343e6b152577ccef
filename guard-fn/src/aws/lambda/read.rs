//! The reading half of a survey: calls beside each other under one pace, one budget of calls and one stage of the tick,
//! which stops where going on would make it worse. It changes nothing of what is known; `survey` does.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use aws_sdk_lambda::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_lambda::operation::get_function::GetFunctionOutput;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use guard_core::inventory::{AsyncConfig, EventSourceMapping, Function};
use guard_core::name::FunctionName;
use tokio::time::timeout_at;

use super::api::{Api, Failure, Kind};
use super::translate::{self, Mapping, count};
use crate::deadline::Stage;
use crate::ports::{TIME_IS_UP, Unavailable};
use crate::survey::Invokers;

/// Aliases of one function whose callers are read. For a function with more, both kinds of callers are assumed. Our
/// choice: stages and a canary, with room.
const ALIASES_MAX: usize = 10;

/// Calls without an answer in a row, each tried twice, after which the rest of the survey waits for the next tick.
const UNANSWERED_MAX: u32 = 2;

/// Refusals of one call after which it is not tried any more in this survey: a permission that is missing is missing
/// for a thousand functions too.
const REFUSED_MAX: u32 = 3;

/// Asks, for one survey.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    pub(super) api: &'a Api,
    time: Stage,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// The request after which the budget is spent.
    last: u32,
    /// The first failure of each call.
    problems: BTreeMap<&'static str, Unavailable>,
    refused: BTreeMap<&'static str, u32>,
    unanswered: u32,
    is_stopped: bool,
}

/// An answer, or why there is none.
#[derive(Debug)]
pub(super) enum Asked<T> {
    Got(T),
    /// It does not exist, which is an answer too.
    Missing,
    /// The request was refused; the problem is recorded.
    Refused,
    /// The result is unknown; the problem is recorded.
    Failed,
}

/// What to read of one function.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) name: FunctionName,
    /// The facts that are read often: configuration, tags, concurrency, asynchronous settings.
    pub(super) settings: bool,
    /// Its mappings, whose levers may be moved: of a function that has some, or that nobody knows yet.
    pub(super) mappings: bool,
    /// The facts that are read rarely: callers, and provisioned concurrency.
    pub(super) rare: bool,
    /// The mappings known of it.
    pub(super) known: Vec<EventSourceMapping>,
}

/// What was read of it.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) name: FunctionName,
    /// `None`: not asked for.
    pub(super) settings: Option<Asked<Box<Settings>>>,
    /// `None`: not asked for, or not read to the end.
    pub(super) mappings: Option<Vec<EventSourceMapping>>,
    /// `None`: not asked for.
    pub(super) rare: Option<Rare>,
}

/// The often read facts.
#[derive(Debug)]
pub(super) struct Settings {
    /// Without tags, mappings, provisioned concurrency and asynchronous settings of its own.
    pub(super) function: Function,
    pub(super) tags: Asked<BTreeMap<String, String>>,
    /// `None`: they could not be read.
    pub(super) asynchronous: Option<AsyncConfig>,
}

/// The rarely read facts, each `None` where it could not be read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rare {
    pub(super) invokers: Option<Invokers>,
    pub(super) provisioned: Option<u32>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(api: &'a Api, time: Stage) -> Self {
        let inner = Inner {
            last: api.sent(),
            problems: BTreeMap::new(),
            refused: BTreeMap::new(),
            unanswered: 0,
            is_stopped: false,
        };
        Reader { api, time, inner: Mutex::new(inner) }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on, so many requests.
    pub(super) fn allow(&self, calls: u32) {
        self.inner().last = self.api.sent().saturating_add(calls);
    }

    /// Requests left.
    pub(super) fn left(&self) -> u32 {
        let inner = self.inner();
        if inner.is_stopped || self.time.is_over() {
            return 0;
        }
        inner.last.saturating_sub(self.api.sent())
    }

    /// Whether time, and not calls or the service, ended the survey.
    pub(super) fn is_late(&self) -> bool {
        !self.inner().is_stopped && self.time.is_over()
    }

    /// Every problem, each once.
    pub(super) fn problems(self) -> Vec<Unavailable> {
        self.inner.into_inner().unwrap_or_else(PoisonError::into_inner).problems.into_values().collect()
    }

    /// Asks, as long as it makes sense and the budget lasts.
    async fn ask<T, E, F>(&self, call: &'static str, request: impl Fn() -> F + Send + Sync) -> Asked<T>
    where
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>> + Send,
        E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
        T: Send,
    {
        let is_hopeless = self.inner().refused.get(call).is_some_and(|times| *times >= REFUSED_MAX);
        if is_hopeless {
            return Asked::Refused;
        }
        if self.left() == 0 {
            return Asked::Failed;
        }
        match self.read(call, request).await {
            Ok(answer) => Asked::Got(answer),
            Err(failure) if failure.kind == Kind::Missing => Asked::Missing,
            Err(failure) => {
                self.note(&failure);
                if failure.kind == Kind::Refused { Asked::Refused } else { Asked::Failed }
            }
        }
    }

    /// Asks once more where no answer comes, and gives up when the stage ends. The caller notes a failure.
    pub(super) async fn read<T, E, F>(
        &self,
        call: &'static str,
        request: impl Fn() -> F + Send + Sync,
    ) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>> + Send,
        E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
        T: Send,
    {
        let answer = timeout_at(self.time.end, self.api.read(call, request)).await;
        let late = Failure { call, kind: Kind::Unanswered, reason: TIME_IS_UP.to_owned() };
        let answer = answer.unwrap_or(Err(late));
        if answer.is_ok() {
            self.inner().unanswered = 0;
        }
        answer
    }

    /// Records a failure, and stops if going on would make it worse or take for ever.
    pub(super) fn note(&self, failure: &Failure) {
        let mut inner = self.inner();
        inner.problems.entry(failure.call).or_insert_with(|| failure.unavailable());
        match failure.kind {
            Kind::Throttled => inner.is_stopped = true,
            Kind::Unanswered => {
                inner.unanswered += 1;
                inner.is_stopped |= inner.unanswered >= UNANSWERED_MAX;
            }
            Kind::Refused | Kind::Missing => *inner.refused.entry(failure.call).or_default() += 1,
        }
    }

    /// The account's limits.
    pub(super) async fn account(&self) -> Option<translate::Account> {
        let client = &self.api.client;
        match self.ask("lambda:GetAccountSettings", || client.get_account_settings().send()).await {
            Asked::Got(settings) => translate::account(&settings),
            _ => None,
        }
    }

    /// What is wanted of a function: first its settings; if they came or were not asked for, the rest.
    pub(super) async fn facts(&self, wanted: Wanted) -> Facts {
        let Wanted { name, known, .. } = &wanted;
        let settings = if wanted.settings { Some(self.settings(name).await) } else { None };
        let is_there = matches!(settings, None | Some(Asked::Got(_)));
        let mappings =
            async { if wanted.mappings && is_there { self.mappings_of(name, known).await } else { None } };
        let rare = async { if wanted.rare && is_there { Some(self.rare(name).await) } else { None } };
        let (mappings, rare) = tokio::join!(mappings, rare);
        Facts { name: wanted.name, settings, mappings, rare }
    }

    async fn settings(&self, name: &FunctionName) -> Asked<Box<Settings>> {
        let client = &self.api.client;
        let get = || client.get_function().function_name(name.as_str()).send();
        let found = match self.ask("lambda:GetFunction", get).await {
            Asked::Got(found) => found,
            Asked::Missing => return Asked::Missing,
            Asked::Refused => return Asked::Refused,
            Asked::Failed => return Asked::Failed,
        };
        let Some(mut function) = found.configuration().and_then(translate::function) else {
            return Asked::Failed;
        };
        function.reserved =
            found.concurrency().and_then(|found| found.reserved_concurrent_executions()).and_then(count);
        let tags = self.tags(&found);
        let letters = function.asynchronous.is_some_and(|config| config.on_failure);
        let asynchronous = self.asynchronous(name, letters).await;
        Asked::Got(Box::new(Settings { function, tags, asynchronous }))
    }

    /// Tags, which may be missing from an answer that has everything else.
    fn tags(&self, found: &GetFunctionOutput) -> Asked<BTreeMap<String, String>> {
        if let Some(error) = found.tags_error() {
            let reason = format!("{}: {}", error.error_code(), error.message());
            self.note(&Failure { call: "lambda:ListTags", kind: Kind::Refused, reason });
            let is_denied = error.error_code().starts_with("AccessDenied");
            return if is_denied { Asked::Refused } else { Asked::Failed };
        }
        let tags = found.tags().into_iter().flatten();
        Asked::Got(tags.map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    /// Asynchronous settings; `None` if they could not be read.
    async fn asynchronous(&self, name: &FunctionName, letters: bool) -> Option<AsyncConfig> {
        let client = &self.api.client;
        let get = || client.get_function_event_invoke_config().function_name(name.as_str()).send();
        let mut config = match self.ask("lambda:GetFunctionEventInvokeConfig", get).await {
            Asked::Got(settings) => translate::asynchronous(&settings),
            Asked::Missing => AsyncConfig::default(),
            Asked::Refused | Asked::Failed => return None,
        };
        config.on_failure |= letters;
        Some(config)
    }

    async fn rare(&self, name: &FunctionName) -> Rare {
        let (invokers, provisioned) = tokio::join!(self.invokers(name), self.provisioned(name));
        Rare { invokers, provisioned }
    }

    /// The callers that the function and its aliases admit; `None` if they could not be read.
    async fn invokers(&self, name: &FunctionName) -> Option<Invokers> {
        let client = &self.api.client;
        let get = || client.get_policy().function_name(name.as_str()).send();
        let own = match self.ask("lambda:GetPolicy", get).await {
            Asked::Got(found) => Invokers::of_policy(found.policy()?),
            Asked::Missing => Invokers::default(),
            Asked::Refused | Asked::Failed => return None,
        };
        self.of_aliases(name).await.map(|others| own.or(others))
    }

    /// The callers that aliases admit; `None` if they could not be read.
    async fn of_aliases(&self, name: &FunctionName) -> Option<Invokers> {
        let client = &self.api.client;
        let list = || client.list_aliases().function_name(name.as_str()).send();
        let page = match self.ask("lambda:ListAliases", list).await {
            Asked::Got(page) => page,
            Asked::Missing => return Some(Invokers::default()),
            Asked::Refused | Asked::Failed => return None,
        };
        let aliases: Vec<&str> = page.aliases().iter().filter_map(|alias| alias.name()).collect();
        if aliases.is_empty() {
            return Some(Invokers::default());
        }
        if aliases.len() > ALIASES_MAX || page.next_marker().is_some_and(|marker| !marker.is_empty()) {
            return Some(Invokers::BOTH);
        }
        let mut found = Invokers::default();
        for alias in aliases {
            let get = || client.get_policy().function_name(name.as_str()).qualifier(alias).send();
            found = match self.ask("lambda:GetPolicy", get).await {
                Asked::Got(policy) => found.or(Invokers::of_policy(policy.policy().unwrap_or_default())),
                Asked::Missing => found,
                Asked::Refused | Asked::Failed => return None,
            };
        }
        let list = || client.list_function_event_invoke_configs().function_name(name.as_str()).send();
        match self.ask("lambda:ListFunctionEventInvokeConfigs", list).await {
            // The function's own are read beside its settings.
            Asked::Got(page) => {
                let configs = page.function_event_invoke_configs().iter();
                found.asynchronous |=
                    configs.filter_map(|config| config.function_arn()).any(translate::is_qualified);
                Some(found)
            }
            Asked::Missing => Some(found),
            Asked::Refused | Asked::Failed => None,
        }
    }

    /// Provisioned concurrency of all versions and aliases; `None` if it could not be read to the end.
    async fn provisioned(&self, name: &FunctionName) -> Option<u32> {
        let client = &self.api.client;
        let (mut sum, mut marker) = (0_u32, None);
        loop {
            let page = || {
                let list = client.list_provisioned_concurrency_configs().function_name(name.as_str());
                list.set_marker(marker.clone()).send()
            };
            let page = match self.ask("lambda:ListProvisionedConcurrencyConfigs", page).await {
                Asked::Got(page) => page,
                Asked::Missing => return Some(0),
                Asked::Refused | Asked::Failed => return None,
            };
            sum = sum.saturating_add(translate::provisioned(page.provisioned_concurrency_configs()));
            marker = page.next_marker().filter(|marker| !marker.is_empty()).map(str::to_owned);
            if marker.is_none() {
                return Some(sum);
            }
        }
    }

    /// The mappings of one function, sorted; `None` if they could not be read to the end.
    async fn mappings_of(
        &self,
        name: &FunctionName,
        known: &[EventSourceMapping],
    ) -> Option<Vec<EventSourceMapping>> {
        let client = &self.api.client;
        let (mut found, mut marker) = (Vec::new(), None);
        loop {
            let page = || {
                let list = client.list_event_source_mappings().function_name(name.as_str());
                list.set_marker(marker.clone()).send()
            };
            let page = match self.ask("lambda:ListEventSourceMappings", page).await {
                Asked::Got(page) => page,
                Asked::Missing => break,
                Asked::Refused | Asked::Failed => return None,
            };
            for mapping in page.event_source_mappings().iter().map(Mapping::from) {
                let before = known.iter().find(|known| Some(known.id.as_str()) == mapping.uuid);
                found.extend(mapping.mapping(before));
            }
            marker = page.next_marker().filter(|marker| !marker.is_empty()).map(str::to_owned);
            if marker.is_none() {
                break;
            }
        }
        found.sort_by(|a, b| a.id.cmp(&b.id));
        found.dedup_by(|a, b| a.id == b.id);
        Some(found)
    }
}

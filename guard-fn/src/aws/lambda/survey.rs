//! The survey: urgent functions in full, the account, the lists page by page, and all other functions in turn.
//!
//! A function costs two calls often: `GetFunction`, which has concurrency and tags in one, and
//! `GetFunctionEventInvokeConfig`. It costs three calls rarely, hourly while it is urgent and daily otherwise:
//! `GetPolicy` for its callers, `ListAliases`, and provisioned concurrency, which can be on any version and shows
//! nowhere else. Callers are also admitted by an alias, whose policy and asynchronous settings are its own: one more
//! call for each alias, and one for the settings of all.

use std::collections::BTreeMap;

use aws_sdk_lambda::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_lambda::operation::get_function::GetFunctionOutput;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use chrono::{DateTime, TimeDelta, Utc};
use guard_core::inventory::{AsyncConfig, Function};
use guard_core::name::FunctionName;

use super::api::{Api, Failure, Kind};
use super::invokers;
use super::translate::{self, Account, Mapping, count};
use crate::ports::Unavailable;
use crate::survey::{Invokers, Survey};

/// The maximum age of the rarely read facts of an urgent function.
const URGENT_AGE: TimeDelta = TimeDelta::hours(1);

/// Calls that a tick spends on urgent functions: 15 seconds at ten a second. In an attack on hundreds of functions the
/// most pressing are read now and the others at the next ticks.
const URGENT_CALLS: u32 = 150;

/// Calls that one function without aliases takes: its settings, its asynchronous settings, its mappings, its callers,
/// its aliases, its provisioned concurrency.
const CALLS_IN_FULL: u32 = 6;

/// Aliases of one function whose callers are read. For a function with more, both kinds of callers are assumed. Our
/// choice: stages and a canary, with room.
const ALIASES_MAX: usize = 10;

/// Calls without an answer in a row, each tried twice, after which the rest of the survey waits for the next tick.
const UNANSWERED_MAX: u32 = 2;

/// Refusals of one call after which it is not tried any more in this survey: a permission that is missing is missing
/// for a thousand functions too.
const REFUSED_MAX: u32 = 3;

/// Brings a survey up to date. See [`crate::ports::ConcurrencyControl::survey`].
pub(super) async fn survey(
    api: &Api,
    survey: &mut Survey,
    urgent: &[FunctionName],
    at: DateTime<Utc>,
    calls: u32,
) -> Vec<Unavailable> {
    let mut surveyor = Surveyor {
        api,
        survey,
        at,
        last: api.sent().saturating_add(URGENT_CALLS),
        problems: BTreeMap::new(),
        refused: BTreeMap::new(),
        unanswered: 0,
        is_stopped: false,
    };
    for name in urgent {
        if surveyor.left() < CALLS_IN_FULL {
            break;
        }
        surveyor.in_full(name).await;
    }
    surveyor.last = api.sent().saturating_add(calls);
    let account = surveyor.account().await;
    surveyor.lists(account).await;
    surveyor.turns().await;
    surveyor.problems.into_values().collect()
}

/// One survey under way.
pub(super) struct Surveyor<'a> {
    pub(super) api: &'a Api,
    pub(super) survey: &'a mut Survey,
    pub(super) at: DateTime<Utc>,
    /// The request after which the budget is spent.
    last: u32,
    /// The first failure of each call.
    problems: BTreeMap<&'static str, Unavailable>,
    refused: BTreeMap<&'static str, u32>,
    unanswered: u32,
    is_stopped: bool,
}

/// An answer, or why there is none.
pub(super) enum Asked<T> {
    Got(T),
    /// It does not exist, which is an answer too.
    Missing,
    /// The request was refused; the problem is recorded.
    Refused,
    /// The result is unknown; the problem is recorded.
    Failed,
}

impl Surveyor<'_> {
    /// Requests left.
    pub(super) fn left(&self) -> u32 {
        if self.is_stopped {
            return 0;
        }
        self.last.saturating_sub(self.api.sent())
    }

    /// Asks, as long as it makes sense and the budget lasts.
    pub(super) async fn ask<T, E, F>(
        &mut self,
        call: &'static str,
        request: impl Fn() -> F + Send + Sync,
    ) -> Asked<T>
    where
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>> + Send,
        E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
        T: Send,
    {
        let is_hopeless = self.refused.get(call).is_some_and(|times| *times >= REFUSED_MAX);
        if is_hopeless {
            return Asked::Refused;
        }
        if self.left() == 0 {
            return Asked::Failed;
        }
        match self.api.read(call, request).await {
            Ok(answer) => {
                self.unanswered = 0;
                Asked::Got(answer)
            }
            Err(failure) if failure.kind == Kind::Missing => Asked::Missing,
            Err(failure) => {
                self.note(&failure);
                if failure.kind == Kind::Refused { Asked::Refused } else { Asked::Failed }
            }
        }
    }

    /// Records a failure, and stops if going on would make it worse or take for ever.
    pub(super) fn note(&mut self, failure: &Failure) {
        self.problems.entry(failure.call).or_insert_with(|| failure.unavailable());
        match failure.kind {
            Kind::Throttled => self.is_stopped = true,
            Kind::Unanswered => {
                self.unanswered += 1;
                self.is_stopped |= self.unanswered >= UNANSWERED_MAX;
            }
            Kind::Refused | Kind::Missing => *self.refused.entry(failure.call).or_default() += 1,
        }
    }

    /// Everything about one function, known or not.
    async fn in_full(&mut self, name: &FunctionName) {
        let is_new = self.survey.inventory.function(name).is_none();
        if !self.settings(name).await {
            return;
        }
        let Some(function) = self.survey.inventory.function(name) else { return };
        let is_mapped = !function.mappings.is_empty();
        if is_new || is_mapped {
            self.mappings_of(name).await;
        }
        let known = self.survey.progress.invokers.get(name);
        if known.is_none_or(|(read_at, _)| self.at - *read_at >= URGENT_AGE) {
            self.rare(name).await;
        }
    }

    /// The account's limits. If no function has a reservation, all are updated at once, except for those that were just
    /// read one by one: the sums of an account may be older than its parts.
    async fn account(&mut self) -> Option<Account> {
        let client = self.api.client.clone();
        let settings = self.ask("lambda:GetAccountSettings", || client.get_account_settings().send()).await;
        let Asked::Got(settings) = settings else { return None };
        let account = translate::account(&settings)?;
        self.survey.inventory.account = account.limits;
        self.survey.account_at = Some(self.at);
        if account.unreserved == Some(account.limits.concurrency) {
            let (read_at, at) = (&self.survey.read_at, self.at);
            let others = self.survey.inventory.functions.iter_mut();
            for function in others.filter(|function| read_at.get(&function.name) != Some(&at)) {
                function.reserved = None;
            }
        }
        Some(account)
    }

    /// The often read facts of a function; returns whether Lambda answered. A function unknown to Lambda is dropped.
    pub(super) async fn settings(&mut self, name: &FunctionName) -> bool {
        let client = self.api.client.clone();
        let get = || client.get_function().function_name(name.as_str()).send();
        let found = match self.ask("lambda:GetFunction", get).await {
            Asked::Got(found) => found,
            Asked::Missing => {
                self.forget(name);
                return true;
            }
            Asked::Refused => {
                self.may_not_know_tags(name);
                self.failed(name);
                return false;
            }
            Asked::Failed => {
                self.failed(name);
                return false;
            }
        };
        let Some(mut fresh) = found.configuration().and_then(translate::function) else {
            self.failed(name);
            return false;
        };
        fresh.reserved =
            found.concurrency().and_then(|found| found.reserved_concurrent_executions()).and_then(count);
        let tags = self.tags(&found);
        let has_tags = matches!(tags, Asked::Got(_));
        let letters = fresh.asynchronous.is_some_and(|config| config.on_failure);
        let config = self.asynchronous(name, letters).await;
        let has_config = config.is_some();
        let known = self.survey.inventory.function(name);
        fresh.tags_known = known.is_some_and(|known| known.tags_known) || !matches!(tags, Asked::Failed);
        fresh.tags = match tags {
            Asked::Got(tags) => tags,
            _ => known.map(|known| known.tags.clone()).unwrap_or_default(),
        };
        if let Some(known) = known {
            fresh.provisioned = known.provisioned;
            fresh.mappings.clone_from(&known.mappings);
            fresh.asynchronous = config.or(known.asynchronous);
        } else {
            fresh.asynchronous = config.or(fresh.asynchronous);
            fresh.mappings = self.survey.progress.orphans.remove(name).unwrap_or_default();
        }
        self.put(fresh);
        if has_tags && has_config {
            self.survey.read_at.insert(name.clone(), self.at);
            self.survey.progress.failed_at.remove(name);
        } else {
            self.failed(name);
        }
        true
    }

    /// A function whose tags may not be read (a recorded problem) counts as one without: a guard that lacks one
    /// permission must not stop working altogether.
    fn may_not_know_tags(&mut self, name: &FunctionName) {
        let place = self.place(name);
        if let Some(function) = place.and_then(|place| self.survey.inventory.functions.get_mut(place)) {
            function.tags_known = true;
        }
    }

    /// Tags, which may be missing from an answer that has everything else.
    fn tags(&mut self, found: &GetFunctionOutput) -> Asked<BTreeMap<String, String>> {
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
    async fn asynchronous(&mut self, name: &FunctionName, letters: bool) -> Option<AsyncConfig> {
        let client = self.api.client.clone();
        let get = || client.get_function_event_invoke_config().function_name(name.as_str()).send();
        let mut config = match self.ask("lambda:GetFunctionEventInvokeConfig", get).await {
            Asked::Got(settings) => translate::asynchronous(&settings),
            Asked::Missing => AsyncConfig::default(),
            Asked::Refused | Asked::Failed => return None,
        };
        config.on_failure |= letters;
        Some(config)
    }

    /// The rarely read facts of a function: its callers, and its provisioned concurrency.
    pub(super) async fn rare(&mut self, name: &FunctionName) {
        let client = self.api.client.clone();
        let get = || client.get_policy().function_name(name.as_str()).send();
        let own = match self.ask("lambda:GetPolicy", get).await {
            Asked::Got(found) => found.policy().map(Invokers::of_policy),
            Asked::Missing => Some(Invokers::default()),
            Asked::Refused | Asked::Failed => None,
        };
        let invokers = match own {
            Some(own) => self.of_aliases(name).await.map(|others| own.or(others)),
            None => None,
        };
        let provisioned = self.provisioned(name).await;
        let Some(index) = self.place(name) else { return };
        if let (Some(function), Some(provisioned)) =
            (self.survey.inventory.functions.get_mut(index), provisioned)
        {
            function.provisioned = provisioned;
        }
        if provisioned.is_none() || invokers.is_none() {
            self.failed(name);
        }
        if let Some(invokers) = invokers {
            self.survey.progress.invokers.insert(name.clone(), (self.at, invokers));
            self.resolve(index);
        }
    }

    /// The callers that aliases admit; `None` if they could not be read.
    async fn of_aliases(&mut self, name: &FunctionName) -> Option<Invokers> {
        let client = self.api.client.clone();
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
    async fn provisioned(&mut self, name: &FunctionName) -> Option<u32> {
        let client = self.api.client.clone();
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

    /// The mappings of one function, whose levers may be moved.
    async fn mappings_of(&mut self, name: &FunctionName) {
        let client = self.api.client.clone();
        let (mut found, mut marker) = (Vec::new(), None);
        loop {
            let page = || {
                let list = client.list_event_source_mappings().function_name(name.as_str());
                list.set_marker(marker.clone()).send()
            };
            let page = match self.ask("lambda:ListEventSourceMappings", page).await {
                Asked::Got(page) => page,
                Asked::Missing => break,
                Asked::Refused | Asked::Failed => return,
            };
            let known = self.survey.inventory.function(name).map(|function| function.mappings.as_slice());
            for mapping in page.event_source_mappings().iter().map(Mapping::from) {
                let before =
                    known.into_iter().flatten().find(|known| Some(known.id.as_str()) == mapping.uuid);
                found.extend(mapping.mapping(before));
            }
            marker = page.next_marker().filter(|marker| !marker.is_empty()).map(str::to_owned);
            if marker.is_none() {
                break;
            }
        }
        found.sort_by(|a, b| a.id.cmp(&b.id));
        found.dedup_by(|a, b| a.id == b.id);
        let Some(index) = self.place(name) else { return };
        if let Some(function) = self.survey.inventory.functions.get_mut(index) {
            function.mappings = found;
        }
        self.resolve(index);
    }

    /// Puts a function into the inventory, in its place.
    fn put(&mut self, function: Function) {
        let functions = &mut self.survey.inventory.functions;
        let index = match functions.binary_search_by(|known| known.name.cmp(&function.name)) {
            Ok(index) => {
                if let Some(known) = functions.get_mut(index) {
                    *known = function;
                }
                index
            }
            Err(index) => {
                functions.insert(index, function);
                index
            }
        };
        self.resolve(index);
    }

    /// Updates how the function at that index is invoked.
    pub(super) fn resolve(&mut self, index: usize) {
        let Some(function) = self.survey.inventory.functions.get_mut(index) else { return };
        let known = self.survey.progress.invokers.get(&function.name);
        invokers::resolve(function, known.map(|(_, invokers)| *invokers));
    }

    fn place(&self, name: &FunctionName) -> Option<usize> {
        self.survey.inventory.functions.binary_search_by(|known| known.name.cmp(name)).ok()
    }

    /// Removes a function that Lambda says does not exist.
    fn forget(&mut self, name: &FunctionName) {
        if let Some(index) = self.place(name) {
            self.survey.inventory.functions.remove(index);
        }
        self.survey.read_at.remove(name);
        let progress = &mut self.survey.progress;
        progress.invokers.remove(name);
        progress.failed_at.remove(name);
        progress.unlisted.remove(name);
    }

    fn failed(&mut self, name: &FunctionName) {
        if self.survey.inventory.function(name).is_some() {
            self.survey.progress.failed_at.insert(name.clone(), self.at);
        }
    }
}

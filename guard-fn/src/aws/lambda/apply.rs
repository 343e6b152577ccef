//! Changes, by compare-and-set: the value in force is read, compared, and only then set.
//!
//! Lambda has no conditional write, so a change that someone else makes between the two calls, some ten milliseconds,
//! is overwritten. Every attempt begins with a look at the value in force, never with a blind repetition. So a change
//! whose answer was lost is found applied, and a value set meanwhile by someone else is left alone.

use aws_sdk_lambda::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_lambda::types::ScalingConfig;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use guard_core::inventory::AsyncConfig;
use guard_core::name::{FunctionName, MappingId};
use guard_core::plan::{Action, AsyncSetting, Change, Setting};
use guard_core::report;
use guard_core::settle::ApplyResult;

use super::api::{Api, Failure, Kind, pause};
use super::translate::{self, Mapping, count};

/// Attempts at one change. Our choice: three times two calls of seven seconds at most.
const ATTEMPTS: u32 = 3;

/// Makes one change.
pub(super) async fn apply(api: &Api, action: &Action) -> ApplyResult {
    let mut actuator = Actuator { api, is_doubtful: false };
    let mut attempt = 1;
    loop {
        let failure = match actuator.attempt(action).await {
            Ok(result) => return actuator.certain(result),
            Err(failure) => failure,
        };
        match failure.kind {
            Kind::Throttled | Kind::Unanswered if attempt < ATTEMPTS => {
                pause(attempt).await;
                attempt += 1;
            }
            Kind::Throttled | Kind::Unanswered => {
                return ApplyResult::Unavailable { message: failure.to_string() };
            }
            Kind::Missing | Kind::Refused => return actuator.certain(rejected(failure.to_string())),
        }
    }
}

struct Actuator<'a> {
    api: &'a Api,
    /// Whether some change was requested and got no answer: it may have been made, or may still be made.
    is_doubtful: bool,
}

impl Actuator<'_> {
    async fn attempt(&mut self, action: &Action) -> Result<ApplyResult, Failure> {
        let (name, change) = (&action.function, &action.change);
        match change {
            Change::ReservedConcurrency { from, to } => self.reserve(name, change, *from, *to).await,
            Change::AsyncConfig { to, .. } => self.asynchronous(name, change, *to).await,
            Change::MappingEnabled { mapping, to, .. } => self.enable(name, change, mapping, *to).await,
            Change::MappingConcurrency { mapping, to, .. } => self.limit(name, change, mapping, *to).await,
        }
    }

    /// A rejection means that nothing was changed, which is uncertain after a change without an answer.
    fn certain(&self, result: ApplyResult) -> ApplyResult {
        match result {
            ApplyResult::Rejected { message } if self.is_doubtful => ApplyResult::Unavailable { message },
            result => result,
        }
    }

    /// Sends a change a single time.
    async fn set<T, E>(
        &mut self,
        call: &'static str,
        request: impl Future<Output = Result<T, SdkError<E, HttpResponse>>> + Send,
    ) -> Result<ApplyResult, Failure>
    where
        E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
    {
        let answer = self.api.once(call, request).await;
        if let Err(failure) = &answer {
            self.is_doubtful |= failure.kind == Kind::Unanswered;
        }
        answer.map(|_| ApplyResult::Applied)
    }

    async fn reserve(
        &mut self,
        name: &FunctionName,
        change: &Change,
        from: Option<u32>,
        to: Option<u32>,
    ) -> Result<ApplyResult, Failure> {
        let client = &self.api.client;
        let read = client.get_function_concurrency().function_name(name.as_str()).send();
        let read = self.api.once("lambda:GetFunctionConcurrency", read).await?;
        let found = read.reserved_concurrent_executions().and_then(count);
        if let Some(done) = compared(Setting::Concurrency(found), change) {
            return Ok(done);
        }
        let Some(to) = to else {
            let delete = client.delete_function_concurrency().function_name(name.as_str()).send();
            return self.set("lambda:DeleteFunctionConcurrency", delete).await;
        };
        if let Some(message) = self.no_room(from.unwrap_or(0), to).await {
            return Ok(rejected(message));
        }
        let Ok(value) = i32::try_from(to) else { return Ok(rejected(format!("{to} is no concurrency"))) };
        let put = client.put_function_concurrency().function_name(name.as_str());
        self.set("lambda:PutFunctionConcurrency", put.reserved_concurrent_executions(value).send()).await
    }

    /// Why the pool has no room for a reservation that grows. If the account cannot be read, AWS will decide.
    async fn no_room(&self, from: u32, to: u32) -> Option<String> {
        let more = to.checked_sub(from).filter(|more| *more > 0)?;
        let settings =
            self.api.once("lambda:GetAccountSettings", self.api.client.get_account_settings().send());
        let account = translate::account(&settings.await.ok()?)?;
        let unreserved = account.unreserved?;
        let kept = account.limits.unreserved_minimum;
        if i64::from(unreserved) - i64::from(more) >= i64::from(kept) {
            return None;
        }
        let limit = account.limits.concurrency;
        Some(format!(
            "no room: {unreserved} of the account's {limit} are not reserved, AWS keeps {kept} of them, and this \
             takes {more}"
        ))
    }

    async fn asynchronous(
        &mut self,
        name: &FunctionName,
        change: &Change,
        to: AsyncSetting,
    ) -> Result<ApplyResult, Failure> {
        let client = &self.api.client;
        let read = client.get_function_event_invoke_config().function_name(name.as_str()).send();
        let (is_configured, found) = match self.api.once("lambda:GetFunctionEventInvokeConfig", read).await {
            Ok(settings) => (true, translate::async_setting(&settings)),
            Err(failure) if failure.kind == Kind::Missing => (false, AsyncConfig::default().into()),
            Err(failure) => return Err(failure),
        };
        if let Some(done) = compared(Setting::Async(found), change) {
            return Ok(done);
        }
        let (retries, age) =
            (i32::from(to.max_retries), i32::try_from(to.max_event_age_s).unwrap_or(i32::MAX));
        if is_configured {
            // Merges: destinations stay.
            let update = client.update_function_event_invoke_config().function_name(name.as_str());
            let update = update.maximum_retry_attempts(retries).maximum_event_age_in_seconds(age);
            return self.set("lambda:UpdateFunctionEventInvokeConfig", update.send()).await;
        }
        // If there is nothing to merge with, an update is refused. The configuration made here stays after the guard is
        // done, with Lambda's defaults in it, which changes nothing; deleting it could delete one that a template made.
        let put = client.put_function_event_invoke_config().function_name(name.as_str());
        let put = put.maximum_retry_attempts(retries).maximum_event_age_in_seconds(age);
        self.set("lambda:PutFunctionEventInvokeConfig", put.send()).await
    }

    async fn enable(
        &mut self,
        name: &FunctionName,
        change: &Change,
        id: &MappingId,
        to: bool,
    ) -> Result<ApplyResult, Failure> {
        let client = &self.api.client;
        let read = client.get_event_source_mapping().uuid(id.as_str()).send();
        let read = self.api.once("lambda:GetEventSourceMapping", read).await?;
        let found = Mapping::from(&read);
        if let Some(no) = other_function(&found, name).or_else(|| busy(&found)) {
            return Ok(no);
        }
        let enabled = found.enabled().map(Setting::Enabled);
        if let Some(done) = enabled.and_then(|enabled| compared(enabled, change)) {
            return Ok(done);
        }
        let update = client.update_event_source_mapping().uuid(id.as_str()).enabled(to).send();
        self.set("lambda:UpdateEventSourceMapping", update).await
    }

    async fn limit(
        &mut self,
        name: &FunctionName,
        change: &Change,
        id: &MappingId,
        to: Option<u32>,
    ) -> Result<ApplyResult, Failure> {
        let client = &self.api.client;
        let read = client.get_event_source_mapping().uuid(id.as_str()).send();
        let read = self.api.once("lambda:GetEventSourceMapping", read).await?;
        let found = Mapping::from(&read);
        if let Some(no) = other_function(&found, name) {
            return Ok(no);
        }
        if let Some(done) = compared(Setting::Concurrency(found.max_concurrency()), change) {
            return Ok(done);
        }
        if let Some(no) = busy(&found) {
            return Ok(no);
        }
        // An empty configuration unsets it.
        let value = to.map(|to| i32::try_from(to).unwrap_or(i32::MAX));
        let scaling = ScalingConfig::builder().set_maximum_concurrency(value).build();
        let update = client.update_event_source_mapping().uuid(id.as_str()).scaling_config(scaling).send();
        self.set("lambda:UpdateEventSourceMapping", update).await
    }
}

/// The result that the value in force already decides: done, or set by others. `None`: the change may start from it.
fn compared(found: Setting, change: &Change) -> Option<ApplyResult> {
    if found == change.to() {
        return Some(ApplyResult::Applied);
    }
    let (found_text, from) = (report::setting(found), report::setting(change.from()));
    (found != change.from())
        .then(|| rejected(format!("changed by somebody else: found {found_text}, not {from}")))
}

fn other_function(found: &Mapping<'_>, name: &FunctionName) -> Option<ApplyResult> {
    let other = found.function().filter(|function| function != name)?;
    Some(rejected(format!("changed by somebody else: the mapping invokes {other}, not {name}")))
}

/// A mapping takes no change while another one is under way.
fn busy(found: &Mapping<'_>) -> Option<ApplyResult> {
    let state = found.state.filter(|state| ["Creating", "Updating", "Deleting"].contains(state))?;
    Some(rejected(format!("the mapping is {}: it takes no change until that is over", state.to_lowercase())))
}

fn rejected(message: String) -> ApplyResult {
    ApplyResult::Rejected { message }
}

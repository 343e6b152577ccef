//! Permissions, proved without changing anything.
//!
//! Reads are tried. A change is tried on a function or mapping that does not exist: if it is permitted, Lambda answers
//! that there is none. If it is denied, the permission may depend on tags, which something that does not exist cannot
//! carry; then it is tried on functions with a tag of the guard (others after them), in a form that changes nothing:
//!
//! - a reservation above the account's limit, which is always refused;
//! - the deletion of a reservation that does not exist;
//! - an update of asynchronous settings that do not exist, and new ones for an alias that does not exist.
//!
//! Every change of a mapping shows in its state, so none is tried on a real one: a denial is then reported as unproved.

use std::collections::BTreeMap;

use super::api::{Api, Failure, Kind};
use super::translate::{self, count};
use crate::ports::Proof;

/// A function and an alias with names that are not in use, and a mapping that Lambda never makes.
const NO_FUNCTION: &str = "dow-guard-self-test-no-such-function";
const NO_ALIAS: &str = "dow-guard-self-test";
const NO_MAPPING: &str = "00000000-0000-0000-0000-000000000000";

/// The prefix of the guard's tags: `dow-guard` lets it act, `dow-guard:KEY` overrides the policy.
const TAG_PREFIX: &str = "dow-guard";

/// Functions searched for such a tag, and functions that a change is tried on.
const LOOKED_AT_MAX: usize = 20;
const TRIED_MAX: usize = 5;

/// The distance above the account's limit: out of reach of any raise between two calls.
const BEYOND: i32 = 1_000_000;

type Answer = Result<(), Failure>;

/// A change that is tried.
#[derive(Clone, Copy, Debug)]
enum Trial {
    Reserve,
    Unreserve,
    UpdateAsync,
    PutAsync,
}

/// Tries every permission.
pub(super) async fn prove(api: &Api) -> Vec<Proof> {
    let mut prover = Prover { api, limit: 0, proofs: Vec::new() };
    let candidates = prover.account().await;
    prover.functions(candidates.first()).await;
    for trial in [Trial::Reserve, Trial::Unreserve, Trial::UpdateAsync, Trial::PutAsync] {
        prover.change(trial, &candidates).await;
    }
    prover.mapping().await;
    prover.proofs
}

struct Prover<'a> {
    api: &'a Api,
    /// The account's limit; 0 if it could not be read.
    limit: i32,
    proofs: Vec<Proof>,
}

/// A function that exists.
struct Candidate {
    name: String,
    arn: String,
}

impl Prover<'_> {
    /// Tests the account's permissions; returns functions to try the rest on, those with a tag of the guard first.
    async fn account(&mut self) -> Vec<Candidate> {
        let client = &self.api.client;
        let settings =
            self.api.read("lambda:GetAccountSettings", || client.get_account_settings().send()).await;
        self.limit = settings
            .as_ref()
            .ok()
            .and_then(translate::account)
            .and_then(|account| i32::try_from(account.limits.concurrency).ok())
            .unwrap_or(0);
        self.proofs.push(proof("lambda:GetAccountSettings", "asked", settings.map(drop)));
        let listed =
            self.api.read("lambda:ListFunctions", || client.list_functions().max_items(50).send()).await;
        let found: Vec<Candidate> =
            listed.iter().flat_map(|page| page.functions()).filter_map(candidate).collect();
        self.proofs.push(proof("lambda:ListFunctions", "asked for a page", listed.map(drop)));
        let list = || client.list_event_source_mappings().max_items(1).send();
        let mappings = self.api.read("lambda:ListEventSourceMappings", list).await;
        self.proofs.push(proof("lambda:ListEventSourceMappings", "asked for one", mappings.map(drop)));
        self.tagged_first(found).await
    }

    async fn tagged_first(&self, found: Vec<Candidate>) -> Vec<Candidate> {
        let client = &self.api.client;
        let mut tagged: BTreeMap<bool, Vec<Candidate>> = BTreeMap::new();
        for candidate in found.into_iter().take(LOOKED_AT_MAX) {
            let get = || client.get_function().function_name(&candidate.name).send();
            let read = self.api.read("lambda:GetFunction", get).await;
            let tags = read.iter().flat_map(|read| read.tags()).flatten();
            let is_tagged = tags.map(|(key, _)| key).any(|key| key.starts_with(TAG_PREFIX));
            tagged.entry(!is_tagged).or_default().push(candidate);
        }
        tagged.into_values().flatten().collect()
    }

    /// Tests the reads of a function: of an existing one, or otherwise of one that does not exist.
    async fn functions(&mut self, candidate: Option<&Candidate>) {
        let (api, client) = (self.api, &self.api.client);
        let name = candidate.map_or(NO_FUNCTION, |candidate| candidate.name.as_str());
        let on = format!("asked about {name}");
        let mut push = |action: &str, answer: Answer| self.proofs.push(proof(action, &on, answer));
        let get = || client.get_function().function_name(name).send();
        push("lambda:GetFunction", api.read("lambda:GetFunction", get).await.map(drop));
        if let Some(candidate) = candidate {
            let get = || client.list_tags().resource(&candidate.arn).send();
            push("lambda:ListTags", api.read("lambda:ListTags", get).await.map(drop));
        }
        let get = || client.get_function_concurrency().function_name(name).send();
        push("lambda:GetFunctionConcurrency", api.read("lambda:GetFunctionConcurrency", get).await.map(drop));
        let call = "lambda:GetFunctionEventInvokeConfig";
        let get = || client.get_function_event_invoke_config().function_name(name).send();
        push(call, api.read(call, get).await.map(drop));
        let get = || client.get_policy().function_name(name).send();
        push("lambda:GetPolicy", api.read("lambda:GetPolicy", get).await.map(drop));
        let get = || client.list_aliases().function_name(name).send();
        push("lambda:ListAliases", api.read("lambda:ListAliases", get).await.map(drop));
        let call = "lambda:ListFunctionEventInvokeConfigs";
        let get = || client.list_function_event_invoke_configs().function_name(name).send();
        push(call, api.read(call, get).await.map(drop));
        let call = "lambda:ListProvisionedConcurrencyConfigs";
        let get = || client.list_provisioned_concurrency_configs().function_name(name).send();
        push(call, api.read(call, get).await.map(drop));
    }

    /// A change of a function.
    async fn change(&mut self, trial: Trial, candidates: &[Candidate]) {
        let action = trial.action();
        let mut answer = self.on_nobody(trial).await;
        let mut on = "tried on a function that does not exist".to_owned();
        for candidate in candidates.iter().take(TRIED_MAX) {
            if !answer.as_ref().is_err_and(Failure::is_denied) {
                break;
            }
            if let Some(next) = self.on_somebody(trial, &candidate.name).await {
                (answer, on) = (next, format!("tried on {} in a form that changes nothing", candidate.name));
            }
        }
        self.proofs.push(proof(action, &on, answer));
    }

    async fn on_nobody(&self, trial: Trial) -> Answer {
        let (api, client, call) = (self.api, &self.api.client, trial.action());
        match trial {
            Trial::Reserve => self.reserve_beyond(NO_FUNCTION).await,
            Trial::Unreserve => {
                let delete = client.delete_function_concurrency().function_name(NO_FUNCTION);
                api.once(call, delete.send()).await.map(drop)
            }
            Trial::UpdateAsync => {
                let update = client.update_function_event_invoke_config().function_name(NO_FUNCTION);
                api.once(call, update.maximum_retry_attempts(2).send()).await.map(drop)
            }
            Trial::PutAsync => {
                let put = client.put_function_event_invoke_config().function_name(NO_FUNCTION);
                api.once(call, put.maximum_retry_attempts(2).send()).await.map(drop)
            }
        }
    }

    /// `None` if this function is not one that it can be tried on.
    async fn on_somebody(&self, trial: Trial, name: &str) -> Option<Answer> {
        let (api, client, call) = (self.api, &self.api.client, trial.action());
        match trial {
            Trial::Reserve if self.limit == 0 => None,
            Trial::Reserve => Some(self.reserve_beyond(name).await),
            Trial::Unreserve => {
                let get = client.get_function_concurrency().function_name(name).send();
                let found = api.once("lambda:GetFunctionConcurrency", get).await.ok()?;
                if found.reserved_concurrent_executions().and_then(count).is_some() {
                    return None;
                }
                let delete = client.delete_function_concurrency().function_name(name).send();
                Some(api.once(call, delete).await.map(drop))
            }
            Trial::UpdateAsync => {
                let get = client.get_function_event_invoke_config().function_name(name).send();
                let found = api.once("lambda:GetFunctionEventInvokeConfig", get).await;
                if !found.is_err_and(|failure| failure.kind == Kind::Missing) {
                    return None;
                }
                let update = client.update_function_event_invoke_config().function_name(name);
                Some(api.once(call, update.maximum_retry_attempts(2).send()).await.map(drop))
            }
            Trial::PutAsync => {
                let put = client.put_function_event_invoke_config().function_name(name).qualifier(NO_ALIAS);
                Some(api.once(call, put.maximum_retry_attempts(2).send()).await.map(drop))
            }
        }
    }

    async fn reserve_beyond(&self, name: &str) -> Answer {
        let put = self.api.client.put_function_concurrency().function_name(name);
        let value = self.limit.saturating_add(BEYOND);
        let put = put.reserved_concurrent_executions(value).send();
        self.api.once(Trial::Reserve.action(), put).await.map(drop)
    }

    /// Tests the permissions on one mapping.
    async fn mapping(&mut self) {
        let (api, client) = (self.api, &self.api.client);
        let on =
            "tried on a mapping that does not exist, which a condition on tags or functions never admits";
        let call = "lambda:GetEventSourceMapping";
        let get = client.get_event_source_mapping().uuid(NO_MAPPING).send();
        self.proofs.push(proof(call, on, api.once(call, get).await.map(drop)));
        let call = "lambda:UpdateEventSourceMapping";
        let update = client.update_event_source_mapping().uuid(NO_MAPPING).enabled(false).send();
        self.proofs.push(proof(call, on, api.once(call, update).await.map(drop)));
    }
}

impl Trial {
    const fn action(self) -> &'static str {
        match self {
            Trial::Reserve => "lambda:PutFunctionConcurrency",
            Trial::Unreserve => "lambda:DeleteFunctionConcurrency",
            Trial::UpdateAsync => "lambda:UpdateFunctionEventInvokeConfig",
            Trial::PutAsync => "lambda:PutFunctionEventInvokeConfig",
        }
    }
}

fn candidate(function: &aws_sdk_lambda::types::FunctionConfiguration) -> Option<Candidate> {
    Some(Candidate { name: function.function_name()?.to_owned(), arn: function.function_arn()?.to_owned() })
}

/// Any answer but a denial proves the permission: Lambda looked at the request.
fn proof(action: &str, tried: &str, answer: Answer) -> Proof {
    let (ok, said) = match answer {
        Ok(()) => (true, "allowed".to_owned()),
        Err(failure) => {
            let is_looked_at = matches!(failure.kind, Kind::Missing | Kind::Refused) && !failure.is_denied();
            (is_looked_at, failure.reason)
        }
    };
    Proof { action: action.to_owned(), ok, detail: format!("{tried}: {said}") }
}

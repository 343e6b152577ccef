//! Permissions, proved without changing anything.
//!
//! Reads are tried. A change is tried on a function or mapping that does not exist: if it is permitted, Lambda answers
//! that there is none. If it is denied, the permission may depend on the function, by its tag or by a list; then it is tried
//! on functions that the guard may change, in a form that changes nothing:
//!
//! - a reservation above the account's limit, which is always refused;
//! - the deletion of a reservation that does not exist;
//! - an update of asynchronous settings that do not exist, and new ones for an alias that does not exist.
//!
//! What is denied there is missing. Without such a function, or where each already has what the harmless form must not
//! touch, a permission is *unproved*. So is the change of mappings if it is denied on one that does not exist, because every
//! change of a real one shows in its state.

use guard_core::inventory::Function;
use guard_core::name::FunctionName;

use super::api::{Api, Failure, Kind};
use super::translate::{self, count};
use crate::ports::{Granted, Proof};

/// A function and an alias with names that are not in use, and a mapping that Lambda never makes.
const NO_FUNCTION: &str = "dow-guard-self-test-no-such-function";
const NO_ALIAS: &str = "dow-guard-self-test";
const NO_MAPPING: &str = "00000000-0000-0000-0000-000000000000";

/// The tag that permits changes, by the permission set `infra/iam/act-by-tag.json`.
const TAG: (&str, &str) = ("dow-guard", "enforce");

/// Functions searched for that tag while the memory knows none that carries it, and functions that a change is tried on.
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

/// What the deployment says of the functions that the guard may change.
#[derive(Clone, Debug, Default)]
pub(super) struct Guarded {
    /// The guard's own function, which it may never change.
    pub(super) itself: Option<FunctionName>,
    /// The first ARN of the list that permits changes, perhaps with `*` at its end; `None`: a tag permits them.
    pub(super) listed: Option<String>,
}

impl Guarded {
    fn in_words(&self) -> String {
        match &self.listed {
            Some(listed) => format!("is {listed}"),
            None => format!("carries the tag {}={}", TAG.0, TAG.1),
        }
    }
}

/// Tries every permission. `known` are the functions in the memory.
pub(super) async fn prove(api: &Api, guarded: &Guarded, known: &[Function]) -> Vec<Proof> {
    let mut prover = Prover { api, limit: 0, proofs: Vec::new() };
    let page = prover.account().await;
    let mut guarded_ones = prover.guarded(guarded, known, &page).await;
    let any = guarded_ones.first().or_else(|| page.first()).cloned();
    prover.functions(any.as_ref()).await;
    guarded_ones.truncate(TRIED_MAX);
    for trial in [Trial::Reserve, Trial::Unreserve, Trial::UpdateAsync, Trial::PutAsync] {
        prover.change(trial, &guarded_ones, guarded).await;
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
#[derive(Clone)]
struct Candidate {
    name: String,
    arn: String,
}

impl Prover<'_> {
    /// Tests the account's permissions; returns the first functions of the list.
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
        found
    }

    /// Functions that the guard may change: those of the list, or those with the tag, of the memory first.
    async fn guarded(&self, guarded: &Guarded, known: &[Function], page: &[Candidate]) -> Vec<Candidate> {
        let remembered = |function: &Function| {
            Some(Candidate { name: function.name.to_string(), arn: function.arn.clone()? })
        };
        let mut found: Vec<Candidate> = match &guarded.listed {
            // It need not exist, nor be known yet: whether it may be changed shows all the same.
            Some(listed) if !listed.ends_with('*') => {
                let name = listed.rsplit(':').next().unwrap_or_default().to_owned();
                vec![Candidate { name, arn: listed.clone() }]
            }
            Some(listed) => {
                let all = known.iter().filter_map(remembered).chain(page.iter().cloned());
                all.filter(|one| is_of(listed, &one.arn)).collect()
            }
            None => {
                let tagged = known.iter().filter(|one| one.tags.get(TAG.0).is_some_and(|tag| tag == TAG.1));
                tagged.filter_map(remembered).collect()
            }
        };
        if found.is_empty() && guarded.listed.is_none() {
            found = self.tagged(page).await;
        }
        found.retain(|one| guarded.itself.as_ref().is_none_or(|itself| one.name != itself.as_str()));
        found
    }

    async fn tagged(&self, page: &[Candidate]) -> Vec<Candidate> {
        let client = &self.api.client;
        let mut found = Vec::new();
        for candidate in page.iter().take(LOOKED_AT_MAX) {
            let get = || client.get_function().function_name(&candidate.name).send();
            let read = self.api.read("lambda:GetFunction", get).await;
            let mut tags = read.iter().flat_map(|read| read.tags()).flatten();
            if tags.any(|(key, value)| (key.as_str(), value.as_str()) == TAG) {
                found.push(candidate.clone());
            }
        }
        found
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
    async fn change(&mut self, trial: Trial, candidates: &[Candidate], guarded: &Guarded) {
        let action = trial.action();
        let answer = self.on_nobody(trial).await;
        if !answer.as_ref().is_err_and(Failure::is_denied) {
            self.proofs.push(proof(action, "tried on a function that does not exist", answer));
            return;
        }
        let mut denied = None;
        for candidate in candidates {
            let Some(answer) = self.on_somebody(trial, &candidate.name).await else { continue };
            let on = format!(
                "tried on {}, which {}, in a form that changes nothing",
                candidate.name,
                guarded.in_words()
            );
            let proof = proof(action, &on, answer);
            if proof.granted == Granted::Yes {
                self.proofs.push(proof);
                return;
            }
            denied.get_or_insert(proof);
        }
        self.proofs.push(denied.unwrap_or_else(|| {
            let detail = if candidates.is_empty() {
                format!("no function that is known {}", guarded.in_words())
            } else {
                let names: Vec<&str> = candidates.iter().map(|one| one.name.as_str()).collect();
                format!("a try could change {}", names.join(", "))
            };
            Proof { action: action.to_owned(), granted: Granted::Unproved, detail }
        }));
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
        let call = "lambda:GetEventSourceMapping";
        let get = client.get_event_source_mapping().uuid(NO_MAPPING).send();
        self.proofs.push(proof(
            call,
            "asked about a mapping that does not exist",
            api.once(call, get).await.map(drop),
        ));
        let call = "lambda:UpdateEventSourceMapping";
        let update = client.update_event_source_mapping().uuid(NO_MAPPING).enabled(false).send();
        let answer = api.once(call, update).await.map(drop);
        let is_denied = answer.as_ref().is_err_and(Failure::is_denied);
        let mut proof = proof(call, "tried on a mapping that does not exist", answer);
        if is_denied {
            proof.granted = Granted::Unproved;
            proof.detail =
                "denied on a mapping that does not exist, as by every condition on tags or functions, and \
                            each try on a real one shows in its state"
                    .to_owned();
        }
        self.proofs.push(proof);
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

/// Whether an ARN begins as a pattern of the list does before its `*`.
fn is_of(listed: &str, arn: &str) -> bool {
    arn.starts_with(listed.trim_end_matches('*'))
}

/// Any answer but a denial proves the permission: Lambda looked at the request.
fn proof(action: &str, tried: &str, answer: Answer) -> Proof {
    let (is_granted, said) = match answer {
        Ok(()) => (true, "allowed".to_owned()),
        Err(failure) => {
            let is_looked_at = matches!(failure.kind, Kind::Missing | Kind::Refused) && !failure.is_denied();
            (is_looked_at, failure.reason)
        }
    };
    Proof { action: action.to_owned(), granted: Granted::of(is_granted), detail: format!("{tried}: {said}") }
}

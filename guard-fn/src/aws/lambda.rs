//! Lambda's control plane behind [`ConcurrencyControl`]: reads configuration in turn, changes it by compare-and-set.
//!
//! Permissions: `lambda:GetAccountSettings`, `ListFunctions`, `ListEventSourceMappings`, and of each function
//! `GetFunction`, `ListTags`, `GetFunctionConcurrency`, `GetFunctionEventInvokeConfig`, `GetPolicy` and
//! `ListProvisionedConcurrencyConfigs`; `GetEventSourceMapping`; to act `PutFunctionConcurrency`,
//! `DeleteFunctionConcurrency`, `PutFunctionEventInvokeConfig`, `UpdateFunctionEventInvokeConfig` and
//! `UpdateEventSourceMapping`.

mod api;
mod apply;
mod invokers;
mod lists;
mod pace;
mod prove;
mod read;
mod survey;
mod translate;
mod turns;

use async_trait::async_trait;
use aws_sdk_lambda::config::retry::RetryConfig;
use aws_sdk_lambda::{Client, config};
use chrono::{DateTime, Utc};
use guard_core::inventory::Function;
use guard_core::name::FunctionName;
use guard_core::plan::Action;
use guard_core::settle::ApplyResult;

use self::api::Api;
use self::prove::Guarded;
use super::calls::CountRequests;
use crate::calls::Calls;
use crate::deadline::Stage;
use crate::ports::{ConcurrencyControl, Proof, Unavailable};
use crate::survey::Survey;

/// Lambda's control plane in one account and region.
#[derive(Debug)]
pub struct LambdaControl {
    api: Api,
    guarded: Guarded,
}

impl LambdaControl {
    /// A control plane reached as `config` says; its requests are counted in `calls`.
    pub fn new(config: &aws_config::SdkConfig, calls: Calls) -> Self {
        let own = config::Builder::from(config)
            .interceptor(CountRequests(calls))
            .retry_config(RetryConfig::disabled())
            .build();
        LambdaControl { api: Api::new(Client::from_conf(own)), guarded: Guarded::default() }
    }

    /// The same for a guard with this function of its own, which may change the functions of a list that begins with the
    /// ARN `listed`, or, if there is none, those with its tag. Only the self-test needs it.
    #[must_use]
    pub fn guarding(mut self, itself: FunctionName, listed: Option<String>) -> Self {
        self.guarded = Guarded { itself: Some(itself), listed };
        self
    }
}

#[async_trait]
impl ConcurrencyControl for LambdaControl {
    async fn survey(
        &self,
        survey: &mut Survey,
        urgent: &[FunctionName],
        at: DateTime<Utc>,
        calls: u32,
        time: Stage,
    ) -> Vec<Unavailable> {
        survey::survey(&self.api, survey, urgent, at, calls, time).await
    }

    async fn apply(&self, action: &Action) -> ApplyResult {
        apply::apply(&self.api, action).await
    }

    async fn prove(&self, known: &[Function]) -> Vec<Proof> {
        prove::prove(&self.api, &self.guarded, known).await
    }
}

#[cfg(test)]
mod tests;

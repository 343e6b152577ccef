//! AWS behind the ports: one file per service. Types of the SDK go no further than this folder.

pub mod callback;
pub mod calls;
pub mod cloudwatch;
pub mod lambda;
pub mod policy_source;
pub mod price_list;
pub mod sns;
pub mod state_store;

use std::time::Duration;

use aws_config::{BehaviorVersion, ConfigLoader, SdkConfig};
use aws_sdk_lambda::config::ProvideCredentials;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;

use crate::calls::Calls;
use crate::chain::chain;
use crate::config::{Config, PolicyLocation, Prices};
use crate::ports::{PolicySource, Ports, PriceSource, Unavailable};

use self::cloudwatch::CloudWatch;
use self::lambda::LambdaControl;
use self::policy_source::{InlinePolicy, SsmPolicy};
use self::price_list::PriceList;
use self::sns::SnsSink;
use self::state_store::DynamoStore;

/// The ports of a deployment. Clients are made once: their connections stay warm between ticks.
pub async fn connect(config: &Config) -> Ports {
    let sdk = sdk().load().await;
    let calls = Calls::default();
    let policy: Box<dyn PolicySource> = match &config.policy {
        PolicyLocation::Inline(text) => Box::new(InlinePolicy(text.clone())),
        PolicyLocation::Parameter(name) => Box::new(SsmPolicy::new(&sdk, calls.clone(), name.clone())),
    };
    let region = config.region.clone();
    let store = DynamoStore::new(&sdk, calls.clone(), config.table.clone(), &config.name, region.clone());
    let prices = (config.prices == Prices::Aws).then(|| -> Box<dyn PriceSource> {
        Box::new(PriceList::new(price_list::ENDPOINT, region, calls.clone()))
    });
    let control = LambdaControl::new(&sdk, calls.clone());
    let control = control.guarding(config.function.clone(), config.try_on.clone());
    Ports {
        metrics: Box::new(CloudWatch::new(&sdk, calls.clone())),
        control: Box::new(control),
        store: Box::new(store),
        alerts: Box::new(SnsSink::new(&sdk, calls.clone(), config.topics.clone())),
        policy,
        prices,
        calls,
    }
}

/// The TLS of every connection. The SDK's own default is aws-lc-rs, whose C code makes the package larger and needs a C
/// tool chain for each target.
const TLS: Provider = Provider::Rustls(CryptoMode::Ring);

/// The SDK's configuration, from the environment and the usual credential chain.
pub(crate) fn sdk() -> ConfigLoader {
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(http())
        .timeout_config(timeouts())
        .retry_config(retries())
}

/// Why AWS cannot be asked at all; `None` if there are credentials.
pub(crate) async fn without_credentials(sdk: &SdkConfig) -> Option<String> {
    let error = match sdk.credentials_provider() {
        Some(provider) => provider.provide_credentials().await.err()?,
        None => return Some("no AWS credentials were found".to_owned()),
    };
    Some(chain(&error))
}

/// The connections of all clients.
pub(crate) fn http() -> SharedHttpClient {
    Builder::new().tls_provider(TLS).build_https()
}

/// An error of the SDK with its causes in one line.
pub(crate) fn unavailable(call: &str, error: &(impl std::error::Error + 'static)) -> Unavailable {
    Unavailable::new(call, chain(error))
}

/// How long a call may take. A service that answers after five seconds is slow and not dead, and the parts of a tick's
/// minute hold such calls (`guard`); one that does not answer leaves time for another try.
fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(2))
        .operation_attempt_timeout(Duration::from_secs(7))
        .operation_timeout(Duration::from_secs(15))
        .build()
}

/// The retries of calls that may safely be made twice.
fn retries() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(3)
}

#[cfg(test)]
mod in_process;

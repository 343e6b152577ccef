//! An HTTP client for tests that answers in the process: requests of adapters arrive here byte for byte, and they get
//! the answers that a service would send, including none at all.

use std::sync::Arc;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;

/// A service's reaction to a request.
pub(crate) enum Reply {
    /// Status and body.
    Http(u16, String),
    /// The answer is lost, whatever took effect.
    Lost,
}

/// A request as a service reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    /// Operation of `x-amz-target`, or empty.
    pub(crate) operation: String,
    /// URI.
    pub(crate) uri: String,
    /// Body.
    pub(crate) body: String,
}

type Service = dyn Fn(&Request) -> Reply + Send + Sync;

#[derive(Clone)]
struct InProcess(Arc<Service>);

impl std::fmt::Debug for InProcess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("InProcess")
    }
}

impl HttpConnector for InProcess {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let read = Request {
            operation: target.rsplit('.').next().unwrap_or_default().to_owned(),
            uri: request.uri().to_owned(),
            body: String::from_utf8(request.body().bytes().unwrap_or_default().to_vec()).unwrap(),
        };
        HttpConnectorFuture::ready(match (self.0)(&read) {
            Reply::Http(status, body) => {
                Ok(HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body)))
            }
            Reply::Lost => Err(ConnectorError::io("connection reset".into())),
        })
    }
}

/// A configuration whose clients all speak to `service`.
pub(crate) fn config(service: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> SdkConfig {
    let connector = connector(service);
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
            "id", "key", None, None, "tests",
        )))
        .http_client(http_client_fn(move |_, _| connector.clone()))
        .build()
}

/// The connection alone, for callers other than the SDK's clients.
pub(crate) fn connector(service: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> SharedHttpConnector {
    SharedHttpConnector::new(InProcess(Arc::new(service)))
}

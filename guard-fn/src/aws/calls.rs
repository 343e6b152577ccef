//! Counts requests at the wire: every attempt of every client, retries included.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextRef;
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

use crate::calls::Calls;

/// The interceptor that every client gets.
#[derive(Clone, Debug)]
pub struct CountRequests(pub Calls);

impl Intercept for CountRequests {
    fn name(&self) -> &'static str {
        "count requests"
    }

    fn read_before_transmit(
        &self,
        _context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let call = config.load::<Metadata>();
        self.0.count(
            call.map_or_else(|| "unknown".to_owned(), |call| format!("{}:{}", call.service(), call.name())),
        );
        Ok(())
    }
}

//! Prices from the public price list of AWS, once a day, over those that ship with the guard. A failure keeps the
//! current prices and is reported.

use std::time::Duration;

use async_trait::async_trait;
use aws_smithy_http_client::Connector;
use aws_smithy_runtime_api::client::http::{HttpConnector, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use chrono::{DateTime, TimeDelta, Utc};
use guard_core::name::Region;
use guard_core::pricing::PriceTable;

use super::{TLS, unavailable};
use crate::calls::Calls;
use crate::chain::chain;
use crate::ports::{PriceSource, Unavailable};

/// The address of the price list ("Using the bulk API", AWS Billing user guide, read 2026-11). It needs no credentials.
pub const ENDPOINT: &str = "https://pricing.us-east-1.amazonaws.com";

const CALL: &str = "pricing:index.json";

/// Prices change a few times a year. Our choice: a day.
const REFRESH_EVERY: TimeDelta = TimeDelta::days(1);
/// The delay before another attempt after a failure.
const RETRY_AFTER: TimeDelta = TimeDelta::hours(1);
/// Bytes of a region's list at most: Lambda's were some hundred kilobytes when this was written.
const SIZE_MAX: usize = 16 << 20;
/// All of it must have come within this time, or a tick is late.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Reads the list when it is due.
#[derive(Debug)]
pub struct PriceList {
    connector: SharedHttpConnector,
    endpoint: String,
    region: Region,
    calls: Calls,
    due: Option<DateTime<Utc>>,
}

impl PriceList {
    /// The list of a region, at [`ENDPOINT`] or at a mirror.
    pub fn new(endpoint: &str, region: Region, calls: Calls) -> Self {
        let connector = Connector::builder().tls_provider(TLS).build();
        PriceList::through(SharedHttpConnector::new(connector), endpoint, region, calls)
    }

    fn through(connector: SharedHttpConnector, endpoint: &str, region: Region, calls: Calls) -> Self {
        PriceList { connector, endpoint: endpoint.trim_end_matches('/').to_owned(), region, calls, due: None }
    }

    async fn read(&self) -> Result<Vec<u8>, Unavailable> {
        let mut request = HttpRequest::new(SdkBody::empty());
        request.set_uri(self.url()).map_err(|error| unavailable(CALL, &error))?;
        self.calls.count(CALL);
        let response = self.connector.call(request).await.map_err(|error| unavailable(CALL, &error))?;
        let status = response.status().as_u16();
        if status != 200 {
            return Err(self.fault(&format!("status {status}")));
        }
        let mut body = ByteStream::new(response.into_body());
        let mut bytes = Vec::new();
        while let Some(chunk) = body.next().await {
            bytes.extend_from_slice(&chunk.map_err(|error| unavailable(CALL, &error))?);
            if bytes.len() > SIZE_MAX {
                return Err(self.fault(&format!("more than {SIZE_MAX} bytes")));
            }
        }
        Ok(bytes)
    }

    fn url(&self) -> String {
        format!("{}/offers/v1.0/aws/AWSLambda/current/{}/index.json", self.endpoint, self.region)
    }

    fn fault(&self, reason: &str) -> Unavailable {
        Unavailable::new(CALL, format!("{}: {reason}; the prices known before stay in force", self.url()))
    }
}

#[async_trait]
impl PriceSource for PriceList {
    /// Once a day, and after a failure again in an hour.
    async fn refresh(
        &mut self,
        prices: &PriceTable,
        at: DateTime<Utc>,
    ) -> Result<Option<PriceTable>, Unavailable> {
        if self.due.is_some_and(|due| at < due) {
            return Ok(None);
        }
        self.due = Some(at + RETRY_AFTER);
        let read = tokio::time::timeout(TIMEOUT, self.read()).await;
        let bytes = read.map_err(|_| self.fault(&format!("no answer within {} s", TIMEOUT.as_secs())))??;
        let newer = PriceTable::from_bulk_json(&bytes).map_err(|error| self.fault(&chain(&error)))?;
        if newer.regions().all(|region| *region != self.region) {
            return Err(self.fault(&format!("it has no prices of {}", self.region)));
        }
        self.due = Some(at + REFRESH_EVERY);
        Ok(Some(prices.clone().overlaid_with(&newer)))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use guard_core::inventory::Architecture;
    use serde_json::json;

    use super::*;
    use crate::aws::in_process::{self, Reply};

    fn at(hours: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::hours(hours)
    }

    /// A list with one price, a cent per request.
    fn list(region: &str) -> String {
        json!({
            "products": { "A": { "attributes": { "usagetype": "EUC1-Request", "regionCode": region } } },
            "terms": { "OnDemand": { "A": { "A.1": { "effectiveDate": "2026-11-01", "priceDimensions": {
                "A.1.1": { "beginRange": "0", "endRange": "Inf", "pricePerUnit": { "USD": "0.01" } }
            } } } } }
        })
        .to_string()
    }

    fn prices_of(replies: Vec<Reply>) -> (PriceList, Arc<Mutex<Vec<String>>>) {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (log, replies) = (Arc::clone(&asked), Mutex::new(replies.into_iter()));
        let connector = in_process::connector(move |request| {
            log.lock().unwrap().push(request.uri.clone());
            replies.lock().unwrap().next().unwrap_or(Reply::Lost)
        });
        (
            PriceList::through(connector, "http://prices/", Region::new("eu-central-1"), Calls::default()),
            asked,
        )
    }

    #[tokio::test]
    async fn the_list_of_the_region_lies_over_the_table_and_is_read_once_a_day() {
        let (mut prices, asked) =
            prices_of(vec![Reply::Http(200, list("eu-central-1")), Reply::Http(200, list("eu-central-1"))]);
        let table = prices.refresh(PriceTable::embedded(), at(0)).await.unwrap().unwrap();
        let region = Region::new("eu-central-1");
        let quote = table.quote(&region, Architecture::X86_64);
        assert_eq!(quote.request, "0.01".parse().unwrap());
        let known = PriceTable::embedded().quote(&region, Architecture::X86_64);
        assert_eq!(quote.gb_second, known.gb_second, "what the list does not have stays as it was");
        assert_eq!(prices.refresh(&table, at(23)).await, Ok(None));
        assert!(prices.refresh(&table, at(24)).await.unwrap().is_some());
        let url = "http://prices/offers/v1.0/aws/AWSLambda/current/eu-central-1/index.json";
        assert_eq!(*asked.lock().unwrap(), [url, url]);
    }

    #[tokio::test]
    async fn a_failure_is_told_keeps_what_is_there_and_is_tried_again_in_an_hour() {
        let replies = [
            Reply::Lost,
            Reply::Http(503, String::new()),
            Reply::Http(200, "<html>".to_owned()),
            Reply::Http(200, list("us-east-1")),
            Reply::Http(200, " ".repeat(SIZE_MAX + 1)),
            Reply::Http(200, list("eu-central-1")),
        ];
        let (mut prices, _) = prices_of(replies.into_iter().collect());
        for (hour, word) in
            ["connection reset", "status 503", "not the JSON expected", "no prices of", "bytes"]
                .into_iter()
                .enumerate()
        {
            let hour = i64::try_from(hour).unwrap();
            let error = prices.refresh(PriceTable::embedded(), at(hour)).await.unwrap_err();
            assert!(error.to_string().contains(word), "{error}");
            let soon = at(hour) + TimeDelta::minutes(59);
            assert_eq!(prices.refresh(PriceTable::embedded(), soon).await, Ok(None));
        }
        assert!(prices.refresh(PriceTable::embedded(), at(5)).await.unwrap().is_some());
    }
}

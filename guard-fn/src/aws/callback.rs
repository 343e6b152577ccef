//! The answer to CloudFormation's custom resource, at the signed address that came with the request.

use std::time::Duration;

use aws_smithy_http_client::Connector;
use aws_smithy_runtime_api::client::http::{HttpConnector, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;

use super::{TLS, sdk, unavailable};
use crate::ports::Unavailable;
use crate::wake::Callback;

const CALL: &str = "cloudformation:ResponseURL";

/// How often it is tried: CloudFormation, which hears nothing else, waits until its own time is up. Our choice.
const TRIES: u32 = 3;
/// Each try has this long. Our choice: it fits into what an order leaves of a minute.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Answers a request; `problem` is why it could not be met.
///
/// # Errors
/// If the address is not one of AWS, or nothing there takes the answer.
pub async fn send(callback: &Callback, problem: Option<&str>) -> Result<(), Unavailable> {
    let connector = SharedHttpConnector::new(Connector::builder().tls_provider(TLS).build());
    let elsewhere = sdk().load().await.endpoint_url().map(str::to_owned);
    put(&connector, elsewhere.as_deref(), callback, problem).await
}

async fn put(
    connector: &SharedHttpConnector,
    elsewhere: Option<&str>,
    callback: &Callback,
    problem: Option<&str>,
) -> Result<(), Unavailable> {
    if !is_of_aws(&callback.url, elsewhere) {
        return Err(Unavailable::new(CALL, "the address is not one of AWS, so nothing was sent there"));
    }
    let mut last = Unavailable::new(CALL, "it was not tried");
    for _ in 0..TRIES {
        match tokio::time::timeout(TIMEOUT, once(connector, &callback.url, callback.answer(problem))).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => last = error,
            Err(_) => last = Unavailable::new(CALL, format!("no answer within {} s", TIMEOUT.as_secs())),
        }
    }
    Err(last)
}

async fn once(connector: &SharedHttpConnector, url: &str, body: String) -> Result<(), Unavailable> {
    // Its signature is over an empty Content-Type, so none is sent.
    let mut request = HttpRequest::new(SdkBody::from(body));
    request.set_method("PUT").map_err(|error| unavailable(CALL, &error))?;
    request.set_uri(url).map_err(|_| Unavailable::new(CALL, "the address cannot be read"))?;
    let response = connector.call(request).await.map_err(|error| unavailable(CALL, &error))?;
    let status = response.status().as_u16();
    if (200..300).contains(&status) {
        Ok(())
    } else {
        Err(Unavailable::new(CALL, format!("status {status}")))
    }
}

/// Whether an address is one of AWS, so that a payload cannot have the guard speak to anybody else. An installation whose
/// AWS is elsewhere (`AWS_ENDPOINT_URL`) takes addresses there.
fn is_of_aws(url: &str, elsewhere: Option<&str>) -> bool {
    if let Some(base) = elsewhere {
        let base = base.trim_end_matches('/');
        return url.strip_prefix(base).is_some_and(|rest| rest.starts_with('/'));
    }
    let Some(host) = url.strip_prefix("https://").and_then(|rest| rest.split(['/', '?', '#']).next()) else {
        return false;
    };
    let is_plain = host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'));
    is_plain && (host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn"))
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use serde_json::{Value, json};

    use super::*;
    use crate::aws::in_process::{self, Reply, Request};

    fn callback(url: &str) -> Callback {
        Callback::of(&json!({
            "RequestType": "Delete", "ResponseURL": url, "StackId": "s", "RequestId": "r", "LogicalResourceId": "Leaving",
        }))
        .unwrap()
    }

    const URL: &str =
        "https://cloudformation-custom-resource-response-euwest1.s3.eu-west-1.amazonaws.com/key?X-Amz=1";

    async fn answered(replies: Vec<Reply>, url: &str) -> (Result<(), Unavailable>, Vec<Request>) {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (log, replies) = (Arc::clone(&seen), Mutex::new(replies.into_iter()));
        let connector = in_process::connector(move |request| {
            log.lock().unwrap().push(request.clone());
            replies.lock().unwrap().next().unwrap_or(Reply::Lost)
        });
        let sent = put(&connector, None, &callback(url), Some("orders is capped")).await;
        let seen = seen.lock().unwrap().clone();
        (sent, seen)
    }

    #[tokio::test]
    async fn an_answer_that_is_lost_is_sent_again_and_one_that_is_taken_is_not() {
        let replies = vec![Reply::Lost, Reply::Http(503, String::new()), Reply::Http(200, String::new())];
        let (sent, seen) = answered(replies, URL).await;
        assert_eq!((sent, seen.len()), (Ok(()), 3));
        let said: Value = serde_json::from_str(&seen[2].body).unwrap();
        assert_eq!((seen[2].uri.as_str(), &said["Status"]), (URL, &json!("FAILED")));
        let (sent, seen) =
            answered(vec![Reply::Http(403, String::new()), Reply::Lost, Reply::Lost], URL).await;
        assert!(seen.len() == 3 && sent.unwrap_err().to_string().contains("connection reset"));
    }

    #[tokio::test]
    async fn nothing_is_sent_to_an_address_that_is_not_of_aws() {
        for url in [
            "http://s3.amazonaws.com/key",
            "https://example.org/key",
            "https://example.org/.amazonaws.com",
            "https://amazonaws.com.example.org/",
            "https://me:you@example.org#.amazonaws.com",
            "https://127.0.0.1:9001/2018-06-01/runtime/invocation/next",
            "https://xamazonaws.com/",
        ] {
            let (sent, seen) = answered(Vec::new(), url).await;
            assert!(seen.is_empty() && sent.unwrap_err().to_string().contains("not one of AWS"), "{url}");
        }
        assert!(is_of_aws("https://b.s3.cn-north-1.amazonaws.com.cn/key", None));
        let mine = Some("http://localhost:4566/");
        assert!(is_of_aws("http://localhost:4566/key", mine));
        assert!(!is_of_aws("http://localhost:45667/key", mine) && !is_of_aws(URL, mine));
    }
}

//! One call to AWS, as it is seen on the wire.

use serde_json::{Value, json};

use crate::http::Message;

/// A call.
#[derive(Clone, Debug)]
pub struct Call {
    /// Signing name and operation, such as `lambda:PutFunctionConcurrency`.
    pub operation: String,
    /// Method and path.
    pub target: String,
    /// What was sent.
    pub body: Vec<u8>,
    /// What AWS answered; 0 where it was not asked.
    pub status: u16,
}

/// Lambda's REST operations, by method and end of the path.
const LAMBDA: [(&str, &str, &str); 14] = [
    ("GET", "/concurrency", "GetFunctionConcurrency"),
    ("PUT", "/concurrency", "PutFunctionConcurrency"),
    ("DELETE", "/concurrency", "DeleteFunctionConcurrency"),
    ("GET", "/event-invoke-config", "GetFunctionEventInvokeConfig"),
    ("PUT", "/event-invoke-config", "PutFunctionEventInvokeConfig"),
    ("POST", "/event-invoke-config", "UpdateFunctionEventInvokeConfig"),
    ("DELETE", "/event-invoke-config", "DeleteFunctionEventInvokeConfig"),
    ("GET", "/account-settings", "GetAccountSettings"),
    ("GET", "/event-source-mappings", "ListEventSourceMappings"),
    ("GET", "/policy", "GetPolicy"),
    ("GET", "/aliases", "ListAliases"),
    ("GET", "/event-invoke-config/list", "ListFunctionEventInvokeConfigs"),
    ("GET", "/provisioned-concurrency", "ListProvisionedConcurrencyConfigs"),
    ("GET", "/functions", "ListFunctions"),
];

/// Those whose path ends with a name, by method and what comes before it.
const LAMBDA_OF_ONE: [(&str, &str, &str); 4] = [
    ("GET", "/event-source-mappings/", "GetEventSourceMapping"),
    ("PUT", "/event-source-mappings/", "UpdateEventSourceMapping"),
    ("GET", "/tags/", "ListTags"),
    ("GET", "/functions/", "GetFunction"),
];

impl Call {
    pub(crate) fn of(request: &Message) -> Self {
        let (method, target) = (request.word(0), request.word(1));
        let path = target.split('?').next().unwrap_or_default().trim_end_matches('/');
        // Credential=KEY/DATE/REGION/SERVICE/aws4_request
        let service =
            request.header("authorization").and_then(|text| text.split('/').nth(3)).unwrap_or("unsigned");
        let form = String::from_utf8_lossy(&request.body);
        let operation = if let Some(target) = request.header("x-amz-target") {
            target.rsplit('.').next().unwrap_or_default().to_owned()
        } else if let Some((_, operation)) = path.split_once("/operation/") {
            operation.to_owned()
        } else if service == "lambda" {
            let known = LAMBDA.iter().find(|(verb, end, _)| *verb == method && path.ends_with(end));
            let of_one =
                || LAMBDA_OF_ONE.iter().find(|(verb, part, _)| *verb == method && path.contains(part));
            let known = known.or_else(of_one);
            known.map_or_else(|| format!("{method} {path}"), |(_, _, operation)| (*operation).to_owned())
        } else {
            let action = form.split('&').find_map(|pair| pair.strip_prefix("Action="));
            action.map_or_else(|| format!("{method} {path}"), str::to_owned)
        };
        Call {
            operation: format!("{service}:{operation}"),
            target: format!("{method} {target}"),
            body: request.body.clone(),
            status: 0,
        }
    }

    /// The IAM action that it takes ("Actions, resources, and condition keys for AWS services", read 2026-11).
    pub fn action(&self) -> String {
        self.operation.replace("monitoring:", "cloudwatch:")
    }

    /// Whether AWS did what it asked for.
    pub fn is_done(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Whether it changes what others own: Lambda's configuration, by anything but a read.
    pub fn is_mutating(&self) -> bool {
        self.operation.starts_with("lambda:") && !self.target.starts_with("GET ")
    }

    /// The body where it is JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// An error in the words of the service's protocol.
    pub(crate) fn error(&self, status: u16, code: &str) -> Message {
        self.error_saying(status, code, "said by the proxy")
    }

    /// A denial in the words of the service.
    pub(crate) fn denial(&self, why: &str) -> Message {
        let code = match self.operation.split(':').next().unwrap_or_default() {
            "monitoring" => "AccessDenied",
            "sns" => "AuthorizationError",
            _ => "AccessDeniedException",
        };
        self.error_saying(403, code, why)
    }

    pub(crate) fn error_saying(&self, status: u16, code: &str, message: &str) -> Message {
        let start = format!("HTTP/1.1 {status} Error");
        match self.operation.split(':').next().unwrap_or_default() {
            "monitoring" => Message::new(start, cbor_error(code, message))
                .with("content-type", "application/cbor")
                .with("smithy-protocol", "rpc-v2-cbor"),
            "sns" => {
                let body = format!(
                    "<ErrorResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><Error><Type>Sender</Type>\
                     <Code>{code}</Code><Message>{message}</Message></Error><RequestId>0</RequestId></ErrorResponse>"
                );
                Message::new(start, body).with("content-type", "text/xml")
            }
            _ => {
                let body = json!({ "__type": code, "message": message, "Message": message });
                Message::new(start, body.to_string())
                    .with("content-type", "application/json")
                    .with("x-amzn-errortype", code)
            }
        }
    }
}

/// `{"__type": code, "message": message}` in CBOR (RFC 8949: a map of two pairs of text).
fn cbor_error(code: &str, message: &str) -> Vec<u8> {
    let mut body = vec![0xa2];
    for text in ["__type", code, "message", message] {
        // A text of up to 65,535 bytes: its length in two bytes.
        body.push(0x79);
        body.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
        body.extend(text.as_bytes());
    }
    body
}

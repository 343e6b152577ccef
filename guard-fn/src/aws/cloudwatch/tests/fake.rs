//! CloudWatch in this process: `GetMetricData` over HTTP in Smithy RPC v2 CBOR, with the refusals of the real one.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use aws_sdk_cloudwatch::config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider};
use aws_smithy_cbor::data::Type;
use aws_smithy_cbor::{Decoder, Encoder};
use aws_smithy_types::DateTime;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use serde_json::{Map, Value};

use super::super::CloudWatch;
use crate::calls::Calls;

/// A query as it came over the wire.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Query {
    pub(super) id: String,
    pub(super) metric: String,
    pub(super) stat: String,
    pub(super) period: i64,
    pub(super) function: Option<String>,
}

/// A request as it came over the wire.
#[derive(Clone, Debug)]
pub(super) struct Request {
    /// Its place among all requests, from 0.
    pub(super) number: usize,
    pub(super) path: String,
    pub(super) start: i64,
    pub(super) end: i64,
    pub(super) token: Option<String>,
    pub(super) body: Value,
    pub(super) queries: Vec<Query>,
}

/// The result of one query.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Answer {
    pub(super) id: String,
    pub(super) status: Option<&'static str>,
    pub(super) points: Vec<(i64, f64)>,
    pub(super) message: Option<(&'static str, &'static str)>,
}

/// What is sent back.
#[derive(Clone, Debug)]
pub(super) enum Reply {
    Page {
        results: Vec<Answer>,
        token: Option<String>,
        message: Option<(&'static str, &'static str)>,
    },
    Error {
        status: u16,
        code: &'static str,
    },
    /// The head of a response, and then nothing for so long.
    Stall(Duration),
    /// 200, and a body that is no CBOR.
    Garbage,
}

/// The server; its threads end with the process.
pub(super) struct Fake {
    address: String,
    seen: Arc<Mutex<Vec<Request>>>,
}

impl Fake {
    /// Answers every request that the real service would take with what `reply` says.
    pub(super) fn start(reply: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Fake {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let fake = Fake { address, seen: Arc::clone(&seen) };
        let reply = Arc::new(reply);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (seen, reply) = (Arc::clone(&seen), Arc::clone(&reply));
                thread::spawn(move || serve(&stream.unwrap(), &seen, &*reply));
            }
        });
        fake
    }

    /// The adapter, pointed here, with short waits.
    pub(super) fn client(&self) -> CloudWatch {
        self.client_counting(Calls::default())
    }

    pub(super) fn client_counting(&self, calls: Calls) -> CloudWatch {
        self.client_waiting(Duration::from_secs(20), calls)
    }

    /// The adapter, each attempt of which waits so long.
    pub(super) fn client_waiting(&self, attempt: Duration, calls: Calls) -> CloudWatch {
        let keys = Credentials::builder().access_key_id("id").secret_access_key("key").provider_name("test");
        let times = TimeoutConfig::builder().operation_attempt_timeout(attempt);
        let retry =
            RetryConfig::standard().with_max_attempts(3).with_initial_backoff(Duration::from_millis(1));
        let config = aws_config::SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-central-1"))
            .endpoint_url(format!("http://{}", self.address))
            .http_client(crate::aws::http())
            .credentials_provider(SharedCredentialsProvider::new(keys.build()))
            .timeout_config(times.build())
            .retry_config(retry);
        CloudWatch::new(&config.build(), calls)
    }

    /// Everything that was asked, in the order of arrival.
    pub(super) fn seen(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }
}

impl Reply {
    /// One whole page.
    pub(super) fn page(results: Vec<Answer>) -> Reply {
        Reply::Page { results, token: None, message: None }
    }
}

impl Query {
    /// A whole answer.
    pub(super) fn complete(&self, points: Vec<(i64, f64)>) -> Answer {
        Answer { id: self.id.clone(), status: Some("Complete"), points, message: None }
    }

    /// The same with another status.
    pub(super) fn with_status(&self, status: &'static str, points: Vec<(i64, f64)>) -> Answer {
        Answer { status: Some(status), ..self.complete(points) }
    }
}

fn serve(stream: &TcpStream, seen: &Mutex<Vec<Request>>, reply: &dyn Fn(&Request) -> Reply) {
    let mut reader = BufReader::new(stream);
    while let Some((path, body)) = receive(&mut reader) {
        let request = {
            let mut seen = seen.lock().unwrap();
            let request = parse(seen.len(), path, &body);
            seen.push(request.clone());
            request
        };
        let reply = refusal(&request).unwrap_or_else(|| reply(&request));
        let (status, body) = match reply {
            Reply::Page { results, token, message } => (200, page(&results, token, message)),
            Reply::Error { status, code } => (status, error(code)),
            Reply::Garbage => (200, b"<html>no CBOR</html>".to_vec()),
            Reply::Stall(time) => {
                let _ = send(stream, 200, 1000, b"\xbf");
                thread::sleep(time);
                return;
            }
        };
        if send(stream, status, body.len(), &body).is_err() {
            return;
        }
    }
}

fn send(mut stream: &TcpStream, status: u16, length: usize, body: &[u8]) -> std::io::Result<()> {
    let head = format!(
        "HTTP/1.1 {status} x\r\nsmithy-protocol: rpc-v2-cbor\r\ncontent-type: application/cbor\r\n\
         x-amzn-requestid: 5e1f\r\ncontent-length: {length}\r\n\r\n"
    );
    stream.write_all(&[head.as_bytes(), body].concat())
}

/// Path and body of the next request; `None` where the connection ends.
fn receive(reader: &mut BufReader<&TcpStream>) -> Option<(String, Vec<u8>)> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut length = 0;
    loop {
        line.clear();
        reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
        if line.trim().is_empty() {
            break;
        }
        if let Some(("content-length", value)) = line.to_ascii_lowercase().trim().split_once(": ") {
            length = value.parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((path, body))
}

/// What the real service refuses.
fn refusal(request: &Request) -> Option<Reply> {
    let ids: BTreeSet<&String> = request.queries.iter().map(|query| &query.id).collect();
    let is_wrong = request.queries.is_empty()
        || request.queries.len() > 500
        || ids.len() < request.queries.len()
        || ids.iter().any(|id| !id.starts_with(|first: char| first.is_ascii_lowercase()))
        || request.start >= request.end
        || request.body["MaxDatapoints"].as_i64().is_some_and(|points| points > 100_800);
    is_wrong.then_some(Reply::Error { status: 400, code: "ValidationError" })
}

fn parse(number: usize, path: String, body: &[u8]) -> Request {
    let body = value(&mut Decoder::new(body));
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let query = |query: &Value| {
        let (stat, metric) = (&query["MetricStat"], &query["MetricStat"]["Metric"]);
        assert_eq!(metric["Namespace"], "AWS/Lambda");
        assert_eq!(query["Expression"], Value::Null);
        let dimensions = metric["Dimensions"].as_array().cloned().unwrap_or_default();
        assert!(dimensions.iter().all(|dimension| dimension["Name"] == "FunctionName"));
        assert!(dimensions.len() <= 1);
        Query {
            id: text(&query["Id"]).unwrap(),
            metric: text(&metric["MetricName"]).unwrap(),
            stat: text(&stat["Stat"]).unwrap(),
            period: stat["Period"].as_i64().unwrap(),
            function: dimensions.first().and_then(|dimension| text(&dimension["Value"])),
        }
    };
    Request {
        number,
        path,
        start: body["StartTime"].as_i64().unwrap(),
        end: body["EndTime"].as_i64().unwrap(),
        token: text(&body["NextToken"]),
        queries: body["MetricDataQueries"].as_array().unwrap().iter().map(query).collect(),
        body,
    }
}

/// Any CBOR as JSON, instants as whole seconds.
fn value(decoder: &mut Decoder<'_>) -> Value {
    match decoder.datatype().unwrap() {
        Type::Map | Type::MapIndef => {
            let mut map = Map::new();
            let count = decoder.map().unwrap();
            while is_more(decoder, count, map.len()) {
                let key = decoder.string().unwrap();
                map.insert(key, value(decoder));
            }
            Value::Object(map)
        }
        Type::Array | Type::ArrayIndef => {
            let mut list = Vec::new();
            let count = decoder.list().unwrap();
            while is_more(decoder, count, list.len()) {
                list.push(value(decoder));
            }
            Value::Array(list)
        }
        Type::String | Type::StringIndef => Value::from(decoder.string().unwrap()),
        Type::Bool => Value::from(decoder.boolean().unwrap()),
        Type::F16 | Type::F32 | Type::F64 => Value::from(decoder.double().unwrap()),
        Type::Tag => Value::from(decoder.timestamp().unwrap().secs()),
        _ => Value::from(decoder.long().unwrap()),
    }
}

fn is_more(decoder: &mut Decoder<'_>, count: Option<u64>, read: usize) -> bool {
    if let Some(count) = count {
        return (read as u64) < count;
    }
    let is_end = decoder.datatype().unwrap() == Type::Break;
    if is_end {
        decoder.skip().unwrap();
    }
    !is_end
}

fn error(code: &str) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    encoder.map(2).str("__type").str(&format!("com.amazonaws.cloudwatch#{code}"));
    encoder.str("message").str("as the test wants it");
    encoder.into_writer()
}

fn page(results: &[Answer], token: Option<String>, message: Option<(&str, &str)>) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    encoder.begin_map().str("MetricDataResults").array(results.len());
    for result in results {
        encoder.begin_map().str("Id").str(&result.id).str("Label").str("label");
        encoder.str("Timestamps").array(result.points.len());
        for (at, _) in &result.points {
            encoder.timestamp(&DateTime::from_secs(*at));
        }
        encoder.str("Values").array(result.points.len());
        for (_, value) in &result.points {
            encoder.double(*value);
        }
        if let Some(status) = result.status {
            encoder.str("StatusCode").str(status);
        }
        messages(&mut encoder, result.message);
        encoder.end();
    }
    if let Some(token) = token {
        encoder.str("NextToken").str(&token);
    }
    messages(&mut encoder, message);
    encoder.end();
    encoder.into_writer()
}

fn messages(encoder: &mut Encoder, message: Option<(&str, &str)>) {
    if let Some((code, value)) = message {
        encoder.str("Messages").array(1).map(2).str("Code").str(code).str("Value").str(value);
    }
}

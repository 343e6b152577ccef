//! AWS in this process: what the guard asks of CloudWatch, Lambda, DynamoDB, SNS and SSM, over HTTP and in microseconds.
//! For stories by the hundred and accounts of ten thousand functions, which the emulator is too slow for. It knows what
//! the guard asks and nothing else: any other call is answered with 501, which fails the story.

mod lambda;
mod metrics;
mod table;

use std::collections::BTreeMap;
use std::io::BufReader;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::json;

pub use lambda::{Change, Function, Mapping};
pub use metrics::{Load, Metrics};
use table::Table;

use crate::aws::{REGION, credentials};
use crate::http::{self, Message};
use crate::proxy::Call;

/// The guard's own function.
const GUARD: &str = "dow-guard";

/// The stub. It ends with the process.
#[derive(Clone)]
pub struct Stub {
    /// Where it listens.
    pub address: SocketAddr,
    account: Arc<Mutex<Account>>,
}

/// All there is in it.
#[derive(Debug)]
pub struct Account {
    /// The limit of concurrent executions.
    pub concurrency: u32,
    /// By name.
    pub functions: BTreeMap<String, Function>,
    /// By UUID.
    pub mappings: BTreeMap<String, Mapping>,
    /// What the functions did.
    pub metrics: Metrics,
    /// What the guard's parameter holds.
    pub policy: String,
    /// Changes of what others own, in order.
    pub changes: Vec<Change>,
    /// What was published, in order.
    pub published: Vec<Published>,
    /// Calls that nobody here knows.
    pub unknown: Vec<String>,
    /// Whether `GetFunction` has an error in place of tags, as for a role that may not list them.
    pub hides_tags: bool,
    table: Table,
}

/// A message as it was published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// The topic's name.
    pub topic: String,
    /// Subject.
    pub subject: String,
    /// Body.
    pub message: String,
    /// The attribute `event`.
    pub event: String,
}

impl Stub {
    /// An account with the usual limit, this policy and nothing in it.
    pub fn start(policy: &str) -> Self {
        let account = Account {
            concurrency: 1000,
            functions: BTreeMap::new(),
            mappings: BTreeMap::new(),
            metrics: Metrics::default(),
            policy: policy.to_owned(),
            changes: Vec::new(),
            published: Vec::new(),
            unknown: Vec::new(),
            hides_tags: false,
            table: Table::default(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let stub = Stub { address, account: Arc::new(Mutex::new(account)) };
        let serving = stub.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let stub = serving.clone();
                // A connection that breaks is the client's to notice.
                std::thread::spawn(move || stub.serve(stream));
            }
        });
        stub
    }

    /// What is there, to look at and to change. Nobody is answered meanwhile.
    pub fn account(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The environment of a guard whose AWS is at `endpoint`: here, or a proxy before it.
    pub fn environment(endpoint: SocketAddr) -> Vec<(String, String)> {
        let topic = |audience: &str| format!("arn:aws:sns:{REGION}:000000000000:{audience}");
        let own = [
            ("AWS_ENDPOINT_URL", format!("http://{endpoint}")),
            ("AWS_LAMBDA_FUNCTION_NAME", GUARD.to_owned()),
            ("DOW_GUARD_POLICY_PARAMETER", "/dow-guard/policy".to_owned()),
            ("DOW_GUARD_TABLE", "dow-guard".to_owned()),
            ("DOW_GUARD_TOPIC", topic("people")),
            ("DOW_GUARD_CHAT_TOPIC", topic("chat")),
            ("DOW_GUARD_PAGER_TOPIC", topic("pager")),
        ];
        let shared = credentials().map(|(name, value)| (name, value.to_owned()));
        own.into_iter().chain(shared).map(|(name, value)| (name.to_owned(), value)).collect()
    }

    fn serve(&self, mut stream: TcpStream) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        let mut reader = BufReader::new(stream.try_clone()?);
        while let Some(request) = http::read(&mut reader, false)? {
            let answer = self.account().answer(&Call::of(&request));
            answer.write(&mut stream)?;
        }
        Ok(())
    }
}

impl Account {
    /// The items of the guard's table, by partition and sort key.
    pub fn table(&self) -> BTreeMap<(String, String), serde_json::Value> {
        self.table.items().clone()
    }

    fn answer(&mut self, call: &Call) -> Message {
        let (service, operation) = call.operation.split_once(':').unwrap_or_default();
        let answered = match (service, operation) {
            ("monitoring", "GetMetricData") => Some(self.metrics.answer(&call.body)),
            ("lambda", _) => self.lambda(call, operation),
            ("dynamodb", _) => self.table.answer(call, operation),
            ("sns", "Publish") => Some(self.publish(&call.body)),
            ("ssm", "GetParameter") => {
                let parameter =
                    json!({ "Name": "/dow-guard/policy", "Type": "String", "Value": self.policy });
                Some(said(&json!({ "Parameter": parameter })))
            }
            _ => None,
        };
        answered.unwrap_or_else(|| {
            self.unknown.push(call.operation.clone());
            call.error(501, "NotImplemented")
        })
    }

    fn publish(&mut self, form: &[u8]) -> Message {
        let form = form_of(form);
        let field = |name: &str| form.get(name).cloned().unwrap_or_default();
        let entries = (1..=10).map(|number| format!("MessageAttributes.entry.{number}"));
        let mut event = entries
            .filter(|entry| field(&format!("{entry}.Name")) == "event")
            .map(|entry| field(&format!("{entry}.Value.StringValue")));
        self.published.push(Published {
            topic: field("TopicArn").rsplit(':').next().unwrap_or_default().to_owned(),
            subject: field("Subject"),
            message: field("Message"),
            event: event.next().unwrap_or_default(),
        });
        let body = "<PublishResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><PublishResult><MessageId>1\
                    </MessageId></PublishResult></PublishResponse>";
        Message::new("HTTP/1.1 200 OK", body).with("content-type", "text/xml")
    }
}

/// An answer in JSON.
fn said(body: &serde_json::Value) -> Message {
    Message::new("HTTP/1.1 200 OK", body.to_string()).with("content-type", "application/json")
}

/// A form as the query protocol sends it.
pub(crate) fn form_of(body: &[u8]) -> BTreeMap<String, String> {
    let text = String::from_utf8_lossy(body).replace('+', " ");
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (decoded(name), decoded(value))).collect()
}

/// Without the percent signs of RFC 3986.
pub(crate) fn decoded(text: &str) -> String {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (hex, rest) = part.split_at(2);
        bytes.push(u8::from_str_radix(hex, 16).unwrap());
        bytes.extend(rest.as_bytes());
    }
    String::from_utf8(bytes).unwrap()
}

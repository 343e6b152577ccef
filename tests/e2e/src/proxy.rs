//! A proxy between guard and emulator: it notes every call, refuses what AWS refuses and the emulator does not, and
//! fails on demand. What it lets through it does not touch.

mod call;
mod fault;
mod refusal;

use std::collections::BTreeSet;
use std::io::{BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub use call::Call;
pub use fault::Fault;

use crate::clock::Clock;
use crate::http::{self, Message};

/// A running proxy.
#[derive(Clone)]
pub struct Proxy {
    /// Where it listens.
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    upstream: SocketAddr,
    /// How many times as fast the guard's waits go by.
    haste: u32,
    calls: Mutex<Vec<Call>>,
    /// IAM actions that all calls so far took.
    actions: Mutex<BTreeSet<String>>,
    rules: Mutex<Vec<Rule>>,
    /// Why a call is not allowed, if it is not.
    gate: Mutex<Option<Gate>>,
    /// One change of concurrency at a time is checked against the account.
    checked: Mutex<()>,
}

/// Says why a call is not allowed; `None`: it is.
type Gate = Arc<dyn Fn(&Call) -> Option<String> + Send + Sync>;

struct Rule {
    operation: String,
    skip: usize,
    times: usize,
    fault: Fault,
}

impl Proxy {
    /// Starts one in front of an emulator, for a guard that goes by this clock. It ends with the process.
    pub fn start(upstream: SocketAddr, clock: &Clock) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            upstream,
            haste: clock.haste(),
            calls: Mutex::default(),
            actions: Mutex::default(),
            rules: Mutex::default(),
            gate: Mutex::default(),
            checked: Mutex::default(),
        });
        let proxy = Proxy { address, shared };
        let serving = proxy.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let proxy = serving.clone();
                // A connection that breaks is the client's to notice.
                std::thread::spawn(move || proxy.serve(stream));
            }
        });
        proxy
    }

    /// The IAM actions that all calls so far took.
    pub fn actions(&self) -> BTreeSet<String> {
        self.shared.actions.lock().unwrap().clone()
    }

    /// Fails the next calls of an operation, such as `monitoring:GetMetricData`; `*` stands for any.
    pub fn fail(&self, operation: &str, times: usize, fault: Fault) {
        self.fail_after(operation, 0, times, fault);
    }

    /// The same once so many have passed.
    pub fn fail_after(&self, operation: &str, skip: usize, times: usize, fault: Fault) {
        let operation = operation.to_owned();
        self.shared.rules.lock().unwrap().push(Rule { operation, skip, times, fault });
    }

    /// From now on AWS denies a call for the reason that this gives, before it looks at what is asked.
    pub fn permit(&self, gate: impl Fn(&Call) -> Option<String> + Send + Sync + 'static) {
        *self.shared.gate.lock().unwrap() = Some(Arc::new(gate));
    }

    /// From now on nothing fails any more.
    pub fn heal(&self) {
        self.shared.rules.lock().unwrap().clear();
    }

    /// The calls since this was asked last, in order.
    pub fn calls(&self) -> Vec<Call> {
        std::mem::take(&mut *self.shared.calls.lock().unwrap())
    }

    fn serve(&self, mut stream: TcpStream) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        let mut reader = BufReader::new(stream.try_clone()?);
        while let Some(request) = http::read(&mut reader, false)? {
            let call = Call::of(&request);
            let fault = self.fault(&call.operation);
            let place = self.note(call.clone());
            match fault {
                Some(Fault::Refused { status, code }) => call.error(status, code).write(&mut stream)?,
                Some(Fault::Hang) => {
                    // Longer than any client waits.
                    std::thread::sleep(Duration::from_secs(30) / self.shared.haste);
                    return Ok(());
                }
                Some(Fault::Dropped) => return Ok(()),
                Some(Fault::Lost) => {
                    self.forward(place, &call, &request)?;
                    return Ok(());
                }
                Some(Fault::Slow(pause)) => {
                    let answer = self.forward(place, &call, &request)?;
                    let (first, rest) = answer.body.split_at(answer.body.len() / 2);
                    stream.write_all(&[&answer.head(), first].concat())?;
                    std::thread::sleep(pause / self.shared.haste);
                    stream.write_all(rest)?;
                }
                Some(Fault::Truncated) => {
                    let answer = self.forward(place, &call, &request)?;
                    let half = answer.body.get(..answer.body.len() / 2).unwrap_or_default();
                    return stream.write_all(&[&answer.head(), half].concat());
                }
                Some(Fault::Partial) => {
                    let mut answer = self.forward(place, &call, &request)?;
                    answer.body = fault::partial(&answer.body);
                    answer.write(&mut stream)?;
                }
                Some(Fault::Before(act)) => {
                    act();
                    return Ok(());
                }
                Some(Fault::After(act)) => {
                    self.forward(place, &call, &request)?;
                    act();
                    return Ok(());
                }
                None => {
                    let answer = self.forward(place, &call, &request)?;
                    answer.write(&mut stream)?;
                }
            }
        }
        Ok(())
    }

    /// The fault due at a call.
    fn fault(&self, operation: &str) -> Option<Fault> {
        let mut rules = self.shared.rules.lock().unwrap();
        let matches =
            |rule: &&mut Rule| rule.times > 0 && [operation, "*"].contains(&rule.operation.as_str());
        let rule = rules.iter_mut().find(matches)?;
        if rule.skip > 0 {
            rule.skip -= 1;
            return None;
        }
        rule.times -= 1;
        Some(rule.fault.clone())
    }

    fn note(&self, call: Call) -> usize {
        self.shared.actions.lock().unwrap().insert(call.action());
        let mut calls = self.shared.calls.lock().unwrap();
        calls.push(call);
        calls.len() - 1
    }

    /// What AWS would answer: a refusal, or what the emulator says. It is noted, whether or not the guard hears of it.
    fn forward(&self, place: usize, call: &Call, request: &Message) -> std::io::Result<Message> {
        let answer = self.ask(call, request)?;
        if let Some(call) = self.shared.calls.lock().unwrap().get_mut(place) {
            call.status = answer.status();
        }
        Ok(answer)
    }

    fn ask(&self, call: &Call, request: &Message) -> std::io::Result<Message> {
        let gate = self.shared.gate.lock().unwrap().clone();
        if let Some(why) = gate.and_then(|gate| gate(call)) {
            return Ok(call.denial(&why));
        }
        let ask = |request: &Message| http::exchange(self.shared.upstream, request);
        if call.operation == "lambda:PutFunctionConcurrency" {
            let _one_at_a_time = self.shared.checked.lock().unwrap();
            return match refusal::of_reservation(call, request, ask)? {
                Some(refusal) => Ok(refusal),
                None => ask(request),
            };
        }
        match refusal::of_metric_queries(call) {
            Some(refusal) => Ok(refusal),
            None => ask(request),
        }
    }
}

//! A Lambda execution environment of the barest kind: Lambda's runtime API with the guard's process behind it ("Lambda
//! runtime API", read 2026-11). It adds next to nothing to what is measured; AWS's own emulator is in `runtime`.

use std::io::BufReader;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::clock::Clock;
use crate::http::{self, Message};
use crate::runtime::{Answer, collect};

/// How long an answer may take: Lambda's longest time-out is far above what a tick may take.
const PATIENCE: Duration = Duration::from_secs(900);

/// What Lambda tells every function ("Defined runtime environment variables", Lambda Developer Guide, read 2026-11).
const LAMBDA: [(&str, &str); 4] = [
    ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
    ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
    ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/dow-guard"),
    ("AWS_LAMBDA_LOG_STREAM_NAME", "2026/11/27/[$LATEST]1"),
];

/// The deadline of an invocation that may take as long as it likes, in milliseconds of the wall clock: the year 2100.
const NO_DEADLINE: i64 = 4_102_444_800_000;

/// An event, and when it must be answered, in milliseconds of the guard's wall clock.
type Event = (String, i64);

/// A running environment.
pub struct Sandbox {
    process: Child,
    events: Sender<Event>,
    answers: Receiver<(Answer, Instant)>,
    waiting: Arc<Mutex<Option<Instant>>>,
    output: Arc<Mutex<Vec<String>>>,
    started: Instant,
    api: SocketAddr,
    is_over: Arc<AtomicBool>,
}

/// What both sides of the runtime API share.
#[derive(Clone)]
struct Api {
    events: Arc<Mutex<Receiver<Event>>>,
    answers: Sender<(Answer, Instant)>,
    waiting: Arc<Mutex<Option<Instant>>>,
}

impl Sandbox {
    /// Starts a program as Lambda starts a bootstrap; `before` are programs that start it, such as valgrind with its
    /// options. With a clock it goes by that.
    pub fn start(
        before: &[&str],
        bootstrap: &Path,
        environment: &[(String, String)],
        clock: Option<&Clock>,
    ) -> Self {
        let (events, next) = channel();
        let (answered, answers) = channel();
        let waiting = Arc::new(Mutex::new(None));
        let api =
            Api { events: Arc::new(Mutex::new(next)), answers: answered, waiting: Arc::clone(&waiting) };
        let is_over = Arc::new(AtomicBool::new(false));
        let address = serve(api, Arc::clone(&is_over));
        let mut words = before.iter().map(std::ffi::OsStr::new).chain([bootstrap.as_os_str()]);
        let mut command = Command::new(words.next().unwrap());
        command
            .args(words)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
            .envs(LAMBDA)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if let Some(clock) = clock {
            command.envs(clock.environment());
        }
        let started = Instant::now();
        let mut process = command.spawn().unwrap();
        let output = Arc::new(Mutex::new(Vec::new()));
        collect(process.stdout.take().unwrap(), &output);
        collect(process.stderr.take().unwrap(), &output);
        Sandbox { process, events, answers, waiting, output, started, api: address, is_over }
    }

    /// Invokes the function; the answer with the time from the call to it.
    pub fn invoke(&mut self, payload: &Value) -> (Answer, Duration) {
        let begin = Instant::now();
        self.events.send((payload.to_string(), NO_DEADLINE)).unwrap();
        let (answer, at) = self.answer();
        (answer, at - begin)
    }

    /// Invokes the function, which must answer until `deadline` by its clock, `patience` from now. As Lambda does, it
    /// ends the environment where no answer has come by then: `None`.
    pub fn invoke_until(
        &mut self,
        payload: &Value,
        deadline: DateTime<Utc>,
        patience: Duration,
    ) -> Option<(Answer, Duration)> {
        // The start of a process is not part of an invocation's time.
        while self.waiting.lock().unwrap().is_none() && self.process.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(1));
        }
        let begin = Instant::now();
        self.events.send((payload.to_string(), deadline.timestamp_millis())).unwrap();
        match self.answers.recv_timeout(patience) {
            Ok((answer, at)) => Some((answer, at - begin)),
            Err(_) => {
                let _ = self.process.kill();
                None
            }
        }
    }

    /// Invokes a function that was just started: the answer with the time from the start of the process to its first
    /// question for an event, and to its answer.
    pub fn first(&mut self, payload: &Value) -> (Answer, Duration, Duration) {
        self.events.send((payload.to_string(), NO_DEADLINE)).unwrap();
        let (answer, at) = self.answer();
        let ready = self.waiting.lock().unwrap().expect("an answer comes after a question");
        (answer, ready - self.started, at - self.started)
    }

    fn answer(&mut self) -> (Answer, Instant) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.answers.recv_timeout(Duration::from_millis(200)) {
                Ok(answer) => return answer,
                Err(RecvTimeoutError::Timeout) if self.process.try_wait().unwrap().is_none() => {
                    assert!(Instant::now() < deadline, "no answer:\n{}", self.said());
                }
                Err(_) => panic!("the guard's process ended:\n{}", self.said()),
            }
        }
    }

    /// The number of its process.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Everything it wrote.
    pub fn said(&self) -> String {
        self.said_from(0).join("\n")
    }

    /// The lines that it wrote, from one on.
    pub fn said_from(&self, line: usize) -> Vec<String> {
        self.output.lock().unwrap().get(line..).unwrap_or_default().to_vec()
    }

    /// Ends it as Lambda ends an environment that is not needed any more, and waits.
    pub fn end(mut self) -> String {
        let pid = self.process.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &pid]).status();
        let _ = self.process.wait();
        std::thread::sleep(Duration::from_millis(50));
        self.said()
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        self.is_over.store(true, Ordering::Relaxed);
        // Wakes the listener, which then ends.
        let _ = TcpStream::connect(self.api);
    }
}

fn serve(api: Api, is_over: Arc<AtomicBool>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten().take_while(|_| !is_over.load(Ordering::Relaxed)) {
            let api = api.clone();
            std::thread::spawn(move || api.serve(stream));
        }
    });
    address
}

impl Api {
    fn serve(&self, mut stream: TcpStream) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        let mut reader = BufReader::new(stream.try_clone()?);
        while let Some(request) = http::read(&mut reader, false)? {
            let at = Instant::now();
            let path = request.word(1);
            if path.ends_with("/invocation/next") {
                self.waiting.lock().unwrap().get_or_insert(at);
                // Where nobody will ask for anything any more, the environment is gone.
                let Ok((event, deadline)) = self.events.lock().unwrap().recv() else { return Ok(()) };
                Message::new("HTTP/1.1 200 OK", event)
                    .with("content-type", "application/json")
                    .with("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd")
                    .with("lambda-runtime-deadline-ms", deadline.to_string())
                    .with(
                        "lambda-runtime-invoked-function-arn",
                        "arn:aws:lambda:eu-central-1:000000000000:function:dow-guard",
                    )
                    .write(&mut stream)?;
                continue;
            }
            let status = if path.ends_with("/response") { 200 } else { 500 };
            let body = serde_json::from_slice(&request.body).unwrap_or(Value::Null);
            let _ = self.answers.send((Answer { status, body }, at));
            Message::new("HTTP/1.1 202 Accepted", "{}").write(&mut stream)?;
        }
        Ok(())
    }
}

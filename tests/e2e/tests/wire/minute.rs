//! A tick has a minute. However slow its services are, however many functions there are, and whatever hangs: it ends in
//! time, what it found out is saved, a breach is told, and the next tick goes on from there.
//!
//! The guard's binary runs in Lambda's mode, with the deadline that Lambda would give it, against a stub whose answers
//! come late. Its monotonic clock goes several times as fast, so that a minute costs seconds.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use e2e::clock::Clock;
use e2e::proxy::{Fault, Proxy};
use e2e::sandbox::Sandbox;
use e2e::stub::{Function, Load, Stub};
use e2e::tools;
use serde_json::{Value, json};
use tempfile::TempDir;

/// The time-out of the guard's function in both templates.
const MINUTE: Duration = Duration::from_secs(60);

/// Ticks in which a first list of ten thousand functions must be finished at a second a call: 240 pages, one after the
/// other, some twenty-four seconds of each tick.
const LISTED_IN: u32 = 12;

/// What goes on while calls are slow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Situation {
    /// Nothing is known yet.
    First,
    /// Everything is known, and nothing happens.
    Idle,
    /// Twenty functions burn many times the budget.
    Flood,
    /// The same, and Lambda never answers a change.
    ChangesHang,
    /// The same, and each call to the table takes five times as long, up to four seconds.
    TableSlow,
    /// The same, and no topic answers until the third tick.
    TopicDown,
}

impl Situation {
    const fn in_words(self) -> &'static str {
        match self {
            First => "first ticks",
            Idle => "nothing happens",
            Flood => "flood",
            ChangesHang => "flood, changes hang",
            TableSlow => "flood, table slow",
            TopicDown => "flood, topic down for two ticks",
        }
    }
}

use Situation::{ChangesHang, First, Flood, Idle, TableSlow, TopicDown};

use crate::wire::life::POLICY;

const SITUATIONS: [Situation; 6] = [First, Idle, Flood, ChangesHang, TableSlow, TopicDown];

/// One cell of the table: milliseconds of each call, functions, situation.
type Cell = (u64, usize, Situation);

/// What came of it.
#[derive(Debug)]
struct Row {
    /// Ticks played.
    ticks: u32,
    /// Ticks that Lambda had to end.
    killed: u32,
    /// Ticks after which nothing new was saved.
    unsaved: u32,
    /// The tick whose message of the breach arrived, counted from the first that could see it; 0: none did.
    told: u32,
    /// Changes made.
    changed: usize,
    /// Calls of the longest tick.
    calls: usize,
    /// Seconds of the longest tick on the guard's clock.
    seconds: f64,
    /// Whether all functions are known in the end.
    is_listed: bool,
}

struct Story {
    stub: Stub,
    proxy: Proxy,
    clock: Clock,
    at: DateTime<Utc>,
    guard: Option<Sandbox>,
    speed: u32,
    row: Row,
    _folder: TempDir,
}

impl Story {
    /// So many functions, fifty of which do a little every minute.
    fn new(functions: usize) -> Self {
        // More functions are more work for a processor that does not go faster.
        let speed = if functions > 100 { 3 } else { 6 };
        let stub = Stub::start(POLICY);
        {
            let mut account = stub.account();
            account.concurrency = 3000;
            for number in 0..functions {
                account.functions.insert(name(number), Function::of(1024));
            }
            for number in 0..functions.min(50) {
                account.metrics.usually(&name(number), Load::of(1, 100));
            }
            account.metrics.usually("dow-guard", Load::of(1, 200));
        }
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::sped(folder.path(), speed);
        let proxy = Proxy::start(stub.address, &clock);
        let at = clock.at();
        let row = Row {
            ticks: 0,
            killed: 0,
            unsaved: 0,
            told: 0,
            changed: 0,
            calls: 0,
            seconds: 0.0,
            is_listed: false,
        };
        Story { stub, proxy, clock, at, guard: None, speed, row, _folder: folder }
    }

    /// The next minute; returns the answer unless Lambda had to end the tick.
    fn tick(&mut self) -> Option<Value> {
        self.at += TimeDelta::minutes(1);
        self.clock.stop(self.at);
        let deadline = self.at + TimeDelta::from_std(MINUTE).unwrap();
        let event = json!({ "tick": self.at.format("%Y-%m-%dT%H:%M:%SZ").to_string() });
        let environment = Stub::environment(self.proxy.address);
        let before = self.revision();
        let clock = &self.clock;
        let guard =
            self.guard.get_or_insert_with(|| Sandbox::start(&[], tools::guard(), &environment, Some(clock)));
        self.proxy.calls();
        let answer = guard.invoke_until(&event, deadline, MINUTE / self.speed);
        let calls = self.proxy.calls().len();
        let row = &mut self.row;
        row.ticks += 1;
        row.calls = row.calls.max(calls);
        let (answer, took) = match answer {
            Some((answer, took)) => (Some(answer.body), took),
            None => (None, MINUTE / self.speed),
        };
        row.seconds = row.seconds.max(took.as_secs_f64() * f64::from(self.speed));
        if answer.is_none() {
            row.killed += 1;
            self.guard = None;
        }
        let after = self.revision();
        self.row.unsaved += u32::from(before == after);
        answer
    }

    fn revision(&self) -> Option<String> {
        let table = self.stub.account().table();
        let head = table.get(&("dow-guard".to_owned(), "HEAD".to_owned()))?;
        head["revision"]["N"].as_str().map(str::to_owned)
    }

    /// From now on each call takes so long on the guard's clock; those of the situation, otherwise.
    fn slow(&self, latency: Duration, situation: Situation) {
        self.proxy.heal();
        let always = |operation: &str, fault: Fault| self.proxy.fail(operation, usize::MAX, fault);
        match situation {
            ChangesHang => always("lambda:PutFunctionConcurrency", Fault::Hang),
            TopicDown => always("sns:Publish", Fault::Hang),
            TableSlow => {
                let slow = (latency * 5).min(Duration::from_secs(4));
                for operation in ["GetItem", "PutItem", "Query", "BatchWriteItem"] {
                    always(&format!("dynamodb:{operation}"), Fault::Slow(slow));
                }
            }
            First | Idle | Flood => {}
        }
        always("*", Fault::Slow(latency));
    }

    /// Whether a message for people was accepted since the stub was asked last.
    fn is_told(&self) -> bool {
        let published = std::mem::take(&mut self.stub.account().published);
        let of_itself = ["armed", "troubled", "mended"];
        published.iter().any(|one| one.topic == "people" && !of_itself.contains(&one.event.as_str()))
    }

    fn play(mut self, latency: Duration, situation: Situation) -> Row {
        if situation == First {
            self.slow(latency, First);
            for _ in 0..LISTED_IN {
                self.tick();
                self.row.is_listed = self.is_listed();
                if self.row.is_listed {
                    break;
                }
            }
            return self.row;
        }
        // What is known beforehand costs nothing here.
        for _ in 0..20 {
            self.tick();
            if self.is_listed() {
                break;
            }
        }
        self.row.is_listed = self.is_listed();
        (self.row.ticks, self.row.killed, self.row.unsaved) = (0, 0, 0);
        (self.row.calls, self.row.seconds) = (0, 0.0);
        self.is_told();
        self.slow(latency, situation);
        if situation == Idle {
            for _ in 0..3 {
                self.tick();
            }
            return self.row;
        }
        let first = self.at.timestamp() / 60;
        {
            let mut account = self.stub.account();
            let names: Vec<String> = account.functions.keys().take(20).cloned().collect();
            for minute in 0..20 {
                for name in &names {
                    account.metrics.at(name, first + minute, Load::of(3000, 1000));
                }
            }
        }
        for tick in 1..=5 {
            if situation == TopicDown && tick == 3 {
                self.slow(latency, Flood);
            }
            self.tick();
            if self.row.told == 0 && self.is_told() {
                self.row.told = tick;
            }
        }
        self.row.changed = self.stub.account().changes.len();
        self.row
    }

    /// Whether the guard's memory has every function: `status` says how many, and asks nobody else.
    fn is_listed(&mut self) -> bool {
        let Some(guard) = &mut self.guard else { return false };
        let (answer, _) = guard.invoke(&json!({ "command": "status" }));
        let known = answer.body["functions"].as_u64().and_then(|known| usize::try_from(known).ok());
        known == Some(self.stub.account().functions.len())
    }
}

fn name(number: usize) -> String {
    format!("f{number:05}")
}

/// What must hold of a row; what does not, in words.
fn wrong((latency_ms, functions, situation): Cell, row: &Row) -> Option<String> {
    let told_by = if situation == TopicDown { 4 } else { 2 };
    let is_breach = !matches!(situation, First | Idle);
    let acts = matches!(situation, Flood | TopicDown) && latency_ms <= 1000;
    let checks = [
        (row.killed > 0, "Lambda had to end it"),
        (row.unsaved > 0, "nothing was saved"),
        (!row.is_listed, "not everything is known"),
        (is_breach && (row.told == 0 || row.told > told_by), "the breach was not told in time"),
        (acts && row.changed == 0, "nothing was changed"),
    ];
    let said: Vec<&str> =
        checks.into_iter().filter(|(is_wrong, _)| *is_wrong).map(|(_, what)| what).collect();
    let cell = format!("{latency_ms} ms, {functions} functions, {situation:?}");
    (!said.is_empty()).then(|| format!("{cell}: {}: {row:?}", said.join(", ")))
}

/// Plays cells, some at a time, and prints the table.
fn play(cells: &[Cell], at_once: usize) -> Vec<String> {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let rows = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(|| {
                while let Some(cell) = cells.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
                    let (latency_ms, functions, situation) = *cell;
                    let row = Story::new(functions).play(Duration::from_millis(latency_ms), situation);
                    rows.lock().unwrap().push((*cell, row));
                }
            });
        }
    });
    let rows = rows.into_inner().unwrap();
    println!(
        "| ms a call | functions | situation | ended in time | saved | told at tick | changes | calls | longest tick |"
    );
    println!("|--:|--:|---|--:|--:|--:|--:|--:|--:|");
    for cell in cells {
        let Some((_, row)) = rows.iter().find(|(of, _)| of == cell) else { continue };
        let (latency, functions, situation) = cell;
        let told = if row.told == 0 { String::new() } else { row.told.to_string() };
        println!(
            "| {latency} | {functions} | {} | {} of {} | {} | {told} | {} | {} | {:.1} s |",
            situation.in_words(),
            row.ticks - row.killed,
            row.ticks,
            row.ticks - row.unsaved,
            row.changed,
            row.calls,
            row.seconds
        );
    }
    rows.iter().filter_map(|(cell, row)| wrong(*cell, row)).collect()
}

#[test]
fn every_tick_ends_within_its_minute_saves_and_tells() {
    let cells = [
        (10, 1000, First),
        (200, 100, First),
        (200, 10_000, First),
        (5000, 10, First),
        (200, 1000, Idle),
        (200, 100, Flood),
        (1000, 100, Flood),
        (200, 100, ChangesHang),
        (1000, 100, TableSlow),
        (200, 100, TopicDown),
    ];
    let wrong = play(&cells, 4);
    assert!(wrong.is_empty(), "{} of {} cells:\n{}", wrong.len(), cells.len(), wrong.join("\n"));
}

#[test]
#[ignore = "72 cells, minutes each: cargo test --locked --workspace --test e2e every_latency -- --ignored --nocapture"]
fn every_latency_times_every_account_times_every_situation() {
    let mut cells = Vec::new();
    for latency in [10, 200, 1000, 5000] {
        for functions in [10, 1000, 10_000] {
            cells.extend(SITUATIONS.map(|situation| (latency, functions, situation)));
        }
    }
    let wrong = play(&cells, 4);
    assert!(wrong.is_empty(), "{} of {} cells:\n{}", wrong.len(), cells.len(), wrong.join("\n"));
}

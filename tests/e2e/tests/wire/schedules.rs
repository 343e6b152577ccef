//! Hundreds of random schedules of faults between the guard and AWS. Whatever fails, no tick ends in silence, no change
//! is made twice, nothing that is missing counts as zero, and in the end every function has what it had.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use e2e::proxy::{Call, Fault};
use e2e::stub::{Function, Load};
use serde_json::Value;

use crate::wire::life::{Life, Minute};

/// Schedules that are played.
const SCHEDULES: u64 = 200;
/// Stories at the same time: they still wait half of the time, for time-outs and for the guard's own pace.
const AT_ONCE: usize = 16;
/// Minutes of the flood, from the first minute.
const FLOOD_MIN: u64 = 5;
/// Minutes in which calls fail.
const FAULTY_MIN: u64 = 8;
/// Minutes after that, within which all must be as it was.
const PATIENCE_MIN: u64 = 45;

/// Reserved concurrency of each function before anything happens.
const ORIGINALS: [(&str, Option<u64>); 3] = [("api", None), ("img", Some(50)), ("off", Some(0))];

const POLICY: &str = r#"
armed = true
[timing]
metric_lag_s = 60
[release]
cooldown_min = 1
calm_min = 1
flap_window_h = 1
[[budget]]
name = "day"
period = "day"
usd = 2
mode = "cap"
"#;

/// What fails: one operation, or all of one kind.
const OPERATIONS: [&str; 12] = [
    "*",
    "monitoring:GetMetricData",
    "lambda:GetFunction",
    "lambda:GetFunctionConcurrency",
    "lambda:PutFunctionConcurrency",
    "lambda:DeleteFunctionConcurrency",
    "lambda:GetAccountSettings",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:BatchWriteItem",
    "sns:Publish",
    "ssm:GetParameter",
];

/// Numbers that look random and are the same every time (splitmix64, Steele, Lea and Flood 2014).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let a = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let b = (a ^ (a >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (b ^ (b >> 31)) % end
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        let place = self.below(u64::try_from(all.len()).unwrap());
        all[usize::try_from(place).unwrap()]
    }
}

/// What goes wrong in one minute.
#[derive(Debug)]
struct Trouble {
    operation: &'static str,
    kind: &'static str,
    /// How many calls: one is a hiccup, after which the guard asks again, and all are an outage.
    times: usize,
}

impl Trouble {
    /// Of two minutes of three.
    fn drawn(dice: &mut Dice) -> Option<Trouble> {
        if dice.below(3) == 0 {
            return None;
        }
        let operation = dice.of(&OPERATIONS);
        let kinds = [
            "throttled",
            "500",
            "expired",
            "denied",
            "dropped",
            "lost",
            "slow",
            "truncated",
            "partial",
            "hang",
        ];
        let kind = dice.of(&kinds);
        Some(Trouble { operation, kind, times: dice.of(&[1, usize::MAX, usize::MAX]) })
    }

    fn fault(&self) -> Fault {
        match self.kind {
            "throttled" => Fault::THROTTLED,
            "500" => Fault::SERVER_ERROR,
            "expired" => Fault::EXPIRED,
            "denied" => Fault::DENIED,
            "dropped" => Fault::Dropped,
            "lost" => Fault::Lost,
            "slow" => Fault::Slow(Duration::from_millis(300)),
            "truncated" => Fault::Truncated,
            "partial" => Fault::Partial,
            _ => Fault::Hang,
        }
    }

    /// Whether no call of the kind had a usable answer. A write whose answer is lost or broken takes effect, which the
    /// guard finds out; what is slow has its answer.
    fn is_outage(&self, calls: &[Call]) -> bool {
        let is_read = self.operation == "*" || self.operation.contains(":Get");
        let is_fatal = match self.kind {
            "slow" => false,
            "lost" | "truncated" => is_read,
            "partial" => ["*", "monitoring:GetMetricData"].contains(&self.operation),
            _ => true,
        };
        let is_met = |call: &Call| match (self.operation, self.kind) {
            ("*", "partial") => call.operation == "monitoring:GetMetricData",
            ("*", _) => true,
            (operation, _) => call.operation == operation,
        };
        self.times == usize::MAX && is_fatal && calls.iter().any(is_met)
    }

    fn blinds(&self, calls: &[Call]) -> bool {
        ["*", "monitoring:GetMetricData"].contains(&self.operation) && self.is_outage(calls)
    }
}

/// Plays one story; what it met, or what was wrong.
fn story(seed: u64) -> Result<(bool, usize), String> {
    let mut dice = Dice(seed);
    let mut life = Life::new(POLICY);
    for (name, reserved) in ORIGINALS {
        let function = Function { reserved, ..Function::of(1024) };
        life.stub.account().functions.insert(name.to_owned(), function);
    }
    // The guard itself runs every minute: a region in which nothing at all shows is one whose metrics are late.
    life.stub.account().metrics.usually("dow-guard", Load::of(1, 200));
    let (mut outages, mut spent, mut changes) = (0, 0.0, 0);
    for minute in 0..FAULTY_MIN + PATIENCE_MIN {
        let trouble = if minute < FAULTY_MIN { Trouble::drawn(&mut dice) } else { None };
        if dice.below(8) == 0 {
            life.cool();
        }
        life.proxy.heal();
        life.proxy.calls();
        if let Some(trouble) = &trouble {
            life.proxy.fail(trouble.operation, trouble.times, trouble.fault());
        }
        let is_flood = (1..=FLOOD_MIN).contains(&minute);
        let flood = [("api", Load::of(18_000, 1000)), ("img", Load::of(4800, 1000))];
        let told = life.live(if is_flood { &flood } else { &[] });
        let calls = life.proxy.calls();
        let wrong = |what: String| format!("minute {minute}, {trouble:?}: {what}\n{}", life.said());
        let is_outage = trouble.as_ref().is_some_and(|trouble| trouble.is_outage(&calls));
        outages += usize::from(is_outage);
        if is_outage && !is_told(&told) {
            return Err(wrong("an outage in silence".to_owned()));
        }
        if trouble.is_none() && minute > FAULTY_MIN && told.answer.error().is_some() {
            return Err(wrong(format!("fails while nothing else does: {:?}", told.answer)));
        }
        let all = life.stub.account().changes.clone();
        let new = &all[changes..];
        changes = all.len();
        if let Some(twice) = new.iter().find(|change| change.from == change.to) {
            return Err(wrong(format!("made twice: {twice:?}")));
        }
        let is_blind = trouble.as_ref().is_some_and(|trouble| trouble.blinds(&calls));
        let looser = |from: &Value, to: &Value| {
            to.is_null() || from.as_u64().is_some_and(|from| to.as_u64() > Some(from))
        };
        let loosened = new.iter().find(|change| looser(&change.from, &change.to));
        let resumed = told.answer.body["actions"]
            .as_array()
            .into_iter()
            .flatten()
            .any(|one| one["reason"] == "resumed");
        if let Some(change) = loosened.filter(|_| is_blind && !resumed) {
            return Err(wrong(format!("loosened while blind: {change:?}")));
        }
        let now = told.answer.body["budgets"][0]["spent"].as_str().map(|text| text.parse::<f64>().unwrap());
        if let Some(now) = now {
            // An estimate of what cannot be seen yet may give way to less; what was seen never does.
            if is_blind && now < spent * 0.9 {
                return Err(wrong(format!("{now} spent after {spent}: missing was read as nothing")));
            }
            spent = now;
        }
        if minute > FAULTY_MIN && is_restored(&life, &told) {
            return is_all_told(&life).map(|()| (changes > 0, outages)).map_err(wrong);
        }
    }
    Err(format!("not restored: {:?}\n{}", life.stub.account().functions, life.said()))
}

/// Whether the invocation failed, warned, or says of a change that it was not made.
fn is_told(minute: &Minute) -> bool {
    let actions = minute.answer.body["actions"].as_array().into_iter().flatten();
    let mut outcomes = actions.map(|action| &action["outcome"]);
    minute.answer.error().is_some()
        || minute.log.iter().any(|line| line["level"] == "WARN")
        || outcomes.any(|outcome| outcome != "applied")
}

fn is_restored(life: &Life, told: &Minute) -> bool {
    let account = life.stub.account();
    let is_original = |(name, reserved): &(&str, Option<u64>)| account.functions[*name].reserved == *reserved;
    ORIGINALS.iter().all(is_original) && told.answer.body["caps_in_force"] == 0
}

/// What was capped, people heard of, and of its release.
fn is_all_told(life: &Life) -> Result<(), String> {
    let account = life.stub.account();
    let capped: BTreeSet<&String> = account.changes.iter().map(|change| &change.of).collect();
    for (event, word) in [("capped", "CAPPED"), ("released", "released")] {
        for name in &capped {
            let is_of = |subject: &str, message: &str| {
                subject.contains(name.as_str()) || message.contains(name.as_str())
            };
            // Of many at once there is one message, whose event is the most urgent of them.
            let of_many = format!("{name} {word}");
            let mut to_people = account.published.iter().filter(|one| one.topic == "people");
            if !to_people.any(|one| {
                (one.event == event && is_of(&one.subject, &one.message)) || one.message.contains(&of_many)
            }) {
                return Err(format!("nobody heard that {name} was {event}: {:?}", account.published));
            }
        }
    }
    Ok(())
}

#[test]
fn two_hundred_schedules_of_faults_end_with_every_original_and_none_in_silence() {
    let next = AtomicU64::new(0);
    let (failures, met) = (Mutex::new(Vec::new()), Mutex::new((0_u64, 0_usize)));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= SCHEDULES {
                        return;
                    }
                    match story(seed) {
                        Ok((is_capped, outages)) => {
                            let mut met = met.lock().unwrap();
                            *met = (met.0 + u64::from(is_capped), met.1 + outages);
                        }
                        Err(wrong) => failures.lock().unwrap().push(format!("seed {seed}: {wrong}")),
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{} of {SCHEDULES} stories:\n{}", failures.len(), failures.join("\n\n"));
    let (capped, outages) = met.into_inner().unwrap();
    assert!(capped > SCHEDULES * 8 / 10, "only {capped} stories had a cap to restore");
    assert!(outages > usize::try_from(SCHEDULES).unwrap() / 2, "only {outages} outages");
}

//! Ranges and contradictions of a scenario. Every problem names the key, the value and what is accepted.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::ops::RangeInclusive;

use guard_core::text::shortened;

use super::{Duration, FunctionSpec, Happening, Rate, Scenario, Traffic, Via};

/// Everything wrong with a scenario.
pub(super) fn problems(scenario: &Scenario) -> Vec<String> {
    let mut check = Check { problems: Vec::new() };
    check.scenario(scenario);
    check.problems
}

/// A name in a key: its beginning, since every key below it repeats it.
fn named(name: &str) -> String {
    shortened(name, 64)
}

struct Check {
    problems: Vec<String>,
}

impl Check {
    fn say(&mut self, key: &str, problem: impl Display) {
        self.problems.push(format!("{key}: {problem}"));
    }

    fn range<T: PartialOrd + Display>(&mut self, key: &str, value: T, accepted: RangeInclusive<T>) {
        if !accepted.contains(&value) {
            self.say(key, format_args!("{value} is not within {} to {}", accepted.start(), accepted.end()));
        }
    }

    fn scenario(&mut self, scenario: &Scenario) {
        self.range("schema", scenario.schema, 1..=1);
        self.range("minutes", scenario.minutes, 1..=super::MINUTES_MAX);
        self.range("recovery_minutes", scenario.recovery_minutes, 0..=10_080);
        self.range("history_days", scenario.history_days, 0..=28);
        self.range("account.concurrency", scenario.account.concurrency, 10..=1_000_000);
        let most = scenario.account.concurrency.min(1000);
        self.range("account.unreserved_minimum", scenario.account.unreserved_minimum, 0..=most);
        self.range("service.metric_delay_s", scenario.service.metric_delay_s, 0..=900);
        self.range("service.late_share", scenario.service.late_share, 0.0..=1.0);
        self.range("service.actuation_s", scenario.service.actuation_s, 0..=600);
        if scenario.title.trim().is_empty() || scenario.title.contains('\n') {
            self.say("title", "one line, not empty");
        }
        if scenario.start.timestamp().rem_euclid(60) != 0 {
            self.say("start", format_args!("{} is not a full minute", scenario.start));
        }
        if scenario.functions.is_empty() && scenario.trace.is_none() {
            self.say("function", "a scenario needs a function or a trace");
        }
        if let Some(trace) = &scenario.trace {
            self.range("trace.scale", trace.scale, 0.001..=1000.0);
            if let Some(ms) = trace.duration_ms {
                self.range("trace.duration_ms", ms, 0.001..=900_000.0);
            }
        }
        self.names(scenario);
        for (index, function) in scenario.functions.iter().enumerate() {
            self.function(&format!("function[{index}] ({:?})", named(&function.name)), function);
        }
        for (index, traffic) in scenario.traffic.iter().enumerate() {
            self.traffic(&format!("traffic[{index}] ({:?})", named(&traffic.name)), traffic, scenario);
        }
        self.events(scenario);
        if let Err(error) = scenario.policy.validate() {
            for problem in error.problems {
                self.problems.push(format!("policy.{problem}"));
            }
        }
    }

    fn names(&mut self, scenario: &Scenario) {
        let mut seen = BTreeSet::new();
        for function in &scenario.functions {
            if function.name.is_empty() || !seen.insert(&function.name) {
                self.say("function.name", format_args!("{:?} is empty or there twice", function.name));
            }
        }
        let mut seen = BTreeSet::new();
        for traffic in &scenario.traffic {
            if traffic.name.is_empty() || !seen.insert(&traffic.name) {
                self.say("traffic.name", format_args!("{:?} is empty or there twice", traffic.name));
            }
        }
    }

    fn function(&mut self, key: &str, function: &FunctionSpec) {
        self.range(&format!("{key}.memory_mb"), function.memory_mb, 128..=10_240);
        self.range(&format!("{key}.timeout_s"), function.timeout_s, 1..=900);
        self.range(&format!("{key}.ephemeral_mb"), function.ephemeral_mb, 512..=10_240);
        self.range(&format!("{key}.init_ms"), function.init_ms, 0..=10_000);
        self.range(&format!("{key}.idle_expiry_s"), function.idle_expiry_s, 1..=86_400);
        self.range(&format!("{key}.provisioned"), function.provisioned, 0..=100_000);
        self.duration(&format!("{key}.duration"), &function.duration, true);
        if let Some(spec) = &function.asynchronous {
            self.range(&format!("{key}.asynchronous.max_retries"), spec.max_retries, 0..=2);
            self.range(&format!("{key}.asynchronous.max_event_age_s"), spec.max_event_age_s, 60..=21_600);
            self.range(&format!("{key}.asynchronous.duplicates_at_rest"), spec.duplicates_at_rest, 0.0..=1.0);
            let under_load = spec.duplicates_under_load;
            self.range(&format!("{key}.asynchronous.duplicates_under_load"), under_load, 0.0..=1.0);
        }
        for queue in &function.queues {
            let key = format!("{key}.queue ({:?})", named(&queue.name));
            self.range(&format!("{key}.batch_size"), queue.batch_size, 1..=10_000);
            self.range(&format!("{key}.visibility_s"), queue.visibility_s, 1..=43_200);
            self.range(&format!("{key}.retention_s"), queue.retention_s, 60..=1_209_600);
            self.range(&format!("{key}.max_receive_count"), queue.max_receive_count.unwrap_or(1), 1..=1000);
            self.range(&format!("{key}.max_concurrency"), queue.max_concurrency.unwrap_or(2), 2..=1000);
        }
        for stream in &function.streams {
            let key = format!("{key}.stream ({:?})", named(&stream.name));
            self.range(&format!("{key}.shards"), stream.shards, 1..=10_000);
            self.range(&format!("{key}.parallelization"), stream.parallelization, 1..=10);
            self.range(&format!("{key}.batch_size"), stream.batch_size, 1..=10_000);
            self.range(&format!("{key}.retention_s"), stream.retention_s, 60..=31_536_000);
        }
    }

    fn duration(&mut self, key: &str, duration: &Duration, may_be_absent: bool) {
        let laws = [duration.constant_ms, duration.mean_ms, duration.median_ms];
        let given = laws.iter().flatten().count() + usize::from(duration.until_timeout);
        if given > 1 || (given == 0 && !may_be_absent) {
            self.say(key, "exactly one of constant_ms, mean_ms, median_ms and until_timeout is needed");
        }
        for milliseconds in laws.into_iter().flatten() {
            self.range(key, milliseconds, 0.001..=900_000.0);
        }
        if let Some(sigma) = duration.sigma {
            self.range(&format!("{key}.sigma"), sigma, 0.0..=3.0);
            if duration.median_ms.is_none() {
                self.say(&format!("{key}.sigma"), "belongs to median_ms");
            }
        }
    }

    fn traffic(&mut self, key: &str, traffic: &Traffic, scenario: &Scenario) {
        self.range(&format!("{key}.failing"), traffic.failing, 0.0..=1.0);
        self.range(&format!("{key}.poison"), traffic.poison, 0.0..=1.0);
        self.range(&format!("{key}.client.retries"), traffic.client.retries, 0..=20);
        self.range(&format!("{key}.client.backoff_s"), traffic.client.backoff_s, 0..=3600);
        if let Some(duration) = &traffic.duration {
            self.duration(&format!("{key}.duration"), duration, false);
        }
        self.rate(&format!("{key}.rate"), &traffic.rate);
        if let Some(emits) = &traffic.emits {
            self.range(&format!("{key}.emits.gain"), emits.gain, 0.0..=100.0);
            self.range(&format!("{key}.emits.delay_s"), emits.delay_s, 0..=3600);
            if !scenario.traffic.iter().any(|other| other.name == emits.to) {
                self.say(&format!("{key}.emits.to"), format_args!("no traffic is named {:?}", emits.to));
            }
        }
        let Some(function) = scenario.functions.iter().find(|f| f.name == traffic.function) else {
            // A trace has functions of its own; whether it has this one shows when it is read.
            if scenario.trace.is_none() {
                self.say(
                    &format!("{key}.function"),
                    format_args!("no function is named {:?}", traffic.function),
                );
            }
            return;
        };
        self.way(key, traffic, function);
    }

    fn way(&mut self, key: &str, traffic: &Traffic, function: &FunctionSpec) {
        let sources: Vec<&str> = match traffic.via {
            Via::Queue => function.queues.iter().map(|queue| queue.name.as_str()).collect(),
            Via::Stream => function.streams.iter().map(|stream| stream.name.as_str()).collect(),
            Via::Async if function.asynchronous.is_none() => {
                self.say(&format!("{key}.via"), "the function has no `asynchronous` settings");
                return;
            }
            Via::Sync | Via::Async => return,
        };
        let fits = traffic.through.as_deref().map_or(!sources.is_empty(), |name| sources.contains(&name));
        if !fits {
            let named = traffic.through.as_deref().unwrap_or("any");
            self.say(
                &format!("{key}.through"),
                format_args!("the function polls {sources:?}, not {named:?}"),
            );
        }
    }

    fn rate(&mut self, key: &str, rate: &Rate) {
        const RPS: RangeInclusive<f64> = 0.0..=1_000_000.0;
        let mut rps = |name: &str, value: f64| self.range(&format!("{key}.{name}"), value, RPS);
        match *rate {
            Rate::Constant { rps: r } | Rate::Even { rps: r } => rps("rps", r),
            Rate::Diurnal { rps: r, swing, peak_hour, weekend } => {
                rps("rps", r);
                self.range(&format!("{key}.swing"), swing, 0.0..=1.0);
                self.range(&format!("{key}.peak_hour"), peak_hour, 0..=23);
                self.range(&format!("{key}.weekend"), weekend, 0.0..=10.0);
            }
            Rate::Bursty { quiet_rps, busy_rps, quiet_s, busy_s } => {
                rps("quiet_rps", quiet_rps);
                rps("busy_rps", busy_rps);
                self.range(&format!("{key}.quiet_s"), quiet_s, 1.0..=1e6);
                self.range(&format!("{key}.busy_s"), busy_s, 1.0..=1e6);
            }
            Rate::Linear { from_rps, to_rps, over_min } => {
                rps("from_rps", from_rps);
                rps("to_rps", to_rps);
                self.range(&format!("{key}.over_min"), over_min, 0.1..=44_640.0);
            }
            Rate::Exponential { from_rps, doubling_min, to_rps } => {
                rps("from_rps", from_rps);
                rps("to_rps", to_rps);
                self.range(&format!("{key}.doubling_min"), doubling_min, 0.01..=44_640.0);
            }
            Rate::Random { from_rps, to_rps, every_s } => {
                rps("from_rps", from_rps);
                rps("to_rps", to_rps);
                self.range(&format!("{key}.every_s"), every_s, 1..=86_400);
                if from_rps > to_rps {
                    self.say(key, "from_rps is above to_rps");
                }
            }
            Rate::Pulse { rps: r, on_min, off_min } => {
                rps("rps", r);
                self.range(&format!("{key}.on_min"), on_min, 1..=44_640);
                self.range(&format!("{key}.off_min"), off_min, 1..=44_640);
            }
            Rate::Adaptive { rps: r, quiet_min } => {
                rps("rps", r);
                self.range(&format!("{key}.quiet_min"), quiet_min, 1..=44_640);
            }
            Rate::Once { events } => self.range(&format!("{key}.events"), events, 1..=1_000_000_000),
            Rate::Chained {} => {}
        }
    }

    fn events(&mut self, scenario: &Scenario) {
        for (index, event) in scenario.events.iter().enumerate() {
            let key = format!("event[{index}]");
            self.range(&format!("{key}.at_min"), event.at_min, 0..=scenario.minutes);
            self.range(&format!("{key}.for_min"), event.for_min, 0..=44_640);
            let is_about_a_function = matches!(
                event.what,
                Happening::Deploy
                    | Happening::OperatorSets
                    | Happening::OperatorReleases
                    | Happening::OperatorHolds
            );
            let known = |name: &String| scenario.functions.iter().any(|function| function.name == *name);
            if is_about_a_function && !event.function.as_ref().is_some_and(known) {
                self.say(&format!("{key}.function"), "names no function of the scenario");
            }
            let lasts = !matches!(
                event.what,
                Happening::Deploy | Happening::OperatorSets | Happening::OperatorReleases
            );
            if lasts && event.for_min == 0 {
                self.say(&format!("{key}.for_min"), "0 is not within 1 to 44640");
            }
            if event.what == Happening::MetricDelay {
                self.range(&format!("{key}.minutes"), event.minutes.unwrap_or(0), 1..=30);
            }
        }
    }
}

//! Reads the meaning of a series from its label.

use std::collections::BTreeSet;

use super::{Statistic, foreign};

/// Metrics that a trace is made of, and the others that Lambda has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Metric {
    /// How often it ran.
    Invocations,
    /// How long.
    Duration,
    /// Anything else.
    Other(&'static str),
}

/// Other metrics of functions ("Types of metrics for Lambda functions", read 2026-11).
const OTHERS: [&str; 14] = [
    "Errors",
    "Throttles",
    "ConcurrentExecutions",
    "UnreservedConcurrentExecutions",
    "ProvisionedConcurrentExecutions",
    "ProvisionedConcurrencyInvocations",
    "ProvisionedConcurrencySpilloverInvocations",
    "ProvisionedConcurrencyUtilization",
    "DeadLetterErrors",
    "DestinationDeliveryFailures",
    "AsyncEventsReceived",
    "AsyncEventAge",
    "AsyncEventsDropped",
    "IteratorAge",
];

/// The content of a label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    /// Which metric, if it says.
    pub metric: Option<Metric>,
    /// Which function, if it says.
    pub function: Option<String>,
    /// Which statistic, if it says.
    pub statistic: Option<Statistic>,
    /// What it says of another service, if it does: such a series counts nothing here.
    pub foreign: Option<String>,
    /// The series that it is a part of, if that is in the file too.
    pub part_of: Option<String>,
}

impl Reading {
    /// The function's name, or a word for the one that has none.
    pub(super) fn name(&self) -> String {
        self.function.clone().unwrap_or_else(|| "function".to_owned())
    }

    /// What is left out, for people: a metric that no trace is made of.
    pub(super) fn skipped(&self) -> Option<String> {
        if let Some(whole) = &self.part_of {
            let name = self.function.as_deref().unwrap_or("a series of no function");
            return Some(format!("{name} ({whole})"));
        }
        match self.metric {
            Some(Metric::Invocations | Metric::Duration) => None,
            Some(Metric::Other(name)) => Some(name.to_owned()),
            None => Some(format!("{:?} (its label names no metric)", self.name())),
        }
    }
}

/// Reads a label; the id may say what the label does not.
pub(super) fn read(label: Option<&str>, id: &str) -> Reading {
    let mut words: Vec<&str> = label
        .unwrap_or_default()
        .split(|c: char| c.is_whitespace() || ",;|()[]".contains(c))
        .map(|word| word.trim_matches([':', '/', '-', '–']))
        .filter(|word| !["", "AWS/Lambda", "Lambda"].contains(word))
        .collect();
    // The metric stands last in a default label, and a function may have the name of a metric.
    let in_label = take(&mut words, metric);
    let statistic_in_label = take(&mut words, statistic);
    let mut pieces: Vec<&str> = id.split('_').collect();
    let metric = in_label.or_else(|| take(&mut pieces, |piece| metric(&capitalised(piece))));
    let told = statistic_in_label.or_else(|| take(&mut pieces, |piece| statistic(&capitalised(piece))));
    let is_lambdas = in_label.is_some_and(|metric| matches!(metric, Metric::Invocations | Metric::Duration));
    let other = words
        .iter()
        .find_map(|word| foreign::of_word(word).filter(|_| !is_lambdas || word.starts_with("AWS/")));
    let (metric, told) = if other.is_some() { (None, None) } else { (metric, told) };
    let (metric, statistic) = match (metric, told) {
        // The mean or maximum of Invocations is 1, and a minimum or percentile of durations is no mean.
        (Some(metric), Some(Told::Useless)) => (Some(useless(metric)), None),
        (Some(Metric::Invocations), Some(Told::Useful(Statistic::Average | Statistic::Maximum))) => {
            (Some(useless(Metric::Invocations)), None)
        }
        (metric, Some(Told::Useful(statistic))) => (metric, Some(statistic)),
        (metric, _) => (metric, None),
    };
    Reading { metric, function: function(&words), statistic, foreign: other, part_of: None }
}

/// The function in what is left of a label. Its alias or version stands in the dimension `Resource` as
/// `function:alias`, beside the name of the function itself ("Types of metrics for Lambda functions", read 2026-11).
fn function(words: &[&str]) -> Option<String> {
    let is_said_again = |word: &str| {
        words.iter().any(|other| other.split_once(':').is_some_and(|(function, _)| function == word))
    };
    let mut kept: Vec<&str> = Vec::new();
    for word in words.iter().filter(|word| !is_said_again(word)) {
        // `Resource` is the function's own name where it was called without alias and version.
        if kept.contains(word) { kept.push(UNQUALIFIED) } else { kept.push(word) }
    }
    if kept.is_empty() { None } else { Some(kept.join(" ")) }
}

/// What stands for a function that was called by its name alone, beside the sum of all its callers.
const UNQUALIFIED: &str = "(by its name alone)";

/// Names whose series hold all of this one's too: a function of its aliases and versions, one of them of what ran there.
fn wholes(name: &str) -> Vec<&str> {
    let is_executed_version =
        |last: &str| last == UNQUALIFIED || last == "$LATEST" || last.parse::<u32>().is_ok();
    let by_blank = name.strip_suffix(UNQUALIFIED).map(str::trim_end).or_else(|| {
        name.rsplit_once(' ').filter(|(_, last)| is_executed_version(last)).map(|(before, _)| before)
    });
    let by_colon = name.split_once(':').map(|(function, _)| function);
    by_blank.into_iter().chain(by_colon).collect()
}

/// Marks series of which another one in the file holds everything: they would count twice.
fn mark_parts(all: &mut [&mut Reading]) {
    let counts = |one: &&mut Reading| one.metric == Some(Metric::Invocations);
    let names: BTreeSet<String> =
        all.iter().filter(|one| counts(one)).filter_map(|one| one.function.clone()).collect();
    for one in all.iter_mut().filter(|one| matches!(one.metric, Some(Metric::Invocations | Metric::Duration)))
    {
        one.part_of = match &one.function {
            Some(name) => {
                let whole = wholes(name).into_iter().find(|whole| names.contains(*whole));
                whole.map(|whole| format!("a part of {whole}"))
            }
            None if counts(one) && !names.is_empty() => Some("the sum of all functions".to_owned()),
            None => None,
        };
    }
}

/// Removes the last word that means something, and returns what.
fn take<T>(words: &mut Vec<&str>, meaning: impl Fn(&str) -> Option<T>) -> Option<T> {
    let at = words.iter().rposition(|word| meaning(word).is_some())?;
    meaning(words.remove(at))
}

/// Ids begin with a small letter ("MetricDataQuery", read 2026-11); metrics and statistics do not.
fn capitalised(piece: &str) -> String {
    let mut letters = piece.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

fn useless(metric: Metric) -> Metric {
    match metric {
        Metric::Invocations => Metric::Other("Invocations in another statistic than Sum"),
        Metric::Duration => Metric::Other("Duration in another statistic than Sum, Average and Maximum"),
        Metric::Other(name) => Metric::Other(name),
    }
}

/// Settles what one label cannot say alone. Where no series of a file names a metric, CloudWatch left it out because all
/// are of the same one: Invocations, which is what a trace cannot be without. A single series has its metric's name as
/// its label, so one of another name is of another metric.
pub(super) fn settle(all: &mut [&mut Reading], remarks: &mut Vec<String>) {
    if let [one] = all
        && one.metric.is_none()
        && let Some(name) = one.function.as_deref().filter(|name| foreign::is_like_metric(name))
    {
        one.foreign.get_or_insert_with(|| format!("{name} is not a metric of Lambda"));
    }
    let is_named = |one: &&mut Reading| one.metric.is_some() || one.foreign.is_some();
    if !all.is_empty() && !all.iter().any(is_named) {
        all.iter_mut().for_each(|one| one.metric = Some(Metric::Invocations));
        remarks.push("No label names a metric: all series are taken as Invocations.".to_owned());
    }
    mark_parts(all);
}

fn metric(word: &str) -> Option<Metric> {
    match word {
        "Invocations" => Some(Metric::Invocations),
        "Duration" => Some(Metric::Duration),
        other => OTHERS.into_iter().find(|name| *name == other).map(Metric::Other),
    }
}

/// The statistic that a word names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    /// One that a trace can be made from.
    Useful(Statistic),
    /// Another.
    Useless,
}

/// A statistic as CloudWatch writes it: a function called `sum` is none.
fn statistic(word: &str) -> Option<Told> {
    let percentile = ["p", "tm", "tc", "ts", "wm"].iter().find_map(|prefix| word.strip_prefix(prefix));
    let is_number = |text: &str| text.parse::<f64>().is_ok();
    match word {
        "Sum" => Some(Told::Useful(Statistic::Sum)),
        "Average" | "Avg" | "Mean" => Some(Told::Useful(Statistic::Average)),
        "Maximum" | "Max" => Some(Told::Useful(Statistic::Maximum)),
        "Minimum" | "Min" | "SampleCount" => Some(Told::Useless),
        _ => percentile.filter(|rest| is_number(rest)).map(|_| Told::Useless),
    }
}

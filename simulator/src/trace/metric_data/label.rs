//! What a series is, from its label.

use super::Statistic;

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

/// What a label says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    /// Which metric, if it says.
    pub metric: Option<Metric>,
    /// Which function, if it says.
    pub function: Option<String>,
    /// Which statistic, if it says.
    pub statistic: Option<Statistic>,
}

impl Reading {
    /// The function's name, or a word for the one that has none.
    pub(super) fn name(&self) -> String {
        self.function.clone().unwrap_or_else(|| "function".to_owned())
    }

    /// What is left out, for people: a metric that no trace is made of.
    pub(super) fn skipped(&self) -> Option<String> {
        match self.metric {
            Some(Metric::Invocations | Metric::Duration) => None,
            Some(Metric::Other(name)) => Some(name.to_owned()),
            None => Some(format!("{:?} (its label names no metric)", self.name())),
        }
    }
}

/// Reads a label; what it does not say, the id may.
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
    let function = if words.is_empty() { None } else { Some(words.join(" ")) };
    match (metric, told) {
        // The mean or maximum of Invocations is 1, and a minimum or percentile of durations is no mean.
        (Some(metric), Some(Told::Useless)) => {
            Reading { metric: Some(useless(metric)), function, statistic: None }
        }
        (Some(Metric::Invocations), Some(Told::Useful(Statistic::Average | Statistic::Maximum))) => {
            Reading { metric: Some(useless(Metric::Invocations)), function, statistic: None }
        }
        (metric, told) => {
            let statistic = told.and_then(|told| if let Told::Useful(it) = told { Some(it) } else { None });
            Reading { metric, function, statistic }
        }
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

/// Where no series of a file names a metric, CloudWatch left it out because all are of the same one: Invocations, which
/// is what a trace cannot be without.
pub(super) fn settle(all: &mut [&mut Reading], remarks: &mut Vec<String>) {
    if all.is_empty() || all.iter().any(|one| one.metric.is_some()) {
        return;
    }
    all.iter_mut().for_each(|one| one.metric = Some(Metric::Invocations));
    remarks.push("No label names a metric: all series are taken as Invocations.".to_owned());
}

fn metric(word: &str) -> Option<Metric> {
    match word {
        "Invocations" => Some(Metric::Invocations),
        "Duration" => Some(Metric::Duration),
        other => OTHERS.into_iter().find(|name| *name == other).map(Metric::Other),
    }
}

/// What a word says of the statistic.
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

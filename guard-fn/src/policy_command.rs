//! `policy check` and `policy schema`.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use guard_core::money::Usd;
use guard_core::policy::{Budget, Mode, Period, Policy, PolicyError, Scope, Slack};
use serde_json::{Value, json};

use crate::exit_code::ExitCode;
use crate::streams::Streams;

/// The result for one file.
enum Checked {
    Valid(Box<Policy>),
    Invalid(PolicyError),
    Unreadable(io::Error),
}

/// Checks each file and prints its meaning. All files are checked; the worst code is returned.
pub(crate) fn check(files: &[PathBuf], json: bool, streams: &mut Streams<'_>) -> io::Result<ExitCode> {
    let mut worst = ExitCode::Success;
    let mut results = Vec::new();
    for file in files {
        let checked = check_one(file, &mut streams.input);
        worst = worst.max(match &checked {
            Checked::Valid(_) => ExitCode::Success,
            Checked::Invalid(_) => ExitCode::PolicyInvalid,
            Checked::Unreadable(_) => ExitCode::CannotRead,
        });
        if json {
            results.push(as_json(file, &checked)?);
        } else {
            tell(file, &checked, streams)?;
        }
    }
    if json {
        writeln!(streams.output, "{}", Value::from(results))?;
    }
    Ok(worst)
}

/// Prints the schema: for people over many lines, for machines on one.
pub(crate) fn schema(json: bool, streams: &mut Streams<'_>) -> io::Result<ExitCode> {
    let schema = Policy::schema();
    if json {
        writeln!(streams.output, "{schema}")?;
    } else {
        writeln!(streams.output, "{schema:#}")?;
    }
    Ok(ExitCode::Success)
}

fn check_one(file: &Path, input: &mut dyn Read) -> Checked {
    let text =
        if file.as_os_str() == "-" { io::read_to_string(input) } else { std::fs::read_to_string(file) };
    match text.map(|text| Policy::from_toml(&text)) {
        Ok(Ok(policy)) => Checked::Valid(Box::new(policy)),
        Ok(Err(error)) => Checked::Invalid(error),
        Err(error) => Checked::Unreadable(error),
    }
}

fn as_json(file: &Path, checked: &Checked) -> io::Result<Value> {
    let file = file.display().to_string();
    Ok(match checked {
        Checked::Valid(policy) => {
            json!({ "file": file, "ok": true, "policy": serde_json::to_value(policy)? })
        }
        Checked::Invalid(error) => {
            json!({ "file": file, "ok": false, "problems": serde_json::to_value(error)? })
        }
        Checked::Unreadable(error) => json!({ "file": file, "ok": false, "error": error.to_string() }),
    })
}

fn tell(file: &Path, checked: &Checked, streams: &mut Streams<'_>) -> io::Result<()> {
    let file = file.display();
    match checked {
        Checked::Valid(policy) => write!(streams.output, "{file}: ok\n{}", summary(policy)),
        Checked::Invalid(error) => {
            error.problems.iter().try_for_each(|problem| writeln!(streams.error, "{file}: {problem}"))
        }
        Checked::Unreadable(error) => writeln!(streams.error, "{file}: cannot read: {error}"),
    }
}

/// The policy in sentences: the facts a person should see before trusting it with money.
fn summary(policy: &Policy) -> String {
    let mut lines = vec![
        if policy.armed {
            "armed: caps are applied".to_owned()
        } else {
            "disarmed: everything is reported, nothing is changed".to_owned()
        },
        format!("periods begin at midnight in {}", policy.timezone),
        format!("{} s from cause to effect", policy.timing.reaction_s()),
    ];
    if !policy.protected.is_empty() {
        lines.push(format!("never touched: {}", policy.protected.join(", ")));
    }
    if policy.budget.is_empty() {
        lines.push("no budget: only functions with a tag dow-guard:monthly-usd have one".to_owned());
    }
    lines.extend(policy.budget.iter().map(budget_line));
    lines.into_iter().map(|line| format!("  {line}\n")).collect()
}

fn budget_line(budget: &Budget) -> String {
    let amount = match (budget.usd, budget.invocations) {
        (Some(usd), _) => usd.to_string(),
        (None, count) => format!("{} invocations", in_thousands(count.unwrap_or(0))),
    };
    let period = match budget.period {
        Period::Hour => "hour",
        Period::Day => "day",
        Period::Week => "week",
        Period::Month => "month",
    };
    let mode = match budget.mode {
        Mode::Observe => "only recorded",
        Mode::Alert => "alerts",
        Mode::Cap => "caps",
        Mode::Stop => "stops",
    };
    let mut line =
        format!("budget {}: {amount} per {period} for {}; {mode}", budget.name, covered(&budget.scope));
    line.push_str(&slack_words(budget));
    if !budget.thresholds_percent.is_empty() {
        let percentages: Vec<String> = budget.thresholds_percent.iter().map(|p| format!("{p} %")).collect();
        line = format!("{line}; warns at {}", percentages.join(", "));
    }
    for (set, words) in [(budget.envelope, "standing cap"), (budget.guarantee, "guaranteed")] {
        if set {
            line = format!("{line}; {words}");
        }
    }
    line
}

/// The condition under which it acts as its mode says.
fn slack_words(budget: &Budget) -> String {
    if budget.mode == Mode::Observe {
        return String::new();
    }
    let slack = Slack::of_budget(budget);
    if slack.minutes(budget.period) == budget.period.minutes() {
        return " at the line".to_owned();
    }
    let part = match (budget.usd, budget.invocations) {
        (Some(usd), _) => slack.part(usd, budget.period).to_string(),
        (None, count) => {
            let whole = Usd::from_dollars(1) * i128::from(count.unwrap_or(0));
            let units = slack.part(whole, budget.period).div_floor(Usd::from_dollars(1)).unwrap_or(0);
            format!("{} invocations", in_thousands(u64::try_from(units).unwrap_or(u64::MAX)))
        }
    };
    format!(" once {part} above the ordinary are spent and it would break, and at its line")
}

fn covered(scope: &Scope) -> String {
    let tags = scope.tags.iter().map(|(key, value)| format!("tag {key} = {value}"));
    let criteria: Vec<String> =
        scope.functions.iter().map(|pattern| format!("functions {pattern}")).chain(tags).collect();
    if criteria.is_empty() { "the whole account and region".to_owned() } else { criteria.join(" with ") }
}

/// A count with separators, because a zero too many is the mistake to see here.
fn in_thousands(count: u64) -> String {
    if count < 1000 {
        return count.to_string();
    }
    format!("{},{:03}", in_thousands(count / 1000), count % 1000)
}

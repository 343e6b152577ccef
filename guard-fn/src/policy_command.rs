//! `policy check` and `policy schema`.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use chrono::DateTime;
use guard_core::inventory::{AccountLimits, Inventory};
use guard_core::money::Usd;
use guard_core::policy::{Budget, Mode, Period, Policy, PolicyError, Scope, Slack};
use guard_core::pricing::PriceTable;
use guard_core::report::{self, usual};
use guard_core::roster::Roster;
use guard_core::sampling::own_cost_of_month;
use guard_core::time::Hour;
use serde_json::{Value, json};

use crate::chain::without_number;
use crate::exit_code::ExitCode;
use crate::memory::Memory;
use crate::packed::{packed_len, unpack};
use crate::streams::Streams;

/// The result for one file.
enum Checked {
    Valid { policy: Box<Policy>, size: Size },
    Invalid { error: PolicyError, text: String },
    Unreadable(String),
}

/// How large a policy is, in bytes.
#[derive(Clone, Copy)]
struct Size {
    /// As it was given.
    bytes: u64,
    /// Packed (`crate::packed`).
    packed: u64,
}

/// Bytes that a parameter of SSM takes in its two tiers ("Managing parameter tiers", AWS Systems Manager User Guide, read
/// 2026-11).
const PARAMETER_BYTES: (u64, u64) = (4096, 8192);

/// Checks each file and prints its meaning. All files are checked; the worst code is returned.
///
/// With a memory, what is usual and what exists is known too.
pub(crate) fn check(
    files: &[PathBuf],
    memory: Option<&Path>,
    json: bool,
    streams: &mut Streams<'_>,
) -> io::Result<ExitCode> {
    let memory = match memory.map(remembered).transpose() {
        Ok(memory) => memory,
        Err(problem) => {
            writeln!(streams.error, "{problem}")?;
            return Ok(ExitCode::CannotRead);
        }
    };
    let memory = memory.as_ref();
    let mut worst = ExitCode::Success;
    let mut results = Vec::new();
    for file in files {
        let checked = check_one(file, &mut streams.input);
        worst = worst.max(match &checked {
            Checked::Valid { .. } => ExitCode::Success,
            Checked::Invalid { .. } => ExitCode::PolicyInvalid,
            Checked::Unreadable(_) => ExitCode::CannotRead,
        });
        if json {
            results.push(as_json(file, &checked, memory)?);
        } else {
            tell(file, &checked, memory, streams)?;
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
    let mut bytes = Vec::new();
    let read = if file.as_os_str() == "-" {
        input.read_to_end(&mut bytes).map(drop)
    } else {
        std::fs::read(file).map(|read| bytes = read)
    };
    if let Err(error) = read {
        return Checked::Unreadable(without_number(&error));
    }
    let is_utf16 = bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]);
    let Ok(text) = String::from_utf8(bytes) else {
        let what = if is_utf16 { "it is in UTF-16" } else { "it is not text in UTF-8" };
        return Checked::Unreadable(format!("{what}; save it as UTF-8"));
    };
    let bytes = text.len() as u64;
    let text = match unpack(text) {
        Ok(text) => text,
        Err(error) => return Checked::Unreadable(error),
    };
    match Policy::from_toml(&text) {
        Ok(policy) => {
            Checked::Valid { policy: Box::new(policy), size: Size { bytes, packed: packed_len(&text) } }
        }
        Err(error) => Checked::Invalid { error, text },
    }
}

fn as_json(file: &Path, checked: &Checked, memory: Option<&Memory>) -> io::Result<Value> {
    let file = file.display().to_string();
    Ok(match checked {
        Checked::Valid { policy, size } => {
            let mut warnings = warnings(policy, *size);
            warnings.extend(of_usual(policy, memory));
            json!({ "file": file, "ok": true, "policy": serde_json::to_value(policy)?, "warnings": warnings })
        }
        Checked::Invalid { error, .. } => {
            json!({ "file": file, "ok": false, "problems": serde_json::to_value(error)? })
        }
        Checked::Unreadable(error) => json!({ "file": file, "ok": false, "error": error }),
    })
}

fn tell(
    file: &Path,
    checked: &Checked,
    memory: Option<&Memory>,
    streams: &mut Streams<'_>,
) -> io::Result<()> {
    let file = file.display();
    match checked {
        Checked::Valid { policy, size } => {
            for warning in warnings(policy, *size).into_iter().chain(of_usual(policy, memory)) {
                writeln!(streams.error, "{file}: warning: {warning}")?;
            }
            write!(streams.output, "{file}: ok\n{}", summary(policy, memory))
        }
        Checked::Invalid { error, text } => {
            for problem in &error.problems {
                writeln!(streams.error, "{file}: {problem}")?;
                if let Some(shown) = problem.position.and_then(|position| position.shown(text)) {
                    writeln!(streams.error, "{shown}")?;
                }
            }
            writeln!(streams.error, "{REFERENCE}")
        }
        Checked::Unreadable(error) => writeln!(streams.error, "{file}: cannot read: {error}"),
    }
}

/// Where every key is explained.
const REFERENCE: &str =
    "docs/policy.md explains every key; `guard-fn policy schema` prints them for an editor.";

/// The memory in a file.
fn remembered(file: &Path) -> Result<Memory, String> {
    let read = std::fs::read(file).map_err(|error| without_number(&error));
    let memory = read.and_then(|bytes| serde_json::from_slice(&bytes).map_err(|error| error.to_string()));
    memory.map_err(|error| format!("{}: cannot read the memory: {error}", file.display()))
}

/// The policy with what a memory knows of the account.
fn roster(policy: &Policy, memory: Option<&Memory>) -> Roster {
    let nothing = || Inventory::new("us-east-1", AccountLimits::default(), Vec::new());
    let inventory = memory.map_or_else(nothing, |memory| memory.survey.inventory.clone());
    Roster::new(policy.clone(), PriceTable::embedded(), inventory, None)
}

/// Budgets that usual traffic uses up, as far as a memory knows it.
fn of_usual(policy: &Policy, memory: Option<&Memory>) -> Vec<String> {
    let Some(memory) = memory else { return Vec::new() };
    let now = memory.state.last_tick.unwrap_or(DateTime::UNIX_EPOCH);
    usual::too_small(&roster(policy, Some(memory)), &memory.state, Hour::of(now))
}

/// What watching costs.
fn watching(policy: &Policy, memory: Option<&Memory>) -> String {
    let roster = roster(policy, memory);
    let most = report::dollars(own_cost_of_month(&roster).total());
    match memory {
        Some(_) => format!("watching {} functions costs at most {most} a month", roster.members.len()),
        None if policy.limits.own_cost_usd_per_month.is_some() => {
            format!("watching costs at most {most} a month")
        }
        None => {
            format!("watching costs at most {most} a month, or $3.00 per 1,000 functions where that is more")
        }
    }
}

/// What is accepted and will surprise.
fn warnings(policy: &Policy, Size { bytes, packed }: Size) -> Vec<String> {
    let mut warnings = Vec::new();
    if policy.budget.is_empty() {
        warnings.push(
            "no [[budget]]: nothing is guarded but functions with a tag dow-guard:monthly-usd".to_owned(),
        );
    }
    let acts = |budget: &Budget| budget.mode >= Mode::Cap || budget.envelope;
    if policy.armed && !policy.budget.is_empty() && !policy.budget.iter().any(acts) {
        warnings.push(
            "armed, but no budget has mode = \"cap\" or \"stop\": only tags of functions can cap".to_owned(),
        );
    }
    let (standard, advanced) = PARAMETER_BYTES;
    let (size, packed) = (in_thousands(bytes), in_thousands(packed));
    let smaller = format!("packed it has {packed}: infra/README.md");
    if bytes > advanced {
        let most = in_thousands(advanced);
        warnings.push(format!("{size} bytes: no parameter of SSM takes more than {most}; {smaller}"));
    } else if bytes > standard {
        let (standard, advanced) = (in_thousands(standard), in_thousands(advanced));
        warnings.push(format!(
            "{size} bytes: a template and a parameter of SSM take {standard}, Terraform and the Advanced tier {advanced}; \
             {smaller}"
        ));
    }
    warnings
}

/// The policy in sentences: the facts a person should see before trusting it with money.
fn summary(policy: &Policy, memory: Option<&Memory>) -> String {
    let mut lines = vec![
        if policy.armed && policy.budget.iter().all(|budget| budget.mode < Mode::Cap && !budget.envelope) {
            "armed, but every budget here only alerts".to_owned()
        } else if policy.armed {
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
    lines.push(watching(policy, memory));
    if memory.is_none() && !policy.budget.is_empty() {
        lines.push(
            "not known without a guard's memory (--state FILE): whether usual traffic alone uses up a budget"
                .to_owned(),
        );
    }
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
        return " when it is used up".to_owned();
    }
    let part = match (budget.usd, budget.invocations) {
        (Some(usd), _) => slack.part(usd, budget.period).to_string(),
        (None, count) => {
            let whole = Usd::from_dollars(1) * i128::from(count.unwrap_or(0));
            let units = slack.part(whole, budget.period).div_floor(Usd::from_dollars(1)).unwrap_or(0);
            format!("{} invocations", in_thousands(u64::try_from(units).unwrap_or(u64::MAX)))
        }
    };
    format!(" once {part} above usual are spent and it would break, and when it is used up")
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

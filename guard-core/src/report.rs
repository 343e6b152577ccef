//! Records for people: every number with its unit, every decision with its reason, readable at 3 a.m.

pub mod bound;
pub mod exposure;
pub mod page;
mod reason;
pub mod usual;

use std::fmt;

use crate::extras;
use crate::inventory::{EventSource, Function};
use crate::money::{PICOS_PER_USD, Unit, Usd, UsdRange, grouped};
use crate::name::FunctionName;
use crate::observation::Freshness;
use crate::plan::{
    Action, AsyncSetting, BudgetRecord, Change, FunctionRecord, Lever, NoticeKind, Refusal, Setting, Verdict,
};
use crate::policy::AtRollover;
use crate::settle::{ApplyResult, LOOKS_UNTIL_ADOPTED, Outcome};

pub use reason::reason_word;
use reason::times;

/// An amount in its unit: dollars, yuan, or whole invocations.
pub fn amount(amount: Usd, unit: Unit) -> String {
    match unit {
        Unit::Usd => dollars(amount),
        Unit::Cny => dollars(amount).replace('$', "¥"),
        Unit::Invocations if amount == Usd::MAX => amount.to_string(),
        Unit::Invocations => grouped((amount.at_least_zero().picos() / PICOS_PER_USD).unsigned_abs()),
    }
}

/// Dollars to the cent, rounded up; below a cent with two digits that count.
pub fn dollars(amount: Usd) -> String {
    let cent = PICOS_PER_USD.unsigned_abs() / 100;
    let magnitude = amount.picos().unsigned_abs();
    if magnitude == 0 || magnitude >= cent {
        return format!("{amount:.2}");
    }
    let mut decimals = 3;
    let mut least = cent / 10;
    while magnitude < least && decimals < 11 {
        (decimals, least) = (decimals + 1, least / 10);
    }
    format!("{amount:.precision$}", precision = decimals + 1)
}

/// An amount in a column: to the cent, rounded up; whole units from 10,000 on.
fn cents(usd: Usd, unit: Unit) -> String {
    if unit == Unit::Invocations || usd == Usd::MAX {
        return amount(usd, unit);
    }
    let text = if usd >= Usd::from_dollars(10_000) { format!("{usd:.0}") } else { format!("{usd:.2}") };
    if unit == Unit::Cny { text.replace('$', "¥") } else { text }
}

/// A range in its unit: the expected amount, and both ends if they differ.
pub fn range(range: UsdRange, unit: Unit) -> String {
    let expected = amount(range.expected, unit);
    if range.low == range.high {
        return expected;
    }
    format!("{expected} [{}–{}]", amount(range.low, unit), amount(range.high, unit))
}

/// How far data can be trusted, in a word.
pub fn freshness(freshness: Freshness) -> String {
    match freshness {
        Freshness::Fresh => "up to date".to_owned(),
        Freshness::Late(minutes) => format!("{minutes} min late"),
        Freshness::Silent => "silent".to_owned(),
        Freshness::Unknown => "unknown".to_owned(),
    }
}

/// A setting in words.
pub fn setting(setting: Setting) -> String {
    match setting {
        Setting::Concurrency(None) => "none".to_owned(),
        Setting::Concurrency(Some(value)) => value.to_string(),
        Setting::Enabled(true) => "enabled".to_owned(),
        Setting::Enabled(false) => "disabled".to_owned(),
        Setting::Async(AsyncSetting { max_retries, max_event_age_s }) => {
            format!("{max_retries} retries, event age {max_event_age_s} s")
        }
    }
}

/// A change in words: the lever and both values.
pub fn change(change: &Change) -> String {
    format!("{} → {}", lever_at(&change.lever(), change.from()), setting(change.to()))
}

/// All changes of a tick in a line: the function, both values, the reason in a word, and what became of it.
pub fn changes(actions: &[Action], outcomes: &[Outcome]) -> String {
    let one = |action: &Action| {
        let (why, came) = (reason_word(&action.reason), outcome(action, outcomes));
        format!("{}: {} ({why}, {})", action.function, change(&action.change), came.replace('_', " "))
    };
    actions.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// What became of an action, in a word: `applied`, `rejected`, `unavailable`, or `not_tried`.
pub fn outcome(action: &Action, outcomes: &[Outcome]) -> &'static str {
    let is_its = |outcome: &&Outcome| outcome.function == action.function && outcome.change == action.change;
    match outcomes.iter().find(is_its).map(|outcome| &outcome.result) {
        Some(ApplyResult::Applied) => "applied",
        Some(ApplyResult::Rejected { .. }) => "rejected",
        Some(ApplyResult::Unavailable { .. }) => "unavailable",
        None => "not_tried",
    }
}

/// A lever and the value at it.
pub fn lever_at(lever: &Lever, value: Setting) -> String {
    let what = match lever {
        Lever::AsyncConfig => "asynchronous retries".to_owned(),
        Lever::MappingConcurrency { mapping } => format!("maximum concurrency of mapping {mapping}"),
        Lever::MappingEnabled { mapping } => format!("event source mapping {mapping}"),
        Lever::ReservedConcurrency => "reserved concurrency".to_owned(),
    };
    format!("{what} {}", setting(value))
}

/// The future of a value that others have set, at looks that are this many seconds apart.
pub fn until_adopted(tick_s: u32) -> String {
    format!(
        "The guard leaves it alone. Unchanged for {LOOKS_UNTIL_ADOPTED} looks, some {} min, it counts as the owner's: \
         then a budget that is used up starts from there. `hold` keeps the guard away for longer.",
        (LOOKS_UNTIL_ADOPTED * tick_s).div_ceil(60)
    )
}

/// The consequence of accepting a value set by others as the owner's.
pub const ADOPTED: &str = "Somebody else has set it, so it is the owner's: the guard restores nothing there, watches on, \
                           and starts from it if a budget is used up.";

/// An action in a line; for a disarmed guard, the action that it would have taken.
pub fn action(action: &Action, armed: bool) -> String {
    let verb = if armed { "Change" } else { "Would change" };
    format!("{verb} {}: {}: {}", action.function, change(&action.change), action.reason)
}

/// A refusal in a line.
pub fn refusal(refusal: &Refusal) -> String {
    let wanted = refusal.change.as_ref().map(|wanted| format!(" ({})", change(wanted))).unwrap_or_default();
    format!("Left {}{wanted}: {}", refusal.function, refusal.reason)
}

/// The effect of a set of changes on the function's events.
pub fn consequences(function: &Function, actions: &[&Action]) -> Vec<String> {
    let mut lines = Vec::new();
    let stops = actions.iter().any(|action| action.change.to() == Setting::Concurrency(Some(0)));
    let reserves = actions.iter().any(|action| matches!(action.change, Change::ReservedConcurrency { .. }));
    if reserves && function.synchronous {
        let what = if stops { "all calls" } else { "calls beyond the cap" };
        lines.push(format!("Customers: {what} get HTTP 429, attackers and customers alike."));
    }
    if let Some(config) = function.asynchronous.filter(|_| reserves) {
        let hours = config.max_event_age_s.div_ceil(3600);
        lines.push(match (config.on_failure, stops) {
            (true, true) => "New asynchronous events go to the on-failure destination at once.".to_owned(),
            (false, true) => "New asynchronous events ARE LOST: no on-failure destination.".to_owned(),
            (true, false) => {
                format!("Asynchronous events wait up to {hours} h, then go to the on-failure destination.")
            }
            (false, false) => {
                format!("Asynchronous events wait up to {hours} h, then ARE LOST: no on-failure destination.")
            }
        });
    }
    for mapping in &function.mappings {
        let moved = actions.iter().any(|action| match &action.change {
            Change::MappingEnabled { mapping: id, .. } | Change::MappingConcurrency { mapping: id, .. } => {
                *id == mapping.id
            }
            _ => false,
        });
        if moved {
            let (EventSource::Sqs { retention_s, .. } | EventSource::Stream { retention_s, .. }) =
                mapping.source;
            lines.push(format!(
                "Mapping {}: what waits longer than {} h is lost.",
                mapping.id,
                retention_s / 3600
            ));
        }
        if !mapping.has_dead_letter() {
            lines.push(match mapping.source {
                EventSource::Sqs { .. } => format!(
                    "Mapping {}: no dead-letter queue is known; without one, failing events repeat until they expire.",
                    mapping.id
                ),
                EventSource::Stream { .. } => format!(
                    "Mapping {} has no on-failure destination: events that it gives up are lost.",
                    mapping.id
                ),
            });
        }
    }
    if function.provisioned > 0 {
        lines.push(format!("Still bills: provisioned concurrency {}, used or not.", function.provisioned));
    }
    lines.push("Still bills: invocations already running, up to their time-out.".to_owned());
    lines
}

/// The effect of a period's end on caps.
pub const fn rollover(policy: AtRollover) -> &'static str {
    match policy {
        AtRollover::Release => "Policy at_rollover = release: caps are raised step by step from now on.",
        AtRollover::Hold => "Policy at_rollover = hold: caps stay until it is quiet.",
    }
}

/// A budget of which too little was read to say how it stands, and why.
pub fn unknown_headline(record: &BudgetRecord, why: &str) -> String {
    let of = amount(record.amount, record.unit);
    let known = if record.spent.expected > Usd::ZERO {
        format!("{} of {of} spent as far as known", amount(record.spent.expected, record.unit))
    } else {
        format!("nothing is known of its {of}")
    };
    format!("Budget {} UNKNOWN: {why}; {known}", record.budget)
}

/// The first line of a budget's message: works as a text message.
pub fn budget_headline(record: &BudgetRecord) -> String {
    if record.verdict == Verdict::Fine && record.freshness == Freshness::Unknown {
        return unknown_headline(record, "no metrics could be read");
    }
    let show = |sum| amount(sum, record.unit);
    let of = show(record.amount);
    let is_over = record.spent.expected > record.amount;
    let used_up = match record.exhausted_if_sustained {
        // Where all is well, the end of the amount is too far to tell.
        Some(at) if record.spent.expected < record.amount && record.verdict != Verdict::Fine => {
            format!("; used up {} UTC at this rate", at.format("%a %R"))
        }
        _ => String::new(),
    };
    let hidden = record.unseen.expected + record.committed.expected;
    let (word, spent) = match record.verdict {
        Verdict::Fine => ("fine", show(record.spent.expected)),
        Verdict::Warn => ("warning", show(record.spent.expected)),
        _ if !record.at_line => ("SPENDING FAST", show(record.spent.expected)),
        _ if !is_over && hidden > Usd::ZERO => {
            ("REACHED", format!("{} seen and {} not shown yet,", show(record.spent.expected), show(hidden)))
        }
        _ if is_over => ("OVER", show(record.spent.expected)),
        _ => ("REACHED", show(record.spent.expected)),
    };
    let share = if is_over {
        format!(
            " ({} %)",
            grouped((record.spent.expected.per_mille_of(record.amount) / 10).unsigned_abs().into())
        )
    } else {
        String::new()
    };
    format!(
        "Budget {} {word}: {spent} of {of}{share}, {}/h{used_up}",
        record.budget,
        show(record.burn_per_hour)
    )
}

/// The incident in a line: its cost, its beginning, and when the guard acts.
fn incident(record: &BudgetRecord) -> Option<String> {
    let unit = record.unit;
    let since = record.incident_since.filter(|_| record.incident > Usd::ZERO)?;
    let then = match record.slack_ends {
        _ if record.slack >= record.amount => "acts when the budget is used up".to_owned(),
        Some(ends) => {
            format!(
                "{} allowed before the guard acts: used up {} UTC at this rate",
                amount(record.slack, unit),
                ends.format("%a %R")
            )
        }
        None if record.incident >= record.slack => {
            format!("{} allowed before the guard acts: used up", amount(record.slack, unit))
        }
        None => format!("{} allowed before the guard acts", amount(record.slack, unit)),
    };
    let cost = amount(record.incident, unit);
    Some(format!("Above usual: {cost} since {} UTC; {then}", since.format("%a %R")))
}

/// The numbers behind a budget's message.
pub fn budget_lines(record: &BudgetRecord) -> Vec<String> {
    let unit = record.unit;
    let ordinary = record.baseline_per_hour.map_or_else(
        || "no history yet".to_owned(),
        |ordinary| format!("usual {}/h", amount(ordinary, unit)),
    );
    let mut lines = vec![
        format!(
            "Period {} to {} UTC, data {}",
            record.period_start.format("%F %R"),
            record.period_end.format("%F %R"),
            freshness(record.freshness)
        ),
        format!(
            "Spent {}; not shown yet {}; retries to come {}",
            range(record.spent, unit),
            range(record.unseen, unit),
            range(record.committed, unit)
        ),
        format!("Rate {}/h ({ordinary})", amount(record.burn_per_hour, unit)),
        format!(
            "At the end of the period: {} at this rate, {} if it stops",
            amount(record.projected_if_sustained.expected, unit),
            amount(record.projected_if_it_stops.expected, unit)
        ),
    ];
    lines.extend(incident(record));
    if let Some(from) = record.known_from {
        lines.push(format!(
            "Known from {} UTC on; before that more may have been spent.",
            from.format("%F %R")
        ));
    }
    if record.repeated.expected > Usd::ZERO {
        let share = record.repeated.expected.per_mille_of(record.spent.expected);
        let text = format!(
            "Repeated work (retries, duplicates): {}, {}.{} % of what was spent",
            range(record.repeated, unit),
            share / 10,
            share % 10
        );
        lines.push(text);
    }
    if record.verdict == Verdict::Warn && record.slack < record.amount && record.incident >= record.slack {
        lines.push(
            "No cap before the budget is used up: it would refuse as much usual traffic, or hold nothing back."
                .to_owned(),
        );
    }
    if record.verdict == Verdict::BreachedOrdinary {
        lines.push(
            "Spending is as usual now: nothing is capped. Extra spending used up the amount before, or it is too small."
                .to_owned(),
        );
    }
    if record.price_unknown {
        lines.push("A price of this region is unknown: the dearest known one stands in.".to_owned());
    }
    lines.extend(extras::sentence(&record.uncounted));
    lines
}

/// The first line of a trip's message.
pub fn trip_headline(
    kind: NoticeKind,
    name: &FunctionName,
    actions: &[&Action],
    refusals: &[&Refusal],
    record: Option<&BudgetRecord>,
) -> String {
    let what = match (kind, actions.last(), refusals.first()) {
        (NoticeKind::Capped, Some(action), _) => format!("{name} CAPPED: {}", change(&action.change)),
        (NoticeKind::WouldHaveCapped, Some(action), _) => {
            format!("{name} would have been capped: {} (disarmed)", change(&action.change))
        }
        (NoticeKind::Released, Some(action), _) => format!("OK: {name} released: {}", change(&action.change)),
        (NoticeKind::Releasing, Some(action), _) => format!("{name} recovering: {}", change(&action.change)),
        (_, _, Some(refusal)) => format!("{name} NOT capped: {}", refusal.reason),
        _ => name.to_string(),
    };
    match record {
        Some(record) => format!(
            "{what}. {} of {}, {}/h",
            amount(record.spent.expected, record.unit),
            amount(record.amount, record.unit),
            amount(record.burn_per_hour, record.unit)
        ),
        None => what,
    }
}

impl fmt::Display for FunctionRecord {
    /// One line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}/h", self.function, dollars(self.burn_per_hour))?;
        if let Some(ordinary) = self.baseline_per_hour {
            write!(f, " (usual {}/h)", dollars(ordinary))?;
        }
        if self.attempts_per_mille > 1000 {
            write!(f, ", {}× attempts", times(self.attempts_per_mille))?;
        }
        if let Some(cap) = self.cap {
            write!(f, ", cap {cap}")?;
        }
        write!(f, ": {}", self.reason)
    }
}

impl fmt::Display for BudgetRecord {
    /// One line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&budget_headline(self))
    }
}

#[cfg(test)]
mod tests;

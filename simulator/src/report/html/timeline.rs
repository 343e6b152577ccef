//! The guard's observations, decisions and actions, in order.

use std::collections::BTreeMap;
use std::fmt::Write;

use guard_core::plan::{BudgetRecord, Verdict};
use guard_core::settle::ApplyResult;

use super::{escape, tone};
use crate::replay::Replay;
use crate::report::layout::Tone;
use crate::report::phrase;
use crate::report::replay::screen::clock_at;
use crate::report::replay::timeline::{refused, some};
use crate::run::Tick;

/// Moments that are shown at once; further ones unfold.
const OPEN: usize = 40;
/// Bytes of moments that unfold: with the charts, a page stays below a megabyte.
const MOST_BYTES: usize = 300_000;

/// Appends the timeline.
pub(super) fn all(out: &mut String, replay: &Replay) {
    *out += "<section aria-labelledby=\"timeline\"><h2 id=\"timeline\">Timeline of decisions</h2>";
    let moments = moments(replay);
    if moments.is_empty() {
        *out += "<p>Nothing to tell: the guard saw no reason to do anything.</p>";
    }
    let (first, rest) = moments.split_at(moments.len().min(OPEN));
    list(out, first);
    if !rest.is_empty() {
        let mut bytes = 0;
        let fits = |moment: &&String| {
            bytes += moment.len();
            bytes <= MOST_BYTES
        };
        let (shown, left) = rest.split_at(rest.iter().take_while(fits).count());
        let _ = write!(out, "<details><summary>{} more moments</summary>", shown.len());
        list(out, shown);
        if !left.is_empty() {
            let _ = write!(out, "<p>{} later ones are in the text of the replay.</p>", left.len());
        }
        *out += "</details>";
    }
    *out += "</section>\n";
}

fn list(out: &mut String, moments: &[String]) {
    if !moments.is_empty() {
        *out += "<ol class=\"timeline\">\n";
        moments.iter().for_each(|moment| *out += moment);
        *out += "</ol>";
    }
}

/// Ticks with something new, each as an item of a list.
fn moments(replay: &Replay) -> Vec<String> {
    let mut moments = Vec::new();
    let mut verdicts: BTreeMap<&str, Verdict> = BTreeMap::new();
    let mut refusals = BTreeMap::new();
    for tick in &replay.with.ticks {
        let mut text = String::new();
        for record in &tick.plan.budgets {
            let before = verdicts.insert(record.budget.as_str(), record.verdict);
            if before != Some(record.verdict) {
                budget(&mut text, record, tick.plan.armed);
            }
        }
        news(&mut text, tick);
        let now = refused(tick);
        for (reason, functions) in now.iter().filter(|(reason, _)| !refusals.contains_key(*reason)) {
            paragraph(&mut text, Tone::Normal, &format!("Not {}: {reason}", some(functions)));
        }
        refusals = now;
        if !text.is_empty() {
            let at = replay.start + chrono::TimeDelta::minutes(i64::from(tick.minute));
            moments.push(format!(
                "<li><time datetime=\"{}\">{}</time><div>{text}</div></li>\n",
                at.format("%Y-%m-%dT%H:%MZ"),
                escape(&clock_at(replay, tick.minute))
            ));
        }
    }
    moments
}

/// A budget whose verdict moved.
fn budget(out: &mut String, record: &BudgetRecord, armed: bool) {
    let (verdict, loudness) = phrase::verdict(record.verdict, armed);
    let amount = |usd| phrase::amount(usd, record.unit);
    let _ = write!(
        out,
        "<p><strong{}>{}: {verdict}.</strong> {} of {} spent, {} at this rate; now {} an hour, usual {}.</p>",
        tone(loudness),
        escape(record.budget.as_str()),
        amount(record.spent.expected),
        amount(record.amount),
        amount(record.projected_if_sustained.expected),
        amount(record.burn_per_hour),
        record.baseline_per_hour.map_or_else(|| "unknown".to_owned(), amount)
    );
}

/// Messages and changes, each with its reason.
fn news(out: &mut String, tick: &Tick) {
    for notice in &tick.plan.notices {
        let (kind, loudness) = phrase::notice(notice.kind);
        let loudness = if notice.alarming { loudness } else { Tone::Good };
        paragraph(out, loudness, &format!("Message, {kind}: {}", notice.headline));
    }
    for action in &tick.plan.actions {
        let outcome = tick
            .outcomes
            .iter()
            .find(|outcome| outcome.function == action.function && outcome.change == action.change);
        let (suffix, loudness) = match outcome.map(|outcome| &outcome.result) {
            None | Some(ApplyResult::Applied) => (String::new(), Tone::Normal),
            Some(ApplyResult::Rejected { message }) => (format!(": rejected: {message}"), Tone::Alarm),
            Some(ApplyResult::Unavailable { message }) => (format!(": unavailable: {message}"), Tone::Alarm),
        };
        paragraph(out, loudness, &format!("{}{suffix}", phrase::action(action, tick.plan.armed)));
        let _ = write!(out, "<p class=\"why\">{}</p>", escape(&action.reason.to_string()));
    }
}

fn paragraph(out: &mut String, loudness: Tone, text: &str) {
    let _ = write!(out, "<p{}>{}</p>", tone(loudness), escape(text));
}

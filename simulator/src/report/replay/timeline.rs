//! The guard's observations, decisions and actions, in order.

use std::collections::BTreeMap;
use std::io::{self, Write};

use guard_core::plan::{BudgetRecord, Verdict};
use guard_core::settle::ApplyResult;

use super::Page;
use super::screen::clock_at;
use crate::replay::Replay;
use crate::report::layout::Tone;
use crate::report::phrase;
use crate::run::Tick;

/// Blanks before what belongs to a time.
const INDENT: &str = "         ";

impl<W: Write> Page<W> {
    pub(super) fn timeline(&mut self, replay: &Replay) -> io::Result<()> {
        self.heading("Timeline")?;
        let mut last: Vec<Verdict> = Vec::new();
        let mut refusals = BTreeMap::new();
        for tick in &replay.with.ticks {
            let verdicts: Vec<Verdict> = tick.plan.budgets.iter().map(|record| record.verdict).collect();
            let moved: Vec<&BudgetRecord> = tick
                .plan
                .budgets
                .iter()
                .enumerate()
                .filter(|(place, record)| last.get(*place) != Some(&record.verdict))
                .map(|(_, record)| record)
                .collect();
            let refused = refused(tick);
            let new: Vec<&String> = refused.keys().filter(|reason| !refusals.contains_key(*reason)).collect();
            if moved.is_empty() && tick.plan.notices.is_empty() && tick.outcomes.is_empty() && new.is_empty()
            {
                refusals = refused;
                continue;
            }
            self.line(Tone::Strong, &format!("  {}", clock_at(replay, tick.minute)))?;
            for record in moved {
                self.budget(record, tick.plan.armed)?;
            }
            self.news(tick)?;
            for reason in new {
                let functions = refused.get(reason).map(Vec::as_slice).unwrap_or_default();
                self.paragraph(
                    &format!("{INDENT}- "),
                    Tone::Normal,
                    &format!("not {}: {reason}", some(functions)),
                )?;
            }
            (last, refusals) = (verdicts, refused);
        }
        Ok(())
    }

    fn budget(&mut self, record: &BudgetRecord, armed: bool) -> io::Result<()> {
        let (verdict, tone) = phrase::verdict(record.verdict, armed);
        let amount = |usd| phrase::amount(usd, record.unit);
        let text = format!(
            "{}: {verdict}. {} of {} spent, {} at this rate; now {} an hour, usual {}",
            record.budget,
            amount(record.spent.expected),
            amount(record.amount),
            amount(record.projected_if_sustained.expected),
            amount(record.burn_per_hour),
            record.baseline_per_hour.map_or("unknown".to_owned(), amount),
        );
        self.paragraph(INDENT, tone, &text)
    }

    fn news(&mut self, tick: &Tick) -> io::Result<()> {
        for notice in &tick.plan.notices {
            let (kind, tone) = phrase::notice(notice.kind);
            let tone = if notice.alarming { tone } else { Tone::Good };
            self.paragraph(&format!("{INDENT}! "), tone, &format!("{kind}: {}", notice.headline))?;
        }
        for action in &tick.plan.actions {
            let outcome = tick
                .outcomes
                .iter()
                .find(|outcome| outcome.function == action.function && outcome.change == action.change);
            let (suffix, tone) = match outcome.map(|outcome| &outcome.result) {
                None | Some(ApplyResult::Applied) => (String::new(), Tone::Strong),
                Some(ApplyResult::Rejected { message }) => (format!(": rejected: {message}"), Tone::Alarm),
                Some(ApplyResult::Unavailable { message }) => {
                    (format!(": unavailable: {message}"), Tone::Alarm)
                }
            };
            let text = format!("{}{suffix}", phrase::action(action, tick.plan.armed));
            self.paragraph(&format!("{INDENT}> "), tone, &text)?;
            self.paragraph(&format!("{INDENT}  "), Tone::Faint, &action.reason.to_string())?;
        }
        Ok(())
    }
}

/// Refusals grouped by their text: a reason that holds for many functions is printed once.
pub(in crate::report) fn refused(tick: &Tick) -> BTreeMap<String, Vec<String>> {
    let mut by_reason: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for refusal in &tick.plan.refusals {
        by_reason.entry(refusal.reason.to_string()).or_default().push(refusal.function.to_string());
    }
    by_reason
}

/// Two names, and how many more.
pub(in crate::report) fn some(functions: &[String]) -> String {
    let named = functions.iter().take(2).cloned().collect::<Vec<_>>().join(", ");
    match functions.len().saturating_sub(2) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

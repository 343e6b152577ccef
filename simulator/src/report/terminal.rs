//! The decision record as a page of text: one row per budget where something changes, its reasons below.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use chrono::{DateTime, NaiveDate, Timelike, Utc};
use guard_core::money::Usd;
use guard_core::name::FunctionName;
use guard_core::plan::{BudgetRecord, Notice, NoticeKind, Plan, Refusal, Verdict};

use super::layout::{Palette, Tone, bar, grouped, wrapped};
use super::phrase;
use super::summary::Summary;
use crate::bill::Bill;

/// How much is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Detail {
    /// Every tick, instead of those at which something changes.
    pub all: bool,
    /// Minutes between rows while nothing changes.
    pub every_min: u32,
}

/// Writes the page.
pub struct Page<W> {
    out: W,
    palette: Palette,
    detail: Detail,
    shown: Shown,
    day: Option<NaiveDate>,
    summary: Summary,
}

/// What the rows printed last have said, to see whether a tick has news.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Shown {
    verdicts: Vec<Verdict>,
    actions: BTreeSet<(FunctionName, String)>,
    refusals: BTreeSet<(FunctionName, String)>,
}

/// Columns before the text that belongs to a row.
const INDENT: &str = "      ";

impl<W: Write> Page<W> {
    /// A page that is still empty.
    pub fn new(out: W, palette: Palette, detail: Detail) -> Self {
        Page { out, palette, detail, shown: Shown::default(), day: None, summary: Summary::default() }
    }

    /// The title and what is being replayed: pairs of a short label and a text.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn header(&mut self, title: &str, entries: &[(&str, String)]) -> io::Result<()> {
        writeln!(self.out, "{}", self.palette.paint(Tone::Strong, title))?;
        self.entries(entries)?;
        writeln!(self.out)?;
        let columns = row_text([
            "time",
            "budget",
            "used",
            "spent",
            "sustained",
            "gone",
            "burn/h",
            "usual/h",
            "verdict",
        ]);
        writeln!(self.out, "{}", self.palette.paint(Tone::Faint, &columns))
    }

    fn entries(&mut self, entries: &[(&str, String)]) -> io::Result<()> {
        let mut previous = "";
        for (label, text) in entries {
            let shown = if *label == previous { "" } else { label };
            for line in wrapped(&format!("  {shown:<9} "), text) {
                writeln!(self.out, "{line}")?;
            }
            previous = label;
        }
        Ok(())
    }

    /// A tick, if it has something to say.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn tick(&mut self, plan: &Plan) -> io::Result<()> {
        self.summary.add(plan);
        let now = Shown::of(plan);
        let is_heartbeat =
            plan.at.timestamp().div_euclid(60).rem_euclid(i64::from(self.detail.every_min.max(1))) == 0;
        let has_news = now != self.shown || !plan.notices.is_empty();
        if !(self.detail.all || is_heartbeat || has_news) {
            return Ok(());
        }
        self.date(plan.at)?;
        for (index, record) in plan.budgets.iter().enumerate() {
            self.row(plan, record, index == 0)?;
        }
        for notice in &plan.notices {
            self.notice(notice)?;
        }
        if self.detail.all || now.actions != self.shown.actions {
            self.actions(plan)?;
        }
        if self.detail.all || now.refusals != self.shown.refusals {
            self.refusals(&plan.refusals)?;
        }
        self.shown = now;
        Ok(())
    }

    /// A line where a day begins, in a replay of more than one.
    fn date(&mut self, at: DateTime<Utc>) -> io::Result<()> {
        let day = at.date_naive();
        if self.day.replace(day).is_some_and(|before| before != day) {
            writeln!(self.out, "{}", self.palette.paint(Tone::Strong, &format!("── {day} ──")))?;
        }
        Ok(())
    }

    fn row(&mut self, plan: &Plan, record: &BudgetRecord, is_first: bool) -> io::Result<()> {
        let time = if is_first { plan.at.format("%H:%M").to_string() } else { String::new() };
        let spent = record.spent.expected;
        let amount = |money: Usd| phrase::amount(money, record.unit);
        let gone = if spent >= record.amount {
            "now".to_owned()
        } else {
            record.exhausted_if_sustained.map_or("–".to_owned(), |at| short_time(at, plan.at))
        };
        let usual = record.baseline_per_hour.map_or("?".to_owned(), amount);
        let (verdict, tone) = phrase::verdict(record.verdict, plan.armed);
        let cells = [
            time.as_str(),
            record.budget.as_str(),
            &bar(spent.per_mille_of(record.amount), 6),
            &amount(spent),
            &amount(record.projected_if_sustained.expected),
            &gone,
            &amount(record.burn_per_hour),
            &usual,
            "",
        ];
        writeln!(self.out, "{}{}", row_text(cells), self.palette.paint(tone, verdict))
    }

    fn notice(&mut self, notice: &Notice) -> io::Result<()> {
        let (kind, tone) = phrase::notice(notice.kind);
        let tone = if notice.alarming { tone } else { Tone::Good };
        let says_so_itself = notice.alarming || notice.kind == NoticeKind::Armed;
        let label = if says_so_itself { kind.to_owned() } else { format!("{kind}, over") };
        self.paragraph("! ", tone, &format!("{label}: {}", notice.headline))?;
        notice.body.iter().try_for_each(|line| self.paragraph("    ", Tone::Normal, line))
    }

    fn actions(&mut self, plan: &Plan) -> io::Result<()> {
        for action in &plan.actions {
            self.paragraph("> ", Tone::Strong, &phrase::action(action, plan.armed))?;
            self.paragraph("    ", Tone::Normal, &action.reason.to_string())?;
        }
        if plan.actions.is_empty() && !self.shown.actions.is_empty() {
            self.paragraph("> ", Tone::Good, "nothing more to change")?;
        }
        Ok(())
    }

    /// Refusals with the same reason in one line: what holds for many functions is said once.
    fn refusals(&mut self, refusals: &[Refusal]) -> io::Result<()> {
        let mut by_reason: BTreeMap<String, Vec<&FunctionName>> = BTreeMap::new();
        for refusal in refusals {
            by_reason.entry(refusal.reason.to_string()).or_default().push(&refusal.function);
        }
        for (reason, functions) in by_reason {
            let named: Vec<&str> = functions.iter().take(2).map(|name| name.as_str()).collect();
            let more = match functions.len().saturating_sub(named.len()) {
                0 => String::new(),
                some => format!(" and {some} more"),
            };
            self.paragraph("- ", Tone::Normal, &format!("not {}{more}: {reason}", named.join(", ")))?;
        }
        Ok(())
    }

    fn paragraph(&mut self, mark: &str, tone: Tone, text: &str) -> io::Result<()> {
        for line in wrapped(&format!("{INDENT}{mark}"), text) {
            writeln!(self.out, "{}", self.palette.paint(tone, &line))?;
        }
        Ok(())
    }

    /// The summary, against what AWS would have billed.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn finish(&mut self, bill: &Bill) -> io::Result<()> {
        writeln!(self.out, "\n{}", self.palette.paint(Tone::Strong, "Summary"))?;
        let entries = self.summary_entries(bill);
        self.entries(&entries)?;
        self.dearest(bill)?;
        self.out.flush()
    }

    fn summary_entries(&self, bill: &Bill) -> Vec<(&'static str, String)> {
        let mut entries = Vec::new();
        for budget in &self.summary.budgets {
            let amount = |money: Usd| phrase::amount(money, budget.unit);
            let percent = budget.most_spent.per_mille_of(budget.amount).saturating_add(9) / 10;
            let clock = |at: DateTime<Utc>| at.format("%H:%M").to_string();
            let mut text = format!(
                "{}: at most {} of {} in a period ({percent} %, the one from {})",
                budget.budget,
                amount(budget.most_spent),
                amount(budget.amount),
                budget.period_start.format("%Y-%m-%d %H:%M"),
            );
            match (budget.first_breached, budget.first_over) {
                (Some(breached), Some(over)) => {
                    text += &format!(
                        "; verdict beyond a warning at {}, amount seen spent at {}",
                        clock(breached),
                        clock(over)
                    );
                }
                (Some(breached), None) => {
                    text += &format!("; verdict beyond a warning at {}, amount never spent", clock(breached))
                }
                (None, Some(over)) => text += &format!("; amount seen spent at {}", clock(over)),
                (None, None) => text += "; never over its line",
            }
            entries.push(("budgets", text));
        }
        if let Some(budget) = self.summary.budgets.first() {
            let (burn, at) = budget.peak_burn;
            let burn = phrase::amount(burn, budget.unit);
            entries.push(("peak burn", format!("{burn} an hour, seen at {}", at.format("%Y-%m-%d %H:%M"))));
        }
        let kinds: Vec<String> = self
            .summary
            .notices
            .iter()
            .map(|(kind, count)| format!("{} {count}", phrase::notice(*kind).0))
            .collect();
        let kinds = if kinds.is_empty() { "none".to_owned() } else { kinds.join(", ") };
        entries.push(("notices", format!("{kinds}, in {} ticks", grouped(self.summary.ticks))));
        entries.push(("bill", format!("{} in all, invocation by invocation, flood included", bill.total)));
        entries
    }

    /// The functions that cost most, in columns.
    fn dearest(&mut self, bill: &Bill) -> io::Result<()> {
        for (index, line) in bill.functions.iter().take(5).enumerate() {
            let label = if index == 0 { "dearest" } else { "" };
            let (name, invocations) = (line.function.as_str(), grouped(line.invocations));
            writeln!(self.out, "  {label:<9} {name:<26} {:>10.2} {invocations:>14} invocations", line.cost)?;
        }
        Ok(())
    }
}

impl Shown {
    fn of(plan: &Plan) -> Self {
        let kind = |reason: &guard_core::plan::Reason| format!("{:?}", std::mem::discriminant(reason));
        Shown {
            verdicts: plan.budgets.iter().map(|record| record.verdict).collect(),
            actions: plan
                .actions
                .iter()
                .map(|a| (a.function.clone(), format!("{:?}", a.change.lever())))
                .collect(),
            refusals: plan.refusals.iter().map(|r| (r.function.clone(), kind(&r.reason))).collect(),
        }
    }
}

/// A row's cells in their columns; the verdict comes after the 68th.
fn row_text(cells: [&str; 9]) -> String {
    let [time, budget, used, spent, sustained, gone, burn, usual, verdict] = cells;
    let budget: String = budget.chars().take(12).collect();
    format!(
        "{time:<5} {budget:<12} {used:<6} {spent:>8} {sustained:>9} {gone:>6} {burn:>8} {usual:>7} {verdict}"
    )
}

/// A time of the same day as hours and minutes, of another day as day and month.
fn short_time(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let same_day = at.date_naive() == now.date_naive();
    let midnight_tonight = at.hour() == 0 && at.minute() == 0 && (at - now).num_hours() < 24;
    let format = if same_day || midnight_tonight { "%H:%M" } else { "%d %b" };
    at.format(format).to_string()
}

#[cfg(test)]
mod tests;

//! What stands above the decision record: what is replayed, what it costs, under which policy, and what the replay
//! leaves out.

use guard_core::inventory::Architecture;
use guard_core::money::Usd;
use guard_core::plan::Unit;
use guard_core::policy::{Budget, Mode, Period, Policy};
use guard_core::pricing::Currency;

use crate::bill::Bill;
use crate::flood::Flood;
use crate::guard_loop::GuardLoop;
use crate::report::layout::grouped;
use crate::report::phrase;
use crate::trace::Trace;
use crate::workload::Workload;

/// The first line.
pub const TITLE: &str = "DoW Guard: decision record of a replay";

/// What it is made from.
pub struct Heading<'a> {
    /// The trace.
    pub trace: &'a Trace,
    /// The traffic as recorded.
    pub recorded: &'a Workload,
    /// What it costs as recorded.
    pub recorded_bill: &'a Bill,
    /// What it costs with the flood.
    pub bill: &'a Bill,
    /// The flood, if there is one.
    pub flood: Option<&'a Flood>,
    /// Whether the user gave the trace, and so knows its date.
    pub is_dated: bool,
    /// The policy's file.
    pub policy_name: &'a str,
    /// The policy.
    pub policy: &'a Policy,
    /// The guard, for its prices.
    pub guard: &'a GuardLoop,
}

impl Heading<'_> {
    /// Labels and texts.
    pub fn entries(&self) -> Vec<(&'static str, String)> {
        let mut entries = vec![("trace", self.trace.title.clone()), ("trace", self.extent())];
        entries.extend(self.trace.remarks.iter().map(|remark| ("trace", remark.clone())));
        entries.push(("cost", self.cost()));
        entries.extend(self.flood.map(|flood| ("flood", self.flood(flood))));
        let armed = if self.policy.armed {
            "armed: it sets caps, which the recorded traffic does not feel"
        } else {
            "disarmed: it reports what it would do"
        };
        entries.push(("policy", format!("{}, {armed}", self.policy_name)));
        entries.extend(self.policy.budget.iter().map(|budget| ("policy", describe(budget))));
        entries.extend(LIMITS.iter().map(|text| ("replay", (*text).to_owned())));
        entries
    }

    fn extent(&self) -> String {
        let (first, end) = (self.trace.first.start(), self.recorded.end().start());
        let end_format = if first.date_naive() == end.date_naive() { "%H:%M" } else { "%Y-%m-%d %H:%M" };
        let placed = if self.is_dated { "" } else { " (a day of July 2019; the sample does not say which)" };
        format!(
            "{} to {} UTC{placed}, {} functions, {} invocations",
            first.format("%Y-%m-%d %H:%M"),
            end.format(end_format),
            self.recorded.traffic.len(),
            grouped(self.recorded.invocations()),
        )
    }

    fn cost(&self) -> String {
        let minutes = i128::try_from(self.recorded.known_minutes()).unwrap_or(i128::MAX);
        let quotes = self.guard.quotes();
        let x86 = quotes.get(&Architecture::X86_64);
        let unit = match x86.map(|quote| quote.currency) {
            Some(Currency::Cny) => Unit::Cny,
            _ => Unit::Usd,
        };
        let total = self.recorded_bill.total;
        let stand_in = x86.is_some_and(|quote| !quote.unknown.is_empty());
        format!(
            "{} as recorded, {} a day at that rate: {} x86-64, list prices of {}, first volume tier, no free tier{}",
            phrase::amount(total, unit),
            phrase::amount(total.mul_div_up(1440, minutes), unit),
            self.recorded.inventory.region,
            PRICES_DATED,
            if stand_in { "; some are unknown here: the dearest known ones stand in" } else { "" },
        )
    }

    fn flood(&self, flood: &Flood) -> String {
        let (from, to) = (flood.begins(self.recorded.first).start(), flood.ends(self.recorded.first).start());
        let extra: Usd = self.bill.total - self.recorded_bill.total;
        format!(
            "SYNTHETIC, on top of the recording: {} more invocations of {} a minute, {} to {} UTC, {extra} in all",
            grouped(flood.per_minute),
            flood.function,
            from.format("%H:%M"),
            to.format("%H:%M"),
        )
    }
}

/// When the embedded price table was collected.
const PRICES_DATED: &str = "2026-11";

/// What a replay cannot show, and what it assumes.
const LIMITS: [&str; 5] = [
    "Open loop: traffic runs as recorded, nothing is throttled, so a cap shows in the log and not in the spend.",
    "The guard starts without history: until it has seen some hours its bands are wide, and \"usual\" shows ?.",
    "What was spent before the first minute of the replay is not known and not counted.",
    "Memory: the next 64 MB above the peak. Durations: the mean, in the minute of the start. No errors, no cold \
     starts. http is synchronous, queue an SQS mapping, all other triggers asynchronous.",
    "Columns: seen so far in the period, at its end if the burn is sustained, when the budget would be gone.",
];

/// A budget in one line.
fn describe(budget: &Budget) -> String {
    let amount = match (budget.usd, budget.invocations) {
        (Some(usd), _) => usd.to_string(),
        (None, Some(count)) => format!("{} invocations", grouped(count)),
        (None, None) => "nothing".to_owned(),
    };
    let period = match budget.period {
        Period::Hour => "an hour",
        Period::Day => "a day",
        Period::Week => "a week",
        Period::Month => "a month",
    };
    let mode = match budget.mode {
        Mode::Observe => "observe",
        Mode::Alert => "alert",
        Mode::Cap => "cap",
        Mode::Stop => "stop",
    };
    format!("{}: {amount} {period}, mode {mode}", budget.name)
}

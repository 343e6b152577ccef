//! Reasons as words and as sentences.

use std::fmt;

use super::{dollars, freshness, setting};
use crate::plan::Reason;

/// A reason in one word, for digests and metrics.
pub fn reason_word(reason: &Reason) -> &'static str {
    match reason {
        Reason::WithinBaseline => "within-baseline",
        Reason::ExcessWithinBudget => "excess-within-budget",
        Reason::BudgetLine { .. } => "budget-line",
        Reason::HardLine => "hard-line",
        Reason::SlackUsedUp { .. } => "slack-used-up",
        Reason::CutRetries { .. } => "cut-retries",
        Reason::Barrier { .. } => "barrier",
        Reason::Envelope { .. } => "envelope",
        Reason::Calm { .. } => "calm",
        Reason::Restored => "restored",
        Reason::Relapse { .. } => "relapse",
        Reason::Untripped { .. } => "untripped",
        Reason::Resumed => "resumed",
        Reason::Rollover => "rollover",
        Reason::Affords { .. } => "affords",
        Reason::Operator => "operator",
        Reason::Growth => "growth",
        Reason::WouldNotBite { .. } => "would-not-bite",
        Reason::ExplainedByOthers => "explained-by-others",
        Reason::Blind { .. } => "blind",
        Reason::CoolingDown { .. } => "cooling-down",
        Reason::ModeForbids => "mode-forbids",
        Reason::Protected => "protected",
        Reason::TagsUnread => "tags-unread",
        Reason::NoRoom { .. } => "no-room",
        Reason::EventLoss => "event-loss",
        Reason::NothingTighter { .. } => "nothing-tighter",
        Reason::ChangedBySomebodyElse { .. } => "changed-by-somebody-else",
        Reason::TickFull => "tick-full",
        Reason::Unsafe { .. } => "unsafe",
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::WithinBaseline => f.write_str("as usual"),
            Reason::ExcessWithinBudget => f.write_str("above usual, within every budget"),
            Reason::BudgetLine { excess_share_per_mille, affordable, floor } => {
                write!(
                    f,
                    "the budget is used up; {} of the extra spending is here; ",
                    percent(*excess_share_per_mille)
                )?;
                depth(f, *affordable, *floor)
            }
            Reason::HardLine => f.write_str("the budget is used up, and it stops all that it covers"),
            Reason::SlackUsedUp { excess_share_per_mille, affordable, floor } => {
                write!(
                    f,
                    "the incident has used up what is allowed above usual; {} of the extra spending is here; ",
                    percent(*excess_share_per_mille)
                )?;
                depth(f, *affordable, *floor)
            }
            Reason::CutRetries { attempts_per_mille } => {
                write!(
                    f,
                    "{} attempts per event: repeats are cut, no new event is refused",
                    times(*attempts_per_mille)
                )
            }
            Reason::Barrier { remaining } => write!(f, "guarantee: the worst case must fit into {}", dollars(*remaining)),
            Reason::Envelope { floor } => write!(f, "standing cap of {floor}, what usual traffic needs"),
            Reason::Calm { minutes } => write!(f, "quiet for {minutes} min: one step up"),
            Reason::Restored => f.write_str("the cap is over: the original value is put back"),
            Reason::Relapse { relapses } => {
                write!(f, "extra spending came back ({relapses}×): capped again, for longer")
            }
            Reason::Untripped { last_modified: Some(at) } => {
                write!(f, "overwritten by the deploy of {} UTC", at.format("%F %R"))
            }
            Reason::Untripped { last_modified: None } => f.write_str("overwritten from outside"),
            Reason::Resumed => f.write_str("written down earlier, not found in force: made again"),
            Reason::Rollover => f.write_str("the period ended"),
            Reason::Affords { affordable } => {
                write!(f, "the money left pays for {affordable} at once: as much more is let through")
            }
            Reason::Operator => f.write_str("an operator said so"),
            Reason::Growth => f.write_str(
                "less than twice the usual on top of it: a cap would refuse as many customers; it comes when the budget is used up",
            ),
            Reason::WouldNotBite { cap, concurrency } => {
                write!(f, "a cap of {cap} would hold little back: {concurrency} run at once; it comes when the budget is used up")
            }
            Reason::ExplainedByOthers => f.write_str("other functions explain the extra spending"),
            Reason::Blind { freshness: how } => {
                write!(f, "data is {}: unknown never loosens a cap", freshness(*how))
            }
            Reason::CoolingDown { minutes } => write!(f, "next step in {minutes} min at the earliest"),
            Reason::ModeForbids => f.write_str("its mode allows no change"),
            Reason::Protected => f.write_str("protected"),
            Reason::TagsUnread => f.write_str("its tags were not read yet: it may be protected"),
            Reason::NoRoom { wanted, room } => {
                write!(f, "no room in the account's pool: wanted {wanted}, could reserve {room}")
            }
            Reason::EventLoss => f.write_str(
                "events would be lost: nothing is known to catch them, allow_event_loss is false",
            ),
            Reason::NothingTighter { reach, floor } => {
                write!(f, "nothing tighter to set: its owner leaves it {reach}, usual traffic needs {floor}")
            }
            Reason::ChangedBySomebodyElse { ours, found } => {
                write!(f, "changed by somebody else: {} instead of {}", setting(*found), setting(*ours))
            }
            Reason::TickFull => f.write_str("more changes than one check may make; the next one goes on"),
            Reason::Unsafe { rule } => write!(f, "second opinion objects: {rule}"),
        }
    }
}

fn depth(f: &mut fmt::Formatter<'_>, affordable: u32, floor: u32) -> fmt::Result {
    write!(f, "the money left pays for {affordable} at once, {floor} are kept for usual traffic")
}

fn percent(per_mille: u32) -> String {
    format!("{} %", per_mille.div_ceil(10))
}

pub(super) fn times(per_mille: u32) -> String {
    format!("{}.{:02}", per_mille / 1000, per_mille % 1000 / 10)
}

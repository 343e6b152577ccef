//! Reasons as words and as sentences.

use std::fmt;

use super::{freshness, setting};
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
            Reason::WithinBaseline => f.write_str("within the ordinary"),
            Reason::ExcessWithinBudget => f.write_str("above the ordinary, within every budget"),
            Reason::BudgetLine { excess_share_per_mille, affordable, floor } => {
                write!(
                    f,
                    "budget at its line; {} of the excess is here; ",
                    percent(*excess_share_per_mille)
                )?;
                depth(f, *affordable, *floor)
            }
            Reason::HardLine => f.write_str("budget at its line, and it stops all that it covers"),
            Reason::SlackUsedUp { excess_share_per_mille, affordable, floor } => {
                write!(
                    f,
                    "the incident has used up the slack; {} of the excess is here; ",
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
            Reason::Barrier { remaining } => write!(f, "guarantee: the worst case must fit into {remaining}"),
            Reason::Envelope { floor } => write!(f, "standing cap at the floor of {floor}"),
            Reason::Calm { minutes } => write!(f, "calm for {minutes} min: one step up"),
            Reason::Restored => f.write_str("ramp over: the original value is put back"),
            Reason::Relapse { relapses } => {
                write!(f, "excess came back ({relapses}×): same trip, longer cooldown")
            }
            Reason::Untripped { last_modified: Some(at) } => {
                write!(f, "undone by the deploy of {} UTC", at.format("%F %R"))
            }
            Reason::Untripped { last_modified: None } => f.write_str("undone from outside"),
            Reason::Resumed => f.write_str("written down earlier, not found in force: made again"),
            Reason::Rollover => f.write_str("the period ended"),
            Reason::Affords { affordable } => {
                write!(f, "what is left affords {affordable}: as much more is let through")
            }
            Reason::Operator => f.write_str("an operator said so"),
            Reason::Growth => f.write_str(
                "less than twice the ordinary on top of it: a cap would refuse as many customers; it comes at the line",
            ),
            Reason::WouldNotBite { cap, concurrency } => {
                write!(f, "a cap of {cap} would hold nothing back: concurrency is {concurrency}; it comes at the line")
            }
            Reason::ExplainedByOthers => f.write_str("other functions explain the excess"),
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
                write!(f, "nothing tighter to set: its owner leaves it {reach}, the floor is {floor}")
            }
            Reason::ChangedBySomebodyElse { ours, found } => {
                write!(f, "changed by somebody else: {} instead of {}", setting(*found), setting(*ours))
            }
            Reason::TickFull => f.write_str("more changes than a tick may make; next tick"),
            Reason::Unsafe { rule } => write!(f, "second opinion objects: {rule}"),
        }
    }
}

fn depth(f: &mut fmt::Formatter<'_>, affordable: u32, floor: u32) -> fmt::Result {
    write!(f, "money affords {affordable}, floor {floor}")
}

fn percent(per_mille: u32) -> String {
    format!("{} %", per_mille.div_ceil(10))
}

pub(super) fn times(per_mille: u32) -> String {
    format!("{}.{:02}", per_mille / 1000, per_mille % 1000 / 10)
}

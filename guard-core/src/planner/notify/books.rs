//! Notices about changed books of budgets: sent once, at the look that found the change.

use super::budget_alarm;
use crate::name::BudgetName;
use crate::plan::{BudgetRecord, Notice, NoticeKind};
use crate::planner::Draft;
use crate::posting::{BookChange, BookNews};
use crate::report;

/// Alarm name for the list of guarded budgets.
const BUDGETS_ALARM: &str = "dow-guard/budgets";

/// Whether a budget's book has another meaning than at the last look: earlier notices then concerned the other book.
pub(super) fn is_another(draft: &Draft<'_>, budget: &BudgetName) -> bool {
    let is_remade = |change: &BookChange| change.budget == *budget && change.news == BookNews::Remade;
    draft.reading.changes.iter().any(is_remade)
}

/// Closes the alarms of names that no budget of the policy has any more.
pub(super) fn closed(draft: &Draft<'_>) -> Vec<Notice> {
    let gone = draft.reading.changes.iter().filter_map(|change| match &change.news {
        BookNews::Gone { .. } => Some(&change.budget),
        BookNews::Renamed { from } => Some(from).filter(|from| draft.rule(from).is_none()),
        _ => None,
    });
    gone.map(|budget| Notice {
        kind: NoticeKind::Released,
        alarm: budget_alarm(budget.as_str()),
        alarming: false,
        budget: None,
        function: None,
        headline: format!("OK: the policy has no budget {budget} any more"),
        body: Vec::new(),
        digest: "gone".to_owned(),
    })
    .collect()
}

/// One notice of all changes. Budgets of tags come and go as tags are read, so theirs are not reported.
pub(super) fn changed(draft: &Draft<'_>, budgets: &[BudgetRecord]) -> Option<Notice> {
    let is_of_policy = |change: &&BookChange| !change.budget.as_str().starts_with("tag:");
    let body: Vec<String> = draft
        .reading
        .changes
        .iter()
        .filter(is_of_policy)
        .map(|change| sentence(change, budgets.iter().find(|record| record.budget == change.budget)))
        .collect();
    let names: Vec<&str> =
        draft.reading.changes.iter().filter(is_of_policy).map(|c| c.budget.as_str()).collect();
    (!body.is_empty()).then(|| Notice {
        kind: NoticeKind::Armed,
        alarm: BUDGETS_ALARM.to_owned(),
        alarming: false,
        budget: None,
        function: None,
        headline: format!("Budgets have changed: {}", names.join(", ")),
        body,
        digest: draft.seen.at.format("%FT%RZ").to_string(),
    })
}

fn sentence(change: &BookChange, record: Option<&BudgetRecord>) -> String {
    let name = &change.budget;
    let what = match &change.news {
        BookNews::Gone { kept_until } => {
            return format!(
                "{name}: no budget of the policy any more. What it spent is kept until {} UTC, should it come back.",
                kept_until.format("%F %R")
            );
        }
        BookNews::Renamed { from } => format!("goes on with what {from} has spent"),
        BookNews::Returned { since } => {
            format!(
                "is back; it was away since {} UTC, and what was spent since is counted",
                since.format("%F %R")
            )
        }
        BookNews::Remade => {
            "counts something else than before and was counted anew from what is known".to_owned()
        }
        BookNews::New => "is new and was counted from what is known".to_owned(),
    };
    let spent = record.map_or_else(String::new, |record| {
        let from = record.known_from.map_or_else(String::new, |from| {
            format!(" Known from {} UTC on; before that more may have been spent.", from.format("%F %R"))
        });
        format!(
            " Spent since {} UTC: {}.{from}",
            record.period_start.format("%F %R"),
            report::amount(record.spent.expected, record.unit)
        )
    });
    format!("{name}: {what}.{spent}")
}

//! What notices become once the actions were tried: a plan says "capped" before anything is called, and a call that
//! failed must not be told as done.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Duration, Utc};
use guard_core::name::FunctionName;
use guard_core::plan::{Notice, NoticeKind, Plan};
use guard_core::report;
use guard_core::settle::{ApplyResult, Outcome};
use guard_core::state::AlertState;

/// Characters of what a service said. Our choice: enough for the reason, not enough for a payload.
const SAID_MAX: usize = 200;

/// A digest that no notice has: what was remembered as told was not, and is due again.
const UNTOLD: &str = "untold";

/// The notices of a plan after its actions were tried.
///
/// Notices about functions whose actions failed are taken back, in `alerts` too, so that they are due again; in their
/// place comes one notice of kind [`NoticeKind::Failed`] under an alarm of its own, repeated when it changes or after
/// `realert`, and closed when a later action on the function is applied.
pub fn after_actions(
    plan: &Plan,
    outcomes: &[Outcome],
    alerts: &mut BTreeMap<String, AlertState>,
    realert: Duration,
) -> Vec<Notice> {
    let mut by_function: BTreeMap<&FunctionName, Vec<&Outcome>> = BTreeMap::new();
    for outcome in outcomes {
        by_function.entry(&outcome.function).or_default().push(outcome);
    }
    let is_failed = |outcomes: &Vec<&Outcome>| outcomes.iter().any(|o| o.result != ApplyResult::Applied);
    let failed: BTreeSet<&FunctionName> =
        by_function.iter().filter(|(_, all)| is_failed(all)).map(|(name, _)| *name).collect();
    let mut notices = Vec::new();
    for notice in &plan.notices {
        let told_as_done =
            matches!(notice.kind, NoticeKind::Capped | NoticeKind::Releasing | NoticeKind::Released);
        if told_as_done && notice.function.as_ref().is_some_and(|name| failed.contains(name)) {
            if let Some(alert) = alerts.get_mut(&notice.alarm) {
                alert.open = true;
                alert.digest = UNTOLD.to_owned();
            }
        } else {
            notices.push(notice.clone());
        }
    }
    for (name, outcomes) in by_function {
        let notice =
            if failed.contains(name) { failure(plan, name, &outcomes) } else { success(name, &outcomes) };
        if is_due(&notice, alerts, plan.at, realert) {
            remember(&notice, alerts, plan.at);
            notices.push(notice);
        }
    }
    notices
}

fn failure(plan: &Plan, name: &FunctionName, outcomes: &[&Outcome]) -> Notice {
    let mut body = Vec::new();
    let mut digest = String::from("Failed");
    let mut headline = None;
    for outcome in outcomes {
        let change = report::change(&outcome.change);
        match &outcome.result {
            ApplyResult::Applied => body.push(format!("Done: {change}")),
            ApplyResult::Rejected { message } => {
                headline.get_or_insert(format!("{name} NOT changed, refused: {change}"));
                body.push(format!("Refused: {change}: {}", said(message)));
                digest.push_str(&format!(" rejected {change}"));
            }
            ApplyResult::Unavailable { message } => {
                headline.get_or_insert(format!("{name}: nobody knows whether it was changed: {change}"));
                body.push(format!("No answer: {change}: {}", said(message)));
                digest.push_str(&format!(" unavailable {change}"));
            }
        }
    }
    let action = plan.actions.iter().find(|action| action.function == *name);
    Notice {
        kind: NoticeKind::Failed,
        alarm: alarm(name),
        alarming: true,
        budget: action.and_then(|action| action.budget.clone()),
        function: Some(name.clone()),
        headline: headline.unwrap_or_else(|| name.to_string()),
        body,
        digest,
    }
}

fn success(name: &FunctionName, outcomes: &[&Outcome]) -> Notice {
    let changes: Vec<String> = outcomes.iter().map(|outcome| report::change(&outcome.change)).collect();
    Notice {
        kind: NoticeKind::Released,
        alarm: alarm(name),
        alarming: false,
        budget: None,
        function: Some(name.clone()),
        headline: format!("OK: calls on {name} succeed again: {}", changes.join(", ")),
        body: Vec::new(),
        digest: "applied".to_owned(),
    }
}

/// One line of what a service said.
fn said(message: &str) -> String {
    super::fit::shortened(&super::fit::line(message), SAID_MAX)
}

/// Alarm name under which the guard speaks of its calls on a function.
fn alarm(name: &FunctionName) -> String {
    format!("dow-guard/action/{name}")
}

/// Whether a notice is news: an alarm that opens, changes, is due again, or closes.
pub(crate) fn is_due(
    notice: &Notice,
    alerts: &BTreeMap<String, AlertState>,
    at: DateTime<Utc>,
    realert: Duration,
) -> bool {
    match alerts.get(&notice.alarm).filter(|alert| alert.open) {
        None => notice.alarming,
        Some(alert) => !notice.alarming || alert.digest != notice.digest || at >= alert.sent_at + realert,
    }
}

/// Notes that a notice is told.
pub(crate) fn remember(notice: &Notice, alerts: &mut BTreeMap<String, AlertState>, at: DateTime<Utc>) {
    let opened_at = alerts.get(&notice.alarm).filter(|alert| alert.open).map_or(at, |alert| alert.opened_at);
    let alert = AlertState {
        open: notice.alarming,
        opened_at,
        sent_at: at,
        quiet_since: None,
        digest: notice.digest.clone(),
    };
    alerts.insert(notice.alarm.clone(), alert);
}

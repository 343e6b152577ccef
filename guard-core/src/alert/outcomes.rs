//! Notices after the actions were tried: a plan says "capped" before any call, and a failed call must not be reported
//! as done.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Duration, Utc};

use crate::name::FunctionName;
use crate::plan::{Action, Notice, NoticeKind, Plan, Reason};
use crate::report;
use crate::settle::{ApplyResult, Outcome};
use crate::state::AlertState;

/// Characters kept of a service's message. Our choice: enough for the reason, not enough for a payload.
const SAID_MAX: usize = 200;

/// The prefix of the alarm name for failed calls on a function.
const ACTION_ALARM: &str = "dow-guard/action/";

/// The prefix of the alarm name for a function's trip.
pub(super) const FUNCTION_ALARM: &str = "dow-guard/function/";

/// The prefix of a digest that no notice has: the recorded notice was not sent, and is due again. The kind follows.
const UNTOLD: &str = "untold";

/// What can be told of a plan before any of its actions is tried.
#[derive(Debug, Default)]
pub struct Before {
    /// The notices that are true already: of a breach, a refusal, a problem.
    pub notices: Vec<Notice>,
    /// What `alerts` says of the others once they are told.
    pub held: BTreeMap<String, AlertState>,
}

impl Before {
    /// The plan with the notices that are still to be told: what [`after_actions`] takes.
    pub fn rest(&self, plan: &Plan) -> Plan {
        let mut rest = plan.clone();
        rest.notices.retain(|notice| !self.notices.contains(notice));
        rest
    }
}

/// Splits the notices of a plan that is about to be carried out. Those that call something done are held back, and until
/// they are told `alerts` says so: if this process ends before that, a later one finds out what was done, and tells.
pub fn before_actions(plan: &Plan, alerts: &mut BTreeMap<String, AlertState>) -> Before {
    let acted_on: BTreeSet<&FunctionName> = plan.actions.iter().map(|action| &action.function).collect();
    let (mut notices, mut held) = (Vec::new(), BTreeMap::new());
    for notice in &plan.notices {
        if !claims(notice, &acted_on) {
            notices.push(notice.clone());
        } else if let Some(alert) = alerts.get_mut(&notice.alarm) {
            held.insert(notice.alarm.clone(), alert.clone());
            take_back(alert, notice.kind);
        }
    }
    Before { notices, held }
}

/// Whether a notice calls something done on one of these functions.
fn claims(notice: &Notice, functions: &BTreeSet<&FunctionName>) -> bool {
    let is_told_as_done =
        matches!(notice.kind, NoticeKind::Capped | NoticeKind::Releasing | NoticeKind::Released);
    is_told_as_done && notice.function.as_ref().is_some_and(|name| functions.contains(name))
}

/// Notes that what was to be told is still to be told.
fn take_back(alert: &mut AlertState, kind: NoticeKind) {
    alert.open = true;
    alert.digest = untold(kind);
}

/// The notices of a plan after its actions were tried.
///
/// Notices about functions whose actions failed, or were not tried for lack of time, are taken back, in `alerts` too, so
/// that they are due again. Where a call failed, one notice of kind [`NoticeKind::Failed`] replaces them under an alarm
/// of its own, repeated when it changes or after `realert`, and closed when a later action on the function is applied.
/// Then the notice taken back is sent, unless the plan contains it itself: to the core, an action that is made again is
/// routine.
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
    let left = left(plan, outcomes);
    let undone: BTreeSet<&FunctionName> = failed.union(&left).copied().collect();
    let mut notices = Vec::new();
    for notice in &plan.notices {
        if claims(notice, &undone) {
            if let Some(alert) = alerts.get_mut(&notice.alarm) {
                take_back(alert, notice.kind);
            }
        } else {
            notices.push(notice.clone());
        }
    }
    let settled = settled(plan, &by_function, alerts);
    for name in by_function.keys().copied().filter(|name| !undone.contains(name)).chain(&settled) {
        let late = late(plan, name, alerts);
        if let Some(late) = late.filter(|late| notices.iter().all(|told| told.alarm != late.alarm)) {
            remember(&late, alerts, plan.at);
            notices.push(late);
        }
    }
    let tried = by_function.iter().filter(|(name, _)| failed.contains(*name) || !left.contains(*name));
    let of_calls = tried.map(|(name, outcomes)| {
        if failed.contains(name) { failure(plan, name, outcomes) } else { success(name, outcomes) }
    });
    for notice in of_calls.chain(settled.iter().map(|name| success(name, &[]))) {
        if is_due(&notice, alerts, plan.at, realert) {
            remember(&notice, alerts, plan.at);
            notices.push(notice);
        }
    }
    notices
}

/// Functions with actions that were not tried.
fn left<'a>(plan: &'a Plan, outcomes: &[Outcome]) -> BTreeSet<&'a FunctionName> {
    let is_tried = |action: &&Action| {
        outcomes.iter().any(|tried| tried.function == action.function && tried.change == action.change)
    };
    let untried = plan.actions.iter().filter(|action| plan.armed && !is_tried(action));
    untried.map(|action| &action.function).collect()
}

/// Functions whose last call failed, or was made by a process that ended, and on which nothing is left to do: an unknown
/// change was found in force, or is no longer wanted.
fn settled(
    plan: &Plan,
    tried: &BTreeMap<&FunctionName, Vec<&Outcome>>,
    alerts: &BTreeMap<String, AlertState>,
) -> Vec<FunctionName> {
    let open = alerts.iter().filter(|(_, alert)| alert.open);
    let names: BTreeSet<FunctionName> = open
        .filter_map(|(alarm, alert)| {
            let untold = alarm.strip_prefix(FUNCTION_ALARM).filter(|_| alert.digest.starts_with(UNTOLD));
            alarm.strip_prefix(ACTION_ALARM).or(untold)
        })
        .map(FunctionName::from)
        .collect();
    let idle = |name: &FunctionName| {
        !tried.contains_key(name) && plan.actions.iter().all(|action| action.function != *name)
    };
    names.into_iter().filter(idle).collect()
}

fn untold(kind: NoticeKind) -> String {
    format!("{UNTOLD} {kind:?}")
}

/// The notice that was taken back when the call failed, once the same change has been made after all.
fn late(plan: &Plan, name: &FunctionName, alerts: &BTreeMap<String, AlertState>) -> Option<Notice> {
    let actions: Vec<&Action> = plan.actions.iter().filter(|action| action.function == *name).collect();
    if actions.iter().any(|action| action.reason != Reason::Resumed) {
        return None;
    }
    let alarm = format!("{FUNCTION_ALARM}{name}");
    let digest = &alerts.get(&alarm)?.digest;
    let kinds = [NoticeKind::Capped, NoticeKind::Releasing, NoticeKind::Released];
    let kind = kinds.into_iter().find(|kind| *digest == untold(*kind))?;
    let budget = actions.first().and_then(|action| action.budget.clone());
    let record = plan.budgets.iter().find(|record| Some(&record.budget) == budget.as_ref());
    let cap = plan.functions.iter().find(|record| record.function == *name).and_then(|record| record.cap);
    let headline = match (actions.is_empty(), kind, cap) {
        (false, ..) => report::trip_headline(kind, name, &actions, &[], record),
        (true, NoticeKind::Released, _) => format!("OK: {name} released"),
        (true, _, Some(cap)) => format!("{name} CAPPED: reserved concurrency {cap}"),
        // Neither found in force nor made: there is nothing to report.
        (true, _, None) => return None,
    };
    Some(Notice {
        kind,
        alarm,
        alarming: kind != NoticeKind::Released,
        budget,
        function: Some(name.clone()),
        headline,
        body: Vec::new(),
        digest: format!("{kind:?} after all"),
    })
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
    let headline = match changes.is_empty() {
        true => format!("OK: no change of {name} is left open"),
        false => format!("OK: calls on {name} succeed again: {}", changes.join(", ")),
    };
    Notice {
        kind: NoticeKind::Released,
        alarm: alarm(name),
        alarming: false,
        budget: None,
        function: Some(name.clone()),
        headline,
        body: Vec::new(),
        digest: "applied".to_owned(),
    }
}

/// One line of a service's message.
fn said(message: &str) -> String {
    super::fit::shortened(&super::fit::line(message), SAID_MAX)
}

fn alarm(name: &FunctionName) -> String {
    format!("{ACTION_ALARM}{name}")
}

/// Whether a notice is to be sent: an alarm that opens, changes, is due again, or closes.
pub fn is_due(
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

/// Records that a notice is sent.
pub fn remember(notice: &Notice, alerts: &mut BTreeMap<String, AlertState>, at: DateTime<Utc>) {
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

//! Notices about a guarantee: when it begins, that it cannot be given, that an assumption did not hold, and which
//! functions are refused something by its ceilings.

use chrono::Duration;

use super::{function_alarm, is_held};
use crate::barrier::Promise;
use crate::budget::BudgetRule;
use crate::plan::{Change, Lever, Notice, NoticeKind, Reason, Setting};
use crate::planner::Draft;
use crate::report;
use crate::state::Phase;

/// Alarm name of a budget's guarantee.
fn alarm(rule: &BudgetRule) -> String {
    format!("dow-guard/guarantee/{}", rule.name)
}

/// If a guarantee restricts more functions than this, one message lists them all. Our choice.
const FEW: usize = 5;

/// One notice per guarantee; for the functions that its ceilings restrict, one notice each, or one for many.
pub(super) fn notices(draft: &Draft<'_>) -> Vec<Notice> {
    let rules = draft.roster.rules.iter().enumerate().filter(|(_, rule)| rule.guarantee);
    let mut all = Vec::new();
    for (place, rule) in rules {
        all.extend(promise(draft, place, rule));
        let held = draft.ceilings.iter().filter(|(_, held)| held.rule == place);
        let refused: Vec<Notice> = held.filter_map(|(index, _)| refusing(draft, *index)).collect();
        if refused.len() > FEW {
            all.push(many(draft, rule, &refused));
        } else {
            all.extend(refused);
        }
        all.extend(nobody(draft, place, rule));
    }
    all
}

/// Alarm name for the many functions that a guarantee restricts.
fn many_alarm(rule: &BudgetRule) -> String {
    format!("{}/refused", alarm(rule))
}

fn many(draft: &Draft<'_>, rule: &BudgetRule, refused: &[Notice]) -> Notice {
    let names: Vec<&str> =
        refused.iter().filter_map(|notice| notice.function.as_ref()).map(|name| name.as_str()).collect();
    let shown = names.iter().take(10).copied().collect::<Vec<_>>().join(", ");
    let word = if draft.armed { "are held" } else { "would be held" };
    Notice {
        kind: if draft.armed { NoticeKind::Capped } else { NoticeKind::WouldHaveCapped },
        alarm: many_alarm(rule),
        alarming: true,
        budget: Some(rule.name.clone()),
        function: None,
        headline: format!(
            "{} functions {word} by the guarantee of {}: more is refused",
            names.len(),
            rule.name
        ),
        body: vec![format!("Among them: {shown}")],
        digest: "barrier: many".to_owned(),
    }
}

/// Closes the notice about many functions once the barrier holds none.
fn nobody(draft: &Draft<'_>, place: usize, rule: &BudgetRule) -> Option<Notice> {
    let is_open = draft.state.alerts.get(&many_alarm(rule)).is_some_and(|alert| alert.open);
    let holds = draft.ceilings.values().any(|held| held.rule == place);
    (is_open && !holds).then(|| Notice {
        kind: NoticeKind::Released,
        alarm: many_alarm(rule),
        alarming: false,
        budget: Some(rule.name.clone()),
        function: None,
        headline: format!("OK: the guarantee of {} holds no function any more", rule.name),
        body: Vec::new(),
        digest: "barrier: none".to_owned(),
    })
}

fn promise(draft: &Draft<'_>, place: usize, rule: &BudgetRule) -> Option<Notice> {
    let account = draft.state.guarantees.get(&rule.name)?;
    let alert = draft.state.alerts.get(&alarm(rule));
    let name = &rule.name;
    let amount = report::amount(rule.amount, rule.unit);
    let (kind, alarming, digest, headline, line) = match account.promise {
        Promise::Kept => {
            let kind = if alert?.open { NoticeKind::Released } else { NoticeKind::Armed };
            let headline = format!("OK: the guarantee of {name} holds: {amount} will not be passed");
            (kind, false, "kept", headline, "What earlier ceilings let in is known or over.".to_owned())
        }
        // A disarmed guard makes no promise.
        Promise::Pending if !draft.armed => return None,
        Promise::Pending => {
            let from = draft.seen.at + Duration::seconds(past_s(draft, place));
            let headline = format!("The guarantee of {name} begins about {}", from.format("%H:%M UTC"));
            let line = "Until then what earlier ceilings let in may be spent beyond the budget.".to_owned();
            (NoticeKind::Armed, false, "pending", headline, line)
        }
        Promise::Refused { least } => {
            let least = report::amount(least, rule.unit);
            let headline = format!(
                "The guarantee of {name} cannot be given: {least} may be spent of {amount} whatever is done"
            );
            let line = "That is what is spent, what provisioned concurrency bills, and what cannot go to zero until the \
                        period ends: provisioned or protected functions, one unit where events would be lost, floors.";
            (NoticeKind::Refused, true, "refused", headline, line.to_owned())
        }
        Promise::Broken => {
            let headline =
                format!("The guarantee of {name} does not hold: an assumption failed; everything is stopped");
            let line = "A look came late, a change had no effect, metrics are missing, or money was spent past every \
                        ceiling. What can be stopped is, until the worst case fits again.";
            (NoticeKind::Refused, true, "broken", headline, line.to_owned())
        }
    };
    Some(Notice {
        kind,
        alarm: alarm(rule),
        alarming,
        budget: Some(name.clone()),
        function: None,
        headline,
        body: vec![line],
        digest: digest.to_owned(),
    })
}

/// Seconds after which the effects of earlier ceilings are known or over: metric lag, a minute's grain, actuation and
/// twice the longest time-out.
fn past_s(draft: &Draft<'_>, place: usize) -> i64 {
    let timing = &draft.roster.policy.timing;
    let functions = draft.roster.inventory.functions.iter().zip(&draft.roster.members);
    let covered = functions.filter(|(_, member)| member.budgets.binary_search(&place).is_ok());
    let timeout_s = covered.map(|(function, _)| function.timeout_s).max().unwrap_or(0);
    i64::from(timing.metric_lag_s) + 60 + i64::from(timing.actuation_s) + 2 * i64::from(timeout_s)
}

/// A notice if a ceiling of the barrier restricts a function: it has been throttled, or needs more than its ceiling.
fn refusing(draft: &Draft<'_>, index: usize) -> Option<Notice> {
    let function = draft.roster.inventory.functions.get(index)?;
    let name = &function.name;
    let planned = draft.actions.iter().find(|action| {
        action.function == *name && matches!(action.reason, Reason::Barrier { .. }) && is_cap(&action.change)
    });
    let latch = draft.state.latches.get(name).filter(|latch| latch.phase == Phase::Standing);
    let lever = latch.and_then(|latch| latch.lever(&Lever::ReservedConcurrency));
    let standing = lever.and_then(|lever| match lever.ours? {
        Setting::Concurrency(ceiling) if lever.ours != Some(lever.original) => ceiling,
        _ => None,
    });
    let held = draft.ceilings.get(&index).filter(|held| matches!(held.reason, Reason::Barrier { .. }))?;
    let ceiling = match planned.map(|action| action.change.to()) {
        Some(Setting::Concurrency(Some(ceiling))) => ceiling,
        _ => standing?,
    };
    let reading = draft.reading_of(index)?;
    let needs = reading.concurrency_max.max(reading.concurrency_p99.unwrap_or(0));
    let open = draft.state.alerts.get(&function_alarm(name)).is_some_and(|alert| alert.open);
    let refuses = needs > ceiling || (standing.is_some() && reading.throttles > 0);
    // Once reported, it stays open while the ceiling stands.
    let is_told = open && is_held(&draft.state.latches, name.as_str());
    if !(refuses || is_told) {
        return None;
    }
    let rule = draft.roster.rules.get(held.rule)?;
    let word = if draft.armed { "is held" } else { "would be held" };
    Some(Notice {
        kind: if draft.armed { NoticeKind::Capped } else { NoticeKind::WouldHaveCapped },
        alarm: function_alarm(name),
        alarming: true,
        budget: Some(rule.name.clone()),
        function: Some(name.clone()),
        headline: format!("{name} {word} at {ceiling} by the guarantee of {}: more is refused", rule.name),
        body: vec![
            held.reason.to_string(),
            format!("Undo: invoke the guard with {{\"command\":\"release\",\"function\":\"{name}\"}}"),
        ],
        digest: if ceiling == 0 { "barrier: stopped" } else { "barrier: held" }.to_owned(),
    })
}

/// Whether a change sets a ceiling.
fn is_cap(change: &Change) -> bool {
    matches!(change.to(), Setting::Concurrency(Some(_)))
}

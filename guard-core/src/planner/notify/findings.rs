//! Notices about levers that were not found as the guard had left them.

use super::{function_alarm, is_for_people, somebody_elses};
use crate::name::FunctionName;
use crate::plan::{Notice, NoticeKind};
use crate::planner::Draft;
use crate::report;
use crate::settle::Finding;

/// The notice about a finding; `None` if it is routine, or is reported with the actions or refusals.
pub(super) fn notice(draft: &Draft<'_>, finding: &Finding) -> Option<Notice> {
    let refused = |name: &FunctionName| {
        let mut of_breach = draft.refusals.iter().filter(|refusal| is_for_people(refusal));
        of_breach.any(|refusal| refusal.function == *name)
    };
    let (kind, function, headline, body) = match finding {
        Finding::Untripped { function, change } => {
            let when = draft.roster.inventory.function(function).and_then(|function| function.last_modified);
            let by = when.map_or_else(
                || "by a change outside the guard".to_owned(),
                |at| format!("by the deploy of {} UTC", at.format("%F %R")),
            );
            let again =
                draft.actions.iter().any(|action| action.function == *function && action.change == *change);
            let then = match (again, draft.armed) {
                (true, true) => "It is set again until the incident is over.",
                (true, false) => "Disarmed: it would be set again.",
                (false, _) => "It is left as it is (policy release.reassert, or a hold).",
            };
            (
                NoticeKind::Untripped,
                function,
                format!("Cap on {function} was undone {by}"),
                vec![report::change(change), then.to_owned()],
            )
        }
        Finding::Foreign { function, ours, found, .. } => {
            // A breach's notice reports it with its numbers.
            if refused(function) {
                return None;
            }
            let what = format!(
                "{function} was changed by somebody else: {} instead of {}",
                report::setting(*found),
                report::setting(*ours)
            );
            (
                NoticeKind::Refused,
                function,
                what,
                vec![report::until_adopted(draft.roster.policy.timing.tick_s)],
            )
        }
        Finding::Adopted { function, lever, found } => {
            if refused(function) || draft.actions.iter().any(|action| action.function == *function) {
                return None;
            }
            let what = format!("OK: {function}: {} stays as it is", report::lever_at(lever, *found));
            (NoticeKind::Released, function, what, vec![report::ADOPTED.to_owned()])
        }
        Finding::Resume { .. } | Finding::Gone { .. } => return None,
    };
    let digest = match finding {
        Finding::Foreign { found, .. } => format!("Refused [] {:?}", [somebody_elses(*found)]),
        _ => format!("{kind:?} {headline}"),
    };
    Some(Notice {
        kind,
        alarm: function_alarm(function),
        alarming: kind != NoticeKind::Released,
        budget: draft.state.latches.get(function).and_then(|latch| latch.budget.clone()),
        function: Some(function.clone()),
        digest,
        headline,
        body,
    })
}

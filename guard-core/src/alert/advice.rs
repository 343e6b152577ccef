//! What a person who gets a message is to do: in a few words for its first line, and in a sentence below.

use chrono::TimeDelta;

use super::Advice;
use super::facts::Facts;
use crate::plan::{BudgetRecord, NoticeKind, Reason, Setting, Verdict};
use crate::policy::Mode;

/// Hours within which a budget without a cap must not be used up unseen. Our choice: a night and a morning.
const NIGHT_H: i64 = 12;

const fn nothing(more: &'static str) -> Advice {
    Advice { now: None, more }
}

const fn now(what: &'static str, more: &'static str) -> Advice {
    Advice { now: Some(what), more }
}

impl Facts<'_> {
    /// What to do about its notice.
    pub(super) fn advise(&self) -> Advice {
        advice(self)
    }
}

fn advice(facts: &Facts<'_>) -> Advice {
    match facts.notice.kind {
        NoticeKind::Armed => nothing(
            "Nothing, if you know who did it. If not, see who can invoke the guard or write its policy.",
        ),
        NoticeKind::Noticed | NoticeKind::Warned => of_budget(facts),
        NoticeKind::Capped if facts.actions().any(|a| a.change.to() == Setting::Concurrency(Some(0))) => {
            nothing(
                "Nothing now: it is stopped, and all its calls are refused. If you need it back at once, paste the command.",
            )
        }
        NoticeKind::Capped => nothing(
            "Nothing now: the spending is held. In the morning see whether it was an attack, and who was refused.",
        ),
        NoticeKind::WouldHaveCapped => {
            now("cap it, or arm the guard", "It goes on spending. If it is an attack, paste the command.")
        }
        NoticeKind::Refused => refused(facts),
        NoticeKind::Releasing | NoticeKind::Released | NoticeKind::Sighted | NoticeKind::Mended => {
            nothing("Nothing.")
        }
        NoticeKind::Expired => nothing("Nothing. The note says what becomes of the caps."),
        NoticeKind::Untripped if facts.actions().next().is_some() && facts.plan.armed => nothing(
            "Nothing now: the cap is set again. Tell the people who deploy, or hold it while they do.",
        ),
        NoticeKind::Untripped => now("decide whether to cap it again", "Nothing holds its spending now."),
        NoticeKind::Failed if facts.by_hand().is_some() => {
            now("make the change by hand", "Paste the command. The guard tries again, too.")
        }
        NoticeKind::Failed => nothing("Nothing yet: the guard tries again at its next check."),
        NoticeKind::Blind => now(
            "run the self-test",
            "It names missing permissions. If there are none, see the AWS Health Dashboard for CloudWatch.",
        ),
        NoticeKind::Troubled => {
            now("run the self-test", "It tries every permission without harm. The note names the trouble.")
        }
    }
}

/// A budget's message: whether the guard acts, and whether there is time if it does not.
fn of_budget(facts: &Facts<'_>) -> Advice {
    let Some(record) = facts.record else {
        return now("find what spends", "Ask the guard with the command which functions spend.");
    };
    let acts = facts.plan.armed && record.mode >= Mode::Cap;
    match record.verdict {
        Verdict::BreachedOrdinary => nothing(
            "Nothing tonight: spending is as usual. In the morning raise the amount, or see what used it up before.",
        ),
        Verdict::BreachedAct if acts => {
            nothing("Nothing now: what spends is capped, and has a message of its own.")
        }
        Verdict::BreachedAct => now("arm the guard, or cap by hand", "It is disarmed: nothing was changed."),
        Verdict::BreachedAlert => {
            now("find what spends", "This budget only alerts: nothing caps it. Ask with the command.")
        }
        Verdict::BreachedRefused => now(
            "find what spends",
            "The guard may not or cannot cap it. See the messages NOT CAPPED, or ask with the command.",
        ),
        Verdict::Fine | Verdict::Warn if acts && facts.caps_at().is_some() => nothing(
            "Nothing yet: the guard caps it if it goes on. If the traffic is wanted, hold the function.",
        ),
        Verdict::Fine | Verdict::Warn if acts => {
            nothing("Nothing yet: the guard acts when the budget is used up.")
        }
        Verdict::Fine | Verdict::Warn if is_soon(record, facts) => now(
            "find what spends",
            "Nothing caps it, and it is used up within hours at this rate. Ask with the command.",
        ),
        Verdict::Fine | Verdict::Warn => {
            nothing("Nothing tonight. Nothing caps it: in the morning see what spends.")
        }
    }
}

fn is_soon(record: &BudgetRecord, facts: &Facts<'_>) -> bool {
    record.exhausted_if_sustained.is_some_and(|at| at < facts.plan.at + TimeDelta::hours(NIGHT_H))
}

/// A function that a budget asked to cap, by the reason for leaving it.
fn refused(facts: &Facts<'_>) -> Advice {
    let Some(refusal) = facts.refusals().next() else {
        return match facts.notice.function {
            Some(_) => now(
                "see who changed it",
                "The guard leaves alone what others have set. The note says for how long.",
            ),
            None => now("see what spends", "The note says what cannot be promised, and why."),
        };
    };
    match &refusal.reason {
        Reason::TagsUnread => nothing("Nothing yet: the next checks read its tags, and then cap it."),
        Reason::Operator => nothing(
            "Nothing, if that is wanted: an operator released or holds it, so the guard leaves it alone.",
        ),
        Reason::Protected => now(
            "decide whether to cap it",
            "The owner wanted it left alone, so it goes on spending. Stop the source, or paste the command.",
        ),
        Reason::NoRoom { .. } => now(
            "stop its source",
            "Nothing can be reserved in this account. The command stops the function and refuses all its calls.",
        ),
        Reason::EventLoss => now(
            "stop its source",
            "A cap would lose events. Add a destination for them, and the guard caps it.",
        ),
        Reason::NothingTighter { .. } => now(
            "lower its limit by hand",
            "The owner's own limit is as low as the guard goes, and it still spends.",
        ),
        Reason::ChangedBySomebodyElse { .. } => {
            now("see who changed it", "The guard leaves alone what others have set, and it goes on spending.")
        }
        _ => now("cap it by hand", "It goes on spending. If it is an attack, paste the command."),
    }
}

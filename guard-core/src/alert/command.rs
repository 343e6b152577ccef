//! The command under a message that asks for something, ready to paste into a shell.

use serde_json::{Value, json};

use super::Context;
use super::facts::Facts;
use crate::money::Usd;
use crate::plan::{Change, NoticeKind, Reason, Verdict};

/// Minutes of the hold that a message proposes. Our choice: long enough to find the source of the traffic.
const HOLD_MIN: u32 = 120;

/// A command and its purpose.
pub(super) type Labelled = (&'static str, String);

impl Facts<'_> {
    /// The command to paste: to take back the guard's change, to make one that the guard did not make, to keep it from
    /// making one, or to ask it.
    pub(super) fn command(&self) -> Option<Labelled> {
        match self.notice.kind {
            NoticeKind::Capped | NoticeKind::Untripped => Some(("Undo", self.release()?)),
            NoticeKind::Releasing => Some(("Release", self.release()?)),
            NoticeKind::Failed => Some(("By hand", self.by_hand()?)),
            NoticeKind::WouldHaveCapped => self.cap().or_else(|| Some(self.ask("Arm", "arm"))),
            NoticeKind::Refused => self.despite_refusal(),
            NoticeKind::Noticed | NoticeKind::Warned if self.advice.now.is_none() => {
                Some(("Hold", self.hold()?))
            }
            NoticeKind::Noticed | NoticeKind::Warned => {
                let is_disarmed = self.record.is_some_and(|record| record.verdict == Verdict::BreachedAct);
                Some(if is_disarmed { self.ask("Arm", "arm") } else { self.ask("Ask", "plan") })
            }
            NoticeKind::Blind | NoticeKind::Troubled => Some(self.ask("Test", "self-test")),
            NoticeKind::Armed
            | NoticeKind::Released
            | NoticeKind::Expired
            | NoticeKind::Sighted
            | NoticeKind::Mended => None,
        }
    }

    /// An order or a question without a function.
    fn ask(&self, label: &'static str, command: &str) -> Labelled {
        (label, order(self.context, &json!({ "command": command })))
    }

    /// The command that keeps the guard from capping the function with the excess, if there is just one.
    fn hold(&self) -> Option<String> {
        self.caps_at()?;
        let mut loud = self.plan.functions.iter().filter(|function| function.excess_per_hour > Usd::ZERO);
        // Beside other budgets it may be one that this budget does not cover.
        let is_alone = self.plan.budgets.len() == 1;
        let only = loud.next().filter(|_| is_alone && loud.next().is_none());
        let function = only.map_or("FUNCTION", |function| function.function.as_str());
        Some(order(self.context, &json!({ "command": "hold", "function": function, "minutes": HOLD_MIN })))
    }

    /// The command that takes back the guard's changes; `None` if it changed nothing.
    fn release(&self) -> Option<String> {
        let function = self.notice.function.as_ref().filter(|_| self.plan.armed)?;
        Some(release_command(self.context, function.as_str()))
    }

    /// The order to make the cap that a disarmed guard would have made.
    fn cap(&self) -> Option<Labelled> {
        let wanted = self.actions().find_map(|action| reserved(&action.change))?;
        self.order_to_cap("Cap it", wanted)
    }

    fn order_to_cap(&self, label: &'static str, units: u32) -> Option<Labelled> {
        let function = self.notice.function.as_ref()?.as_str();
        let payload = json!({ "command": "cap", "function": function, "concurrency": units });
        Some((label, order(self.context, &payload)))
    }

    /// What a person can do where the guard may not or cannot: past protection only with AWS's own command, because the
    /// guard takes no order against it.
    fn despite_refusal(&self) -> Option<Labelled> {
        let why = || {
            let function = self.notice.function.as_ref()?.as_str();
            Some(("Why", order(self.context, &json!({ "command": "explain", "function": function }))))
        };
        let Some(refusal) = self.refusals().next() else { return why() };
        let wanted = refusal.change.as_ref().and_then(reserved);
        match (&refusal.reason, wanted) {
            (Reason::TagsUnread | Reason::Operator, _) => None,
            (Reason::Protected, Some(units)) => {
                Some(("By hand", self.put(refusal.function.as_str(), Some(units))))
            }
            (Reason::NoRoom { .. }, _) => self.order_to_cap("Stop it", 0),
            (Reason::ModeForbids | Reason::Unsafe { .. }, Some(units)) => self.order_to_cap("Cap it", units),
            _ => why(),
        }
    }

    /// How a person makes the change of reserved concurrency that the guard could not make.
    pub(super) fn by_hand(&self) -> Option<String> {
        self.actions().find_map(|action| match action.change {
            Change::ReservedConcurrency { to, .. } => Some(self.put(action.function.as_str(), to)),
            _ => None,
        })
    }

    /// AWS's own command for a value of reserved concurrency.
    fn put(&self, function: &str, to: Option<u32>) -> String {
        let region = &self.context.region;
        let function = quoted(function);
        match to {
            Some(units) => format!(
                "aws lambda put-function-concurrency --region {region} --function-name {function} \
                 --reserved-concurrent-executions {units}"
            ),
            None => {
                format!("aws lambda delete-function-concurrency --region {region} --function-name {function}")
            }
        }
    }
}

/// The reserved concurrency that a change sets.
fn reserved(change: &Change) -> Option<u32> {
    match change {
        Change::ReservedConcurrency { to, .. } => *to,
        _ => None,
    }
}

/// How an operator releases a function.
pub(super) fn release_command(context: &Context, function: &str) -> String {
    order(context, &json!({ "command": "release", "function": function }))
}

/// The command that gives an order to the guard.
fn order(context: &Context, payload: &Value) -> String {
    format!(
        "aws lambda invoke --region {} --function-name {} --cli-binary-format raw-in-base64-out --payload {} /dev/stdout",
        context.region,
        context.guard,
        quoted(&payload.to_string())
    )
}

/// A word in single quotes, as a POSIX shell reads it.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

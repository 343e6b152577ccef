//! Doors: the alias under which the guard is invoked, and what may come in by it. Permission to invoke one alias is
//! permission for what that door takes, and for nothing else.

use guard_core::operator::Command;
use serde::Serialize;

use super::Wake;

/// An alias of the guard's function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Door {
    /// The function itself: everything.
    Front,
    /// The alias `ask`: questions, of which none changes anything.
    Ask,
    /// The alias `chat`: questions, and the order to put back what the guard changed.
    Chat,
}

/// Something that comes in by a door that does not take it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the alias {} takes {}: invoke the function itself", .door.alias(), .door.takes())]
pub struct Shut {
    door: Door,
}

impl Door {
    /// The door of an invocation, by the ARN that was invoked:
    /// `arn:aws:lambda:REGION:ACCOUNT:function:NAME[:QUALIFIER]`. Any other qualifier is a version or an alias of the
    /// owner's, for whom it is the function itself.
    pub fn of(invoked: &str) -> Self {
        match invoked.split(':').nth(7) {
            Some("ask") => Door::Ask,
            Some("chat") => Door::Chat,
            _ => Door::Front,
        }
    }

    /// Lets in what the door takes.
    ///
    /// # Errors
    /// For everything else.
    pub fn admit(self, wake: Wake) -> Result<Wake, Shut> {
        let is_taken = match (self, &wake) {
            (Door::Front, _) | (Door::Ask | Door::Chat, Wake::Question(_)) => true,
            (Door::Chat, Wake::Operator(order)) => matches!(order, Command::Release { .. }),
            (Door::Ask | Door::Chat, _) => false,
        };
        if is_taken { Ok(wake) } else { Err(Shut { door: self }) }
    }

    const fn alias(self) -> &'static str {
        match self {
            Door::Front => "$LATEST",
            Door::Ask => "ask",
            Door::Chat => "chat",
        }
    }

    const fn takes(self) -> &'static str {
        match self {
            Door::Front => "everything",
            Door::Ask => "questions only",
            Door::Chat => "questions and release only",
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};
    use serde_json::json;

    use super::*;
    use crate::wake::{Limits, recognise};

    const FUNCTION: &str = "arn:aws:lambda:eu-central-1:123456789012:function:dow-guard";

    #[test]
    fn an_alias_is_a_door_and_everything_else_is_the_front() {
        assert_eq!(Door::of(FUNCTION), Door::Front);
        assert_eq!(Door::of(&format!("{FUNCTION}:ask")), Door::Ask);
        assert_eq!(Door::of(&format!("{FUNCTION}:chat")), Door::Chat);
        for front in ["$LATEST", "7", "asking", "Ask", ""] {
            assert_eq!(Door::of(&format!("{FUNCTION}:{front}")), Door::Front, "{front}");
        }
        assert_eq!(Door::of(""), Door::Front);
    }

    #[test]
    fn by_the_side_doors_nothing_comes_in_that_changes_anything_but_a_release_in_chat() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        let limits = Limits::for_period(TimeDelta::minutes(1));
        let everything = [
            (json!({ "tick": "now" }), false, false),
            (json!({ "command": "release", "function": "f" }), false, true),
            (json!({ "command": "hold", "function": "f", "minutes": 60 }), false, false),
            (json!({ "command": "cap", "function": "f", "concurrency": 0 }), false, false),
            (json!({ "command": "arm" }), false, false),
            (json!({ "command": "disarm" }), false, false),
            (json!({ "command": "release-all" }), false, false),
            (json!({ "tf": { "action": "delete" } }), false, false),
            (json!({ "command": "status" }), true, true),
            (json!({ "command": "plan" }), true, true),
            (json!({ "command": "explain", "function": "f" }), true, true),
            (json!({ "command": "bound" }), true, true),
            (json!({ "command": "exposure" }), true, true),
            (json!({ "command": "self-test" }), true, true),
        ];
        for (payload, by_ask, by_chat) in everything {
            let comes_in = |door: Door| door.admit(recognise(&payload, now, &limits).unwrap()).is_ok();
            assert_eq!(
                (comes_in(Door::Front), comes_in(Door::Ask), comes_in(Door::Chat)),
                (true, by_ask, by_chat),
                "{payload}"
            );
        }
        let shut =
            Door::Ask.admit(recognise(&json!({ "command": "arm" }), now, &limits).unwrap()).unwrap_err();
        assert_eq!(shut.to_string(), "the alias ask takes questions only: invoke the function itself");
    }
}

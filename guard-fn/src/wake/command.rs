//! Operators' commands: plain invocation payloads such as `{"command":"release","function":"orders"}`.
//!
//! A custom action of Amazon Q Developer in chat runs `lambda invoke` with a payload of its definition (Administrator
//! Guide, "Custom actions", read 2026-11), so that its button arrives here unwrapped.

use guard_core::name::FunctionName;
use guard_core::operator::{self, HOLD_MINUTES};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Unrecognised, Wake, error};

/// A question an operator may ask. Answering it changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Question {
    /// The levers that the guard holds, its observed spend, and how fresh its measurements are.
    Status,
    /// The decision that a tick would make now.
    Plan,
    /// The reasons for a function's current state.
    Explain {
        /// The function.
        function: FunctionName,
    },
    /// How far a budget can be passed before a stop takes hold.
    Bound,
    /// The highest possible cost of each function.
    Exposure,
    /// Whether every permission is granted, tested without harm.
    SelfTest,
}

/// The accepted values of a field.
#[derive(Clone, Copy)]
enum Takes {
    Function,
    Whole { low: u32, high: u32 },
}

impl Takes {
    fn describe(self) -> String {
        match self {
            Takes::Function => {
                "a function's name without ARN, version or alias: 1 to 64 letters, digits, - and _".to_owned()
            }
            Takes::Whole { low, high } => format!("a whole number from {low} to {high}"),
        }
    }

    fn accepts(self, value: &Value) -> bool {
        match self {
            Takes::Function => value.as_str().is_some_and(is_function_name),
            Takes::Whole { low, high } => {
                value.as_u64().is_some_and(|number| (u64::from(low)..=u64::from(high)).contains(&number))
            }
        }
    }
}

type Fields = &'static [(&'static str, Takes)];

const FUNCTION: (&str, Takes) = ("function", Takes::Function);
const MINUTES: (&str, Takes) =
    ("minutes", Takes::Whole { low: *HOLD_MINUTES.start(), high: *HOLD_MINUTES.end() });
// Only the core knows the concurrency that the account leaves to a function.
const CONCURRENCY: (&str, Takes) = ("concurrency", Takes::Whole { low: 0, high: u32::MAX });

/// Every command and its fields; those that change something first.
const COMMANDS: [(&str, Fields); 12] = [
    ("release", &[FUNCTION]),
    ("hold", &[FUNCTION, MINUTES]),
    ("cap", &[FUNCTION, CONCURRENCY]),
    ("arm", &[]),
    ("disarm", &[]),
    ("release-all", &[]),
    ("status", &[]),
    ("plan", &[]),
    ("explain", &[FUNCTION]),
    ("bound", &[]),
    ("exposure", &[]),
    ("self-test", &[]),
];

/// A command or question, from an object with the key `command`.
pub(super) fn recognise(object: &Map<String, Value>) -> Result<Wake, Unrecognised> {
    let Some(given) = object.get("command").and_then(Value::as_str) else {
        return Err(Unrecognised::malformed("command", "command".to_owned(), "text"));
    };
    let Some((command, fields)) = COMMANDS.iter().copied().find(|(name, _)| *name == given) else {
        let accepted = COMMANDS.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        return Err(Unrecognised::NoSuchCommand {
            given: error::plain(given, LONGEST),
            nearest: nearest(given),
            accepted,
        });
    };
    check(object, command, fields)?;
    // A name belongs to one of the two types; they accept every name in the table.
    let payload = Value::Object(object.clone());
    if let Ok(word) = operator::Command::deserialize(&payload) {
        return Ok(Wake::Operator(word));
    }
    Question::deserialize(&payload)
        .map(Wake::Question)
        .map_err(|_| Unrecognised::malformed("command", command.to_owned(), "one the guard was built with"))
}

/// Whether this can be the name of a Lambda function (Lambda API Reference, `CreateFunction`, read 2026-11).
pub(super) fn is_function_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

fn check(object: &Map<String, Value>, command: &'static str, fields: Fields) -> Result<(), Unrecognised> {
    let known = |key: &str| key == "command" || fields.iter().any(|(field, _)| *field == key);
    if let Some(stranger) = object.keys().find(|key| !known(key)) {
        let names = fields.iter().map(|(field, _)| *field).collect::<Vec<_>>().join(", ");
        let accepted = if names.is_empty() { "it has none".to_owned() } else { format!("it has {names}") };
        return Err(Unrecognised::UnknownField { command, field: error::short(stranger), accepted });
    }
    for (field, takes) in fields.iter().copied() {
        let expected = takes.describe();
        let Some(value) = object.get(field) else {
            return Err(Unrecognised::MissingField { command, field, expected });
        };
        if !takes.accepts(value) {
            let found = value.as_number().map_or_else(|| error::kind(value).to_owned(), ToString::to_string);
            return Err(Unrecognised::BadField { command, field, found, expected });
        }
    }
    Ok(())
}

/// A longer word is not a mistyped command, and is not repeated in a message; this also bounds the work.
const LONGEST: usize = 16;

/// The command that was meant.
fn nearest(given: &str) -> Option<&'static str> {
    if given.len() > LONGEST {
        return None;
    }
    guard_core::text::nearest(given, COMMANDS.iter().map(|(name, _)| *name))
}

//! How large and how deep a payload may be, so that recognising one takes bounded work.

use serde_json::Value;

use super::Unrecognised;

/// Bytes of text in keys and values. Twice SNS's largest message of 262,144 (SNS API Reference, `Publish`, read
/// 2026-11): a message arrives within an envelope. Our choice; an envelope we know has 1 to 10 KB.
pub(super) const MAX_TEXT: usize = 524_288;

/// Values. Our choice; an alarm of ten metrics has about 200.
pub(super) const MAX_VALUES: usize = 20_000;

/// Levels of nesting. Our choice; the envelopes we know have at most 9.
pub(super) const MAX_DEPTH: usize = 32;

/// Refuses a payload larger or deeper than any known envelope. `what` goes into the message.
pub(super) fn check(payload: &Value, what: &'static str) -> Result<(), Unrecognised> {
    let mut text = 0_usize;
    let mut values = 0_usize;
    let mut waiting = vec![(payload, 1_usize)];
    while let Some((value, depth)) = waiting.pop() {
        values += 1;
        match value {
            Value::String(string) => text = text.saturating_add(string.len()),
            Value::Array(items) => waiting.extend(items.iter().map(|item| (item, depth + 1))),
            Value::Object(entries) => {
                for (key, item) in entries {
                    text = text.saturating_add(key.len());
                    waiting.push((item, depth + 1));
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
        let too_large = |measure, limit| Err(Unrecognised::TooLarge { what, measure, limit });
        if depth > MAX_DEPTH {
            return too_large("levels of nesting", MAX_DEPTH);
        }
        if text > MAX_TEXT {
            return too_large("bytes of text", MAX_TEXT);
        }
        if values.saturating_add(waiting.len()) > MAX_VALUES {
            return too_large("values", MAX_VALUES);
        }
    }
    Ok(())
}

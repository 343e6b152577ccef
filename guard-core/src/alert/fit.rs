//! Makes text fit the limits of SNS, text messages and chats, cut at character boundaries, with a word about the cut.

/// "Message … at most 256 KB in size (262,144 bytes, not 262,144 characters)", attributes included (Amazon SNS API
/// Reference, `Publish`, read 2026-11).
pub const MESSAGE_MAX_BYTES: usize = 262_144;

/// "Must be less than 100 characters long" (Amazon SNS API Reference, `Publish`, read 2026-11).
pub const SUBJECT_MAX_CHARS: usize = 99;

/// A text message holds 140 bytes (Amazon SNS Developer Guide, "Publishing to a mobile phone", read 2026-11).
pub const SMS_MAX_BYTES: usize = 140;

/// Room for a body: the limit less 4 KB for the subject and ten attributes of [`ATTRIBUTE_MAX_CHARS`].
pub(super) const BODY_MAX_BYTES: usize = MESSAGE_MAX_BYTES - 4096;

/// Characters of an attribute's value. Our choice: names of functions have 64, of budgets fewer.
const ATTRIBUTE_MAX_CHARS: usize = 256;

/// One line without control characters or line separators, which would break a subject and forge lines in a body.
pub(super) fn line(text: &str) -> String {
    let blank = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    text.chars().map(|c| if blank(c) { ' ' } else { c }).collect()
}

/// One line of printable ASCII: one other character would halve the room of a text message (UCS-2), and older readers
/// of subjects take nothing else.
pub(super) fn ascii(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in line(text).chars() {
        match c {
            ' '..='~' => plain.push(c),
            '→' => plain.push_str("->"),
            '–' | '—' => plain.push('-'),
            '×' => plain.push('x'),
            '¥' => plain.push_str("CNY "),
            '…' => plain.push_str("..."),
            _ => plain.push('?'),
        }
    }
    plain
}

/// The text in at most the given number of characters; a cut shows as three dots.
pub(super) fn shortened(text: &str, max_chars: usize) -> String {
    if text.chars().count() <= max_chars {
        return text.to_owned();
    }
    let kept: String = text.chars().take(max_chars.saturating_sub(3)).collect();
    format!("{kept}...")
}

/// A subject as SNS takes it.
pub(super) fn subject(text: &str) -> String {
    let plain = ascii(text);
    let plain = plain.trim();
    let begins_well = plain.starts_with(|c: char| c.is_ascii_alphanumeric());
    let whole = if begins_well { plain.to_owned() } else { format!("DoW Guard {plain}") };
    shortened(whole.trim(), SUBJECT_MAX_CHARS).trim_end().to_owned()
}

/// The first line of a body: as many bytes as a text message holds. `place` follows if there is room for it.
pub(super) fn sms(text: &str, place: &str) -> String {
    let text = ascii(text).trim().to_owned();
    let with_place = format!("{text} ({})", ascii(place));
    // Every character of ASCII is a byte.
    if with_place.len() <= SMS_MAX_BYTES { with_place } else { shortened(&text, SMS_MAX_BYTES) }
}

/// The value of an attribute; `None` if nothing is left, because SNS refuses empty values.
pub(super) fn attribute(value: &str) -> Option<String> {
    let value = shortened(line(value).trim(), ATTRIBUTE_MAX_CHARS);
    (!value.is_empty()).then_some(value)
}

/// A body within its room. Text that does not fit is cut between two characters, and the last line says how much.
pub(super) fn body(text: String) -> String {
    if text.len() <= BODY_MAX_BYTES {
        return text;
    }
    // The line below has at most 100 bytes.
    let mut end = BODY_MAX_BYTES - 100;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let kept = text.get(..end).unwrap_or_default();
    format!("{kept}\n[Cut: {} of {} bytes do not fit into one message.]\n", text.len() - end, text.len())
}

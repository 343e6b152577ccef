//! What CloudWatch Logs puts before a line when it gives it out: when it came, and from which stream.
//!
//! `aws logs tail` prints `TIME STREAM MESSAGE` or, `--format short`, `TIME MESSAGE`; an export to S3 has `TIME
//! MESSAGE`; `--output text` has `EVENTS`, numbers, the stream, the message and the time in milliseconds, apart by tabs;
//! the console's CSV has `MILLISECONDS,"MESSAGE"` (AWS CLI Command Reference, "logs tail" and "filter-log-events",
//! "Export log data to Amazon S3", read 2026-11).

use std::borrow::Cow;

use super::lambda;
use super::text::epoch;
use crate::trace::time::iso_time;

/// A line, and the parts of it that may be the log line itself.
#[derive(Debug)]
pub(super) struct Unprefixed<'l> {
    /// When CloudWatch Logs got it, in seconds since 1970; `None` where the line has no such time.
    pub logged_s: Option<i64>,
    /// What may be the message, the likeliest first; nothing where the line is a frame of others.
    pub messages: Vec<Cow<'l, str>>,
}

/// Beginnings of lines that surround events but are not events: headers of CSV, and the list of searched streams.
const FRAMES: [&str; 4] =
    ["SEARCHEDLOGSTREAMS\t", "timestamp,message", "@timestamp,@message", "\"timestamp\",\"message\""];

/// Digits of an epoch in milliseconds, from 2001 to 2286.
const EPOCH_DIGITS: usize = 13;

/// Characters of `2026-11-02`.
const DAY_LENGTH: usize = 10;

/// Looks at the beginning of a line.
pub(super) fn unprefixed(line: &str) -> Unprefixed<'_> {
    if let Some(rest) = line.strip_prefix("EVENTS\t") {
        return of_text_output(rest);
    }
    if FRAMES.iter().any(|frame| line.starts_with(frame)) {
        return Unprefixed { logged_s: None, messages: Vec::new() };
    }
    let whole = || {
        let after_stream = line.split_once([' ', '\t']).map(|(_, after)| after);
        let after_stream = after_stream.filter(|after| after.starts_with('{') || lambda::is_of_text(after));
        let messages = [Some(line), after_stream].into_iter().flatten().map(Cow::Borrowed).collect();
        Unprefixed { logged_s: None, messages }
    };
    let Some((first, rest)) = split_time(line) else { return whole() };
    let first = first.trim_matches('"');
    let Some(logged_s) = iso_time(first).or_else(|| milliseconds(first)) else { return whole() };
    let after_stream = rest.split_once([' ', '\t']).map(|(_, after)| after);
    let messages = [Some(rest), after_stream].into_iter().flatten().map(unquoted).collect();
    Unprefixed { logged_s: Some(logged_s), messages }
}

/// The part that may be a time, and the rest; a blank may separate day and time of day.
fn split_time(line: &str) -> Option<(&str, &str)> {
    let apart = [' ', '\t', ','];
    let (first, rest) = line.split_once(apart)?;
    if first.trim_start_matches('"').len() != DAY_LENGTH || line.as_bytes().get(first.len()) != Some(&b' ') {
        return Some((first, rest));
    }
    let (of_day, rest) = rest.split_once(apart)?;
    Some((line.get(..first.len() + 1 + of_day.len())?, rest))
}

fn milliseconds(text: &str) -> Option<i64> {
    (text.len() == EPOCH_DIGITS).then(|| epoch(text)).flatten()
}

/// `[ID] INGESTED [STREAM] MESSAGE [LOGGED]`. The message may have ended the line itself.
fn of_text_output(rest: &str) -> Unprefixed<'_> {
    let (message, logged) = match rest.rsplit_once('\t') {
        Some((message, last)) if milliseconds(last).is_some() => (message, milliseconds(last)),
        _ => (rest, None),
    };
    let after = |cells: usize| {
        let mut left = message;
        for _ in 0..cells {
            left = left.split_once('\t')?.1;
        }
        Some(Cow::Borrowed(left))
    };
    let ingested = || rest.split('\t').take(2).find_map(milliseconds);
    let messages = [after(3), after(1)].into_iter().flatten().collect();
    Unprefixed { logged_s: logged.or_else(ingested), messages }
}

/// A cell of CSV without its quotes; one whose end is on another line is read as far as it goes.
fn unquoted(text: &str) -> Cow<'_, str> {
    match text.strip_prefix('"') {
        Some(inner) => Cow::Owned(inner.strip_suffix('"').unwrap_or(inner).replace("\"\"", "\"")),
        None => Cow::Borrowed(text.trim_start()),
    }
}

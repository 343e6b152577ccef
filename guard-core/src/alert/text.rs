//! E-mail for people. The first line works as a text message and says whether anything is to be done; the first screen
//! answers what, where, how much, what was done, what it breaks and how to undo it; the numbers with their ranges come
//! below.

use super::facts::{Facts, Section};
use super::{Audience, Message, fit};

/// Width of the labels' column.
pub const LABEL_WIDTH: usize = 10;

pub(super) fn message(facts: &Facts<'_>) -> Message {
    let place = facts.short_place();
    let line = facts.first_line();
    let first = fit::sms(&line, &place);
    let mut body = format!("{first}\n\n");
    if !first.starts_with(&fit::ascii(&line)) {
        body.push_str(&format!("{}\n\n", facts.headline()));
    }
    for section in facts.sections() {
        push(&mut body, &section);
    }
    let numbers = facts.numbers();
    if !numbers.is_empty() {
        body.push('\n');
        push(&mut body, &Section { label: "Numbers", lines: numbers });
    }
    body.push_str(&format!("\nAlarm {}\n", fit::line(&facts.notice.alarm)));
    Message {
        audience: Audience::People,
        subject: subject(&facts.title(), &place),
        body: fit::body(body),
        attributes: facts.labels().attributes(Audience::People, facts.plan, facts.context),
    }
}

/// The event and its place; a long name is shortened to keep the place, which distinguishes installations.
pub(super) fn subject(title: &str, place: &str) -> String {
    let place = fit::shortened(&fit::ascii(place), 48);
    let room = fit::SUBJECT_MAX_CHARS - place.len() - 3;
    fit::subject(&format!("{} ({place})", fit::shortened(&fit::ascii(title), room)))
}

/// A label and its lines, one below the other.
pub(super) fn push(body: &mut String, section: &Section) {
    let mut label = section.label;
    for line in &section.lines {
        body.push_str(&format!("{label:LABEL_WIDTH$}{}\n", fit::line(line)));
        label = "";
    }
}

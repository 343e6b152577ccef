//! Cards for Slack, Teams and Chime: the custom notification of Amazon Q Developer in chat applications (once AWS
//! Chatbot). It silently drops messages that are not exactly of this form, so nothing else is ever sent there.

use serde::Serialize;

use super::facts::{Facts, Section};
use super::{Audience, Context, Message, fit, text};

/// Characters of a title. Our choice; Slack's headings take 150.
const TITLE_MAX: usize = 140;
/// Characters of a description: Slack shows 3,000 in one block ("Section block", Slack developer docs, read 2026-11),
/// less what ends it.
const DESCRIPTION_MAX: usize = 2800;
/// Characters of one line before its escapes, which make five of one at most.
const LINE_MAX: usize = 400;

/// "Custom notifications using Amazon Q Developer in chat applications", event schema (read 2026-11).
#[derive(Serialize)]
struct Card {
    version: &'static str,
    source: &'static str,
    id: String,
    content: Content,
    metadata: Metadata,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Content {
    text_type: &'static str,
    title: String,
    description: String,
    next_steps: Vec<String>,
    keywords: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    thread_id: String,
    summary: String,
    event_type: String,
    related_resources: Vec<String>,
    additional_context: std::collections::BTreeMap<String, String>,
}

/// The content of a card, before it is escaped and cut.
pub(super) struct Draft<'a> {
    pub(super) title: String,
    /// One thread per alarm.
    pub(super) thread: &'a str,
    pub(super) event: &'a str,
    pub(super) summary: &'a str,
    pub(super) sections: Vec<Section>,
    /// Commands to paste, and other steps to take.
    pub(super) steps: Vec<String>,
    /// The noun for lines left out.
    pub(super) rest: &'a str,
}

pub(super) fn message(facts: &Facts<'_>) -> Message {
    let command = facts.command();
    let label = command.as_ref().map(|(label, _)| *label);
    let mut sections = vec![Section { label: "", lines: vec![facts.first_line()] }];
    sections.extend(
        facts
            .sections()
            .into_iter()
            .filter(|section| !matches!(section.label, "Next" | "Runbook") && Some(section.label) != label),
    );
    let command = command.map(|(label, command)| format!("{label}: {}", code(&command)));
    let steps = command.into_iter().chain(facts.next().map(|next| prose(&next)));
    let draft = Draft {
        title: facts.title(),
        thread: &facts.notice.alarm,
        event: super::event(facts.notice.kind),
        summary: &facts.headline(),
        sections,
        steps: steps.chain([link(&facts.runbook())]).collect(),
        rest: "lines",
    };
    let attributes = facts.labels().attributes(Audience::Chat, facts.plan, facts.context);
    card(&draft, facts.context, facts.plan.at, attributes)
}

/// The step that leads to the runbook. An address is left as it is, so that it can be followed.
pub(super) fn link(runbook: &str) -> String {
    format!("Runbook: {}", entities(runbook))
}

/// The card of a draft.
pub(super) fn card(
    draft: &Draft<'_>,
    context: &Context,
    at: chrono::DateTime<chrono::Utc>,
    attributes: std::collections::BTreeMap<String, String>,
) -> Message {
    let place = super::facts::short_place(context);
    let thread_id = fit::shortened(&fit::line(draft.thread), 255);
    let related = attributes.get("function").map(|function| {
        let partition = super::region::partition(&context.region);
        format!("arn:{partition}:lambda:{}:{}:function:{function}", context.region, context.account)
    });
    let keywords = ["event", "severity", "budget", "stage"];
    // A button's variables take values of printable ASCII without blanks (`CustomActionAttachment`, read 2026-11).
    let for_buttons = |value: &String| fit::shortened(&fit::ascii(value), 256).replace(' ', "_");
    let card = Card {
        version: "1.0",
        source: "custom",
        id: format!("{thread_id}/{}/{}", draft.event, at.format("%Y%m%dT%H%M%SZ")),
        content: Content {
            text_type: "client-markdown",
            title: prose(&fit::shortened(&format!("{} ({place})", draft.title), TITLE_MAX)),
            description: description(&draft.sections, draft.rest),
            next_steps: draft.steps.iter().map(|step| fit::shortened(step, 1000)).collect(),
            keywords: keywords
                .iter()
                .filter_map(|key| attributes.get(*key))
                .map(|word| prose(word))
                .collect(),
        },
        metadata: Metadata {
            thread_id,
            summary: fit::shortened(&fit::line(draft.summary), 250),
            event_type: draft.event.to_owned(),
            related_resources: related.into_iter().collect(),
            additional_context: attributes
                .iter()
                .map(|(key, value)| (key.clone(), for_buttons(value)))
                .chain([("guard".to_owned(), for_buttons(&context.guard))])
                .collect(),
        },
    };
    Message {
        audience: Audience::Chat,
        subject: text::subject(&draft.title, &place),
        // Strings and maps of strings: nothing here can fail to be written.
        body: serde_json::to_string(&card).unwrap_or_default(),
        attributes,
    }
}

/// The lines that fit, each label in bold, and how many did not.
fn description(sections: &[Section], rest: &str) -> String {
    let mut text = String::new();
    let mut chars = 0;
    let all = sections.iter().flat_map(|section| {
        let labels = std::iter::once(section.label).chain(std::iter::repeat(""));
        labels.zip(&section.lines)
    });
    let mut left_out = 0;
    for (label, line) in all {
        let line = prose(&fit::shortened(&fit::line(line), LINE_MAX));
        let line = if label.is_empty() { format!("{line}\n") } else { format!("*{label}* {line}\n") };
        let length = line.chars().count();
        if left_out > 0 || chars + length > DESCRIPTION_MAX {
            left_out += 1;
            continue;
        }
        chars += length;
        text.push_str(&line);
    }
    if left_out > 0 {
        text.push_str(&format!("{left_out} more {rest} in the e-mail"));
    }
    text.trim_end().to_owned()
}

/// Prose that markdown leaves as it is. Slack knows no escape for its marks, so a word that bears one is set as code,
/// where marks mean nothing and which is still copied whole.
fn prose(text: &str) -> String {
    let text = fit::line(text);
    let words = text.split(' ').map(|word| {
        let marked = word.contains(['*', '_', '~', '`', '\\']) || word.contains("](");
        if marked || word.matches(':').count() > 1 { code(word) } else { entities(word) }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Text set as code: a back quote, which would end it, becomes an apostrophe.
pub(super) fn code(text: &str) -> String {
    format!("`{}`", entities(&fit::line(text).replace('`', "'")))
}

/// Slack reads `&`, `<` and `>` as its own ("Formatting text", Slack developer docs, read 2026-11): a function named
/// `<!channel>` must not wake everybody.
fn entities(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

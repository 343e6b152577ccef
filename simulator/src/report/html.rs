//! A replay as one page for a browser: it loads nothing, runs no script, and is also well-formed XML.

mod chart;
mod charts;
mod document;
mod figures;
mod style;
mod tables;
mod timeline;

use std::fmt::Write;

use crate::replay::Replay;
use crate::report::customers::customers;
use crate::report::layout::Tone;
use crate::report::replay::loudest;

pub use self::document::document;
use self::figures::Figure;

/// The page.
pub fn page(replay: &Replay) -> String {
    let mut out = String::with_capacity(200_000);
    let title = escape(&replay.title);
    // The policy forbids every request, whatever the text of a scenario tries.
    let _ = write!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/>\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\"/>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\
         <title>{title} · dowsim replay</title><style>{}</style></head><body><main>\n",
        style::SHEET
    );
    top(&mut out, replay);
    charts::all(&mut out, replay);
    alert(&mut out, replay);
    timeline::all(&mut out, replay);
    tables::all(&mut out, replay);
    help(&mut out);
    repeat(&mut out, replay);
    out += "</main></body></html>\n";
    out
}

/// Title, headline, story and key figures.
fn top(out: &mut String, replay: &Replay) {
    let _ = write!(out, "<header><p class=\"faint\">{}", escape(&replay.title));
    if replay.title != replay.name {
        let _ = write!(out, " · {}", escape(&replay.name));
    }
    let _ = write!(out, " · seed {}", replay.seed);
    let badge = if replay.armed { ("good", "armed") } else { ("warning", "disarmed: it only watches") };
    let _ = write!(out, " <span class=\"badge {}\">{}</span></p>", badge.0, badge.1);
    let customers = customers(replay);
    let _ = writeln!(
        out,
        "<h1>{}; <span{}>{}</span></h1>",
        escape(&figures::headline(replay)),
        tone(customers.tone),
        escape(&customers.clause)
    );
    if !replay.story.is_empty() {
        let _ = writeln!(out, "<p>{}</p>", escape(&replay.story));
    }
    if !replay.source.is_empty() {
        let _ = writeln!(out, "<p class=\"faint\">Numbers from: {}</p>", escape(&replay.source));
    }
    *out += "</header>\n";
    cards(out, "short", "In short", "cards heroes", figures::heroes(replay));
    cards(out, "figures", "Key figures", "cards", figures::all(replay));
}

fn cards(out: &mut String, id: &str, title: &str, class: &str, figures: impl IntoIterator<Item = Figure>) {
    let _ =
        writeln!(out, "<section aria-labelledby=\"{id}\"><h2 id=\"{id}\">{title}</h2><dl class=\"{class}\">");
    for figure in figures {
        let _ = writeln!(
            out,
            "<div><dt>{}</dt><dd><strong{}>{}</strong><span>{}</span></dd></div>",
            escape(figure.label),
            tone(figure.tone),
            escape(&figure.value),
            escape(&figure.detail)
        );
    }
    *out += "</dl></section>\n";
}

/// The gravest alert: the e-mail that the guard sends.
fn alert(out: &mut String, replay: &Replay) {
    *out += "<section aria-labelledby=\"alert\"><h2 id=\"alert\">The alert as it arrives</h2>";
    match loudest(replay) {
        None => *out += "<p>No alarm was sent.</p>",
        Some(mail) => {
            let _ = write!(
                out,
                "<pre>Subject: {}\n\n{}</pre>",
                escape(&mail.subject),
                escape(mail.body.trim_end())
            );
        }
    }
    *out += "</section>\n";
}

/// The words of the page.
const TERMS: [(&str, &str); 7] = [
    (
        "Without, with, perfect",
        "The same traffic three times, on the same seed: no guard, this guard, and one that refuses every attack event \
         and no other.",
    ),
    ("Budget line", "The amount of a budget for its period. What is spent beyond it is past the line."),
    (
        "Published bound",
        "The most that can be spent past the line, computed before the replay from limits, delays and prices. A \
         budget that only alerts has none.",
    ),
    (
        "Projection",
        "Where the guard expects the first budget to end its period if what burns now lasts. The band is from its low to \
         its high estimate.",
    ),
    ("Cap", "A limit set by the guard, mostly reserved concurrency. A cap refuses friend and foe alike."),
    (
        "Amplification",
        "Attempts that ran per event sent. Retries and duplicates raise it above 1; refused events lower it.",
    ),
    ("Late", "Served more than a minute after it was sent."),
];

fn help(out: &mut String) {
    *out += "<section aria-labelledby=\"help\"><h2 id=\"help\">How to read this page</h2>\
             <p>Bills are Lambda costs of the simulated account; the guard's own cost stands beside them. Times are UTC. \
             All charts share one time axis: the attack is shaded, and a bar at the top marks where a cap is in \
             force. Charts of long replays keep the highest and the lowest value of every stretch.</p>\
             <dl class=\"terms\">";
    for (term, meaning) in TERMS {
        let _ = write!(out, "<dt>{term}</dt><dd>{meaning}</dd>");
    }
    *out += "</dl></section>\n";
}

fn repeat(out: &mut String, replay: &Replay) {
    let _ = writeln!(
        out,
        "<section aria-labelledby=\"again\"><h2 id=\"again\">Run it again</h2><pre>{}</pre>\
         <p class=\"faint\">The same seed gives the same numbers.</p></section>",
        escape(&replay.again)
    );
}

/// Text for between tags and in quoted attributes. What XML cannot hold becomes a replacement character.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\'' => out += "&#39;",
            '\t' | '\n' => out.push(c),
            '\u{fffe}' | '\u{ffff}' => out.push(char::REPLACEMENT_CHARACTER),
            // Turns the direction of what follows: a name could pass for another.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => out.push(char::REPLACEMENT_CHARACTER),
            c if c.is_control() => out.push(char::REPLACEMENT_CHARACTER),
            c => out.push(c),
        }
    }
    out
}

/// The class of a tone, as an attribute.
const fn tone(tone: Tone) -> &'static str {
    match tone {
        Tone::Normal | Tone::Strong => "",
        Tone::Faint => " class=\"faint\"",
        Tone::Good => " class=\"good\"",
        Tone::Warning => " class=\"warning\"",
        Tone::Alarm => " class=\"alarm\"",
    }
}

#[cfg(test)]
mod tests;

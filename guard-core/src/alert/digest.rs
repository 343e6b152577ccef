//! One message in place of many: the dearest notices first, and how many are left out.

use std::collections::BTreeMap;

use super::command::release_command;
use super::facts::{self, Facts, Section};
use super::{Advice, Audience, Context, Labels, Message, chat, fit, text};
use crate::plan::Plan;
use crate::report;

/// Notices that an e-mail lists. Our choice: what a person scrolls through.
const ROWS_MAX: usize = 100;

/// The thread of digests in chat.
const THREAD: &str = "dow-guard/digest";

pub(super) fn for_people(all: &[Facts<'_>], plan: &Plan, context: &Context) -> Message {
    let place = facts::short_place(context);
    let mut body = format!("{}\n\n", fit::sms(&headline(all), &place));
    let Context { account, region, stage, .. } = context;
    let at = plan.at.format("%F %R");
    let heading =
        format!("Account {account}, {region}, stage {stage}, {at} UTC. Urgent first, then the dearest.");
    body.push_str(&format!("{}\n\n", fit::line(&heading)));
    for row in rows(all).take(ROWS_MAX) {
        body.push_str(&row);
        body.push('\n');
    }
    if all.len() > ROWS_MAX {
        body.push_str(&format!("{} more are left out here.\n", all.len() - ROWS_MAX));
    }
    let command = fit::line(&release_command(context, "FUNCTION"));
    body.push_str(&format!(
        "\nUndo one (put its name for FUNCTION):\n{command}\n\nRunbook: {}\n",
        runbook(context)
    ));
    Message {
        audience: Audience::People,
        subject: text::subject(&counts(all), &place),
        body: fit::body(body),
        attributes: labels(all).attributes(Audience::People, plan, context),
    }
}

pub(super) fn for_chat(all: &[Facts<'_>], plan: &Plan, context: &Context) -> Message {
    let draft = chat::Draft {
        title: counts(all),
        thread: THREAD,
        event: "digest",
        summary: &headline(all),
        sections: vec![Section { label: "", lines: rows(all).collect() }],
        steps: vec![
            format!("Undo one: {}", chat::code(&release_command(context, "FUNCTION"))),
            chat::link(&runbook(context)),
        ],
        rest: "notices",
    };
    chat::card(&draft, context, plan.at, labels(all).attributes(Audience::Chat, plan, context))
}

fn rows(all: &[Facts<'_>]) -> impl Iterator<Item = String> {
    all.iter().map(|facts| {
        let burn = facts.function.map(|function| format!("{}/h: ", report::dollars(function.burn_per_hour)));
        format!("- {}{}", burn.unwrap_or_default(), fit::shortened(&facts.headline(), 300))
    })
}

/// The counts by kind, the most urgent first: `12 CAPPED, 3 NOT CAPPED`.
fn counts(all: &[Facts<'_>]) -> String {
    let mut counts: BTreeMap<(std::cmp::Reverse<super::Severity>, &str), usize> = BTreeMap::new();
    for facts in all {
        *counts.entry((std::cmp::Reverse(facts.severity), facts.word())).or_default() += 1;
    }
    let parts: Vec<String> = counts.iter().map(|((_, word), count)| format!("{count} {word}")).collect();
    parts.join(", ")
}

fn headline(all: &[Facts<'_>]) -> String {
    let dearest = all
        .iter()
        .filter_map(|facts| facts.function)
        .max_by(|a, b| a.burn_per_hour.cmp(&b.burn_per_hour).then(b.function.cmp(&a.function)))
        .map(|function| {
            format!("; dearest {} {}/h", function.function, report::dollars(function.burn_per_hour))
        })
        .unwrap_or_default();
    let urgent = all.iter().filter_map(|facts| facts.advice.now).next();
    let opening = Advice { now: urgent, more: "" }.opening();
    format!("{opening} DoW Guard: {}{dearest}", counts(all))
}

/// The section about messages of all kinds.
fn runbook(context: &Context) -> String {
    fit::line(&format!("{}#messages", context.runbook))
}

fn labels<'a>(all: &[Facts<'a>]) -> Labels<'a> {
    let budget = all.first().and_then(|facts| facts.labels().budget);
    Labels {
        event: "digest",
        severity: all.iter().map(|facts| facts.severity).max().unwrap_or(super::Severity::Info),
        alarming: all.iter().any(|facts| facts.notice.alarming),
        function: None,
        budget: budget.filter(|name| all.iter().all(|facts| facts.labels().budget == Some(name))),
    }
}

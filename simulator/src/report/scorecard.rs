//! The scorecard as a document.

use guard_core::money::Usd;

use super::document::{Block, Cell, Document, Table};
use super::layout::{Tone, grouped};
use crate::scorecard::{CalmDay, Card, GOALS, Goal, Score, Shape};

/// The text of an empty cell.
const NONE: &str = "–";

/// The document of some scenarios on so many seeds, and the command that writes it.
pub fn document(cards: &[Card], calm: &[CalmDay], command: &str) -> Document {
    let blocks = [
        vec![
            Block::Text(
                "Every scenario without a guard, with it, and with a perfect one that refuses every attack event and no \
                 other. Goals are judged row by row on every seed; a goal is held where every seed holds it. Where one is \
                 missed, the reasons below are computed from the replay. No number here comes from an AWS account: the \
                 model, and where it deviates, is `simulator/MODEL.md`."
                    .to_owned(),
            ),
            Block::Text("This file is what the command writes; the same seeds give the same bytes:".to_owned()),
            Block::Command(command.to_owned()),
        ],
        goals(cards),
        verdicts(cards),
        misses(cards),
        money(cards),
        traffic(cards),
        calm_days(calm),
    ];
    Document { title: "Scorecard".to_owned(), blocks: blocks.into_iter().flatten().collect() }
}

fn heads(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// The goals, and how many rows hold each.
fn goals(cards: &[Card]) -> Vec<Block> {
    let about = GOALS.into_iter().map(|goal| (goal.name().to_owned(), goal.about().to_owned()));
    let rows = GOALS.into_iter().map(|goal| {
        let asked: Vec<bool> = cards.iter().filter_map(|card| card.holds(goal)).collect();
        let held = asked.iter().filter(|held| **held).count();
        let missed = asked.len() - held;
        let tone = if missed == 0 { Tone::Normal } else { Tone::Alarm };
        vec![
            Cell::plain(goal.name()),
            Cell::plain(asked.len().to_string()),
            Cell::plain(held.to_string()),
            Cell::toned(tone, missed.to_string()),
        ]
    });
    let table = Table {
        caption: "Rows that ask for each goal, hold it and miss it.".to_owned(),
        columns: heads(&["goal", "asked", "held", "missed"]),
        rows: rows.collect(),
    };
    vec![Block::Heading("Goals".to_owned()), Block::List(about.collect()), Block::Table(table)]
}

/// Goals by scenario.
fn verdicts(cards: &[Card]) -> Vec<Block> {
    let rows = cards.iter().map(|card| {
        let cells = GOALS.into_iter().map(|goal| match card.holds(goal) {
            None => Cell::toned(Tone::Faint, NONE),
            Some(true) => Cell::plain("held"),
            Some(false) => {
                let (missed, of) = (card.missed(goal).0, card.scores.len());
                Cell::toned(
                    Tone::Alarm,
                    if missed == of { "missed".to_owned() } else { format!("missed {missed} of {of}") },
                )
            }
        });
        std::iter::once(Cell::plain(card.scenario.as_str())).chain(cells).collect()
    });
    let columns: Vec<&str> = std::iter::once("scenario").chain(GOALS.into_iter().map(Goal::name)).collect();
    let table =
        Table { caption: "Goals by scenario.".to_owned(), columns: heads(&columns), rows: rows.collect() };
    let text = format!(
        "A scenario that does not ask for a goal has {NONE}: nobody attacks, nothing was held, no line was crossed without a guard, or nothing could catch an event."
    );
    vec![Block::Heading("Row by row".to_owned()), Block::Text(text), Block::Table(table)]
}

/// The missed goals, and why they were missed.
fn misses(cards: &[Card]) -> Vec<Block> {
    let mut items = Vec::new();
    for goal in GOALS {
        for card in cards {
            if let (1.., Some(first)) = card.missed(goal) {
                let about = format!("{}, {}", card.scenario, goal.name());
                items.push((about, first.why.join("; ")));
            }
        }
    }
    let heading = Block::Heading("What was missed, and why".to_owned());
    if items.is_empty() {
        return vec![heading, Block::Text("Nothing.".to_owned())];
    }
    let text = "Of the first seed that missed. Dollars are Lambda costs past the budget's line.".to_owned();
    vec![heading, Block::Text(text), Block::List(items)]
}

fn usd(card: &Card, read: impl Fn(&Score) -> Usd) -> Cell {
    dollars(card.median(|score| Some(read(score).to_f64())))
}

fn dollars(number: Option<f64>) -> Cell {
    number.map_or_else(|| Cell::toned(Tone::Faint, NONE), |number| Cell::plain(format!("${number:.2}")))
}

fn percent(number: Option<f64>, digits: usize) -> Cell {
    number
        .map_or_else(|| Cell::toned(Tone::Faint, NONE), |number| Cell::plain(format!("{number:.digits$} %")))
}

fn minutes(card: &Card, read: impl Fn(&Score) -> Option<u32>) -> Cell {
    let found = card.median(|score| read(score).map(f64::from));
    found.map_or_else(|| Cell::toned(Tone::Faint, NONE), |found| Cell::plain(format!("{found:.0}")))
}

/// Dollars, and minutes to each step.
fn money(cards: &[Card]) -> Vec<Block> {
    let rows = cards.iter().map(|card| {
        vec![
            Cell::plain(card.scenario.as_str()),
            usd(card, |score| score.findings.usd_without),
            usd(card, |score| score.findings.usd_with),
            usd(card, |score| score.findings.usd_perfect),
            usd(card, |score| score.findings.usd_guard),
            minutes(card, |score| score.findings.notice_min.filter(|_| score.attack)),
            minutes(card, |score| score.findings.cap_min.filter(|_| score.attack)),
            minutes(card, |score| score.findings.release_min.filter(|_| score.attack)),
            dollars(card.most(|score| Some(score.past.to_f64()))),
            dollars(card.median(|score| score.five_minutes.map(Usd::to_f64))),
            percent(card.most(|score| score.findings.bound_used_percent()), 0),
        ]
    });
    let table = Table {
        caption: "Dollars, minutes, and what was spent past the line.".to_owned(),
        columns: heads(&[
            "scenario",
            "without",
            "with",
            "perfect",
            "guard itself",
            "notice",
            "cap",
            "release",
            "past line",
            "5 min burn",
            "of bound",
        ]),
        rows: rows.collect(),
    };
    let text = "Medians over the seeds; past the line and of the bound, the most. Notice and cap are minutes from the \
                beginning of the attack, release from its end. 5 min burn is what the first goal allows past the line.";
    vec![Block::Heading("Money and minutes".to_owned()), Block::Text(text.to_owned()), Block::Table(table)]
}

/// Legitimate traffic.
fn traffic(cards: &[Card]) -> Vec<Block> {
    let rows = cards.iter().map(|card| {
        let served = |place: usize| {
            let number = card.median(|score| score.served.and_then(|served| served.get(place).copied()));
            percent(number, 1)
        };
        let count = |read: fn(&Score) -> u64| {
            let most = card.scores.iter().map(read).max().unwrap_or(0);
            Cell::plain(grouped(most))
        };
        vec![
            Cell::plain(card.scenario.as_str()),
            percent(card.median(|score| score.findings.harm_percent()), 2),
            percent(card.most(|score| score.others_lost), 2),
            served(0),
            served(1),
            served(2),
            count(|score| score.lost),
            count(|score| score.dead_lettered),
            count(|score| u64::from(score.findings.caps)),
        ]
    });
    let table = Table {
        caption: "Legitimate events lost to the guard, and served while it held a function.".to_owned(),
        columns: heads(&[
            "scenario",
            "harm",
            "others",
            "no guard",
            "guard",
            "perfect",
            "lost",
            "dead letter",
            "caps",
        ]),
        rows: rows.collect(),
    };
    let text = "Harm is the share of all legitimate events that were refused, given up or lost because of the guard; \
                others is the same of functions that nobody attacks. No guard, guard and perfect are the share of \
                legitimate events of functions under attack that was served in the minutes in which the guard held one. \
                Lost and dead letter are legitimate events that the guard cost beyond what was lost without it. Shares \
                are medians over the seeds; others and counts are the most.";
    vec![Block::Heading("Legitimate traffic".to_owned()), Block::Text(text.to_owned()), Block::Table(table)]
}

/// The guard on calm days.
fn calm_days(days: &[CalmDay]) -> Vec<Block> {
    if days.is_empty() {
        return Vec::new();
    }
    let number =
        |wrong: bool, text: String| Cell::toned(if wrong { Tone::Alarm } else { Tone::Normal }, text);
    let rows = days.iter().map(|day| {
        let a_day = |usd: Usd| usd.mul_div_up(1440, day.minutes.into()).to_f64();
        let shape = match day.shape {
            Shape::Everything => "everything",
            Shape::Patterns => "name patterns",
            Shape::Functions => "single functions",
        };
        vec![
            Cell::plain(day.scenario.as_str()),
            Cell::plain(format!("{} over {shape}", day.budgets)),
            Cell::plain(if day.history_days > 0 { "four weeks" } else { "none" }),
            number(day.usd_guard > day.allowed, format!("${:.3}", a_day(day.usd_guard))),
            Cell::plain(format!("${:.3}", a_day(day.allowed))),
            Cell::plain(day.messages.to_string()),
            number(day.caps > 0, day.caps.to_string()),
            number(day.harmed > 0, grouped(day.harmed)),
        ]
    });
    let table = Table {
        caption: "The guard on recorded days on which nobody attacks.".to_owned(),
        columns: heads(&[
            "recording",
            "budgets",
            "history",
            "guard a day",
            "limit",
            "messages",
            "caps",
            "refused",
        ]),
        rows: rows.collect(),
    };
    let text = "Nobody attacks here. Each budget is a quarter more than its functions cost on that day, in mode cap. Name \
                patterns are one for each last character of a name; single functions are the twenty dearest. A day is \
                scaled from the length of the recording. The limit is that of `limits.own_cost_usd_per_month`, by \
                default, and what a first day may cost once beyond it: the first census, and the looking that a guard has \
                in advance. Messages include the first one, which says that the \
                guard is armed.";
    vec![Block::Heading("Calm days".to_owned()), Block::Text(text.to_owned()), Block::Table(table)]
}

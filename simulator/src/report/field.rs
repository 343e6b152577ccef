//! The guard against policies of others, as a document.

use guard_core::money::Usd;

use super::document::{Block, Cell, Document, Table};
use super::layout::{Tone, grouped};
use crate::field::{Line, Outcome, POLICIES, Policy};

/// The text of an empty cell.
const NONE: &str = "–";

/// The document of some scenarios on one seed, and the command that writes it.
pub fn document(lines: &[Line], command: &str) -> Document {
    let about = POLICIES.into_iter().map(|policy| (policy.name().to_owned(), policy.about().to_owned()));
    let blocks = [
        vec![
            Block::Text(
                "The same incidents with policies of others in the guard's place: the same traffic on the same seed, the \
                 same metrics with the same delay, the same bill, for as long as the guard needs to let go. None of it \
                 ran on AWS; the model, and where it deviates, is `simulator/MODEL.md`."
                    .to_owned(),
            ),
            Block::Text("This file is what the command writes; the same seed gives the same bytes:".to_owned()),
            Block::Command(command.to_owned()),
            Block::Heading("Policies".to_owned()),
            Block::List(about.collect()),
            Block::Text(
                "What goes wrong with the guard alone, its own outage or a failing GetMetricData, does not touch the \
                 others. What goes wrong with Lambda's control plane or CloudWatch's points, deploys, and people who set \
                 concurrency by hand meet all alike. History repeats itself in the model, which favours thresholds taken \
                 from it."
                    .to_owned(),
            ),
        ],
        summary(lines),
        best(lines),
        matrix(lines, "Dollars", DOLLARS, true, |outcome| {
            Some((format!("${:.2}", outcome.usd.to_f64()), outcome.usd.to_f64()))
        }),
        matrix(lines, "Legitimate events of functions under attack, not served", UNSERVED, true, |outcome| {
            outcome.attacked_unserved.map(share)
        }),
        matrix(lines, "Legitimate events of other functions, not served", OTHERS, true, |outcome| {
            outcome.others_unserved.map(share)
        }),
        matrix(lines, "Minutes of outage", OUTAGE, true, |outcome| {
            Some((outcome.outage_min.to_string(), f64::from(outcome.outage_min)))
        }),
        matrix(lines, "Minutes to the first stop or cap", STOP, false, |outcome| {
            outcome.stop_min.map(|minutes| (minutes.to_string(), f64::from(minutes)))
        }),
    ];
    Document { title: "Against the field".to_owned(), blocks: blocks.into_iter().flatten().collect() }
}

const DOLLARS: &str = "The bill of the whole account, with what the policy itself cost. The least is bold.";
const UNSERVED: &str = "Of those sent until the end of the replay: refused, failed, lost, left to a dead-letter queue, or \
                        still waiting. The least is bold.";
const OTHERS: &str =
    "The same of functions that nobody attacks, and of all functions where nobody attacks at all.";
const OUTAGE: &str = "Minutes at whose end fewer than half as many legitimate events had been served as were sent in the five \
                      minutes before: by functions under attack, or by the others.";
const STOP: &str = "From the beginning of the attack until a function under attack was first held. A standing cap counts as 0.";

fn share(percent: f64) -> (String, f64) {
    (format!("{percent:.1} %"), percent)
}

fn columns(first: &'static str) -> Vec<String> {
    std::iter::once(first).chain(POLICIES.into_iter().map(Policy::name)).map(str::to_owned).collect()
}

/// The outcomes of a policy.
fn of(lines: &[Line], policy: Policy) -> impl Iterator<Item = (&Line, &Outcome)> {
    lines
        .iter()
        .filter_map(move |line| Some((line, line.outcomes.iter().find(|outcome| outcome.policy == policy)?)))
}

fn row(name: &str, cells: impl Iterator<Item = String>) -> Vec<Cell> {
    std::iter::once(Cell::plain(name)).chain(cells.map(Cell::plain)).collect()
}

/// Everything together.
fn summary(lines: &[Line]) -> Vec<Block> {
    let each = |name: &str, read: &dyn Fn(Policy) -> String| row(name, POLICIES.into_iter().map(read));
    let attacked = |policy| of(lines, policy).filter(|(line, _)| line.attack);
    let dollars = |policy| -> Usd { attacked(policy).map(|(_, outcome)| outcome.usd).sum() };
    let own = |policy| -> Usd { of(lines, policy).map(|(_, outcome)| outcome.own).sum() };
    let mean = |shares: Vec<f64>| {
        let count = u32::try_from(shares.len()).unwrap_or(u32::MAX);
        if count == 0 { NONE.to_owned() } else { share(shares.iter().sum::<f64>() / f64::from(count)).0 }
    };
    let real = |policy| of(lines, policy).filter(|(line, _)| line.recorded && !line.attack);
    let stops = |policy| -> u32 { real(policy).map(|(_, outcome)| outcome.false_stops).sum() };
    let elsewhere = |policy| -> u32 {
        of(lines, policy).filter(|(line, _)| !line.recorded).map(|(_, outcome)| outcome.false_stops).sum()
    };
    let outage =
        |policy| -> u64 { of(lines, policy).map(|(_, outcome)| u64::from(outcome.outage_min)).sum() };
    let wins = |policy| {
        let best = |line: &&Line| line.attack && !line.is_idle(policy) && line.best().contains(&policy);
        lines.iter().filter(best).count()
    };
    let rows = vec![
        each("dollars of all incidents", &|policy| format!("${:.2}", dollars(policy).to_f64())),
        each("of it, the policy itself", &|policy| format!("${:.2}", own(policy).to_f64())),
        each("legitimate events of functions under attack, not served", &|policy| {
            mean(attacked(policy).filter_map(|(_, outcome)| outcome.attacked_unserved).collect())
        }),
        each("legitimate events of other functions, not served", &|policy| {
            mean(of(lines, policy).filter_map(|(_, outcome)| outcome.others_unserved).collect())
        }),
        each("minutes of outage", &|policy| grouped(outage(policy))),
        each("false stops on real days", &|policy| stops(policy).to_string()),
        each("false stops elsewhere", &|policy| elsewhere(policy).to_string()),
        each("incidents in which it never held anything", &|policy| {
            attacked(policy).filter(|(_, outcome)| outcome.is_idle).count().to_string()
        }),
        each("incidents in which it acted and no other is better", &|policy| wins(policy).to_string()),
    ];
    let table =
        Table { caption: "All scenarios together.".to_owned(), columns: columns("all scenarios"), rows };
    let text = "Shares are means over scenarios, each of which counts alike. A false stop is a function that nobody \
                attacked and that was stopped or capped.";
    vec![Block::Heading("All together".to_owned()), Block::Text(text.to_owned()), Block::Table(table)]
}

/// The best of each incident.
fn best(lines: &[Line]) -> Vec<Block> {
    let rows = lines.iter().map(|line| {
        let best = line.best();
        let cells = POLICIES.into_iter().map(|policy| {
            if line.is_idle(policy) {
                Cell::toned(Tone::Faint, "idle")
            } else if best.contains(&policy) {
                Cell::toned(Tone::Good, "best")
            } else {
                Cell::plain("beaten")
            }
        });
        std::iter::once(Cell::plain(line.scenario.as_str())).chain(cells).collect()
    });
    let table = Table {
        caption: "The best of each scenario.".to_owned(),
        columns: columns("scenario"),
        rows: rows.collect(),
    };
    let text = "Best is a policy of which no other both costs no more and leaves no more legitimate events unserved, and does \
                better in one of the two. Several may be: dollars and people are not exchanged here. Idle is one that never \
                held anything; beaten, one that did and is not best.";
    vec![Block::Heading("Who is best".to_owned()), Block::Text(text.to_owned()), Block::Table(table)]
}

fn matrix(
    lines: &[Line],
    title: &str,
    text: &str,
    marks_least: bool,
    read: impl Fn(&Outcome) -> Option<(String, f64)>,
) -> Vec<Block> {
    let mut rows = Vec::new();
    for line in lines {
        let shown: Vec<Option<(String, f64)>> = line.outcomes.iter().map(&read).collect();
        let smallest = shown.iter().flatten().map(|(_, number)| *number).min_by(f64::total_cmp);
        let largest = shown.iter().flatten().map(|(_, number)| *number).max_by(f64::total_cmp);
        if smallest.is_none() {
            continue;
        }
        let cells = shown.into_iter().map(|one| match one {
            None => Cell::toned(Tone::Faint, NONE),
            // Where all are alike there is no least.
            Some((text, number)) if marks_least && Some(number) == smallest && smallest != largest => {
                Cell::toned(Tone::Good, text)
            }
            Some((text, _)) => Cell::plain(text),
        });
        rows.push(std::iter::once(Cell::plain(line.scenario.as_str())).chain(cells).collect());
    }
    let table = Table { caption: title.to_owned(), columns: columns("scenario"), rows };
    vec![Block::Heading(title.to_owned()), Block::Text(text.to_owned()), Block::Table(table)]
}

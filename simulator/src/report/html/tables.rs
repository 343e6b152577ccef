//! Budgets, traffic and functions in columns. On a narrow page a row becomes a list, so every cell carries its column's
//! name.

use std::fmt::Write;

use guard_core::money::{Unit, Usd};

use super::escape;
use super::figures::ratio;
use crate::replay::Replay;
use crate::report::layout::grouped;
use crate::report::phrase;
use crate::run::{FunctionBill, Run};
use crate::scenario::Kind;
use crate::world::{Tally, TrafficTally};

/// Functions in their table.
const FUNCTIONS: usize = 10;
/// Kinds of traffic in their table, attacks first.
const TRAFFIC: usize = 20;

/// Appends all tables.
pub(super) fn all(out: &mut String, replay: &Replay) {
    budgets(out, replay);
    traffic(out, replay);
    functions(out, replay);
}

/// A table: the first column names the row. Roles are spelled out because a narrow page takes the table's display away.
fn table<const N: usize>(out: &mut String, caption: &str, columns: [&str; N], rows: &[[String; N]]) {
    if rows.is_empty() {
        *out += "<p>None.</p>";
        return;
    }
    let _ = write!(
        out,
        "<table role=\"table\"><caption>{}</caption><thead role=\"rowgroup\"><tr role=\"row\">",
        escape(caption)
    );
    for column in columns {
        let _ = write!(out, "<th role=\"columnheader\" scope=\"col\">{}</th>", escape(column));
    }
    *out += "</tr></thead><tbody role=\"rowgroup\">\n";
    for row in rows {
        *out += "<tr role=\"row\">";
        for (place, (column, cell)) in columns.iter().zip(row).enumerate() {
            let is_name = *column == "Function";
            let (column, cell) = (escape(column), escape(cell));
            let _ = if place == 0 {
                write!(out, "<th role=\"rowheader\" scope=\"row\">{cell}</th>")
            } else {
                let name = if is_name { " class=\"name\"" } else { "" };
                write!(out, "<td{name} role=\"cell\" data-name=\"{column}\">{cell}</td>")
            };
        }
        *out += "</tr>\n";
    }
    *out += "</tbody></table>";
}

fn section(out: &mut String, id: &str, title: &str, body: impl FnOnce(&mut String)) {
    let _ = write!(out, "<section aria-labelledby=\"{id}\"><h2 id=\"{id}\">{title}</h2>");
    body(out);
    *out += "</section>\n";
}

fn budgets(out: &mut String, replay: &Replay) {
    section(out, "budgets", "Budgets", |out| {
        let rows: Vec<[String; 6]> = replay
            .findings
            .overruns
            .iter()
            .map(|overrun| {
                let amount = |usd| phrase::amount(usd, overrun.unit);
                let used = match overrun.bound {
                    None if !replay.armed => "disarmed".to_owned(),
                    None => "only alerts".to_owned(),
                    Some(bound) if overrun.with > bound => "BROKEN".to_owned(),
                    Some(bound) if bound > Usd::ZERO => {
                        let share = overrun.with.per_mille_of(bound);
                        format!("{}.{} %", share / 10, share % 10)
                    }
                    Some(_) => "0.0 %".to_owned(),
                };
                [
                    overrun.budget.to_string(),
                    amount(overrun.amount),
                    amount(overrun.without),
                    amount(overrun.with),
                    overrun.bound.map_or_else(|| "none".to_owned(), amount),
                    used,
                ]
            })
            .collect();
        if rows.is_empty() {
            *out += "<p>The policy has no budget.</p>";
            return;
        }
        let columns = [
            "Budget",
            "Amount",
            "Past the line, without",
            "Past the line, with",
            "Published bound",
            "Bound used",
        ];
        table(out, "Spent past the line in the worst period of each budget.", columns, &rows);
    });
}

fn traffic(out: &mut String, replay: &Replay) {
    section(out, "traffic", "Traffic", |out| {
        let mut all: Vec<&TrafficTally> = replay.with.traffic.iter().collect();
        // A stable sort: of equals, the scenario's order stays.
        all.sort_by_key(|one| (one.kind == Kind::Legitimate, std::cmp::Reverse(one.tally.offered)));
        let (shown, left) = all.split_at(if all.len() > TRAFFIC + 1 { TRAFFIC } else { all.len() });
        let mut rows: Vec<[String; 12]> =
            shown.iter().map(|one| events(&one.traffic, &one.function, one.kind, &one.tally)).collect();
        for kind in [Kind::Attack, Kind::Legitimate] {
            let of_kind: Vec<_> = left.iter().filter(|one| one.kind == kind).collect();
            if !of_kind.is_empty() {
                let sum = of_kind.iter().fold(Tally::default(), |sum, one| sum.plus(one.tally));
                rows.push(events(&format!("{} more", of_kind.len()), "", kind, &sum));
            }
        }
        let columns = [
            "Traffic",
            "Function",
            "Kind",
            "Sent",
            "Served",
            "Late",
            "Refused",
            "Failed",
            "Dead letter",
            "Lost",
            "Waiting",
            "Attempts per event",
        ];
        table(out, "Events of the run with the guard.", columns, &rows);
    });
}

fn events(name: &str, function: &str, kind: Kind, tally: &Tally) -> [String; 12] {
    let kind = match kind {
        Kind::Legitimate => "legitimate",
        Kind::Attack => "attack",
    };
    [
        name.to_owned(),
        if function.is_empty() { "–".to_owned() } else { function.to_owned() },
        kind.to_owned(),
        grouped(tally.offered),
        grouped(tally.served),
        grouped(tally.delayed),
        grouped(tally.refused),
        grouped(tally.failed),
        grouped(tally.dead_lettered),
        grouped(tally.lost),
        grouped(tally.pending()),
        ratio(tally.attempts_per_mille()),
    ]
}

fn functions(out: &mut String, replay: &Replay) {
    section(out, "functions", "Functions", |out| {
        let all = &replay.without.functions;
        let (shown, left) = all.split_at(if all.len() > FUNCTIONS + 1 { FUNCTIONS } else { all.len() });
        let mut rows: Vec<[String; 6]> =
            shown.iter().map(|one| bills(&one.function, &[one], replay)).collect();
        if !left.is_empty() {
            let left: Vec<&FunctionBill> = left.iter().collect();
            rows.push(bills(&format!("{} more", left.len()), &left, replay));
        }
        let columns = [
            "Function",
            "Cost, without",
            "Cost, with",
            "Cost, perfect",
            "Requests, without",
            "Requests, with",
        ];
        table(out, "The dearest functions of the run without a guard.", columns, &rows);
    });
}

/// Some functions in all three runs.
fn bills(name: &str, functions: &[&FunctionBill], replay: &Replay) -> [String; 6] {
    let of = |run: &Run| {
        let mine = run.functions.iter().filter(|one| functions.iter().any(|it| it.function == one.function));
        mine.fold((Usd::ZERO, 0), |(cost, requests), one| (cost + one.cost, requests + one.requests))
    };
    let money = |usd: Usd| phrase::amount(usd, Unit::Usd);
    let number = |count: i128| grouped(u64::try_from(count).unwrap_or(0));
    let (without, with, perfect) = (of(&replay.without), of(&replay.with), of(&replay.perfect));
    [name.to_owned(), money(without.0), money(with.0), money(perfect.0), number(without.1), number(with.1)]
}

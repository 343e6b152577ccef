//! The first screen: money, minutes, people served, and a picture of the incident.

use std::io::{self, Write};

use guard_core::money::{Unit, Usd};

use super::Page;
use crate::number::as_f64;
use crate::replay::{Findings, Overrun, Replay, gone};
use crate::report::customers::customers;
use crate::report::layout::{Palette, Tone, bar, count, grouped};
use crate::report::phrase;
use crate::report::spark::sparkline;
use crate::run::{Fate, Row};
use crate::world::Tally;

/// Columns of a label.
const LABEL: usize = 14;
/// Columns after a sparkline, for its peak.
const PEAK: usize = 24;

impl<W: Write> Page<W> {
    pub(super) fn first_screen(&mut self, replay: &Replay) -> io::Result<()> {
        let mark = format!("{} · seed {}", replay.name, replay.seed);
        let gap = self.width.saturating_sub(replay.title.chars().count() + mark.chars().count()).max(2);
        let title = self.palette.paint(Tone::Strong, &replay.title);
        writeln!(self.out, "{title}{}{}", " ".repeat(gap), self.palette.paint(Tone::Faint, &mark))?;
        self.paragraph("  ", Tone::Faint, &replay.story)?;
        writeln!(self.out)?;
        self.bills(replay)?;
        writeln!(self.out)?;
        for (label, tone, text) in facts(replay) {
            self.fact(label, tone, &text)?;
        }
        writeln!(self.out)?;
        self.charts(replay)
    }

    /// The three bills as bars, relative to the highest.
    fn bills(&mut self, replay: &Replay) -> io::Result<()> {
        let found = &replay.findings;
        let most = found.usd_without.max(found.usd_with).max(found.usd_perfect);
        let cells = self.width - 32;
        let with = if replay.armed { "with the guard" } else { "guard, disarmed" };
        for (label, usd, tone) in [
            ("without a guard", found.usd_without, Tone::Alarm),
            (with, found.usd_with, Tone::Warning),
            ("perfect guard", found.usd_perfect, Tone::Good),
        ] {
            let drawn = bar(usd.per_mille_of(most), cells);
            let amount = phrase::amount(usd, Unit::Usd);
            writeln!(self.out, "  {label:<15} {amount:>12} {}", self.palette.paint(tone, &drawn))?;
        }
        Ok(())
    }

    fn fact(&mut self, label: &str, tone: Tone, text: &str) -> io::Result<()> {
        let first = format!("  {label:<LABEL$}");
        for line in super::wrapped_to(self.width, &first, text) {
            let (head, tail) =
                line.split_at(line.char_indices().nth(LABEL + 2).map_or(line.len(), |(at, _)| at));
            writeln!(
                self.out,
                "{}{}",
                self.palette.paint(Tone::Faint, head),
                self.palette.paint(tone, tail)
            )?;
        }
        Ok(())
    }

    /// Burn, environments and refusals over time.
    fn charts(&mut self, replay: &Replay) -> io::Result<()> {
        let cells = (self.width - LABEL - 2 - PEAK).min(replay.with.rows.len());
        let (with, without) = (burn(&replay.with.rows), burn(&replay.without.rows));
        let top = without.iter().chain(&with).copied().fold(0.0, f64::max);
        let peak =
            |values: &[f64]| format!("peak {} an hour", phrase::amount(dollars(max(values)), Unit::Usd));
        self.chart("$/h, without", &without, top, cells, &peak(&without))?;
        self.chart("$/h, with", &with, top, cells, &peak(&with))?;
        let of = |rows: &[Row], read: fn(&Row) -> u64| {
            rows.iter().map(|row| as_f64(read(row))).collect::<Vec<_>>()
        };
        // Where nobody attacks, no function stands out.
        let is_one = replay.attack.is_some() || replay.with.rows.iter().any(|row| row.cap.is_some());
        let busy = of(
            &replay.with.rows,
            if is_one { |row| u64::from(row.busy_spotlight) } else { |row| u64::from(row.busy) },
        );
        self.chart("busy, with", &busy, max(&busy), cells, &format!("peak {:.0} at once", max(&busy)))?;
        if replay.with.rows.iter().any(|row| row.cap.is_some()) {
            let cap = of(&replay.with.rows, |row| u64::from(row.cap.is_some()));
            let lowest = replay.with.rows.iter().filter_map(|row| row.cap).min().unwrap_or(0);
            self.chart("capped", &cap, 1.0, cells, &format!("lowest cap {lowest}"))?;
        }
        let rows = &replay.with.rows;
        self.fates("attack ", &rows.iter().map(|row| row.attack).collect::<Vec<_>>(), cells)?;
        self.fates("", &rows.iter().map(|row| row.legitimate).collect::<Vec<_>>(), cells)?;
        let clock = clock(replay, cells);
        self.line(Tone::Faint, &format!("  {:<LABEL$}{clock}", ""))
    }

    /// Events served and refused, on one scale.
    fn fates(&mut self, whose: &str, fates: &[Fate], cells: usize) -> io::Result<()> {
        let served: Vec<f64> = fates.iter().map(|fate| as_f64(fate.served)).collect();
        let refused: Vec<f64> = fates.iter().map(|fate| as_f64(fate.refused)).collect();
        let top = max(&served).max(max(&refused));
        let most = |read: fn(&Fate) -> u64| fates.iter().map(read).max().unwrap_or(0);
        for (what, values, most) in
            [("served", served, most(|fate| fate.served)), ("refused", refused, most(|fate| fate.refused))]
        {
            if most > 0 {
                self.chart(
                    &format!("{whose}{what}"),
                    &values,
                    top,
                    cells,
                    &format!("peak {} a minute", grouped(most)),
                )?;
            }
        }
        Ok(())
    }

    fn chart(&mut self, label: &str, values: &[f64], top: f64, cells: usize, peak: &str) -> io::Result<()> {
        let drawn = sparkline(values, cells, top);
        let label = self.palette.paint(Tone::Faint, &format!("  {label:<LABEL$}"));
        writeln!(self.out, "{label}{drawn} {}", Palette::paint(self.palette, Tone::Faint, peak))
    }
}

/// The statements of the replay, each with its label.
fn facts(replay: &Replay) -> Vec<(&'static str, Tone, String)> {
    let found = &replay.findings;
    let mut facts = Vec::new();
    let clock = |minute: u32| clock_at(replay, minute);
    match replay.attack {
        None => {
            let text = match found.caps {
                0 => "nobody attacks, and nothing was capped".to_owned(),
                caps => format!("nobody attacks, and yet {}", count(u64::from(caps), "cap")),
            };
            facts.push(("attack", if found.caps == 0 { Tone::Good } else { Tone::Alarm }, text));
        }
        Some((from, until)) => {
            facts.push(("attack", Tone::Normal, format!("{} to {}", clock(from), clock(until))));
            let after = |minutes: Option<u32>, since: u32, what: &str| match minutes {
                Some(minutes) => format!("{minutes} min after it {what} ({})", clock(since + minutes)),
                None => "never".to_owned(),
            };
            facts.push(("noticed", Tone::Normal, after(found.notice_min, from, "began")));
            facts.push(("capped", Tone::Normal, after(found.cap_min, from, "began")));
            let released = match (found.still_capped, found.cap_min) {
                (true, _) => "not before the replay ended".to_owned(),
                (false, None) => "nothing to release".to_owned(),
                (false, Some(_)) => after(found.release_min, until, "ended"),
            };
            facts.push(("released", Tone::Normal, released));
        }
    }
    for overrun in &found.overruns {
        let (tone, text) = line_of(overrun, replay.armed);
        facts.push(("over budget", tone, text));
    }
    let customers = customers(replay);
    facts.push(("customers", customers.tone, customers.clause));
    facts.extend(traffic(found));
    let times = |per_mille: u64| format!("{}.{:02}", per_mille / 1000, per_mille % 1000 / 10);
    let (before, after) = found.attempts_per_mille;
    facts.push((
        "attempts",
        Tone::Normal,
        format!("{} attempts per event with the guard, {} without", times(after), times(before)),
    ));
    let looked = format!(
        "{:.2} for {} h of watching; {} sent",
        found.usd_guard,
        replay.with.minutes.div_ceil(60),
        count(u64::from(found.alerts), "message")
    );
    facts.push(("guard's cost", Tone::Normal, looked));
    facts
}

/// How far a budget went past its line.
fn line_of(overrun: &Overrun, armed: bool) -> (Tone, String) {
    let amount = |usd: Usd| phrase::amount(usd, overrun.unit);
    let line = format!("{} of {}", overrun.budget, amount(overrun.amount));
    if overrun.without == Usd::ZERO && overrun.with == Usd::ZERO {
        return (Tone::Good, format!("{line}: never used up"));
    }
    let mut text =
        format!("{line}: {} with the guard, {} without", amount(overrun.with), amount(overrun.without));
    let mut tone = Tone::Normal;
    match overrun.bound {
        Some(bound) => {
            text += &format!("; published bound {}", amount(bound));
            if overrun.with > bound {
                tone = Tone::Alarm;
                text += " BROKEN";
            }
        }
        None if !armed => text += "; disarmed, so nothing bounds it",
        None => text += "; alerts only, so nothing bounds it",
    }
    (tone, text)
}

/// What became of legitimate events.
fn traffic(found: &Findings) -> Vec<(&'static str, Tone, String)> {
    let with = &found.legitimate_with;
    let mut told = vec![format!(
        "{} of {} events served ({} without a guard, {} with a perfect one)",
        percent(with),
        grouped(with.offered),
        percent(&found.legitimate_without),
        percent(&found.legitimate_perfect)
    )];
    for (count, what) in [
        (with.refused, "refused"),
        (with.failed, "failed"),
        (with.delayed, "more than a minute late"),
        (with.dead_lettered, "in dead-letter queues"),
        (with.lost, "lost"),
        (with.pending(), "still waiting"),
    ] {
        if count > 0 {
            told.push(format!("{} {what}", grouped(count)));
        }
    }
    let bystanders = match found.bystanders_lost {
        0 => "functions nobody attacked lost nothing to the guard".to_owned(),
        lost => format!("functions nobody attacked lost {} events to the guard", grouped(lost)),
    };
    let harmed = gone(with) > gone(&found.legitimate_without);
    vec![
        ("legitimate", if harmed { Tone::Warning } else { Tone::Good }, told.join(", ")),
        ("others", if found.bystanders_lost == 0 { Tone::Good } else { Tone::Alarm }, bystanders),
    ]
}

/// Served events as a percentage, rounded down: 100 means all.
pub(in crate::report) fn percent(tally: &Tally) -> String {
    match tally.offered {
        0 => "none".to_owned(),
        offered => {
            let hundredths = u128::from(tally.served) * 10_000 / u128::from(offered);
            format!("{}.{:02} %", hundredths / 100, hundredths % 100)
        }
    }
}

/// Dollars an hour, minute by minute.
pub(in crate::report) fn burn(rows: &[Row]) -> Vec<f64> {
    let mut before = Usd::ZERO;
    let mut burn = Vec::with_capacity(rows.len());
    for row in rows {
        burn.push((row.spent - before).to_f64() * 60.0);
        before = row.spent;
    }
    burn
}

fn max(values: &[f64]) -> f64 {
    values.iter().copied().fold(0.0, f64::max)
}

pub(in crate::report) fn dollars(value: f64) -> Usd {
    format!("{value:.6}").parse().unwrap_or(Usd::ZERO)
}

/// A minute of the replay as a time of day, with the date where the replay has more than one.
pub(in crate::report) fn clock_at(replay: &Replay, minute: u32) -> String {
    let at = replay.start + chrono::TimeDelta::minutes(i64::from(minute));
    let last = replay.start + chrono::TimeDelta::minutes(i64::from(replay.with.minutes));
    let format = if replay.start.date_naive() == last.date_naive() { "%H:%M" } else { "%d %b %H:%M" };
    at.format(format).to_string()
}

/// Times of day under a chart.
fn clock(replay: &Replay, cells: usize) -> String {
    let minutes = replay.with.rows.len();
    let mut text = String::new();
    let step = 18;
    for cell in (0..cells).step_by(step) {
        let minute = u32::try_from(cell * minutes / cells.max(1)).unwrap_or(0);
        let label = clock_at(replay, minute);
        text += &format!("{label:<step$}");
    }
    text.trim_end().to_owned()
}

//! The charts of a page and their content.

use guard_core::money::{Unit, Usd};
use guard_core::plan::{BudgetRecord, NoticeKind};

use super::chart::{Axis, Chart, Series};
use super::figures::ratio;
use crate::number::as_f64;
use crate::replay::Replay;
use crate::report::layout::grouped;
use crate::report::phrase;
use crate::report::replay::screen::{burn, clock_at, dollars};
use crate::run::{Fate, Row, Run, Watched};
use crate::scenario::Kind;

/// What all charts of a page share.
struct Frame<'a> {
    replay: &'a Replay,
    axis: Axis,
    capped: Vec<(u32, u32)>,
}

/// Appends all charts.
pub(super) fn all(out: &mut String, replay: &Replay) {
    let axis = Axis { start: replay.start, minutes: replay.with.minutes };
    let capped = merged(&capped(replay), axis.minutes / 300);
    let frame = Frame { replay, axis, capped };
    *out += "<section aria-labelledby=\"time\"><h2 id=\"time\">Over time</h2>\
             <p class=\"faint\">Times are UTC.</p><div class=\"charts\">\n";
    frame.spend(out);
    frame.customers(out);
    frame.legitimate(out);
    frame.projection(out);
    frame.burn(out);
    frame.concurrency(out);
    frame.attack(out);
    frame.attempts(out);
    *out += "</div></section>\n";
}

impl<'a> Frame<'a> {
    /// A chart of lines; a line of which nothing is known or that is zero throughout is left out.
    fn chart<'t>(
        &'t self,
        id: impl Into<String>,
        title: &'t str,
        caption: String,
        mut series: Vec<Series>,
    ) -> Chart<'t> {
        let is_flat = |one: &Series| one.values.iter().flatten().all(|value| *value == 0.0);
        if !series.iter().all(is_flat) {
            series.retain(|one| !is_flat(one));
        }
        let top = series.iter().flat_map(|one| one.values.iter().flatten()).copied().fold(0.0, f64::max);
        Chart {
            id: id.into(),
            title,
            caption,
            axis: self.axis,
            series,
            band: Vec::new(),
            level: None,
            beyond: None,
            logarithmic: false,
            top,
            attack: self.replay.attack,
            capped: &self.capped,
            words: short,
        }
    }

    /// The spending since the start.
    fn spend(&self, out: &mut String) {
        let replay = self.replay;
        let line = |label, class, run: &Run| Series {
            origin: Some(0.0),
            ..series(label, class, run, |row| Some(row.spent.to_f64()))
        };
        let lines = vec![
            line("perfect guard", "perfect", &replay.perfect),
            line("without guard", "without", &replay.without),
            line("with guard", "with", &replay.with),
        ];
        let found = &replay.findings;
        let [without, with, perfect] =
            [found.usd_without, found.usd_with, found.usd_perfect].map(|usd| phrase::amount(usd, Unit::Usd));
        let caption =
            format!("At the end: {without} without a guard, {with} with it, {perfect} with a perfect one.");
        let mut chart = self.chart("spend", "Spent since the start", caption, lines);
        chart.words = money;
        if let Some(amount) = self.budget_of_all() {
            let words = format!("budget {}", phrase::amount(amount, Unit::Usd));
            if amount.to_f64() <= chart.top * 3.0 {
                chart.top = chart.top.max(amount.to_f64());
                chart.level = Some((amount.to_f64(), words));
            } else {
                chart.caption += &format!(" The {words} is far above the drawing.");
            }
        }
        chart.draw(out);
    }

    /// The first budget's amount, where a line of it means something in a chart of all money since the start: dollars,
    /// a single period, and nearly all of the bill.
    fn budget_of_all(&self) -> Option<Usd> {
        let run = &self.replay.without;
        let first = run.periods.first().filter(|period| period.unit == Unit::Usd)?;
        let is_single = run.periods.iter().filter(|period| period.budget == first.budget).count() == 1;
        let covers_all = first.spent.per_mille_of(run.bill.all) >= 990;
        (is_single && covers_all).then_some(first.amount)
    }

    /// Where the guard saw the first budget going.
    fn projection(&self, out: &mut String) {
        let Some(record) = self.first_record() else { return };
        let rows = &self.replay.with.rows;
        let unit = record.unit;
        let seen = rows.iter().filter_map(|row| row.seen).max().unwrap_or(Usd::ZERO).to_f64();
        let amount_f64 = record.amount.to_f64();
        // An extrapolated flood can be a thousand budgets: what is near the budget must stay readable.
        let edge = (amount_f64.max(seen) * 1.6).max(f64::MIN_POSITIVE);
        let expected: Vec<Option<f64>> =
            rows.iter().map(|row| row.projected.map(|range| range.expected.to_f64())).collect();
        let lines = vec![
            series("seen spent", "seen", &self.replay.with, |row| row.seen.map(Usd::to_f64)),
            Series { label: "at this rate", class: "with", values: within(&expected, edge), origin: None },
        ];
        let amount = phrase::amount(record.amount, unit);
        let most = rows.iter().filter_map(|row| row.projected).map(|range| range.expected).max();
        let most = phrase::amount(most.unwrap_or(Usd::ZERO), unit);
        let caption = format!(
            "Budget {} of {amount}: where the guard expects it to end its period, {most} at most.",
            record.budget
        );
        let mut chart = self.chart("projection", "Where the budget was going", caption, lines);
        let range = |row: &Row| row.projected.map(|range| (range.low.to_f64(), range.high.to_f64()));
        chart.band = rows.iter().map(|row| range(row).filter(|(_, high)| *high <= edge)).collect();
        let highest = chart.band.iter().flatten().map(|(_, high)| *high).fold(chart.top, f64::max);
        let peak =
            expected.iter().enumerate().max_by(|a, b| a.1.unwrap_or(0.0).total_cmp(&b.1.unwrap_or(0.0)));
        if let Some((minute, _)) = peak.filter(|(_, value)| value.is_some_and(|value| value > edge)) {
            let minute = u32::try_from(minute + 1).unwrap_or(u32::MAX);
            chart.beyond = Some((minute, format!("▲ up to {most} at {}", clock_at(self.replay, minute))));
            chart.caption += " What is far beyond leaves the drawing.";
        }
        chart.top = highest.max(amount_f64).min(edge);
        chart.level = Some((amount_f64, format!("budget {amount}")));
        chart.words = match unit {
            Unit::Usd => money,
            Unit::Cny => yuan,
            Unit::Invocations => short,
        };
        chart.draw(out);
    }

    fn first_record(&self) -> Option<&'a BudgetRecord> {
        self.replay.with.ticks.iter().find_map(|tick| tick.plan.budgets.first())
    }

    fn burn(&self, out: &mut String) {
        let replay = self.replay;
        let line = |label, class, run: &Run| Series {
            label,
            class,
            values: burn(&run.rows).into_iter().map(Some).collect(),
            origin: None,
        };
        let lines = vec![
            line("perfect guard", "perfect", &replay.perfect),
            line("without guard", "without", &replay.without),
            line("with guard", "with", &replay.with),
        ];
        let peak = |run: &Run| {
            let most = burn(&run.rows).into_iter().fold(0.0, f64::max);
            phrase::amount(dollars(most), Unit::Usd)
        };
        let caption = format!(
            "Dollars an hour, minute by minute. Peaks: {} without a guard, {} with it, {} with a perfect one.",
            peak(&replay.without),
            peak(&replay.with),
            peak(&replay.perfect)
        );
        let mut chart = self.chart("burn", "Spending rate", caption, lines);
        chart.words = money;
        chart.draw(out);
    }

    fn concurrency(&self, out: &mut String) {
        let replay = self.replay;
        // Where nobody attacks, no function stands out: the whole account is drawn.
        let is_one = self.is_one();
        let read = move |row: &Row| if is_one { row.busy_spotlight } else { row.busy };
        let busy = move |row: &Row| Some(f64::from(read(row)));
        let lowest = replay.with.rows.iter().filter_map(|row| row.cap).min();
        let mut lines = vec![
            series("busy, without", "without", &replay.without, busy),
            series("busy, with", "with", &replay.with, busy),
        ];
        if lowest.is_some() {
            lines.push(series("cap", "cap", &replay.with, |row| row.cap.map(f64::from)));
        }
        let attacked = replay.with.traffic.iter().find(|one| one.kind == Kind::Attack);
        let title = match attacked.or(replay.with.traffic.first()).filter(|_| is_one) {
            Some(traffic) => format!("Concurrency of {}", traffic.function),
            None => "Concurrency of all functions".to_owned(),
        };
        let peak = |run: &Run| run.rows.iter().map(read).max().unwrap_or(0);
        let mut caption = format!(
            "Environments busy at once. Peaks: {} without a guard, {} with it.",
            grouped(u64::from(peak(&replay.without))),
            grouped(u64::from(peak(&replay.with)))
        );
        caption += &match lowest {
            Some(lowest) => format!(" Lowest cap: {}.", grouped(u64::from(lowest))),
            None => " No cap was set.".to_owned(),
        };
        let mut chart = self.chart("concurrency", &title, caption, lines);
        // A reservation far above the traffic must not flatten it.
        let busiest = f64::from(peak(&replay.without).max(peak(&replay.with)));
        chart.top = chart.top.min((busiest * 2.0).max(f64::from(lowest.unwrap_or(0))));
        if lowest.is_some_and(|lowest| f64::from(lowest) < chart.top / 10.0) {
            chart.logarithmic = true;
            chart.caption += " Each step of the scale is ten times the one below.";
        }
        chart.draw(out);
    }

    /// The customers of each function that is attacked, or of the first one: served, refused, and waiting.
    fn customers(&self, out: &mut String) {
        let replay = self.replay;
        // On a day without an attack or a cap no function stands out among many.
        if !self.is_one() && self.drawn() < replay.findings.legitimate_with.offered {
            return;
        }
        for (place, with) in replay.with.watched.iter().enumerate() {
            let Some(without) = replay.without.watched.get(place) else { continue };
            let of = |label, class, watched: &Watched, read: fn(&Fate) -> u64| Series {
                label,
                class,
                values: watched.fates.iter().map(|fate| Some(as_f64(read(fate)))).collect(),
                origin: None,
            };
            let sum = |read: fn(&Fate) -> u64| with.fates.iter().map(read).sum::<u64>();
            let caption = format!(
                "Legitimate events a minute. {} of {} served with the guard; {} refused, failed, given up or lost.",
                grouped(sum(|fate| fate.served)),
                grouped(sum(|fate| fate.offered)),
                grouped(sum(|fate| fate.refused))
            );
            let mut lines = vec![
                of("served, without", "without", without, |fate| fate.served),
                of("served, with", "with", with, |fate| fate.served),
            ];
            if sum(|fate| fate.refused) > 0 {
                lines.push(of("refused, with", "refused", with, |fate| fate.refused));
            }
            let title = format!("Customers of {}", with.function);
            self.chart(format!("customers-{place}"), &title, caption, lines).draw(out);
            let most = |watched: &Watched| watched.fates.iter().map(|fate| fate.waiting).max().unwrap_or(0);
            // A minute's worth under way is no queue.
            let busiest = with.fates.iter().map(|fate| fate.offered).max().unwrap_or(0);
            if most(with).max(most(without)) > busiest {
                let last = |watched: &Watched| grouped(watched.fates.last().map_or(0, |fate| fate.waiting));
                let caption = format!(
                    "Legitimate events that are sent and not served yet. At the end {} with the guard, {} without.",
                    last(with),
                    last(without)
                );
                let lines = vec![
                    of("waiting, without", "without", without, |fate| fate.waiting),
                    of("waiting, with", "with", with, |fate| fate.waiting),
                ];
                let title = format!("Waiting for {}", with.function);
                self.chart(format!("waiting-{place}"), &title, caption, lines).draw(out);
            }
        }
    }

    /// Events of the functions that are drawn one by one.
    fn drawn(&self) -> u64 {
        self.replay.with.watched.iter().flat_map(|one| &one.fates).map(|fate| fate.offered).sum()
    }

    /// Whether one function stands out: it is attacked, or capped.
    fn is_one(&self) -> bool {
        self.replay.attack.is_some() || self.replay.with.rows.iter().any(|row| row.cap.is_some())
    }

    /// All legitimate traffic, where there is more than what is drawn by function.
    fn legitimate(&self, out: &mut String) {
        let replay = self.replay;
        let tally = &replay.findings.legitimate_with;
        if tally.offered <= self.drawn() {
            return;
        }
        let lines = vec![
            series("served, without", "without", &replay.without, |row| Some(as_f64(row.legitimate.served))),
            series("served, with", "with", &replay.with, |row| Some(as_f64(row.legitimate.served))),
            series("not served, with", "refused", &replay.with, |row| Some(as_f64(row.legitimate.refused))),
        ];
        let caption = format!(
            "Events a minute. {} of {} served with the guard; not served: refused, failed, given up or lost.",
            grouped(tally.served),
            grouped(tally.offered)
        );
        self.chart("legitimate", "Customers of all functions", caption, lines).draw(out);
    }

    fn attack(&self, out: &mut String) {
        let replay = self.replay;
        if replay.attack.is_none() {
            return;
        }
        let lines = vec![
            series("sent", "seen", &replay.with, |row| Some(as_f64(row.attack.offered))),
            series("served, without", "without", &replay.without, |row| Some(as_f64(row.attack.served))),
            series("served, with", "with", &replay.with, |row| Some(as_f64(row.attack.served))),
        ];
        let sum = |run: &Run, read: fn(&Row) -> u64| grouped(run.rows.iter().map(read).sum());
        let caption = format!(
            "Events a minute. Served: {} of {} with the guard, {} of {} without.",
            sum(&replay.with, |row| row.attack.served),
            sum(&replay.with, |row| row.attack.offered),
            sum(&replay.without, |row| row.attack.served),
            sum(&replay.without, |row| row.attack.offered)
        );
        self.chart("attack", "Attack traffic", caption, lines).draw(out);
    }

    fn attempts(&self, out: &mut String) {
        let replay = self.replay;
        let sum = |run: &Run| run.rows.iter().map(|row| row.repeated).sum::<u64>();
        let (with, without) = (sum(&replay.with), sum(&replay.without));
        if with + without == 0 {
            return;
        }
        let lines = vec![
            series("repeats, without", "without", &replay.without, |row| Some(as_f64(row.repeated))),
            series("attempts, with", "with", &replay.with, |row| Some(as_f64(row.attempts))),
            series("repeats, with", "refused", &replay.with, |row| Some(as_f64(row.repeated))),
        ];
        let (per_event_without, per_event) = replay.findings.attempts_per_mille;
        let caption = format!(
            "Attempts that ran a minute, and repeats among them: {} with the guard, {} without. Attempts per event: {} \
             with the guard, {} without.",
            grouped(with),
            grouped(without),
            ratio(per_event),
            ratio(per_event_without)
        );
        self.chart("attempts", "Attempts and repeats", caption, lines).draw(out);
    }
}

/// The values up to an edge: a line leaves the drawing there, and comes back.
fn within(values: &[Option<f64>], edge: f64) -> Vec<Option<f64>> {
    let is_in = |place: Option<usize>| {
        place.and_then(|place| values.get(place)).copied().flatten().is_some_and(|value| value <= edge)
    };
    let kept = values.iter().enumerate().map(|(place, value)| {
        let value = (*value)?;
        let is_next = is_in(place.checked_sub(1)) || is_in(Some(place + 1));
        (value <= edge || is_next).then_some(value.min(edge))
    });
    kept.collect()
}

fn series(label: &'static str, class: &'static str, run: &Run, read: impl Fn(&Row) -> Option<f64>) -> Series {
    Series { label, class, values: run.rows.iter().map(read).collect(), origin: None }
}

/// When something the guard changed is in force: the spotlight's cap differs from the run without a guard, or a
/// function was reported as capped and not yet as released.
pub(super) fn capped(replay: &Replay) -> Vec<(u32, u32)> {
    let mut held = std::collections::BTreeSet::new();
    let mut ticks = replay.with.ticks.iter().peekable();
    let mut stretches: Vec<(u32, u32)> = Vec::new();
    for (place, row) in replay.with.rows.iter().enumerate() {
        while let Some(tick) = ticks.next_if(|tick| tick.minute <= row.minute) {
            for notice in &tick.plan.notices {
                match notice.kind {
                    NoticeKind::Capped => drop(held.insert(&notice.function)),
                    NoticeKind::Released => drop(held.remove(&notice.function)),
                    _ => {}
                }
            }
        }
        let differs = replay.without.rows.get(place).is_some_and(|other| other.cap != row.cap);
        if held.is_empty() && !differs {
            continue;
        }
        match stretches.last_mut() {
            Some((_, until)) if *until == row.minute => *until += 1,
            _ => stretches.push((row.minute, row.minute + 1)),
        }
    }
    stretches
}

/// Stretches with gaps of at most so many minutes closed: a three-hundredth of a chart's width is invisible.
pub(super) fn merged(stretches: &[(u32, u32)], gap: u32) -> Vec<(u32, u32)> {
    let mut merged: Vec<(u32, u32)> = Vec::new();
    for (from, until) in stretches {
        match merged.last_mut() {
            Some((_, end)) if *from - *end <= gap => *end = *until,
            _ => merged.push((*from, *until)),
        }
    }
    merged
}

/// A count in few columns: `950`, `2,000`, `20k`, `1.5M`.
pub(super) fn short(value: f64, decimals: usize) -> String {
    let cut = |value: f64, unit: &str| {
        let text = format!("{value:.1}");
        format!("{}{unit}", text.strip_suffix(".0").unwrap_or(&text))
    };
    match value {
        value if value >= 1e9 => cut(value / 1e9, "G"),
        value if value >= 1e6 => cut(value / 1e6, "M"),
        value if value >= 1e4 => cut(value / 1e3, "k"),
        value if value >= 1e3 && decimals == 0 => {
            let text = format!("{value:.0}");
            let (thousands, rest) = text.split_at(text.len().saturating_sub(3));
            format!("{thousands},{rest}")
        }
        value => format!("{value:.decimals$}"),
    }
}

fn money(value: f64, decimals: usize) -> String {
    // Halves of a dollar are read as fifty cents.
    format!("${}", short(value, if decimals == 1 { 2 } else { decimals }))
}

fn yuan(value: f64, decimals: usize) -> String {
    money(value, decimals).replace('$', "¥")
}

//! The headline and the key figures: all of them from the findings.

use guard_core::money::{Unit, Usd};

use crate::replay::{Findings, Overrun, Replay};
use crate::report::customers::customers;
use crate::report::layout::{Tone, count, grouped};
use crate::report::phrase;
use crate::report::replay::screen::{clock_at, percent};
use crate::world::Tally;

/// One figure.
#[derive(Debug)]
pub(super) struct Figure {
    /// The name of the figure.
    pub label: &'static str,
    /// The number.
    pub value: String,
    /// What to compare it with.
    pub detail: String,
    /// How much it wants to be seen.
    pub tone: Tone,
}

/// The money of the replay in one sentence; what became of the customers follows.
pub(super) fn headline(replay: &Replay) -> String {
    let found = &replay.findings;
    let [without, with, perfect] = [found.usd_without, found.usd_with, found.usd_perfect].map(round);
    match (replay.attack, replay.armed, found.caps) {
        (None, _, 0) => {
            format!("Nobody attacks and nothing is capped: {with} with the guard, {without} without")
        }
        (None, true, caps) => {
            format!(
                "Nobody attacks, yet the guard caps {}: {with} with it, {without} without",
                times(u64::from(caps))
            )
        }
        (None, false, caps) => format!(
            "Nobody attacks, yet the guard would cap {}: {with} with it, {without} without",
            times(u64::from(caps))
        ),
        (Some(_), true, _) => {
            format!("{without} without a guard, {with} with it, {perfect} with a perfect one")
        }
        (Some(_), false, _) => format!(
            "{without} without a guard, {with} with it disarmed and only watching, {perfect} with a perfect one"
        ),
    }
}

/// The three figures that decide: what is saved, who pays for it, and what watching costs.
pub(super) fn heroes(replay: &Replay) -> [Figure; 3] {
    let [.., saved] = bills(replay);
    let customers = customers(replay);
    let [_, cost] = guard(replay);
    let refused = Figure {
        label: "Customers affected",
        value: customers.figure,
        detail: customers.meaning,
        tone: customers.tone,
    };
    [saved, refused, cost]
}

/// All other figures, the most important first.
pub(super) fn all(replay: &Replay) -> Vec<Figure> {
    let mut figures: Vec<Figure> = bills(replay).into_iter().take(3).collect();
    figures.extend(minutes(replay));
    figures.extend(overrun(replay));
    figures.extend(events(&replay.findings));
    figures.extend(guard(replay).into_iter().take(1));
    figures
}

/// Minutes in a month of 30 days.
const MINUTES_PER_MONTH: i128 = 43_200;

/// Pico-dollars in a cent.
const CENT: i128 = 10_000_000_000;

fn bills(replay: &Replay) -> [Figure; 4] {
    let found = &replay.findings;
    let figure = |label, usd, detail: &str| Figure {
        label,
        value: dollars(usd),
        detail: detail.to_owned(),
        tone: Tone::Normal,
    };
    let saved = found.usd_without - found.usd_with;
    // A cent of a hundred is no success, whichever way the dice fell.
    let tone = match found.saved_percent() {
        Some(percent) if percent >= 1.0 => Tone::Good,
        _ => Tone::Normal,
    };
    let share = match found.saved_percent() {
        Some(percent) => format!("{percent:.1} % of what a perfect guard saves"),
        None if saved == Usd::ZERO => "there was nothing to save".to_owned(),
        None => "the perfect guard saves nothing here".to_owned(),
    };
    let with = if replay.armed { "the guard armed" } else { "the guard disarmed: it changes nothing" };
    [
        figure("Bill without a guard", found.usd_without, "everything runs"),
        figure("Bill with the guard", found.usd_with, with),
        figure("Bill with a perfect guard", found.usd_perfect, "legitimate traffic alone"),
        // Bills are rounded up and savings down: if both read the same, nothing is saved.
        Figure {
            label: "Saved",
            value: dollars(Usd::from_picos(saved.picos() / CENT * CENT)),
            detail: share,
            tone,
        },
    ]
}

/// How soon it was noticed, capped and released.
fn minutes(replay: &Replay) -> Vec<Figure> {
    let found = &replay.findings;
    let Some((from, until)) = replay.attack else {
        let (tone, detail) = match found.caps {
            0 => (Tone::Good, "nobody attacks, as it should be"),
            _ => (Tone::Alarm, "nobody attacks: false alarms"),
        };
        let value = grouped(u64::from(found.caps));
        let mut figures = vec![Figure { label: caps_label(replay), value, detail: detail.to_owned(), tone }];
        figures.extend(first_warning(replay));
        return figures;
    };
    let after = |label, minutes: Option<u32>, since: u32, event: &str, never: &str| match minutes {
        Some(minutes) => Figure {
            label,
            value: span(minutes),
            detail: format!("after the attack {event}, at {}", clock_at(replay, since + minutes)),
            tone: Tone::Normal,
        },
        None => Figure {
            label,
            value: "never".to_owned(),
            detail: never.to_owned(),
            tone: if replay.armed { Tone::Warning } else { Tone::Normal },
        },
    };
    let released = match (found.still_capped, found.release_min) {
        (false, None) => Figure {
            label: "Released",
            value: "–".to_owned(),
            detail: "there was nothing to release".to_owned(),
            tone: Tone::Normal,
        },
        (held, minutes) => {
            after("Released", minutes.filter(|_| !held), until, "ended", "still capped when the replay ended")
        }
    };
    let never = if replay.armed { "nothing was changed" } else { "disarmed: nothing is changed" };
    vec![
        after("Noticed", found.notice_min, from, "began", "no alarm was sent"),
        after("Capped", found.cap_min, from, "began", never),
        released,
        Figure {
            label: caps_label(replay),
            value: grouped(u64::from(found.caps)),
            detail: format!("attack from {} to {}", clock_at(replay, from), clock_at(replay, until)),
            tone: Tone::Normal,
        },
    ]
}

/// When it warned first on a day without an attack, and when the budget was used up.
fn first_warning(replay: &Replay) -> Option<Figure> {
    let minute = replay.findings.notice_min?;
    let amount = replay.with.ticks.iter().find_map(|tick| tick.plan.budgets.first())?.amount;
    let used_up = replay.with.rows.iter().find(|row| row.seen.is_some_and(|seen| seen >= amount));
    let detail = match used_up {
        Some(row) => format!(
            "{} before the budget was used up, at {}",
            span(row.minute.saturating_sub(minute)),
            clock_at(replay, row.minute)
        ),
        None => "the budget was not used up".to_owned(),
    };
    Some(Figure { label: "First warning", value: clock_at(replay, minute), detail, tone: Tone::Normal })
}

const fn caps_label(replay: &Replay) -> &'static str {
    if replay.armed { "Caps set" } else { "Caps it would have set" }
}

/// The budget that came nearest to its bound; without bounds, the one that went farthest past its line.
fn overrun(replay: &Replay) -> Option<Figure> {
    let used = |overrun: &Overrun| {
        let bound = overrun.bound.filter(|bound| *bound > Usd::ZERO)?;
        Some(overrun.with.per_mille_of(bound))
    };
    let key = |overrun: &Overrun| (used(overrun), overrun.with.per_mille_of(overrun.amount));
    let worst = replay.findings.overruns.iter().reduce(|a, b| if key(b) > key(a) { b } else { a })?;
    let amount = |usd: Usd| phrase::amount(usd, worst.unit);
    let (tone, against) = match worst.bound {
        Some(bound) if worst.with > bound => {
            (Tone::Alarm, format!("published bound {}: BROKEN", amount(bound)))
        }
        Some(bound) => (Tone::Good, format!("published bound {}: kept", amount(bound))),
        None if !replay.armed => (Tone::Normal, "no bound while disarmed".to_owned()),
        None if worst.with > Usd::ZERO => (Tone::Warning, "no bound: this budget only alerts".to_owned()),
        None => (Tone::Normal, "no bound: this budget only alerts".to_owned()),
    };
    Some(Figure {
        label: "Spent over the budget",
        value: amount(worst.with),
        detail: format!(
            "{} of {}: {against}; {} without a guard",
            worst.budget,
            amount(worst.amount),
            amount(worst.without)
        ),
        tone,
    })
}

/// What became of legitimate events.
fn events(found: &Findings) -> Vec<Figure> {
    let (with, without, perfect) =
        (&found.legitimate_with, &found.legitimate_without, &found.legitimate_perfect);
    let compared = |read: fn(&Tally) -> u64| {
        format!("{} without a guard, {} with a perfect one", grouped(read(without)), grouped(read(perfect)))
    };
    let figure = |label, read: fn(&Tally) -> u64| Figure {
        label,
        value: grouped(read(with)),
        detail: compared(read),
        tone: fate_tone(read(with), read(without), read(perfect)),
    };
    let missed =
        |tally: &Tally| (tally.offered - tally.served.min(tally.offered)) * 1000 / tally.offered.max(1);
    let mut figures = vec![
        Figure {
            label: "Legitimate events served",
            value: percent(with),
            detail: format!(
                "{} of {}; {} without a guard, {} with a perfect one",
                grouped(with.served),
                grouped(with.offered),
                percent(without),
                percent(perfect)
            ),
            // One in five not served is heavy, whatever it saved.
            tone: match fate_tone(missed(with), missed(without), missed(perfect)) {
                Tone::Warning if missed(with) > 200 => Tone::Alarm,
                tone => tone,
            },
        },
        figure("Legitimate refused", |tally| tally.refused),
        figure("Legitimate late", |tally| tally.delayed),
        figure("Legitimate lost", |tally| tally.lost),
    ];
    for (label, read) in [
        ("Legitimate in dead-letter queues", (|tally| tally.dead_lettered) as fn(&Tally) -> u64),
        ("Legitimate failed", |tally| tally.failed),
        ("Legitimate still waiting", Tally::pending),
    ] {
        if read(with) + read(without) + read(perfect) > 0 {
            figures.push(figure(label, read));
        }
    }
    figures.push(Figure {
        label: "Other functions lost",
        value: grouped(found.bystanders_lost),
        detail: "events of functions nobody attacks, lost to the guard".to_owned(),
        tone: if found.bystanders_lost == 0 { Tone::Good } else { Tone::Alarm },
    });
    figures
}

/// An unwanted outcome, counted in three runs. A count no worse than without a guard is not yet good.
fn fate_tone(with: u64, without: u64, perfect: u64) -> Tone {
    match with {
        with if with > without => Tone::Warning,
        with if with <= perfect => Tone::Good,
        _ => Tone::Normal,
    }
}

/// Amplification, and the guard itself.
fn guard(replay: &Replay) -> [Figure; 2] {
    let found = &replay.findings;
    let (without, with) = found.attempts_per_mille;
    [
        Figure {
            label: "Attempts per event",
            value: ratio(with),
            detail: format!("{} without a guard", ratio(without)),
            tone: Tone::Normal,
        },
        Figure {
            label: "The guard's own cost",
            value: dollars(found.usd_guard),
            detail: format!(
                "{} of watching, {} a month at this pace; {} sent",
                span(replay.with.minutes),
                dollars(
                    found.usd_guard.mul_div_up(MINUTES_PER_MONTH, i128::from(replay.with.minutes.max(1)))
                ),
                count(u64::from(found.alerts), "message")
            ),
            tone: Tone::Normal,
        },
    ]
}

/// Minutes in words: `50 min`, `4 h 8 min`.
pub(super) fn span(minutes: u32) -> String {
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes} min"),
        (hours, 0) => format!("{} h", grouped(u64::from(hours))),
        (hours, minutes) => format!("{} h {minutes} min", grouped(u64::from(hours))),
    }
}

/// Per mille as a number with two decimals, cut off.
pub(super) fn ratio(per_mille: u64) -> String {
    format!("{}.{:02}", grouped(per_mille / 1000), per_mille % 1000 / 10)
}

fn times(count: u64) -> String {
    match count {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        count => format!("{} times", grouped(count)),
    }
}

fn dollars(usd: Usd) -> String {
    phrase::amount(usd, Unit::Usd)
}

/// From $100 up to the nearest dollar: a headline is read aloud.
fn round(usd: Usd) -> String {
    if usd < Usd::from_dollars(100) {
        return dollars(usd);
    }
    let one = Usd::from_dollars(1).picos();
    format!("${}", grouped(u64::try_from((usd.picos() + one / 2) / one).unwrap_or(u64::MAX)))
}

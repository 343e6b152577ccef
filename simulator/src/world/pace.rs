//! How many events a second a traffic sends, second by second.

use chrono::{DateTime, Datelike, Timelike, Utc, Weekday};

use super::dice::Dice;
use crate::scenario::Rate;

/// A rate being followed.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    rate: Rate,
    dice: Dice,
    /// The rate that holds until `until_s`, for laws that draw one.
    drawn_rps: f64,
    until_s: u32,
    is_busy: bool,
}

/// The fate of a traffic's own events so far, for laws that react to it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Feedback {
    /// Requests of the minute before.
    pub(super) asked: u64,
    /// How many of them were refused.
    pub(super) refused: u64,
}

impl Pace {
    /// At the beginning.
    pub(super) fn new(rate: &Rate, dice: Dice) -> Self {
        Pace { rate: rate.clone(), dice, drawn_rps: 0.0, until_s: 0, is_busy: true }
    }

    /// Whether events are evenly spaced instead of independent.
    pub(super) fn is_even(&self) -> bool {
        matches!(self.rate, Rate::Even { .. })
    }

    /// Events in one go at the beginning.
    pub(super) fn at_once(&self) -> u32 {
        if let Rate::Once { events } = self.rate { events } else { 0 }
    }

    /// Whether the rate never changes again.
    pub(super) fn is_steady(&self) -> bool {
        matches!(self.rate, Rate::Constant { .. } | Rate::Even { .. } | Rate::Chained {} | Rate::Once { .. })
    }

    /// Events per second in the second that begins `s` seconds after the traffic's own beginning, which is `at`.
    pub(super) fn rps(&mut self, s: u32, at: DateTime<Utc>, feedback: Feedback) -> f64 {
        let minutes = f64::from(s) / 60.0;
        match self.rate {
            Rate::Constant { rps } | Rate::Even { rps } => rps,
            Rate::Diurnal { rps, swing, peak_hour, weekend } => diurnal(rps, swing, peak_hour, weekend, at),
            Rate::Linear { from_rps, to_rps, over_min } => {
                from_rps + (to_rps - from_rps) * (minutes / over_min).min(1.0)
            }
            Rate::Exponential { from_rps, doubling_min, to_rps } => {
                (from_rps * libm::exp2(minutes / doubling_min)).min(to_rps)
            }
            Rate::Random { from_rps, to_rps, every_s } => {
                if s >= self.until_s {
                    self.drawn_rps = from_rps + (to_rps - from_rps) * self.dice.uniform();
                    self.until_s = s - s % every_s + every_s;
                }
                self.drawn_rps
            }
            Rate::Bursty { quiet_rps, busy_rps, quiet_s, busy_s } => {
                while s >= self.until_s {
                    self.is_busy = !self.is_busy;
                    let mean = if self.is_busy { busy_s } else { quiet_s };
                    self.until_s += seconds(mean * self.dice.exponential()).max(1);
                }
                if self.is_busy { busy_rps } else { quiet_rps }
            }
            Rate::Pulse { rps, on_min, off_min } => {
                let is_on = (s / 60) % (on_min + off_min) < on_min;
                if is_on { rps } else { 0.0 }
            }
            Rate::Adaptive { rps, quiet_min } => {
                if s.is_multiple_of(60) && s >= self.until_s && feedback.refused * 2 > feedback.asked {
                    self.until_s = s + quiet_min * 60;
                }
                if s < self.until_s { 0.0 } else { rps }
            }
            Rate::Chained {} | Rate::Once { .. } => 0.0,
        }
    }

    /// The mean rate of an hour long before the scenario: what history knows. Laws without a mean of their own have
    /// their long-run mean.
    pub(super) fn usual_rps(&self, at: DateTime<Utc>) -> f64 {
        match self.rate {
            Rate::Constant { rps } | Rate::Even { rps } => rps,
            Rate::Diurnal { rps, swing, peak_hour, weekend } => diurnal(rps, swing, peak_hour, weekend, at),
            Rate::Random { from_rps, to_rps, .. } => f64::midpoint(from_rps, to_rps),
            Rate::Bursty { quiet_rps, busy_rps, quiet_s, busy_s } => {
                (quiet_rps * quiet_s + busy_rps * busy_s) / (quiet_s + busy_s)
            }
            Rate::Pulse { rps, on_min, off_min } => rps * f64::from(on_min) / f64::from(on_min + off_min),
            Rate::Linear { from_rps, .. } | Rate::Exponential { from_rps, .. } => from_rps,
            Rate::Adaptive { rps, .. } => rps,
            Rate::Chained {} | Rate::Once { .. } => 0.0,
        }
    }

    /// The highest rate the law reaches in its ordinary course.
    pub(super) fn peak_rps(&self, at: DateTime<Utc>) -> f64 {
        match self.rate {
            Rate::Random { to_rps, .. } => to_rps,
            Rate::Bursty { quiet_rps, busy_rps, .. } => quiet_rps.max(busy_rps),
            Rate::Pulse { rps, .. } => rps,
            _ => self.usual_rps(at),
        }
    }
}

/// A day's wave around its mean.
fn diurnal(rps: f64, swing: f64, peak_hour: u32, weekend: f64, at: DateTime<Utc>) -> f64 {
    let seconds = f64::from(at.num_seconds_from_midnight()) - f64::from(peak_hour) * 3600.0;
    let wave = libm::cos(seconds / 86_400.0 * std::f64::consts::TAU);
    let factor = if matches!(at.weekday(), Weekday::Sat | Weekday::Sun) { weekend } else { 1.0 };
    rps * (1.0 + swing * wave) * factor
}

/// A count of seconds.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped before")]
fn seconds(value: f64) -> u32 {
    value.clamp(0.0, 4e9) as u32
}

//! How long invocations take.

use super::dice::Dice;
use crate::number::as_f64;
use crate::scenario::Duration;

/// A law of durations, compiled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Span {
    /// Always so many microseconds.
    Constant(u64),
    /// Exponential with this mean in microseconds.
    Exponential(f64),
    /// Logarithm of the median in microseconds, and the deviation of the logarithm.
    LogNormal(f64, f64),
    /// Until the time-out.
    Timeout,
}

/// Median of a function that says nothing of its duration, in milliseconds, and its deviation: our choice of an
/// ordinary API handler.
const ORDINARY: (f64, f64) = (100.0, 0.5);

impl Span {
    /// Compiles a law.
    pub(super) fn new(duration: &Duration) -> Self {
        if duration.until_timeout {
            Span::Timeout
        } else if let Some(milliseconds) = duration.constant_ms {
            Span::Constant(micros(milliseconds * 1000.0))
        } else if let Some(mean) = duration.mean_ms {
            Span::Exponential(mean * 1000.0)
        } else {
            let (median, sigma) =
                (duration.median_ms.unwrap_or(ORDINARY.0), duration.sigma.unwrap_or(ORDINARY.1));
            Span::LogNormal(libm::log(median * 1000.0), sigma)
        }
    }

    /// Draws a duration in microseconds, not yet cut at the time-out.
    #[inline]
    pub(super) fn draw(self, dice: &mut Dice) -> u64 {
        match self {
            Span::Constant(us) => us,
            Span::Exponential(mean) => micros(mean * dice.exponential()),
            Span::LogNormal(mu, sigma) => micros(libm::exp(mu + sigma * dice.normal())),
            Span::Timeout => u64::MAX,
        }
    }

    /// The mean in microseconds, with the time-out as the most.
    pub(super) fn mean_us(self, timeout_us: u64) -> u64 {
        let mean = match self {
            Span::Constant(us) => us,
            Span::Exponential(mean) => micros(mean),
            Span::LogNormal(mu, sigma) => micros(libm::exp(mu + sigma * sigma / 2.0)),
            Span::Timeout => timeout_us,
        };
        mean.min(timeout_us)
    }
}

/// A count of microseconds, at least one.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped before")]
pub(super) fn micros(value: f64) -> u64 {
    value.clamp(1.0, 1e15) as u64
}

/// Averages of laws, for figures that are known before anything runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MeanLaw(u64);

impl MeanLaw {
    /// The mean of a law of durations, which a time-out in microseconds cuts.
    pub fn of(duration: &Duration, timeout_us: u64) -> Self {
        MeanLaw(Span::new(duration).mean_us(timeout_us))
    }

    /// The mean in seconds.
    pub fn mean_s(self) -> f64 {
        as_f64(self.0) / 1e6
    }

    /// Events per second of a law at a time of history: on average, and at most.
    pub fn usual_rps(rate: &crate::scenario::Rate, at: chrono::DateTime<chrono::Utc>) -> (f64, f64) {
        let pace = super::pace::Pace::new(rate, Dice::new(0, super::Concern::Rates, 0));
        (pace.usual_rps(at), pace.peak_rps(at))
    }
}

//! Counts as numbers to calculate and draw with.

/// Counts up to 2⁵³ as floating point.
#[expect(clippy::cast_precision_loss, reason = "microseconds and counts of a month stay far below 2^53")]
pub(crate) fn as_f64(count: u64) -> f64 {
    count as f64
}

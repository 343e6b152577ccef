//! Minutes from one point of a series to the next: each series of a file may have a period of its own.

use std::collections::BTreeMap;

use super::{Hints, Series};
use crate::trace::TraceError;

/// Periods that the console offers, in minutes, the longest first ("View and create metric graphs", read 2026-11).
const USUAL_MIN: [i64; 6] = [1440, 360, 60, 15, 5, 1];

/// The longest period that is spread over minutes, in minutes: a day.
const LONGEST_MIN: i64 = 1440;

/// Finds the period of each series that is needed, and says which are longer than a minute.
///
/// Series of one function were asked for alike, so the greatest number that fits all their points is theirs. Where that
/// rests on two points only, it must be a usual one and fit their place in the day, on which CloudWatch aligns periods;
/// where there is one point, what fits the whole file.
pub(super) fn find(
    file: &str,
    series: &mut [Series],
    hints: Hints,
    remarks: &mut Vec<String>,
) -> Result<(), TraceError> {
    let mut fits: BTreeMap<Option<String>, i64> = BTreeMap::new();
    for one in series.iter().filter(|one| one.what.skipped().is_none()) {
        let known = fits.entry(one.what.function.clone()).or_default();
        *known = greatest_common_divisor(*known, step(one));
    }
    let whole = fits.values().copied().fold(0, greatest_common_divisor);
    let mut longer: BTreeMap<i64, Vec<String>> = BTreeMap::new();
    for one in series.iter_mut().filter(|one| one.what.skipped().is_none()) {
        let own = fits.get(&one.what.function).copied().filter(|own| *own > 0).unwrap_or(whole);
        one.period = match hints.period_min {
            Some(given) if own % given == 0 => given,
            Some(given) => {
                let problem =
                    format!("points are {own} minutes apart, which is no multiple of the {given} given");
                return Err(TraceError::of_file(file, problem));
            }
            None if own == 0 || own > LONGEST_MIN => 1,
            None => own,
        };
        if one.period > 1 {
            let names = longer.entry(one.period).or_default();
            let name = one.what.name();
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    let is_one = longer.len() == 1 && series.iter().all(|one| one.period > 1 || one.what.skipped().is_some());
    for (period, names) in longer {
        let given = if hints.period_min.is_some() { "as told" } else { "if not, say --period-min" };
        let of = if is_one { String::new() } else { format!(" of {}", names.join(", ")) };
        remarks.push(format!(
            "Periods of {period} minutes{of} ({given}): counts are spread evenly over their minutes."
        ));
    }
    Ok(())
}

/// The greatest number of minutes that fits the points of a series; 0 where they do not say.
fn step(series: &Series) -> i64 {
    let times: Vec<i64> = series.points.keys().copied().collect();
    let apart = times.iter().zip(times.iter().skip(1)).map(|(before, after)| after - before);
    let fits = apart.fold(0, greatest_common_divisor);
    match times.as_slice() {
        [first, _] => {
            let fits = greatest_common_divisor(fits, *first);
            USUAL_MIN.into_iter().find(|usual| fits % usual == 0).unwrap_or(1)
        }
        _ => fits,
    }
}

fn greatest_common_divisor(a: i64, b: i64) -> i64 {
    if b == 0 { a.abs() } else { greatest_common_divisor(b, a % b) }
}

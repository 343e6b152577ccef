//! Hints, and how few of them cost anything: whoever publishes to a topic of the guard, and however much, can make it
//! look at a few functions a minute.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use guard_core::name::FunctionName;

use super::Guard;
use crate::wake::Hint;

/// Functions that hints may name between two ticks; the first ones count. Our choice: their metrics cost a tenth of a
/// cent ([`guard_core::sampling::METRICS_PER_LOOK`] each).
const HINTED_MAX: usize = 20;

/// The least time between two ticks for hints, and between a tick and one for a hint after it. Our choice: metrics come
/// by the minute, and a scheduled tick soon looks at what was named.
const BETWEEN_HINTS: TimeDelta = TimeDelta::seconds(60);
const AFTER_A_TICK: TimeDelta = TimeDelta::seconds(30);

/// What was heard since this process began.
#[derive(Clone, Debug, Default)]
pub(super) struct Heard {
    /// Functions to look at in the next tick.
    names: BTreeSet<FunctionName>,
    hinted_at: Option<DateTime<Utc>>,
    ticked_at: Option<DateTime<Utc>>,
}

impl Heard {
    /// The functions that hints named since the last tick.
    pub(super) fn tick(&mut self, at: DateTime<Utc>) -> Vec<FunctionName> {
        self.ticked_at = Some(at);
        std::mem::take(&mut self.names).into_iter().collect()
    }

    pub(super) fn note(&mut self, hints: &[Hint]) {
        for name in hints.iter().flat_map(|hint| &hint.functions) {
            if self.names.len() >= HINTED_MAX {
                return;
            }
            self.names.insert(name.clone());
        }
    }

    fn is_due(&self, at: DateTime<Utc>) -> bool {
        let is_past = |since: Option<DateTime<Utc>>, pause| since.is_none_or(|since| at - since >= pause);
        is_past(self.hinted_at, BETWEEN_HINTS) && is_past(self.ticked_at, AFTER_A_TICK)
    }
}

impl Guard {
    /// Notes the functions that hints name, twenty of them at most: the next tick looks at them. Returns whether
    /// one is due for them now; a minute has room for one.
    pub fn heed(&mut self, hints: &[Hint], at: DateTime<Utc>) -> bool {
        self.heard.note(hints);
        let is_due = self.heard.is_due(at);
        if is_due {
            self.heard.hinted_at = Some(at);
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;
    use crate::wake::Source;

    fn at(second: i64) -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, 11, 2, 12, 0, 0).unwrap() + TimeDelta::seconds(second)
    }

    fn naming(functions: std::ops::Range<usize>) -> Hint {
        let functions = functions.map(|number| FunctionName::new(format!("f{number:04}"))).collect();
        Hint { source: Source::Alarm, functions, at: at(0), what: "an alarm".to_owned() }
    }

    #[test]
    fn hints_name_a_few_functions_however_many_they_list_and_however_many_they_are() {
        let mut heard = Heard::default();
        heard.note(&[naming(0..7), naming(5..3000)]);
        heard.note(&[naming(100..101)]);
        let names = heard.tick(at(0));
        assert_eq!(names.len(), HINTED_MAX);
        assert_eq!((names[0].as_str(), names[19].as_str()), ("f0000", "f0019"));
        assert_eq!(heard.tick(at(60)), Vec::new(), "they are looked at once");
    }

    #[test]
    fn a_minute_has_one_tick_for_hints_and_none_right_after_a_scheduled_one() {
        let mut heard = Heard::default();
        let mut ticks = 0;
        for second in 0..600 {
            if second % 60 == 0 {
                heard.tick(at(second));
            }
            if heard.is_due(at(second)) {
                heard.hinted_at = Some(at(second));
                heard.tick(at(second));
                ticks += 1;
            }
        }
        assert_eq!(ticks, 10);
    }
}

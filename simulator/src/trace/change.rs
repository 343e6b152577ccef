//! Changes to a recorded trace: more or less of it, at another time, under other names, joined with another.

use guard_core::time::Minute;
use wildmatch::WildMatch;

use super::table::MAX_VALUE;
use super::{Trace, TraceFunction};

/// A factor in thousandths: exact, so that the same factor makes the same trace everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Factor {
    /// 1,000 is once.
    pub thousandths: u64,
}

/// Functions that fit a pattern go by one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rename {
    /// A `*`/`?` pattern of identities.
    pub pattern: String,
    /// The new identity.
    pub name: String,
}

impl Trace {
    /// Multiplies the traffic. The fraction that a minute cannot hold is carried to the next, so the sum of a
    /// function is right to one invocation, however small its minutes are; a minute holds 10¹² at most.
    #[must_use]
    pub fn scaled(mut self, factor: Factor) -> Trace {
        for function in &mut self.functions {
            let mut carried = 0_u128;
            for count in function.invocations.iter_mut().flatten() {
                carried += u128::from(*count) * u128::from(factor.thousandths);
                *count = u64::try_from(carried / 1000).unwrap_or(MAX_VALUE).min(MAX_VALUE);
                carried %= 1000;
            }
        }
        self
    }

    /// Moves the trace in time: it begins at `first`.
    #[must_use]
    pub fn shifted(self, first: Minute) -> Trace {
        Trace { first, ..self }
    }

    /// Keeps the functions whose identity fits a `*`/`?` pattern; `None` where none does.
    #[must_use]
    pub fn only(mut self, pattern: &str) -> Option<Trace> {
        let pattern = WildMatch::new(pattern);
        self.functions.retain(|function| pattern.matches(&function.id));
        if self.functions.is_empty() { None } else { Some(self) }
    }

    /// Gives functions the name of the first rule that they fit; those that get the same name become one function,
    /// in the place of the first. A minute that one of them does not know, the whole does not know.
    #[must_use]
    pub fn mapped(mut self, rules: &[Rename]) -> Trace {
        let rules: Vec<(WildMatch, &str)> =
            rules.iter().map(|rule| (WildMatch::new(&rule.pattern), rule.name.as_str())).collect();
        let mut places = std::collections::BTreeMap::new();
        let mut kept: Vec<TraceFunction> = Vec::new();
        for mut function in self.functions {
            if let Some((_, name)) = rules.iter().find(|(pattern, _)| pattern.matches(&function.id)) {
                function.id = (*name).to_owned();
            }
            match places.get(&function.id).and_then(|place: &usize| kept.get_mut(*place)) {
                Some(first) => first.absorb(function, |a, b| Some(a?.saturating_add(b?).min(MAX_VALUE))),
                None => {
                    places.insert(function.id.clone(), kept.len());
                    kept.push(function);
                }
            }
        }
        self.functions = kept;
        self
    }

    /// Joins another recording: other functions, other minutes, or both. Minutes that neither knows stay unknown.
    ///
    /// # Errors
    /// The function and the minute for which the two say different numbers.
    pub fn joined(mut self, other: Trace) -> Result<Trace, (String, Minute)> {
        let first = self.first.min(other.first);
        let end = self.end().max(other.end());
        let minutes = usize::try_from(end.since(first)).unwrap_or(0);
        self.stretch(first, minutes);
        let mut other = other;
        other.stretch(first, minutes);
        for function in other.functions {
            let Some(mine) = self.functions.iter_mut().find(|mine| mine.id == function.id) else {
                self.functions.push(function);
                continue;
            };
            let differs = |(a, b): (&Option<u64>, &Option<u64>)| a.is_some() && b.is_some() && a != b;
            if let Some(at) = mine.invocations.iter().zip(&function.invocations).position(differs) {
                return Err((function.id, first.plus(i64::try_from(at).unwrap_or(i64::MAX))));
            }
            mine.absorb(function, Option::or);
        }
        for remark in other.remarks {
            if !self.remarks.contains(&remark) {
                self.remarks.push(remark);
            }
        }
        Ok(self)
    }

    /// The first minute after the last.
    pub fn end(&self) -> Minute {
        self.first.plus(i64::try_from(self.minutes).unwrap_or(i64::MAX))
    }

    /// Widens the trace to these minutes, which include its own; the added minutes are unknown.
    fn stretch(&mut self, first: Minute, minutes: usize) {
        let before = usize::try_from(self.first.since(first)).unwrap_or(0);
        for function in &mut self.functions {
            let mut wide = vec![None; before];
            wide.append(&mut function.invocations);
            wide.resize(minutes, None);
            function.invocations = wide;
        }
        self.first = first;
        self.minutes = minutes;
    }
}

impl TraceFunction {
    /// Takes another function into this one. The mean duration is that of all invocations together.
    fn absorb(&mut self, other: TraceFunction, of_minute: impl Fn(Option<u64>, Option<u64>) -> Option<u64>) {
        let (mine, theirs) = (u128::from(self.total()), u128::from(other.total()));
        let all = mine + theirs;
        if all > 0 {
            let spent = mine * u128::from(self.mean_us) + theirs * u128::from(other.mean_us);
            self.mean_us = u64::try_from(spent.div_ceil(all)).unwrap_or(u64::MAX);
        }
        self.longest_us = self.longest_us.max(other.longest_us);
        self.peak_memory_milli_mb = self.peak_memory_milli_mb.max(other.peak_memory_milli_mb);
        for (mine, theirs) in self.invocations.iter_mut().zip(other.invocations) {
            *mine = of_minute(*mine, theirs);
        }
    }
}

#[cfg(test)]
mod tests;

//! The history of values in force, and the cost that they can have allowed.

use serde::{Deserialize, Serialize};

use crate::money::Usd;

/// Values, each in force from its second on; the first also before it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct History<T>(Vec<(i64, T)>);

/// A value that can be summed up over time.
pub trait Rate: Copy + Ord {
    /// As a whole number: units, or pico-dollars a second.
    fn whole(self) -> i128;
}

impl Rate for u32 {
    fn whole(self) -> i128 {
        i128::from(self)
    }
}

impl Rate for Usd {
    fn whole(self) -> i128 {
        self.picos()
    }
}

impl<T: Rate> History<T> {
    /// A history without any value.
    pub const fn new() -> Self {
        History(Vec::new())
    }

    /// A value that has always been in force.
    pub fn of(value: T) -> Self {
        History(vec![(0, value)])
    }

    /// The value in force.
    pub fn last(&self) -> Option<T> {
        self.0.last().map(|(_, value)| *value)
    }

    /// Records a value that is set now.
    pub fn set(&mut self, at: i64, value: T) {
        if self.last() != Some(value) {
            self.0.retain(|(since, _)| *since < at);
            self.0.push((at, value));
        }
    }

    /// Records a value found, which may differ from the one set. A higher one may have been in force since the last
    /// look; a lower one is known only from now on.
    pub fn found(&mut self, last_look: i64, now: i64, value: T) {
        match self.last() {
            None => *self = History::of(value),
            Some(last) if value > last => {
                let newest = self.0.last().map_or(last_look, |(since, _)| *since);
                self.set(last_look.max(newest), value);
            }
            Some(_) => self.set(now, value),
        }
    }

    /// Forgets values that had ended by then.
    pub fn forget(&mut self, until: i64) {
        let ended = self.0.iter().skip(1).take_while(|(since, _)| *since <= until).count();
        self.0.drain(..ended);
    }
}

/// The integral, from one second to another, of the concurrency that may be running: at any second the highest value in
/// force within the last `hold_s`. `ahead` holds the coming values, ascending.
pub fn area<T: Rate>(
    history: &History<T>,
    ahead: &[(i64, T)],
    hold_s: i64,
    (from, until): (i64, i64),
) -> i128 {
    let cut = ahead.first().map_or(i64::MAX, |(since, _)| *since);
    let past = history.0.iter().filter(|(since, _)| *since < cut);
    let all: Vec<(i64, i128)> = past.chain(ahead).map(|(since, value)| (*since, value.whole())).collect();
    let ends = |index: usize| all.get(index + 1).map_or(i64::MAX, |(next, _)| next + hold_s);
    let begins = |index: usize, since: i64| if index == 0 { i64::MIN } else { since };
    let spans: Vec<(i64, i64, i128)> = (all.iter().enumerate())
        .map(|(index, (since, value))| (begins(index, *since), ends(index), *value))
        .filter(|(begin, end, value)| *begin < until && *end > from && *value > 0)
        .collect();
    let mut edges = vec![from, until];
    edges.extend(spans.iter().flat_map(|(begin, end, _)| [*begin, *end]));
    edges.retain(|edge| (from..=until).contains(edge));
    edges.sort_unstable();
    let seconds = edges.iter().zip(edges.iter().skip(1)).filter(|(begin, end)| begin < end);
    let most = |at: i64| {
        let standing = spans.iter().filter(|(begin, end, _)| *begin <= at && at < *end);
        standing.map(|(_, _, value)| *value).max().unwrap_or(0)
    };
    seconds.map(|(begin, end)| most(*begin) * i128::from(end - begin)).sum()
}

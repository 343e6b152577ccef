//! What a look posts to the books, summed up over all functions.

use std::collections::VecDeque;
use std::ops::Range;

use super::{Poster, Subject};
use crate::ledger::{BudgetLedger, Entry, FunctionLedger};
use crate::money::Usd;
use crate::observation::Point;
use crate::roster::Roster;
use crate::time::{Hour, Minute};

/// The functions' postings of a look by minute: thousands of functions post the same minutes to the same books.
pub(super) struct Batch {
    /// The points that all functions together replace, old and new.
    pub(super) points: VecDeque<(Minute, (Point, Point))>,
    /// By budget, in the roster's order.
    pub(super) entries: Vec<VecDeque<(Minute, Entry)>>,
    /// The same for the hours of a census: an hour is judged once all functions of the look are in it.
    pub(super) hours: Vec<VecDeque<(Hour, Entry)>>,
    /// By budget, the possible cost of starts.
    starts: Vec<Starting>,
}

/// The possible cost of starts of environments that all functions together add to a budget.
struct Starting {
    /// The minutes in which it counts: the budget's period, or none if it counts invocations.
    span: Range<Minute>,
    /// In minutes that change no more.
    settled: Usd,
    /// In later ones.
    open: Usd,
}

impl Batch {
    pub(super) fn new(roster: &Roster, books: &[BudgetLedger]) -> Self {
        let budgets = roster.rules.len();
        let starts = roster.rules.iter().zip(books).map(|(rule, book)| {
            let never = Minute::default()..Minute::default();
            let span = if rule.counts_invocations() { never } else { book.span() };
            Starting { span, settled: Usd::ZERO, open: Usd::ZERO }
        });
        Batch {
            points: VecDeque::new(),
            entries: vec![VecDeque::new(); budgets],
            hours: vec![VecDeque::new(); budgets],
            starts: starts.collect(),
        }
    }
}

impl Poster<'_> {
    /// Posts the sums.
    pub(super) fn file(&mut self) {
        for (minute, (from, to)) in &self.batch.points {
            self.attributed.add_minute(*minute, from, to);
        }
        let batches = self.batch.hours.iter().zip(&self.batch.entries);
        for (book, (hours, minutes)) in self.books.iter_mut().zip(batches) {
            for (hour, entry) in hours {
                book.post(*hour, entry);
            }
            for (minute, entry) in minutes {
                book.post(*minute, entry);
            }
        }
        let books = self.books.iter_mut().zip(&mut self.hidden);
        for ((book, hidden), starting) in books.zip(&self.batch.starts) {
            book.starts += starting.settled;
            hidden.starting += starting.open;
        }
    }

    /// Counts the possible cost of starts of environments: permanently in minutes that change no more, and
    /// provisionally in the latest ones.
    pub(super) fn starts(&mut self, ledger: &mut FunctionLedger, subject: &Subject<'_>) {
        let timeout_s = subject.function.timeout_s;
        let settled = self.known(ledger).plus(-i64::from(timeout_s.div_ceil(60)));
        let mut ahead = ledger.starts;
        let counted = ledger.minutes.iter().rev().take_while(|(minute, _)| !ahead.has_counted(*minute));
        let first = ledger.minutes.len() - counted.count();
        for (minute, posted) in ledger.minutes.range(first..) {
            let us = ahead.count(*minute, &posted.point, timeout_s);
            let booked = subject.member.unit.starts_at_most(&posted.point) + posted.starts;
            let cost = subject.member.per_busy_second.mul_div_up(us, 1_000_000) - booked;
            let is_settled = *minute <= settled;
            if is_settled {
                ledger.starts = ahead;
            }
            for place in &subject.member.budgets {
                if let Some(starting) = self.batch.starts.get_mut(*place)
                    && starting.span.contains(minute)
                {
                    *if is_settled { &mut starting.settled } else { &mut starting.open } += cost;
                }
            }
        }
    }
}

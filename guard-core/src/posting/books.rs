//! Opening the books: finding the book that a budget goes on with. A book is matched by its meaning, not by its
//! budget's name; if none matches, a new one is made from the known past hours.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};

use super::known;
use crate::budget::BudgetRule;
use crate::ledger::{BudgetLedger, Entry, KnownHour, Meaning, first_whole_hour};
use crate::money::Usd;
use crate::name::BudgetName;
use crate::observation::Observation;
use crate::roster::Roster;
use crate::state::{Shelved, State};
use crate::time::{Hour, Minute};

/// Hours of history that a new book takes over: as many as a profile keeps.
const HISTORY_H: i64 = 672;
/// Hours before its absence in which a returning book is compared with the functions' hours: a census may still have
/// corrected those.
const CORRECTED_H: i64 = 50;
/// Books of absent budgets that are kept: a policy has a handful, and each adds some 10 kB to every save.
const SHELF_MAX: usize = 8;
/// A book is kept for one period of its budget, and at least this many hours: until the people who changed the policy
/// are at work again.
const SHELF_MIN_H: i64 = 24;

/// A budget whose book differs from that of the last look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookChange {
    /// The budget.
    pub budget: BudgetName,
    /// What happened to its book.
    pub news: BookNews,
}

/// What happened to a budget's book.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum BookNews {
    /// It goes on with another name's book, which has the same meaning.
    Renamed {
        /// The other name.
        from: BudgetName,
    },
    /// It was absent and goes on with the book that was kept.
    Returned {
        /// The time of the look at which it was first missing.
        since: DateTime<Utc>,
    },
    /// It had a book with a different meaning; this one was made anew.
    Remade,
    /// It is new; its book was made from the known past.
    New,
    /// The policy no longer names it; its book is kept for a while.
    Gone {
        /// Until when its book is kept.
        kept_until: DateTime<Utc>,
    },
}

/// The books of a look.
pub(super) struct Opened {
    /// In the order of the roster's rules.
    pub(super) books: Vec<BudgetLedger>,
    /// Budgets whose period has ended since the last look.
    pub(super) rolled: Vec<usize>,
    /// Budgets with a different book than at the last look.
    pub(super) changes: Vec<BookChange>,
}

/// Takes the books out of the state in the order of the rules, opened for the period that contains the look.
pub(super) fn open(roster: &Roster, state: &mut State, seen: &Observation) -> Opened {
    // A guard without any memory learns the past from its first census.
    let is_fresh = state.budgets.is_empty() && state.shelf.is_empty() && state.functions.is_empty();
    let live = std::mem::take(&mut state.budgets);
    let mut cabinet = Cabinet { roster, at: seen.at, live, shelf: std::mem::take(&mut state.shelf) };
    let had: Vec<BudgetName> = cabinet.live.keys().cloned().collect();
    let mut books: Vec<Option<BudgetLedger>> =
        (0..roster.rules.len()).map(|place| cabinet.of_its_own(place)).collect();
    let mut changes = Vec::new();
    for place in 0..roster.rules.len() {
        let Some(rule) = roster.rules.get(place).filter(|_| books.get(place).is_some_and(Option::is_none))
        else {
            continue;
        };
        let (book, news) = if is_fresh {
            let (start, end) = rule.period_at(roster.timezone, seen.at);
            (BudgetLedger { meaning: Some(cabinet.meaning(rule)), ..BudgetLedger::new(start, end) }, None)
        } else {
            let (book, news) = cabinet.find(place, rule, &books, state, &had);
            (book, Some(news))
        };
        changes.extend(news.map(|news| BookChange { budget: rule.name.clone(), news }));
        if let Some(slot) = books.get_mut(place) {
            *slot = Some(book);
        }
    }
    cabinet.shelve(state, &mut changes);
    follow(roster, state, &changes);
    let mut rolled = Vec::new();
    let books = roster.rules.iter().zip(books).enumerate().filter_map(|(place, (rule, book))| {
        let mut book = book?;
        if seen.at >= book.period_end {
            let (start, end) = rule.period_at(roster.timezone, seen.at);
            book.roll(start, end);
            rolled.push(place);
        }
        Some(book)
    });
    let books = books.collect();
    Opened { books, rolled, changes }
}

/// A trip follows its budget when the budget is renamed.
fn follow(roster: &Roster, state: &mut State, changes: &[BookChange]) {
    for change in changes {
        let BookNews::Renamed { from } = &change.news else { continue };
        if roster.rules.iter().any(|rule| rule.name == *from) {
            continue;
        }
        for latch in state.latches.values_mut().filter(|latch| latch.budget.as_ref() == Some(from)) {
            latch.budget = Some(change.budget.clone());
        }
    }
}

/// After a round of the census: adds the spend of a book's period that was unknown until then.
pub(super) fn learn(roster: &Roster, state: &State, books: &mut [BudgetLedger], at: DateTime<Utc>) {
    let now = Minute::of(at);
    for (place, book) in books.iter_mut().enumerate().filter(|(_, book)| book.unknown_before().is_some()) {
        let first = first_whole_hour(book.period_start);
        let known = known::hours(roster, state, place, first, now);
        let from = known_from(book, first, &known, now.hour(), at);
        book.known_from = book.known_from.map(|known| known.min(from));
    }
}

/// The hour from which on every hour is known, back to `first` at most: from all functions' data, or from a book that
/// knew it and was posted in every hour before `posted`.
fn known_from(
    book: &BudgetLedger,
    first: Hour,
    known: &[KnownHour],
    posted: Hour,
    at: DateTime<Utc>,
) -> DateTime<Utc> {
    let vouched = |hour: Hour| {
        hour < posted
            && book.known_from.is_none_or(|from| from <= hour.start())
            && book.of_hour(hour).is_some()
    };
    let mut from = at;
    for (ahead, told) in known.iter().enumerate().rev() {
        let hour = first.plus(i64::try_from(ahead).unwrap_or(i64::MAX));
        if !told.is_whole && !vouched(hour) {
            break;
        }
        from = hour.start();
    }
    from.min(at)
}

/// The existing books while they are matched with budgets.
struct Cabinet<'a> {
    roster: &'a Roster,
    at: DateTime<Utc>,
    /// Books of the last look that no budget has taken yet.
    live: BTreeMap<BudgetName, BudgetLedger>,
    shelf: Vec<Shelved>,
}

impl Cabinet<'_> {
    fn meaning(&self, rule: &BudgetRule) -> Meaning {
        Meaning::of(rule, self.roster.timezone)
    }

    /// The last look's book under a budget's name, if its meaning is the same. A book from before books recorded their
    /// meaning is matched by its period.
    fn of_its_own(&mut self, place: usize) -> Option<BudgetLedger> {
        let rule = self.roster.rules.get(place)?;
        let meaning = self.meaning(rule);
        let book = self.live.get(&rule.name)?;
        let is_same = match &book.meaning {
            Some(known) => *known == meaning,
            None => {
                let period = rule.period_at(self.roster.timezone, book.period_start);
                period == (book.period_start, book.period_end)
            }
        };
        let book = if is_same { self.live.remove(&rule.name)? } else { return None };
        Some(BudgetLedger { meaning: Some(meaning), ..book })
    }

    /// A book for a budget that has none of its own.
    fn find(
        &mut self,
        place: usize,
        rule: &BudgetRule,
        books: &[Option<BudgetLedger>],
        state: &State,
        had: &[BudgetName],
    ) -> (BudgetLedger, BookNews) {
        let meaning = self.meaning(rule);
        let means = |book: &BudgetLedger| book.meaning.as_ref() == Some(&meaning);
        let renamed = self.live.iter().find(|(_, book)| means(book)).map(|(name, _)| name.clone());
        if let Some((from, book)) = renamed.and_then(|name| self.live.remove_entry(&name)) {
            return (book, BookNews::Renamed { from });
        }
        let open =
            || self.roster.rules.iter().zip(books).filter_map(|(rule, book)| Some((rule, book.as_ref()?)));
        if let Some((other, book)) = open().find(|(_, book)| means(book)) {
            return (book.clone(), BookNews::Renamed { from: other.name.clone() });
        }
        if let Some(at) = self.shelf.iter().rposition(|shelved| means(&shelved.book)) {
            return self.take_down(place, at, state);
        }
        let news = if had.contains(&rule.name) { BookNews::Remade } else { BookNews::New };
        let (start, end) = rule.period_at(self.roster.timezone, self.at);
        let now = Minute::of(self.at);
        let counts_the_same =
            |book: &&BudgetLedger| book.meaning.as_ref().is_some_and(|other| meaning.counts_the_same(other));
        let live = self.live.values().chain(open().map(|(_, book)| book)).find(counts_the_same);
        let shelved = || self.shelf.iter().rev().find(|shelved| counts_the_same(&&shelved.book));
        let donor = live.map(|book| (book, now.hour().plus(1))).or_else(|| {
            shelved().map(|shelved| (&shelved.book, shelved.posted_until.map_or(now.hour(), Minute::hour)))
        });
        let whole = first_whole_hour(start);
        let begins_within = (whole.start() > start).then(|| whole.start().min(self.at));
        let (mut book, posted, least) = match donor {
            Some((donor, posted)) => {
                let (book, is_told_apart) = donor.over((start, end), (posted, now.hour()));
                (book, posted, begins_within.filter(|_| !is_told_apart))
            }
            None => {
                let mut book = BudgetLedger::new(start, end);
                book.reach(now.hour());
                (book, now.hour(), begins_within)
            }
        };
        book.meaning = Some(meaning);
        let first = whole.min(now.hour().plus(1 - HISTORY_H));
        let known = known::hours(self.roster, state, place, first, now);
        let from = known_from(&book, first, &known, posted, self.at);
        self.fill(place, &mut book, state, first, &known);
        book.known_from = Some(from).max(least);
        (book, news)
    }

    /// A book from the shelf, with the spend of the time that it was shelved.
    fn take_down(&mut self, place: usize, at: usize, state: &State) -> (BudgetLedger, BookNews) {
        let Shelved { name, mut book, since, posted_until } = self.shelf.remove(at);
        let now = Minute::of(self.at);
        let posted = posted_until.unwrap_or(Minute::of(since));
        let rule = self.roster.rules.get(place);
        if let Some(rule) = rule.filter(|_| self.at >= book.period_end) {
            let (start, end) = rule.period_at(self.roster.timezone, self.at);
            book.roll(start, end);
        }
        book.move_on(posted.hour(), now.hour());
        let first = posted.hour().plus(-CORRECTED_H);
        let known = known::hours(self.roster, state, place, first, now);
        let from = known_from(&book, first, &known, posted.hour(), self.at);
        self.fill(place, &mut book, state, first, &known);
        let standing = self.roster.standing_per_minute.get(place).copied().unwrap_or_default();
        let missed = state.standing_until.map_or(0, |until| until.since(posted)).max(0);
        if standing > Usd::ZERO && missed > 0 {
            book.post(now.hour(), &Entry::exact(standing * i128::from(missed)));
        }
        if from > first.start() {
            book.known_from = Some(from);
        }
        let is_its_own = rule.is_some_and(|rule| rule.name == name);
        (book, if is_its_own { BookNews::Returned { since } } else { BookNews::Renamed { from: name } })
    }

    fn fill(&self, place: usize, book: &mut BudgetLedger, state: &State, first: Hour, known: &[KnownHour]) {
        book.fill(first, known);
        for (minute, amount) in known::minutes(self.roster, state, place) {
            book.fill_minute(minute, amount);
        }
    }

    /// Shelves the books that no budget has taken, and discards those shelved long enough.
    fn shelve(self, state: &mut State, changes: &mut Vec<BookChange>) {
        let at = self.at;
        let kept_until = |shelved: &Shelved| {
            let period = shelved.book.period_end - shelved.book.period_start;
            shelved.since + period.max(Duration::hours(SHELF_MIN_H))
        };
        let mut shelf = self.shelf;
        for (name, book) in self.live {
            let shelved = Shelved { name: name.clone(), book, since: at, posted_until: state.standing_until };
            if !self.roster.rules.iter().any(|rule| rule.name == name) {
                let news = BookNews::Gone { kept_until: kept_until(&shelved) };
                changes.push(BookChange { budget: name, news });
            }
            shelf.push(shelved);
        }
        shelf.retain(|shelved| at < kept_until(shelved));
        let surplus = shelf.len().saturating_sub(SHELF_MAX);
        shelf.drain(..surplus);
        state.shelf = shelf;
    }
}

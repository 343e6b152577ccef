//! The survey: urgent functions in full, the account, the lists page by page, and all other functions in turn.
//!
//! A function costs two calls often: `GetFunction`, which has concurrency and tags in one, and
//! `GetFunctionEventInvokeConfig`. It costs three calls rarely, hourly while it is urgent and daily otherwise:
//! `GetPolicy` for its callers, `ListAliases`, and provisioned concurrency, which can be on any version and shows
//! nowhere else. Callers are also admitted by an alias, whose policy and asynchronous settings are its own: one more
//! call for each alias, and one for the settings of all.
//!
//! Functions are read beside each other, so that slow answers cost no turns; the pace of calls stays the same.

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::stream::{FuturesUnordered, StreamExt};
use guard_core::inventory::Function;
use guard_core::name::FunctionName;

use super::api::Api;
use super::invokers;
use super::read::{Asked, Facts, Rare, Reader, Settings, Wanted};
use super::translate::Account;
use crate::deadline::Stage;
use crate::ports::Unavailable;
use crate::survey::Survey;

/// The maximum age of the rarely read facts of an urgent function.
const URGENT_AGE: TimeDelta = TimeDelta::hours(1);

/// Calls that a tick spends on urgent functions: 15 seconds at ten a second. In an attack on hundreds of functions the
/// most pressing are read now and the others at the next ticks.
const URGENT_CALLS: u32 = 150;

/// Calls that one function without aliases takes: its settings, its asynchronous settings, its mappings, its callers,
/// its aliases, its provisioned concurrency.
const CALLS_IN_FULL: u32 = 6;

/// Calls that the shortest turn takes.
const CALLS_LEAST: u32 = 2;

/// Functions that are read at the same time. Our choice: at the pace of ten calls a second and up to three calls of each
/// function at once, answers may take more than a second before turns are lost.
const IN_FLIGHT: u32 = 6;

/// Brings a survey up to date. See [`crate::ports::ConcurrencyControl::survey`].
pub(super) async fn survey(
    api: &Api,
    survey: &mut Survey,
    urgent: &[FunctionName],
    at: DateTime<Utc>,
    calls: u32,
    time: Stage,
) -> Vec<Unavailable> {
    let reader = Reader::new(api, time);
    let mut surveyor = Surveyor { reader: &reader, survey, at };
    reader.allow(URGENT_CALLS);
    let mut next = urgent.iter();
    let mut wanted =
        |surveyor: &Surveyor<'_>| next.next().map(|name| (surveyor.in_full(name), CALLS_IN_FULL));
    surveyor.each(&mut wanted).await;
    let is_unread = |name: &&FunctionName| surveyor.survey.read_at.get(*name) != Some(&at);
    let unread = if reader.is_late() { urgent.iter().filter(is_unread).count() } else { 0 };
    reader.allow(calls);
    let account = surveyor.account().await;
    surveyor.lists(account).await;
    let is_unlisted = !surveyor.survey.is_complete() && reader.is_late();
    surveyor.turns().await;
    let pages = surveyor.survey.progress.functions.as_ref();
    let listed = pages.map_or(0, |pages| pages.listed.len());
    let mut problems = reader.problems();
    if unread > 0 {
        problems.push(left(format!("{unread} of {} functions that matter now", urgent.len())));
    }
    if is_unlisted {
        problems.push(left(format!("the list of all functions, {listed} of which are known")));
    }
    problems
}

/// What there was no time for.
fn left(what: String) -> Unavailable {
    Unavailable::new("reading left to the next tick", what)
}

/// One survey under way.
pub(super) struct Surveyor<'a> {
    pub(super) reader: &'a Reader<'a>,
    pub(super) survey: &'a mut Survey,
    pub(super) at: DateTime<Utc>,
}

impl Surveyor<'_> {
    /// Reads functions, some at the same time, as long as `next` has one with the calls that it takes and the budget
    /// holds them; notes what was read as it comes.
    pub(super) async fn each(&mut self, next: &mut (dyn FnMut(&Self) -> Option<(Wanted, u32)> + Send)) {
        let reader = self.reader;
        let mut reading = FuturesUnordered::new();
        // The next one, with its calls; held back until the calls of those under way are certain.
        let mut waiting = next(self);
        // The most calls that one of those under way may still take.
        let mut most = 0;
        loop {
            let under_way = u32::try_from(reading.len()).unwrap_or(u32::MAX);
            if let Some((wanted, calls)) = waiting.take_if(|(_, calls)| {
                under_way < IN_FLIGHT && reader.left() >= *calls + most.max(*calls) * under_way
            }) {
                most = most.max(calls);
                reading.push(reader.facts(wanted));
                waiting = next(self);
                continue;
            }
            match reading.next().await {
                Some(facts) => self.note(facts),
                // Nothing is under way: what the calls do not suffice for gives way to what takes fewer.
                None if waiting.is_some() && reader.left() >= CALLS_LEAST => waiting = next(self),
                None => return,
            }
        }
    }

    /// What to read of an urgent function, known or not.
    fn in_full(&self, name: &FunctionName) -> Wanted {
        let function = self.survey.inventory.function(name);
        let orphans = || self.survey.progress.orphans.get(name).cloned().unwrap_or_default();
        let known = function.map_or_else(orphans, |function| function.mappings.clone());
        let rarely = self.survey.progress.invokers.get(name);
        Wanted {
            name: name.clone(),
            settings: true,
            mappings: function.is_none() || !known.is_empty(),
            rare: rarely.is_none_or(|(read_at, _)| self.at - *read_at >= URGENT_AGE),
            known,
        }
    }

    /// Enters what was read of a function. A function unknown to Lambda is dropped.
    pub(super) fn note(&mut self, facts: Facts) {
        let Facts { name, settings, mappings, rare } = facts;
        match settings {
            Some(Asked::Got(settings)) => self.settings(&name, *settings),
            Some(Asked::Missing) => {
                self.forget(&name);
                return;
            }
            Some(Asked::Refused) => {
                self.may_not_know_tags(&name);
                self.failed(&name);
                return;
            }
            Some(Asked::Failed) => {
                self.failed(&name);
                return;
            }
            None => {}
        }
        let Some(index) = self.place(&name) else { return };
        if let (Some(function), Some(mappings)) = (self.survey.inventory.functions.get_mut(index), mappings) {
            function.mappings = mappings;
            self.resolve(index);
        }
        if let Some(rare) = rare {
            self.rare(&name, index, rare);
        }
    }

    /// The account's limits. If no function has a reservation, all are updated at once, except for those that were just
    /// read one by one: the sums of an account may be older than its parts.
    async fn account(&mut self) -> Option<Account> {
        let account = self.reader.account().await?;
        self.survey.inventory.account = account.limits;
        self.survey.account_at = Some(self.at);
        if account.unreserved == Some(account.limits.concurrency) {
            let (read_at, at) = (&self.survey.read_at, self.at);
            let others = self.survey.inventory.functions.iter_mut();
            for function in others.filter(|function| read_at.get(&function.name) != Some(&at)) {
                function.reserved = None;
            }
        }
        Some(account)
    }

    /// The often read facts of a function.
    fn settings(&mut self, name: &FunctionName, read: Settings) {
        let Settings { function: mut fresh, tags, asynchronous } = read;
        let is_whole = matches!(tags, Asked::Got(_)) && asynchronous.is_some();
        let known = self.survey.inventory.function(name);
        fresh.tags_known = known.is_some_and(|known| known.tags_known) || !matches!(tags, Asked::Failed);
        fresh.tags = match tags {
            Asked::Got(tags) => tags,
            _ => known.map(|known| known.tags.clone()).unwrap_or_default(),
        };
        if let Some(known) = known {
            fresh.provisioned = known.provisioned;
            fresh.mappings.clone_from(&known.mappings);
            fresh.asynchronous = asynchronous.or(known.asynchronous);
        } else {
            fresh.asynchronous = asynchronous.or(fresh.asynchronous);
            fresh.mappings = self.survey.progress.orphans.remove(name).unwrap_or_default();
        }
        self.put(fresh);
        if is_whole {
            self.survey.read_at.insert(name.clone(), self.at);
            self.survey.progress.failed_at.remove(name);
        } else {
            self.failed(name);
        }
    }

    /// A function whose tags may not be read (a recorded problem) counts as one without: a guard that lacks one
    /// permission must not stop working altogether.
    fn may_not_know_tags(&mut self, name: &FunctionName) {
        let place = self.place(name);
        if let Some(function) = place.and_then(|place| self.survey.inventory.functions.get_mut(place)) {
            function.tags_known = true;
        }
    }

    /// The rarely read facts of a function.
    fn rare(&mut self, name: &FunctionName, index: usize, Rare { invokers, provisioned }: Rare) {
        if let (Some(function), Some(provisioned)) =
            (self.survey.inventory.functions.get_mut(index), provisioned)
        {
            function.provisioned = provisioned;
        }
        if provisioned.is_none() || invokers.is_none() {
            self.failed(name);
        }
        if let Some(invokers) = invokers {
            self.survey.progress.invokers.insert(name.clone(), (self.at, invokers));
            self.resolve(index);
        }
    }

    /// Puts a function into the inventory, in its place.
    fn put(&mut self, function: Function) {
        let functions = &mut self.survey.inventory.functions;
        let index = match functions.binary_search_by(|known| known.name.cmp(&function.name)) {
            Ok(index) => {
                if let Some(known) = functions.get_mut(index) {
                    *known = function;
                }
                index
            }
            Err(index) => {
                functions.insert(index, function);
                index
            }
        };
        self.resolve(index);
    }

    /// Updates how the function at that index is invoked.
    pub(super) fn resolve(&mut self, index: usize) {
        let Some(function) = self.survey.inventory.functions.get_mut(index) else { return };
        let known = self.survey.progress.invokers.get(&function.name);
        invokers::resolve(function, known.map(|(_, invokers)| *invokers));
    }

    fn place(&self, name: &FunctionName) -> Option<usize> {
        self.survey.inventory.functions.binary_search_by(|known| known.name.cmp(name)).ok()
    }

    /// Removes a function that Lambda says does not exist.
    fn forget(&mut self, name: &FunctionName) {
        if let Some(index) = self.place(name) {
            self.survey.inventory.functions.remove(index);
        }
        self.survey.read_at.remove(name);
        let progress = &mut self.survey.progress;
        progress.invokers.remove(name);
        progress.failed_at.remove(name);
        progress.unlisted.remove(name);
    }

    fn failed(&mut self, name: &FunctionName) {
        if self.survey.inventory.function(name).is_some() {
            self.survey.progress.failed_at.insert(name.clone(), self.at);
        }
    }
}

//! The lists of all functions and of all event source mappings. A list that is too long for one survey continues in the
//! next, also after a cold start; it replaces the known one only when its last page has arrived.

use std::collections::BTreeSet;

use aws_sdk_lambda::operation::list_event_source_mappings::ListEventSourceMappingsOutput;
use aws_sdk_lambda::operation::list_functions::ListFunctionsOutput;
use chrono::TimeDelta;
use guard_core::inventory::Function;
use guard_core::name::FunctionName;

use super::api::{Failure, Kind};
use super::survey::Surveyor;
use super::translate::{self, Account, Mapping};
use crate::survey::{FunctionPages, MappingPages};

/// The maximum age of the list of functions. An added or deleted function is noticed at once, by the account's number
/// of functions; this is for changed memory and time-outs.
const FUNCTIONS_AGE: TimeDelta = TimeDelta::hours(1);

/// The maximum age of the list of event source mappings.
const MAPPINGS_AGE: TimeDelta = TimeDelta::minutes(15);

/// Functions and mappings on a page, the most there can be ("ListFunctions" and "ListEventSourceMappings", Lambda API
/// reference, read 2026-11).
const FUNCTIONS_PER_PAGE: i32 = 50;
const MAPPINGS_PER_PAGE: i32 = 100;

/// How often a list whose pages shift is begun again; after that it is taken as it is, without repetitions.
const RESTARTS_MAX: u8 = 2;

impl Surveyor<'_> {
    /// Begins lists that are due and reads pages of both beside each other. The first time it reads as many as the budget
    /// allows, and the last page of functions after the last one of mappings, so that no function is judged without its
    /// own; later it uses half of the budget.
    pub(super) async fn lists(&mut self, account: Option<Account>) {
        self.begin(account.and_then(|account| account.functions));
        let is_first = !self.survey.is_complete();
        let keep = if is_first { 0 } else { self.reader.left() / 2 };
        let (mut mappings, mut functions, mut is_turn_of_mappings) = (true, true, true);
        while self.reader.left() > keep {
            let progress = &self.survey.progress;
            mappings &= progress.mappings.is_some();
            functions &= progress.functions.is_some();
            let may_be_last = is_first && mappings && progress.functions.as_ref().is_none_or(may_be_last);
            let is_room = self.reader.left() > keep + 1;
            match (mappings, functions) {
                (false, false) => return,
                (true, true) if is_room && !may_be_last => {
                    let (of_mappings, of_functions) = (self.next_mappings(), self.next_functions());
                    let (of_mappings, of_functions) = tokio::join!(of_mappings, of_functions);
                    mappings = self.mapping_page(of_mappings);
                    functions = self.function_page(of_functions);
                }
                (true, functions) if !functions || may_be_last || is_turn_of_mappings => {
                    let page = self.next_mappings().await;
                    mappings = self.mapping_page(page);
                }
                _ => {
                    let page = self.next_functions().await;
                    functions = self.function_page(page);
                }
            }
            is_turn_of_mappings = !is_turn_of_mappings;
        }
    }

    fn begin(&mut self, counted: Option<u64>) {
        let at = self.at;
        let is_new_number = counted.is_some() && self.survey.progress.counted != counted;
        let is_old = self.survey.listed_at.is_none_or(|listed_at| at - listed_at >= FUNCTIONS_AGE);
        let progress = &mut self.survey.progress;
        if progress.functions.is_none() && (is_old || is_new_number) {
            let listed = Default::default();
            progress.functions =
                Some(FunctionPages { since: at, marker: None, listed, restarts: 0, counted });
        }
        if progress.mappings.is_none()
            && progress.mappings_at.is_none_or(|mappings_at| at - mappings_at >= MAPPINGS_AGE)
        {
            progress.mappings = Some(MappingPages::default());
        }
    }

    /// Reads the next page of functions.
    async fn next_functions(&self) -> Result<ListFunctionsOutput, Failure> {
        let marker = self.survey.progress.functions.as_ref().and_then(|pages| pages.marker.clone());
        let client = &self.reader.api.client;
        let list = || client.list_functions().max_items(FUNCTIONS_PER_PAGE).set_marker(marker.clone()).send();
        self.reader.read("lambda:ListFunctions", list).await
    }

    /// Enters a page of functions; `false` if there is none.
    fn function_page(&mut self, page: Result<ListFunctionsOutput, Failure>) -> bool {
        let Some(mut pages) = self.survey.progress.functions.take() else { return false };
        let page = match page {
            Ok(page) => page,
            Err(failure) => {
                if is_stale(&failure, pages.marker.as_deref()) && pages.restarts < RESTARTS_MAX {
                    restart(&mut pages);
                } else {
                    self.reader.note(&failure);
                }
                self.survey.progress.functions = Some(pages);
                return false;
            }
        };
        let mut is_shifted = false;
        for function in page.functions().iter().filter_map(translate::function) {
            is_shifted |= pages.listed.insert(function.name.clone(), function).is_some();
        }
        pages.marker = page.next_marker().filter(|marker| !marker.is_empty()).map(str::to_owned);
        if is_shifted && pages.restarts < RESTARTS_MAX {
            restart(&mut pages);
        } else if pages.marker.is_none() {
            self.functions_listed(pages);
            return true;
        }
        self.survey.progress.functions = Some(pages);
        true
    }

    /// Takes over a complete list. Functions missing from it stay until they are asked for by name: pages that shift by
    /// one skip a function, and if it were taken for deleted its cap would be left without an owner.
    fn functions_listed(&mut self, pages: FunctionPages) {
        let mut listed = pages.listed;
        let mut unlisted = BTreeSet::new();
        let mut new: BTreeSet<FunctionName> = listed.keys().cloned().collect();
        for known in std::mem::take(&mut self.survey.inventory.functions) {
            new.remove(&known.name);
            match listed.get_mut(&known.name) {
                Some(fresh) => {
                    if fresh.last_modified != known.last_modified {
                        // It was changed by someone: its turn is now.
                        self.survey.read_at.remove(&known.name);
                    }
                    carry_over(fresh, known);
                }
                None => {
                    unlisted.insert(known.name.clone());
                    listed.insert(known.name.clone(), known);
                }
            }
        }
        let progress = &mut self.survey.progress;
        for name in &new {
            if let (Some(function), Some(mappings)) = (listed.get_mut(name), progress.orphans.remove(name)) {
                function.mappings = mappings;
            }
        }
        if !new.is_empty() && progress.mappings_at.is_some_and(|mappings_at| mappings_at < pages.since) {
            progress.mappings_at = None;
        }
        progress.unlisted = unlisted;
        progress.counted = pages.counted;
        self.survey.inventory.functions = listed.into_values().collect();
        self.survey.listed_at = Some(self.at);
    }

    /// Reads the next page of mappings.
    async fn next_mappings(&self) -> Result<ListEventSourceMappingsOutput, Failure> {
        let marker = self.survey.progress.mappings.as_ref().and_then(|pages| pages.marker.clone());
        let client = &self.reader.api.client;
        let list = || {
            client.list_event_source_mappings().max_items(MAPPINGS_PER_PAGE).set_marker(marker.clone()).send()
        };
        self.reader.read("lambda:ListEventSourceMappings", list).await
    }

    /// Enters a page of mappings; `false` if there is none.
    fn mapping_page(&mut self, page: Result<ListEventSourceMappingsOutput, Failure>) -> bool {
        let Some(mut pages) = self.survey.progress.mappings.take() else { return false };
        let page = match page {
            Ok(page) => page,
            Err(failure) => {
                if is_stale(&failure, pages.marker.as_deref()) {
                    pages = MappingPages::default();
                } else {
                    self.reader.note(&failure);
                }
                self.survey.progress.mappings = Some(pages);
                return false;
            }
        };
        for found in page.event_source_mappings().iter().map(Mapping::from) {
            let Some(name) = found.function() else { continue };
            let function = self.survey.inventory.function(&name);
            let mut known = function.into_iter().flat_map(|function| &function.mappings);
            let before = known.find(|known| Some(known.id.as_str()) == found.uuid);
            if let Some(mapping) = found.mapping(before) {
                pages.listed.entry(name).or_default().push(mapping);
            }
        }
        pages.marker = page.next_marker().filter(|marker| !marker.is_empty()).map(str::to_owned);
        if pages.marker.is_none() {
            self.mappings_listed(pages);
        } else {
            self.survey.progress.mappings = Some(pages);
        }
        true
    }

    fn mappings_listed(&mut self, mut pages: MappingPages) {
        for mappings in pages.listed.values_mut() {
            mappings.sort_by(|a, b| a.id.cmp(&b.id));
            mappings.dedup_by(|a, b| a.id == b.id);
        }
        for index in 0..self.survey.inventory.functions.len() {
            let Some(function) = self.survey.inventory.functions.get_mut(index) else { break };
            let mappings = pages.listed.remove(&function.name).unwrap_or_default();
            if function.mappings != mappings {
                function.mappings = mappings;
                self.resolve(index);
            }
        }
        self.survey.progress.orphans = pages.listed;
        self.survey.progress.mappings_at = Some(self.at);
    }
}

/// Whether the next page may be the last: of an account whose number of functions is not known, each may.
fn may_be_last(pages: &FunctionPages) -> bool {
    let page = u64::try_from(FUNCTIONS_PER_PAGE).unwrap_or(0);
    let listed = u64::try_from(pages.listed.len()).unwrap_or(u64::MAX);
    pages.counted.is_none_or(|counted| listed.saturating_add(page) >= counted)
}

/// Settings that a list does not contain stay as they were read.
fn carry_over(fresh: &mut Function, known: Function) {
    fresh.reserved = known.reserved;
    fresh.provisioned = known.provisioned;
    fresh.tags = known.tags;
    fresh.tags_known = known.tags_known;
    fresh.synchronous = known.synchronous;
    fresh.asynchronous = known.asynchronous;
    fresh.mappings = known.mappings;
}

/// Begins a list again, at its first page.
fn restart(pages: &mut FunctionPages) {
    pages.marker = None;
    pages.listed.clear();
    pages.restarts += 1;
}

/// Whether a page was refused because of its marker, which ends with the item that it points to.
fn is_stale(failure: &Failure, marker: Option<&str>) -> bool {
    marker.is_some() && failure.kind == Kind::Refused && failure.reason.starts_with("InvalidParameterValue")
}

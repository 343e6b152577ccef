//! How the second opinion reads changes, patterns and tags: by itself, in the plainest way.

use wildmatch::WildMatch;

use super::MODE_TAG;
use crate::inventory::Function;
use crate::plan::Change;
use crate::policy::{Budget, Mode};

/// Whether some part of the change leaves the function less. *Unset* is the most.
pub(super) fn tightens(change: &Change) -> bool {
    match change {
        Change::AsyncConfig { from, to } => {
            to.max_retries < from.max_retries || to.max_event_age_s < from.max_event_age_s
        }
        Change::MappingEnabled { from, to, .. } => *from && !*to,
        Change::MappingConcurrency { from, to, .. } | Change::ReservedConcurrency { from, to } => {
            to.unwrap_or(u32::MAX) < from.unwrap_or(u32::MAX)
        }
    }
}

/// Whether some part of the change leaves the function more.
pub(super) fn loosens(change: &Change) -> bool {
    match change {
        Change::AsyncConfig { from, to } => {
            to.max_retries > from.max_retries || to.max_event_age_s > from.max_event_age_s
        }
        Change::MappingEnabled { from, to, .. } => !*from && *to,
        Change::MappingConcurrency { from, to, .. } | Change::ReservedConcurrency { from, to } => {
            to.unwrap_or(u32::MAX) > from.unwrap_or(u32::MAX)
        }
    }
}

/// Whether an entry of the protected list means the function: `tag:KEY`, `tag:KEY=VALUE`, an ARN, a name or a
/// pattern. Without a known ARN, the name at the end of the entry's ARN is compared.
pub(super) fn is_meant(entry: &str, function: &Function) -> bool {
    if let Some(tag) = entry.strip_prefix("tag:") {
        return match tag.split_once('=') {
            None => function.tags.contains_key(tag),
            Some((key, value)) => function.tags.get(key).is_some_and(|found| matches(value, found)),
        };
    }
    if entry.starts_with("arn:") {
        return match &function.arn {
            Some(arn) => matches(entry, arn),
            None => entry.rsplit(':').next().is_some_and(|name| matches(name, function.name.as_str())),
        };
    }
    matches(entry, function.name.as_str())
}

fn matches(pattern: &str, text: &str) -> bool {
    WildMatch::new(pattern).matches(text)
}

/// Whether the budget covers the function: every criterion given must hold.
pub(super) fn covers(budget: &Budget, function: &Function) -> bool {
    budget.scope.functions.as_ref().is_none_or(|pattern| matches(pattern, function.name.as_str()))
        && (budget.scope.tags.iter())
            .all(|(key, value)| function.tags.get(key).is_some_and(|found| matches(value, found)))
}

/// The budget's mode, lowered by the function's tag. A tag that cannot be read allows nothing.
pub(super) fn mode_of(budget: &Budget, function: &Function) -> Mode {
    match function.tags.get(MODE_TAG).map(String::as_str) {
        None | Some("stop") => budget.mode,
        Some("cap") => budget.mode.min(Mode::Cap),
        Some("alert") => budget.mode.min(Mode::Alert),
        Some(_) => Mode::Observe,
    }
}

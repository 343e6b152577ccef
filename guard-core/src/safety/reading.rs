//! How the second opinion reads changes, patterns and tags: independently, in the plainest way.

use wildmatch::WildMatch;

use super::{FLOOR_TAG, MODE_TAG, MONTHLY_TAG, PROTECT_TAG};
use crate::inventory::{EventSource, Function};
use crate::name::BudgetName;
use crate::plan::{Change, Lever, Setting};
use crate::policy::{Budget, Mode, Policy};

/// Whether some part of the change leaves the function less. *Unset* counts as the most.
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

/// The concurrency that a function's queues can use together, with the value from `value` for a mapping if there is
/// one, otherwise the value in force; `None` if one of them has no limit.
pub(super) fn polled(function: &Function, value: impl Fn(&Lever) -> Option<Setting>) -> Option<u32> {
    let mut together = 0_u32;
    for mapping in function.mappings.iter().filter(|mapping| mapping.enabled) {
        let EventSource::Sqs { provisioned_pollers: false, max_concurrency, .. } = mapping.source else {
            continue;
        };
        let limit = match value(&Lever::MappingConcurrency { mapping: mapping.id.clone() }) {
            Some(Setting::Concurrency(limit)) => limit,
            _ => max_concurrency,
        };
        together = together.saturating_add(limit?);
    }
    Some(together)
}

/// Whether an entry of the protected list matches the function: `tag:KEY`, `tag:KEY=VALUE`, an ARN, a name or a
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

/// The budget's mode, lowered by the function's tag. A tag that cannot be read is reported elsewhere and left out.
pub(super) fn mode_of(budget: &Budget, function: &Function) -> Mode {
    tagged_mode(function).map_or(budget.mode, |mode| mode.min(budget.mode))
}

fn tagged_mode(function: &Function) -> Option<Mode> {
    match tag(function, MODE_TAG)?.as_str() {
        "observe" => Some(Mode::Observe),
        "alert" => Some(Mode::Alert),
        "cap" => Some(Mode::Cap),
        "stop" => Some(Mode::Stop),
        _ => None,
    }
}

/// The floor that the function's tag asks for, if the tag can be read.
pub(super) fn tagged_floor(function: &Function) -> Option<u32> {
    tag(function, FLOOR_TAG)?.parse().ok().filter(|floor| (1..=100_000).contains(floor))
}

/// Whether the function's tag protects it: any value but a plain `false` does.
pub(super) fn is_tagged_protected(function: &Function) -> bool {
    tag(function, PROTECT_TAG).is_some_and(|value| value != "false")
}

/// The budget that a change is made for: the policy's of that name, or the function's own by tag.
pub(super) fn budget_of(policy: &Policy, name: &BudgetName, function: &Function) -> Option<Budget> {
    if let Some(budget) = policy.budget.iter().find(|budget| budget.name == name.as_str()) {
        return Some(budget.clone());
    }
    let own = name.as_str().strip_prefix("tag:")? == function.name.as_str();
    let amount = tag(function, MONTHLY_TAG)?.parse().ok().filter(|_| own)?;
    let mut budget = Budget::per_month(name.as_str(), amount);
    budget.mode = tagged_mode(function).unwrap_or(Mode::Alert).min(policy.tags.mode);
    Some(budget)
}

fn tag(function: &Function, key: &str) -> Option<String> {
    function.tags.get(key).map(|value| value.trim().to_ascii_lowercase())
}

#[cfg(test)]
mod tests;

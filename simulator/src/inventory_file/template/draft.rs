//! A function of a template: its properties, and the ways in that are collected for it.

use std::collections::BTreeMap;

use guard_core::inventory::{AsyncConfig, Function};

use super::possible::is_dynamic;
use super::resolve::function;
use super::source::Way;
use super::written::written;
use super::{Template, settings, source};
use crate::inventory_file::aws_cli::architecture;
use crate::inventory_file::mapping::{asynchronous, optional};
use crate::inventory_file::value::{At, range};
use crate::inventory_file::{Found, InventoryError};

/// Memory and time-out where none is set ("AWS::Lambda::Function", AWS CloudFormation Template Reference, read
/// 2026-11).
const DEFAULTS: (u32, u32) = (128, 3);

/// A function while its ways in are being collected.
pub(super) struct Draft {
    pub(super) function: Function,
    /// Whether the template names it; else AWS makes a name from its logical ID.
    pub(super) is_named: bool,
    /// Its name as far as it is written.
    pub(super) spelled: Option<String>,
    ways: Vec<Way>,
    /// Whether one of the ways is there for certain.
    has_certain_way: bool,
    /// Whether something catches asynchronous events that are given up.
    on_failure: bool,
}

pub(super) fn draft(
    template: &Template<'_>,
    id: &str,
    found: &mut Found,
) -> Result<Option<Draft>, InventoryError> {
    let Some(raw) = template.properties(id) else { return Ok(None) };
    if raw.get("CapacityProviderConfig").is_some() {
        found.warn(format_args!(
            "{}: {}: runs on a capacity provider, which is billed as instances: left out",
            raw.file, raw.path
        ));
        return Ok(None);
    }
    let settled = template.settled(&raw, &settings::FUNCTION, found);
    let at = At { value: &settled, ..raw.clone() };
    let (name, spelled) = name(id, &raw, found)?;
    let memory_mb = optional(&at, "MemorySize", range::MEMORY_MB)?.unwrap_or(DEFAULTS.0);
    let timeout_s = optional(&at, "Timeout", range::TIMEOUT_S)?.unwrap_or(DEFAULTS.1);
    let mut function = Function::new(name.as_deref().unwrap_or(id), memory_mb, timeout_s);
    function.architecture = architecture(at.get("Architectures"))?;
    if let Some(size) = at.dig(&["EphemeralStorage", "Size"]) {
        function.ephemeral_mb = size.count(range::EPHEMERAL_MB)?;
    }
    function.reserved = optional(&at, "ReservedConcurrentExecutions", range::CONCURRENCY)?;
    function.provisioned = provisioned(&at)?;
    function.tags = tags(&at, found)?;
    let catches = |key: &str| at.dig(&[key, "TargetArn"]).is_some();
    let on_failure = catches("DeadLetterQueue") || catches("DeadLetterConfig");
    let mut ways = Vec::new();
    if on_failure {
        ways.push(Way::Asynchronous);
    }
    if let Some(config) = at.get("EventInvokeConfig") {
        function.asynchronous = Some(asynchronous(&config, None)?);
    }
    if at.get("FunctionUrlConfig").is_some() {
        ways.push(Way::Called);
    }
    if let Some(events) = at.get("Events") {
        for event_id in events.object()?.keys() {
            if let Some(event) = events.get(event_id) {
                ways.extend(source::event(template, &format!("{id}{event_id}"), &event, found)?);
            }
        }
    }
    let has_certain_way = !ways.is_empty() || function.asynchronous.is_some();
    Ok(Some(Draft { function, is_named: name.is_some(), spelled, ways, has_certain_way, on_failure }))
}

/// The name of a function, which AWS makes from the logical ID where none is set; and as it is written.
fn name(
    id: &str,
    at: &At<'_>,
    found: &mut Found,
) -> Result<(Option<String>, Option<String>), InventoryError> {
    let Some(name) = at.get("FunctionName") else { return Ok((None, None)) };
    let spelled = written(name.value);
    let unknown = function(name.value).map(|(unknown, _)| unknown);
    let unknown = unknown.or_else(|| is_dynamic(name.value).then_some("a dynamic reference"));
    match unknown {
        None => Ok((Some(name.text()?), spelled)),
        Some(unknown) => {
            found.warn(format_args!(
                "{}: {}: {unknown} cannot be resolved here: the function is called {id}",
                at.file, name.path
            ));
            Ok((None, spelled))
        }
    }
}

pub(super) fn provisioned(at: &At<'_>) -> Result<u32, InventoryError> {
    let count = at.dig(&["ProvisionedConcurrencyConfig", "ProvisionedConcurrentExecutions"]);
    Ok(count.map(|at| at.count(range::CONCURRENCY)).transpose()?.unwrap_or(0))
}

/// Tags: a map in SAM, a list of `Key` and `Value` elsewhere, which may be one alone. A tag whose value only AWS knows is
/// left out.
fn tags(at: &At<'_>, found: &mut Found) -> Result<BTreeMap<String, String>, InventoryError> {
    let Some(tags) = at.get("Tags") else { return Ok(BTreeMap::new()) };
    let mut known = BTreeMap::new();
    let is_one = tags.value.as_object().is_some_and(|map| map.keys().eq(["Key", "Value"]));
    if tags.value.is_array() || is_one {
        for item in tags.list() {
            if let Some((unknown, _)) = function(item.value) {
                found.warn(format_args!(
                    "{}: {}: {unknown} cannot be resolved here: the tag is left out",
                    at.file, item.path
                ));
            } else if let (Some(key), Some(value)) = (item.get("Key"), item.get("Value"))
                && function(value.value).is_none()
            {
                known.insert(key.text()?, value.text()?);
            }
        }
        return Ok(known);
    }
    for key in tags.object()?.keys() {
        if let Some(value) = tags.get(key).filter(|value| function(value.value).is_none()) {
            known.insert(key.clone(), value.text()?);
        }
    }
    Ok(known)
}

impl Draft {
    /// Adds ways in. Where all that are known may be missing, it may be called as one without any.
    pub(super) fn extend(&mut self, ways: impl IntoIterator<Item = Way>, is_certain: bool) {
        let before = self.ways.len();
        self.ways.extend(ways);
        self.has_certain_way |= is_certain && self.ways.len() > before;
    }

    /// Takes over asynchronous settings of the function or of an alias; of several the dearer count, and of those that may
    /// be missing and AWS's default.
    pub(super) fn configure(&mut self, config: AsyncConfig, is_certain: bool) {
        let known = self.function.asynchronous.or_else(|| (!is_certain).then(AsyncConfig::default));
        self.has_certain_way |= is_certain;
        self.function.asynchronous = Some(known.map_or(config, |known| AsyncConfig {
            max_retries: known.max_retries.max(config.max_retries),
            max_event_age_s: known.max_event_age_s.max(config.max_event_age_s),
            on_failure: known.on_failure && config.on_failure,
        }));
    }

    /// Whether Lambda polls a source for it.
    pub(super) fn is_polled(&self) -> bool {
        self.ways.iter().any(|way| matches!(way, Way::Polled(_)))
    }

    /// The function, and whether it has an event source of which it is not known whether a dead-letter queue stands behind
    /// it.
    pub(super) fn finish(self) -> (Function, bool) {
        let Draft { mut function, ways, has_certain_way, on_failure, .. } = self;
        let mut is_dead_letter_unknown = false;
        function.synchronous = !has_certain_way;
        for way in ways {
            match way {
                Way::Called | Way::Unlimited => function.synchronous = true,
                Way::Asynchronous => {
                    function.asynchronous.get_or_insert_with(AsyncConfig::default);
                }
                Way::Polled(mapping) => function.mappings.push(mapping),
                Way::DeadLetterUnknown => is_dead_letter_unknown = true,
            }
        }
        if let Some(config) = &mut function.asynchronous {
            config.on_failure |= on_failure;
        }
        (function, is_dead_letter_unknown)
    }
}

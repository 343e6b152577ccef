//! What the AWS CLI prints about functions, each command's JSON by its top key. Files are put together at the end, so
//! their order does not matter. Shapes: AWS CLI Command Reference, read 2026-11.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use guard_core::extras::Extra;
use guard_core::inventory::{AccountLimits, Architecture, AsyncConfig, Function};
use serde_json::Value;

use super::mapping::{self, Kind, SourceFacts, mapping, optional};
use super::value::{At, range};
use super::{Found, InventoryError, Options};

/// The parts that were read, before they are put together.
#[derive(Debug, Default)]
pub(super) struct Documents {
    functions: Vec<(String, Function)>,
    mappings: Vec<Document>,
    invoke_configs: Vec<Document>,
    provisioned: Vec<(String, u32)>,
    /// Of functions whose reservation was asked for: `None` is "unset".
    reserved: BTreeMap<String, Option<u32>>,
    queues: BTreeMap<String, SourceFacts>,
    account: Option<(u32, u32)>,
    warnings: Vec<String>,
}

/// One item of a list, kept until everything was read.
#[derive(Debug)]
struct Document {
    file: String,
    path: String,
    value: Value,
}

impl Document {
    fn of(at: &At<'_>) -> Self {
        Document { file: at.file.to_owned(), path: at.path.clone(), value: at.value.clone() }
    }

    fn at(&self) -> At<'_> {
        At { file: &self.file, path: self.path.clone(), value: &self.value }
    }
}

impl Documents {
    /// Takes a document, or a list of them as `--query` makes it; `false` where it is none of the CLI's.
    pub(super) fn add(&mut self, document: &At<'_>) -> Result<bool, InventoryError> {
        if document.value.is_array() {
            let items = document.items()?;
            let mut taken = !items.is_empty();
            for item in items {
                taken &= !item.value.is_array() && self.add(&item)?;
            }
            return Ok(taken);
        }
        if let Some(functions) = document.get("Functions") {
            for item in functions.items()? {
                self.function(&item)?;
            }
        } else if let Some(configuration) = document.get("Configuration") {
            self.get_function(&configuration, document)?;
        } else if let Some(mappings) = document.get("EventSourceMappings") {
            self.mappings.extend(mappings.items()?.iter().map(Document::of));
        } else if let Some(configs) = document.get("FunctionEventInvokeConfigs") {
            self.invoke_configs.extend(configs.items()?.iter().map(Document::of));
        } else if let Some(configs) = document.get("ProvisionedConcurrencyConfigs") {
            for item in configs.items()? {
                self.provisioned_of(&item)?;
            }
        } else if let Some(limit) = document.get("AccountLimit") {
            let number = |key| required(&limit, key)?.count(range::CONCURRENCY);
            self.account = Some((number("ConcurrentExecutions")?, number("UnreservedConcurrentExecutions")?));
        } else if let Some(attributes) = document.get("Attributes") {
            self.queue(&attributes)?;
        } else if has(document, ["FunctionName", "MemorySize"]) {
            // `get-function-configuration`, and whatever changes one, prints no more than the configuration.
            self.function(document)?;
        } else if has(document, ["UUID", "FunctionArn"]) {
            self.mappings.push(Document::of(document));
        } else if has(document, ["FunctionArn", "MaximumRetryAttempts"])
            || has(document, ["FunctionArn", "MaximumEventAgeInSeconds"])
            || has(document, ["FunctionArn", "DestinationConfig"])
        {
            self.invoke_configs.push(Document::of(document));
        } else {
            return self.concurrency_map(document);
        }
        for key in ["NextMarker", "NextToken"] {
            if document.get(key).is_some() {
                self.warnings
                    .push(format!("{}: {key}: more pages exist that are not in this file", document.file));
            }
        }
        Ok(true)
    }

    fn function(&mut self, item: &At<'_>) -> Result<String, InventoryError> {
        let name = required(item, "FunctionName")?.text()?;
        if item.get("CapacityProviderConfig").is_some() {
            self.warnings.push(format!(
                "{}: {name} runs on a capacity provider, which is billed as instances: left out",
                item.file
            ));
            return Ok(name);
        }
        if let Some(master) = item.get("MasterArn") {
            let master = master.text()?;
            self.warnings.push(format!(
                "{}: {name} is a replica that Lambda@Edge made of {master}, at prices of its own: it is counted as \
                 an ordinary function",
                item.file
            ));
        }
        let memory_mb = required(item, "MemorySize")?.count(range::MEMORY_MB)?;
        let timeout_s = required(item, "Timeout")?.count(range::TIMEOUT_S)?;
        let mut function = Function::new(name.as_str(), memory_mb, timeout_s);
        function.arn = item.get("FunctionArn").map(|at| at.text()).transpose()?.map(|arn| unqualified(&arn));
        function.architecture = architecture(item.get("Architectures"))?;
        if let Some(size) = item.dig(&["EphemeralStorage", "Size"]) {
            function.ephemeral_mb = size.count(range::EPHEMERAL_MB)?;
        }
        if item.dig(&["DeadLetterConfig", "TargetArn"]).is_some() {
            function.asynchronous = Some(AsyncConfig { on_failure: true, ..AsyncConfig::default() });
        }
        function.extras = extras(item)?;
        if let Some(at) = item.get("LastModified") {
            let text = at.text()?;
            function.last_modified = Some(instant(&text).ok_or_else(|| {
                at.error(&format!("{text:?} is not a time such as 2026-11-02T08:30:00.000+0000"))
            })?);
        }
        self.functions.push((item.file.to_owned(), function));
        Ok(name)
    }

    /// `aws lambda get-function` also says tags and reservation; a reservation that is not there is unset.
    fn get_function(&mut self, configuration: &At<'_>, document: &At<'_>) -> Result<(), InventoryError> {
        let name = self.function(configuration)?;
        let reserved = document.dig(&["Concurrency", "ReservedConcurrentExecutions"]);
        let reserved = reserved.map(|at| at.count(range::CONCURRENCY)).transpose()?;
        self.reserved.insert(name, reserved);
        if let (Some(tags), Some((_, function))) = (document.get("Tags"), self.functions.last_mut()) {
            for key in tags.object()?.keys() {
                let value = tags.get(key).map(|at| at.text()).transpose()?.unwrap_or_default();
                function.tags.insert(key.clone(), value);
            }
        }
        Ok(())
    }

    fn provisioned_of(&mut self, item: &At<'_>) -> Result<(), InventoryError> {
        let name = function_of(&required(item, "FunctionArn")?)?;
        let count = required(item, "RequestedProvisionedConcurrentExecutions")?.count(range::CONCURRENCY)?;
        self.provisioned.push((name, count));
        Ok(())
    }

    /// `aws sqs get-queue-attributes`: all values are texts, the redrive policy JSON within a text.
    fn queue(&mut self, attributes: &At<'_>) -> Result<(), InventoryError> {
        let arn = required(attributes, "QueueArn")?.text()?;
        let mut facts = SourceFacts::default();
        if let Some(seconds) = optional(attributes, "MessageRetentionPeriod", range::QUEUE_RETENTION_S)? {
            facts.queue_retention_s = seconds;
        }
        if let Some(at) = attributes.get("RedrivePolicy") {
            let policy: Value = serde_json::from_str(&at.text()?)
                .map_err(|error| at.error(&format!("is not JSON in a text: {error}")))?;
            let policy = At { file: at.file, path: at.path, value: &policy };
            facts.max_receive_count = Some(required(&policy, "maxReceiveCount")?.count(range::RECEIVES)?);
        }
        self.queues.insert(arn, facts);
        Ok(())
    }

    /// A map of names to what `get-function-concurrency` prints, which does not name the function itself.
    fn concurrency_map(&mut self, document: &At<'_>) -> Result<bool, InventoryError> {
        const KEY: &str = "ReservedConcurrentExecutions";
        let Some(map) = document.value.as_object() else { return Ok(false) };
        let is_entry =
            |value: &Value| value.as_object().is_some_and(|entry| entry.keys().all(|key| key == KEY));
        let is_map = map.values().all(is_entry) && map.values().any(|value| value.get(KEY).is_some());
        if !is_map {
            return Ok(false);
        }
        for name in map.keys() {
            let reserved = document.dig(&[name, KEY]).map(|at| at.count(range::CONCURRENCY)).transpose()?;
            self.reserved.insert(name.clone(), reserved);
        }
        Ok(true)
    }

    /// Puts everything together.
    pub(super) fn finish(self, options: &Options, found: &mut Found) -> Result<(), InventoryError> {
        for warning in self.warnings {
            found.warn(warning);
        }
        let mut functions: BTreeMap<String, (String, Function)> = BTreeMap::new();
        for (file, function) in self.functions {
            // ListFunctions may name a function twice while pages shift; GetFunction knows tags besides.
            let place =
                functions.entry(function.name.to_string()).or_insert_with(|| (file, function.clone()));
            if !function.tags.is_empty() {
                place.1 = function;
            }
        }
        functions.retain(|_, (file, function)| is_of_region(file, function, options, found));
        let listed: Vec<String> = functions.keys().cloned().collect();
        for (_, (file, function)) in functions {
            found.add(&file, function);
        }
        let unreserved = self.account.map(|(limit, unreserved)| {
            let defaults = found.account.unwrap_or_default();
            found.account = Some(AccountLimits { concurrency: limit, ..defaults });
            limit.saturating_sub(unreserved)
        });
        reserve(&listed, &self.reserved, unreserved, found);
        for (name, count) in self.provisioned {
            match found.functions.get_mut(&name) {
                Some(function) => function.provisioned = function.provisioned.saturating_add(count),
                None => stranger("provisioned concurrency", &name, found),
            }
        }
        for document in &self.invoke_configs {
            let name = function_of(&required(&document.at(), "FunctionArn")?)?;
            match found.functions.get_mut(&name) {
                Some(function) => {
                    function.asynchronous =
                        Some(mapping::asynchronous(&document.at(), function.asynchronous)?);
                }
                None => stranger("asynchronous settings", &name, found),
            }
        }
        for document in &self.mappings {
            poll(&document.at(), &self.queues, found)?;
        }
        if !listed.is_empty() && self.mappings.is_empty() {
            found.warn(
                "event sources are not in list-functions: none are assumed (add the JSON of `aws lambda \
                 list-event-source-mappings`)",
            );
        }
        Ok(())
    }
}

/// Adds an event source mapping to its function.
fn poll(
    item: &At<'_>,
    queues: &BTreeMap<String, SourceFacts>,
    found: &mut Found,
) -> Result<(), InventoryError> {
    let name = function_of(&required(item, "FunctionArn")?)?;
    let id = required(item, "UUID")?.text()?;
    let arn = item.get("EventSourceArn").map(|at| at.text()).transpose()?.unwrap_or_default();
    if !found.functions.contains_key(&name) {
        stranger(&format!("event source mapping {id}"), &name, found);
        return Ok(());
    }
    let Some(kind) = Kind::of_arn(&arn) else {
        found.warn(format_args!("{name}: mapping {id} polls neither a queue nor a stream: not counted"));
        return Ok(());
    };
    let facts = queues.get(&arn).copied();
    match kind {
        Kind::Queue if facts.is_none() => {
            found.unknown_dead_letter.insert(name.as_str().into());
            found.warn(format_args!(
                "{name}: EventSourceArn {arn}: its redrive policy is in no file, none is assumed (`aws sqs \
                 get-queue-attributes --attribute-names All`)"
            ));
        }
        Kind::Queue => {}
        Kind::Kinesis | Kind::DynamoDb => {
            found.warn(format_args!(
                "{name}: EventSourceArn {arn}: its shards are in no file, one is assumed"
            ));
        }
    }
    let mapped = mapping(&id, kind, item, facts.unwrap_or_default())?;
    if let Some(function) = found.functions.get_mut(&name) {
        function.mappings.push(mapped);
    }
    Ok(())
}

/// Sets the reservations, and says where they are not known.
fn reserve(
    listed: &[String],
    reserved: &BTreeMap<String, Option<u32>>,
    total: Option<u32>,
    found: &mut Found,
) {
    for (name, reserved) in reserved {
        match found.functions.get_mut(name) {
            Some(function) => function.reserved = *reserved,
            None => stranger("reserved concurrency", name, found),
        }
    }
    let unasked = listed.iter().filter(|name| !reserved.contains_key(*name)).count();
    let named: u32 = reserved.values().flatten().copied().fold(0, u32::saturating_add);
    match total {
        Some(total) if total == named => {}
        Some(total) => found.warn(format_args!(
            "AccountLimit: {total} executions of the account are reserved, the files name {named}: the rest counts as \
             unreserved (add the JSON of `aws lambda get-function` of each function)"
        )),
        None if unasked > 0 => found.warn(format_args!(
            "reserved concurrency is not in list-functions: unset is assumed for {unasked} of {} functions (add the \
             JSON of `aws lambda get-function` of each)",
            listed.len()
        )),
        None => {}
    }
}

fn is_of_region(file: &str, function: &Function, options: &Options, found: &mut Found) -> bool {
    let Some(region) = function.arn.as_deref().and_then(|arn| arn.split(':').nth(3)) else { return true };
    match &options.region {
        Some(wanted) if wanted != region => {
            found.warn(format_args!("{file}: {}: in {region}, not in {wanted}: left out", function.name));
            false
        }
        _ => {
            found.regions.insert(region.to_owned());
            true
        }
    }
}

fn stranger(what: &str, name: &str, found: &mut Found) {
    found.warn(format_args!("{what} of {name}: no file has this function"));
}

/// Whether a document has both keys.
/// What a function uses of Lambda with a price of its own.
fn extras(item: &At<'_>) -> Result<BTreeSet<Extra>, InventoryError> {
    let applied = item.dig(&["SnapStart", "ApplyOn"]).map(|at| at.text()).transpose()?;
    let found = [
        (applied.as_deref() == Some("PublishedVersions")).then_some(Extra::SnapStart),
        item.get("TenancyConfig").map(|_| Extra::TenantIsolation),
        item.get("DurableConfig").map(|_| Extra::DurableExecution),
    ];
    Ok(found.into_iter().flatten().collect())
}

fn has(document: &At<'_>, keys: [&str; 2]) -> bool {
    keys.iter().all(|key| document.get(key).is_some())
}

fn required<'a>(at: &At<'a>, key: &str) -> Result<At<'a>, InventoryError> {
    at.get(key).ok_or_else(|| at.error(&format!("{key} is missing")))
}

/// The name in a function's ARN, without version or alias.
fn function_of(at: &At<'_>) -> Result<String, InventoryError> {
    let arn = at.text()?;
    let name = arn.split(':').nth(6).filter(|name| !name.is_empty());
    name.map(str::to_owned).ok_or_else(|| at.error(&format!("{arn:?} is not the ARN of a function")))
}

/// An ARN without version or alias.
fn unqualified(arn: &str) -> String {
    arn.split(':').take(7).collect::<Vec<_>>().join(":")
}

/// The instruction set; x86-64 where none is named.
pub(super) fn architecture(at: Option<At<'_>>) -> Result<Architecture, InventoryError> {
    let Some(at) = at else { return Ok(Architecture::X86_64) };
    let Some(first) = at.list().into_iter().next() else { return Ok(Architecture::X86_64) };
    match first.text()?.as_str() {
        "x86_64" => Ok(Architecture::X86_64),
        "arm64" => Ok(Architecture::Arm64),
        other => Err(first.error(&format!("{other:?} is not x86_64 or arm64"))),
    }
}

/// ISO 8601 as Lambda writes it: `2026-11-02T08:30:00.000+0000`, or with a colon in the offset.
fn instant(text: &str) -> Option<DateTime<Utc>> {
    let lambda = DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z");
    lambda.or_else(|_| DateTime::parse_from_rfc3339(text)).ok().map(|at| at.to_utc())
}

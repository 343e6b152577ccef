//! SAM and CloudFormation templates: functions, what limits them and what invokes them, as far as a template says so
//! ("AWS resource and property types reference" and "AWS SAM Developer Guide", read 2026-11).
//!
//! A function with ways in that are all known is invoked by those alone; one to which anything else refers, or that
//! has no way in, may be called.

mod resolve;
mod source;

use std::collections::BTreeMap;

use guard_core::inventory::{AsyncConfig, EventSourceMapping, Function};
use guard_core::name::FunctionName;
use serde_json::Value;

use self::resolve::{Resolver, function, references};
use super::aws_cli::architecture;
use super::mapping::{asynchronous, optional};
use super::value::{At, range};
use super::{Found, InventoryError, Options};

const SAM_FUNCTION: &str = "AWS::Serverless::Function";
const FUNCTION: &str = "AWS::Lambda::Function";

/// Memory and time-out where none is set ("AWS::Lambda::Function", AWS CloudFormation Template Reference, read
/// 2026-11).
const DEFAULTS: (u32, u32) = (128, 3);

/// Parts of a function's ARN with a qualifier.
const ARN_PARTS: usize = 8;

/// Characters of a logical ID ("AWS CloudFormation quotas", name of a resource, read 2026-11).
const LONGEST_ID: usize = 255;

/// What of a function must be known to be counted.
const SETTINGS: [&str; 12] = [
    "MemorySize",
    "Timeout",
    "Architectures",
    "EphemeralStorage.Size",
    "ReservedConcurrentExecutions",
    "ProvisionedConcurrencyConfig.ProvisionedConcurrentExecutions",
    "EventInvokeConfig.MaximumRetryAttempts",
    "EventInvokeConfig.MaximumEventAgeInSeconds",
    "MaximumRetryAttempts",
    "MaximumEventAgeInSeconds",
    "Tags",
    "Events",
];

/// One way into a function.
#[derive(Clone, Debug)]
enum Way {
    /// Something waits for its answer.
    Called,
    /// Something hands over events.
    Asynchronous,
    /// Lambda polls a source for it.
    Polled(EventSourceMapping),
    /// Its source may have a dead-letter queue or not.
    DeadLetterUnknown,
    /// Its source has no limit that is known.
    Unlimited,
}

/// A function while its ways in are being collected.
struct Draft {
    function: Function,
    ways: Vec<Way>,
    /// Whether something catches asynchronous events that are given up.
    on_failure: bool,
}

/// A template with everything resolved that can be.
struct Template<'a> {
    file: &'a str,
    resources: BTreeMap<String, Resource>,
}

struct Resource {
    kind: String,
    properties: Value,
}

/// Reads a template's functions.
pub(super) fn read(root: &At<'_>, options: &Options, found: &mut Found) -> Result<(), InventoryError> {
    let template = Template::new(root, options, found)?;
    let mut drafts = BTreeMap::new();
    for (id, resource) in &template.resources {
        if matches!(resource.kind.as_str(), SAM_FUNCTION | FUNCTION)
            && let Some(draft) = draft(&template, id, found)?
        {
            drafts.insert(id.clone(), draft);
        }
    }
    for id in template.resources.keys() {
        attach(&template, id, &mut drafts, found)?;
    }
    for (_, draft) in drafts {
        let function = draft.finish(found);
        found.add(template.file, function);
    }
    Ok(())
}

impl<'a> Template<'a> {
    fn new(root: &At<'a>, options: &Options, found: &mut Found) -> Result<Self, InventoryError> {
        let file = root.file;
        let resolver = Resolver::new(root.value, options);
        let globals = root.dig(&["Globals", "Function"]).map(|at| at.value.clone());
        let resources = root.get("Resources").ok_or_else(|| root.error("Resources is missing"))?;
        let mut known = BTreeMap::new();
        for id in resources.object()?.keys() {
            if id.starts_with("Fn::") {
                found.warn(format_args!("{file}: Resources.{id}: cannot be expanded here: left out"));
                continue;
            }
            let Some(at) = resources.get(id) else { continue };
            if id.chars().count() > LONGEST_ID {
                return Err(at.error(&format!("a name of more than {LONGEST_ID} characters")));
            }
            let kind = at.get("Type").ok_or_else(|| at.error("Type is missing"))?.text()?;
            if let Some(condition) = at.get("Condition") {
                match resolver.holds(&condition.text()?) {
                    Some(true) => {}
                    Some(false) => continue,
                    None => found.warn(format_args!(
                        "{file}: {}: whether it holds is not known here: the resource is counted",
                        condition.path
                    )),
                }
            }
            let own = at.get("Properties").map_or(Value::Null, |at| at.value.clone());
            let own = match &globals {
                Some(globals) if kind == SAM_FUNCTION => {
                    let own = merged(globals, own);
                    resolver.copied(&own);
                    own
                }
                _ => own,
            };
            if matches!(kind.as_str(), "AWS::CloudFormation::Stack" | "AWS::Serverless::Application") {
                found
                    .warn(format_args!("{file}: {}: a nested stack is a file of its own: not read", at.path));
            }
            let properties = resolver.plain(&own);
            if resolver.is_exhausted() {
                return Err(at.error(
                    "its functions, with those before it, make more of the template than can be read",
                ));
            }
            known.insert(id.clone(), Resource { kind, properties });
        }
        Ok(Template { file, resources: known })
    }

    /// The properties of a resource.
    fn properties(&self, id: &str) -> Option<At<'_>> {
        let resource = self.resources.get(id)?;
        Some(At { file: self.file, path: format!("Resources.{id}.Properties"), value: &resource.properties })
    }

    /// The resource of this template that a value refers to first.
    fn referred_id(&self, value: &Value) -> Option<String> {
        references(value).into_iter().find(|id| self.resources.contains_key(id))
    }

    fn referred(&self, value: &Value) -> Option<At<'_>> {
        self.properties(&self.referred_id(value)?)
    }

    fn type_of(&self, value: &Value) -> Option<&str> {
        Some(self.resources.get(&self.referred_id(value)?)?.kind.as_str())
    }

    /// The properties with each of the paths either plain or gone; a warning names what is gone.
    fn settled(&self, at: &At<'_>, paths: &[&str], found: &mut Found) -> Value {
        let mut value = at.value.clone();
        for path in paths {
            let mut place = Some(&mut value);
            let mut walked = at.path.clone();
            for key in path.split('.') {
                place = place.and_then(|value| value.get_mut(key));
                walked = format!("{walked}.{key}");
                let Some(value) = place.as_deref_mut() else { break };
                let unknown = function(value).or_else(|| value.as_array()?.iter().find_map(function));
                if let Some((name, _)) = unknown {
                    found.warn(format_args!(
                        "{}: {walked}: {name} cannot be resolved here: AWS's default is used",
                        self.file
                    ));
                    *value = Value::Null;
                }
            }
        }
        value
    }

    /// The function that a property names: by reference, alias, name or ARN.
    fn function_named(&self, value: &Value, drafts: &BTreeMap<String, Draft>) -> Option<String> {
        if let Some(name) = value.as_str() {
            let last = name
                .rsplit(':')
                .take(ARN_PARTS)
                .find(|part| drafts.values().any(|d| d.function.name.as_str() == *part));
            let by_name = |(_, draft): &(&String, &Draft)| Some(draft.function.name.as_str()) == last;
            return drafts.iter().find(by_name).map(|(id, _)| id.clone());
        }
        let id = self.referred_id(value)?;
        if drafts.contains_key(&id) {
            return Some(id);
        }
        let alias = self.properties(&id)?.get("FunctionName")?.value.clone();
        references(&alias).into_iter().find(|id| drafts.contains_key(id))
    }
}

/// SAM: what a function sets goes before the globals; maps are put together ("Globals section", AWS SAM Developer
/// Guide, read 2026-11). Lists are put together there too; none that counts here is given in both places.
fn merged(globals: &Value, own: Value) -> Value {
    match (globals, own) {
        (globals, Value::Null) => globals.clone(),
        (Value::Object(globals), Value::Object(mut own))
            if function(&Value::Object(own.clone())).is_none() =>
        {
            for (key, value) in globals {
                let mine = own.remove(key).unwrap_or(Value::Null);
                own.insert(key.clone(), merged(value, mine));
            }
            Value::Object(own)
        }
        (_, own) => own,
    }
}

fn draft(template: &Template<'_>, id: &str, found: &mut Found) -> Result<Option<Draft>, InventoryError> {
    let Some(raw) = template.properties(id) else { return Ok(None) };
    if raw.get("CapacityProviderConfig").is_some() {
        found.warn(format_args!(
            "{}: {}: runs on a capacity provider, which is billed as instances: left out",
            raw.file, raw.path
        ));
        return Ok(None);
    }
    let settled = template.settled(&raw, &SETTINGS, found);
    let at = At { value: &settled, ..raw.clone() };
    let name = name(id, &at, found)?;
    let memory_mb = optional(&at, "MemorySize", range::MEMORY_MB)?.unwrap_or(DEFAULTS.0);
    let timeout_s = optional(&at, "Timeout", range::TIMEOUT_S)?.unwrap_or(DEFAULTS.1);
    let mut function = Function::new(name.as_str(), memory_mb, timeout_s);
    function.architecture = architecture(at.get("Architectures"))?;
    if let Some(size) = at.dig(&["EphemeralStorage", "Size"]) {
        function.ephemeral_mb = size.count(range::EPHEMERAL_MB)?;
    }
    function.reserved = optional(&at, "ReservedConcurrentExecutions", range::CONCURRENCY)?;
    function.provisioned = provisioned(&at)?;
    function.tags = tags(&at)?;
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
    Ok(Some(Draft { function, ways, on_failure }))
}

/// The name of a function: its logical ID where none is set, because AWS makes one from it.
fn name(id: &str, at: &At<'_>, found: &mut Found) -> Result<String, InventoryError> {
    match at.get("FunctionName") {
        None => Ok(id.to_owned()),
        Some(name) => match function(name.value) {
            None => name.text(),
            Some((unknown, _)) => {
                found.warn(format_args!(
                    "{}: {}: {unknown} cannot be resolved here: the function is called {id}",
                    at.file, name.path
                ));
                Ok(id.to_owned())
            }
        },
    }
}

fn provisioned(at: &At<'_>) -> Result<u32, InventoryError> {
    let count = at.dig(&["ProvisionedConcurrencyConfig", "ProvisionedConcurrentExecutions"]);
    Ok(count.map(|at| at.count(range::CONCURRENCY)).transpose()?.unwrap_or(0))
}

/// Tags: a map in SAM, a list of `Key` and `Value` elsewhere. One whose value only AWS knows is left out.
fn tags(at: &At<'_>) -> Result<BTreeMap<String, String>, InventoryError> {
    let Some(tags) = at.get("Tags") else { return Ok(BTreeMap::new()) };
    let mut known = BTreeMap::new();
    if tags.value.is_array() {
        for item in tags.items()? {
            if let (Some(key), Some(value)) = (item.get("Key"), item.get("Value"))
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

/// Adds to the functions what a resource says about them.
fn attach(
    template: &Template<'_>,
    id: &str,
    drafts: &mut BTreeMap<String, Draft>,
    found: &mut Found,
) -> Result<(), InventoryError> {
    let (Some(resource), Some(properties)) = (template.resources.get(id), template.properties(id)) else {
        return Ok(());
    };
    let named = properties.get("FunctionName").and_then(|at| template.function_named(at.value, drafts));
    match resource.kind.as_str() {
        "AWS::Lambda::EventSourceMapping" => {
            let ways = source::resource(template, id, &properties, found)?;
            match named.and_then(|name| drafts.get_mut(&name)) {
                Some(draft) => draft.ways.extend(ways),
                None => found.warn(format_args!(
                    "{}: {}.FunctionName: no function of this template: left out",
                    template.file, properties.path
                )),
            }
        }
        "AWS::Lambda::EventInvokeConfig" => {
            if let Some(draft) = named.and_then(|name| drafts.get_mut(&name)) {
                let settled = template.settled(&properties, &SETTINGS, found);
                let at = At { value: &settled, ..properties };
                draft.function.asynchronous = Some(asynchronous(&at, draft.function.asynchronous)?);
            }
        }
        "AWS::Lambda::Alias" | "AWS::Lambda::Version" => {
            if let Some(draft) = named.and_then(|name| drafts.get_mut(&name)) {
                let settled = template.settled(&properties, &SETTINGS, found);
                let more = provisioned(&At { value: &settled, ..properties })?;
                draft.function.provisioned = draft.function.provisioned.saturating_add(more);
            }
        }
        kind => {
            for (caller, way) in source::callers(kind, &properties) {
                // What a function says of itself is no call.
                if let Some(draft) = drafts.get_mut(&caller).filter(|_| caller != id) {
                    draft.ways.push(way);
                }
            }
        }
    }
    Ok(())
}

impl Draft {
    fn finish(self, found: &mut Found) -> Function {
        let Draft { mut function, ways, on_failure } = self;
        let name: FunctionName = function.name.clone();
        let is_without_way = ways.is_empty() && function.asynchronous.is_none();
        function.synchronous = is_without_way;
        for way in ways {
            match way {
                Way::Called | Way::Unlimited => function.synchronous = true,
                Way::Asynchronous => {
                    function.asynchronous.get_or_insert_with(AsyncConfig::default);
                }
                Way::Polled(mapping) => function.mappings.push(mapping),
                Way::DeadLetterUnknown => {
                    found.unknown_dead_letter.insert(name.clone());
                }
            }
        }
        if let Some(config) = &mut function.asynchronous {
            config.on_failure |= on_failure;
        }
        function
    }
}

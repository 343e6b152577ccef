//! SAM and CloudFormation templates: functions, what limits them and what invokes them, as far as a template says so
//! ("AWS resource and property types reference" and "AWS SAM Developer Guide", read 2026-11).
//!
//! A function with ways in that are all known is invoked by those alone; one to which anything else refers, or that
//! has no way in, may be called.

mod callers;
mod draft;
mod loops;
mod parameters;
mod possible;
mod resolve;
mod settings;
mod source;
mod written;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use self::draft::{Draft, draft};
use self::resolve::{Resolver, function};
use self::written::{references, texts, written};
use super::value::At;
use super::{Found, InventoryError, Options};

const SAM_FUNCTION: &str = "AWS::Serverless::Function";
const FUNCTION: &str = "AWS::Lambda::Function";

/// Parts of a function's ARN with a qualifier.
const ARN_PARTS: usize = 8;

/// Aliases and versions between a reference and its function; one that leads to itself ends here.
const MOST_HOPS: usize = 8;

/// Characters of a logical ID ("AWS CloudFormation quotas", name of a resource, read 2026-11).
const LONGEST_ID: usize = 255;

/// Functions by logical ID.
type Drafts = BTreeMap<String, Draft>;

/// A template with everything resolved that can be.
struct Template<'a> {
    file: &'a str,
    resolver: Resolver<'a>,
    resources: BTreeMap<String, Resource>,
}

struct Resource {
    kind: String,
    properties: Value,
    /// `Connectors` of SAM.
    connectors: Value,
    /// The condition of which it is not known whether it holds.
    condition: Option<String>,
}

/// Reads a template's functions.
pub(super) fn read(root: &At<'_>, options: &Options, found: &mut Found) -> Result<(), InventoryError> {
    if let Some(declared) = root.get("Parameters").and_then(|at| at.value.as_object()) {
        found.parameters.extend(declared.keys().cloned());
    }
    parameters::check(root, options)?;
    let whole = loops::expanded(root, options, found)?.map_or(Cow::Borrowed(root.value), Cow::Owned);
    let template = Template::new(&At { value: &whole, ..root.clone() }, options, found)?;
    let mut drafts = Drafts::new();
    for (id, resource) in &template.resources {
        if matches!(resource.kind.as_str(), SAM_FUNCTION | FUNCTION)
            && let Some(draft) = draft(&template, id, found)?
        {
            drafts.insert(id.clone(), draft);
        }
    }
    for id in template.resources.keys() {
        callers::attach(&template, id, &mut drafts, found)?;
    }
    // After all mappings: a connector of a queue is the permission for one of them, or all that there is.
    for id in template.resources.keys() {
        callers::connect(&template, id, &mut drafts, found)?;
    }
    for (id, draft) in drafts {
        let is_named = draft.is_named;
        let (function, is_dead_letter_unknown) = draft.finish();
        if is_named {
            if is_dead_letter_unknown {
                found.unknown_dead_letter.insert(function.name.clone());
            }
            found.add(template.file, function);
        } else {
            found.generated.push(Generated {
                file: template.file.to_owned(),
                id,
                function,
                is_dead_letter_unknown,
            });
        }
    }
    Ok(())
}

/// A function whose name AWS makes from its logical ID, which is unique within its template only.
#[derive(Debug)]
pub(super) struct Generated {
    file: String,
    id: String,
    function: guard_core::inventory::Function,
    is_dead_letter_unknown: bool,
}

impl Generated {
    /// Gives it a name that no other function has, and adds it. The same file read again replaces what it said before.
    pub(super) fn add(self, names: &mut BTreeMap<(String, String), String>, found: &mut Found) {
        let Generated { file, id, mut function, is_dead_letter_unknown } = self;
        let key = (file.clone(), id.clone());
        let name = names.get(&key).cloned().unwrap_or_else(|| {
            if !found.functions.contains_key(&id) {
                return id.clone();
            }
            let own = format!("{id} ({file})");
            found.warn(format_args!("{file}: {id} is in a file before too: this one is counted as {own}"));
            own
        });
        names.insert(key, name.clone());
        function.name = name.as_str().into();
        if is_dead_letter_unknown {
            found.unknown_dead_letter.insert(function.name.clone());
        }
        found.add(&file, function);
    }
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
            let mut open = None;
            if let Some(condition) = at.get("Condition") {
                let name = condition.text()?;
                match resolver.holds(&name) {
                    Some(true) => {}
                    Some(false) => continue,
                    None => {
                        found.warn(format_args!(
                            "{file}: {}: whether it holds is not known here: the resource is counted",
                            condition.path
                        ));
                        open = Some(name);
                    }
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
            let connectors = at.get("Connectors").map_or(Value::Null, |at| resolver.plain(at.value));
            known.insert(id.clone(), Resource { kind, properties, connectors, condition: open });
        }
        Ok(Template { file, resolver, resources: known })
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

    /// Whether a resource is there wherever a function is, as far as that is known.
    fn is_certain(&self, id: &str, function: &str) -> bool {
        let condition = |id| self.resources.get(id).and_then(|resource| resource.condition.as_ref());
        condition(id).is_none_or(|open| condition(function) == Some(open))
    }

    /// The function behind a logical ID: its own, or that of its alias or version.
    fn function_of(&self, id: &str, drafts: &Drafts) -> Option<String> {
        let mut id = id.to_owned();
        for _ in 0..MOST_HOPS {
            if drafts.contains_key(&id) {
                return Some(id);
            }
            let Some(resource) = self.resources.get(&id) else { return self.made_by_sam(&id, drafts) };
            if !matches!(resource.kind.as_str(), "AWS::Lambda::Alias" | "AWS::Lambda::Version") {
                return None;
            }
            let of = resource.properties.get("FunctionName")?;
            match references(of).into_iter().find(|id| self.resources.contains_key(id)) {
                Some(next) => id = next,
                None => return named(&written(of)?, drafts),
            }
        }
        None
    }

    /// The function of an alias or version that SAM makes: `ShopAliaslive`, `ShopVersion0123456789` ("AWS CloudFormation
    /// resources generated when you specify AWS::Serverless::Function", AWS SAM Developer Guide, read 2026-11).
    fn made_by_sam(&self, id: &str, drafts: &Drafts) -> Option<String> {
        let is_made = |function: &&String| {
            let rest = id.strip_prefix(function.as_str()).unwrap_or_default();
            (rest.starts_with("Alias") || rest.starts_with("Version"))
                && self.properties(function).is_some_and(|at| at.get("AutoPublishAlias").is_some())
        };
        drafts.keys().filter(is_made).max_by_key(|function| function.len()).cloned()
    }

    /// The function that a property names: by reference, alias, version, name or ARN.
    fn function_named(&self, value: &Value, drafts: &Drafts) -> Option<String> {
        let referred = references(value).into_iter().find_map(|id| self.function_of(&id, drafts));
        referred.or_else(|| named(&written(value)?, drafts))
    }

    /// The functions that a value refers to or whose ARN is written in it.
    fn functions_in(&self, value: &Value, drafts: &Drafts) -> BTreeSet<String> {
        let referred = references(value);
        let mut functions: BTreeSet<String> =
            referred.iter().filter_map(|id| self.function_of(id, drafts)).collect();
        for text in texts(value) {
            for arn in text.split(":function:").skip(1) {
                let name = arn.split([':', '/']).next().unwrap_or_default();
                functions.extend(of_name(name, drafts));
            }
        }
        functions
    }

    /// The queue or stream that a value refers to, or names by an ARN.
    fn source(&self, value: &Value, named_by: &str) -> Option<At<'_>> {
        if let Some(referred) = self.referred(value) {
            return Some(referred);
        }
        let arn = written(value)?;
        let name = arn.rsplit([':', '/']).next().filter(|name| !name.is_empty())?;
        let is_named = |resource: &Resource| {
            resource.properties.get(named_by).and_then(written).as_deref() == Some(name)
        };
        let (id, _) = self.resources.iter().find(|(_, resource)| is_named(resource))?;
        self.properties(id)
    }
}

/// The function with this name or ARN, with or without a qualifier.
fn named(text: &str, drafts: &Drafts) -> Option<String> {
    text.rsplit(':').take(ARN_PARTS).find_map(|part| of_name(part, drafts))
}

/// The function with this name, as far as both are written.
fn of_name(name: &str, drafts: &Drafts) -> Option<String> {
    let has_name = |(_, draft): &(&String, &Draft)| {
        draft.is_named && draft.function.name.as_str() == name || draft.spelled.as_deref() == Some(name)
    };
    drafts.iter().find(has_name).map(|(id, _)| id.clone())
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

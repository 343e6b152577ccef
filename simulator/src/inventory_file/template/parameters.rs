//! The parameters of a template: what they are, or what they can be ("Parameters", AWS CloudFormation Template Reference,
//! read 2026-11).

use std::collections::BTreeMap;

use serde_json::Value;

use crate::inventory_file::value::At;
use crate::inventory_file::{InventoryError, Options};

/// Parameters with a value, and those without one.
#[derive(Default)]
pub(super) struct Parameters<'a> {
    known: BTreeMap<&'a str, Value>,
    /// The possible values of a parameter without a value; empty if anything is possible.
    open: BTreeMap<&'a str, Vec<Value>>,
    /// `AllowedValues` of a parameter without value.
    allowed: BTreeMap<&'a str, &'a [Value]>,
}

impl<'a> Parameters<'a> {
    pub(super) fn new(template: &'a Value, options: &Options) -> Self {
        let mut parameters = Parameters::default();
        let declared = template.get("Parameters").and_then(Value::as_object);
        for (name, parameter) in declared.into_iter().flatten() {
            let kind = parameter.get("Type").and_then(Value::as_str).unwrap_or_default();
            match value(
                kind,
                options.parameters.get(name),
                parameter.get("Default").filter(|default| !default.is_null()),
            ) {
                Some(value) => _ = parameters.known.insert(name, value),
                None => {
                    let allowed = allowed(kind, parameter);
                    _ = parameters.open.insert(name, choices(allowed, parameter));
                    _ = allowed.map(|allowed| parameters.allowed.insert(name, allowed));
                }
            }
        }
        if let Some(region) = &options.region {
            parameters.known.insert("AWS::Region", Value::String(region.clone()));
        }
        parameters
    }

    pub(super) fn value(&self, name: &str) -> Option<&Value> {
        self.known.get(name)
    }

    /// The possible values of a parameter without a value; `None` if there is no such parameter, or it has a value.
    pub(super) fn choices(&self, name: &str) -> Option<&[Value]> {
        self.open.get(name).map(Vec::as_slice)
    }

    /// The only values that a parameter without value can have.
    pub(super) fn allowed(&self, name: &str) -> Option<&[Value]> {
        self.allowed.get(name).copied()
    }
}

/// Refuses a given value that the template does not allow.
pub(super) fn check(root: &At<'_>, options: &Options) -> Result<(), InventoryError> {
    let Some(declared) = root.get("Parameters") else { return Ok(()) };
    for (name, given) in &options.parameters {
        let Some(parameter) = declared.get(name) else { continue };
        let kind = parameter.get("Type").and_then(|at| at.text().ok()).unwrap_or_default();
        let Some(allowed) = allowed(&kind, parameter.value) else { continue };
        let allowed: Vec<String> = allowed.iter().map(plain).collect();
        if !allowed.contains(given) {
            let all = allowed.join(", ");
            return Err(parameter.error(&format!("{given:?} is not one of its AllowedValues ({all})")));
        }
    }
    Ok(())
}

/// A text, and a number as its text.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// What is given goes before the default. Of a parameter of Systems Manager the default is a name, and so is what is given
/// with a slash before it; what else is given is its value.
fn value(kind: &str, given: Option<&String>, default: Option<&Value>) -> Option<Value> {
    let given = given.cloned().map(Value::String);
    let value = if is_of_systems_manager(kind) {
        given.filter(|value| !value.as_str().is_some_and(|text| text.starts_with('/')))
    } else {
        given.or_else(|| default.cloned())
    }?;
    Some(match value.as_str() {
        Some(text) if is_list(kind) => text.split(',').map(|item| Value::from(item.trim())).collect(),
        _ => value,
    })
}

fn is_of_systems_manager(kind: &str) -> bool {
    kind.starts_with("AWS::SSM::Parameter::Value<")
}

fn is_list(kind: &str) -> bool {
    kind.contains("CommaDelimitedList") || kind.contains("List<")
}

/// What the template allows; of a parameter of Systems Manager that would be names.
fn allowed<'a>(kind: &str, parameter: &'a Value) -> Option<&'a [Value]> {
    let allowed =
        parameter.get("AllowedValues").filter(|_| !is_of_systems_manager(kind) && !is_list(kind))?;
    allowed.as_array().map(Vec::as_slice)
}

/// The allowed values, or the ends of a range.
fn choices(allowed: Option<&[Value]>, parameter: &Value) -> Vec<Value> {
    match (allowed, parameter.get("MinValue"), parameter.get("MaxValue")) {
        (Some(allowed), ..) => allowed.to_vec(),
        (None, least, Some(most)) => vec![least.cloned().unwrap_or(Value::from(1)), most.clone()],
        _ => Vec::new(),
    }
}

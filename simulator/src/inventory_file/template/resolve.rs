//! What of a template's functions can be resolved without AWS: parameters with a value, conditions over them, mappings,
//! joins and substitutions. The rest stays as it is written.

use std::cell::Cell;
use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::inventory_file::Options;

/// Functions within functions, and conditions within conditions; a condition that asks for itself ends here.
const MAX_DEPTH: usize = 64;

/// What all functions of a template may take: values looked at and bytes of text made. A text that is put together of
/// itself doubles with every level; a template has 1 MB at most ("AWS CloudFormation quotas", read 2026-11).
const MOST_WORK: usize = 10_000_000;

/// The pseudo parameter that removes a property ("Pseudo parameters reference", AWS CloudFormation User Guide, read
/// 2026-11).
const NO_VALUE: &str = "AWS::NoValue";

/// The parts of a template that its functions refer to.
pub(super) struct Resolver<'a> {
    parameters: BTreeMap<&'a str, Value>,
    conditions: Option<&'a Map<String, Value>>,
    mappings: Option<&'a Value>,
    /// What is left of [`MOST_WORK`].
    left: Cell<usize>,
}

impl<'a> Resolver<'a> {
    pub(super) fn new(template: &'a Value, options: &'a Options) -> Self {
        let mut parameters: BTreeMap<&str, Value> = BTreeMap::new();
        if let Some(declared) = template.get("Parameters").and_then(Value::as_object) {
            for (name, parameter) in declared {
                let given = options.parameters.get(name).cloned().map(Value::String);
                if let Some(value) = given.or_else(|| parameter.get("Default").cloned()) {
                    parameters.insert(name, value);
                }
            }
        }
        if let Some(region) = &options.region {
            parameters.insert("AWS::Region", Value::String(region.clone()));
        }
        Resolver {
            parameters,
            conditions: template.get("Conditions").and_then(Value::as_object),
            mappings: template.get("Mappings"),
            left: Cell::new(MOST_WORK),
        }
    }

    /// Whether the template's functions ask for more than [`MOST_WORK`]; what was resolved then is not whole.
    pub(super) fn is_exhausted(&self) -> bool {
        self.left.get() == 0
    }

    /// Takes work off what is left; `None` where nothing is.
    fn work(&self, amount: usize) -> Option<()> {
        let left = self.left.get().saturating_sub(amount);
        self.left.set(left);
        (left > 0).then_some(())
    }

    /// Counts a value that was copied.
    pub(super) fn copied(&self, value: &Value) {
        let _ = self.work(weight(value));
    }

    /// The value with all that can be resolved resolved. What is removed is null.
    pub(super) fn plain(&self, value: &Value) -> Value {
        self.at_depth(value, 0)
    }

    fn at_depth(&self, value: &Value, depth: usize) -> Value {
        if self.work(1).is_none() {
            return Value::Null;
        }
        if depth > MAX_DEPTH {
            self.copied(value);
            return value.clone();
        }
        if let Some((name, argument)) = function(value) {
            return self.call(name, argument, depth).unwrap_or_else(|| {
                self.copied(value);
                value.clone()
            });
        }
        match value {
            Value::Array(items) => {
                let items = items.iter().map(|item| self.at_depth(item, depth + 1));
                Value::Array(items.filter(|item| !item.is_null()).collect())
            }
            Value::Object(map) => {
                map.iter().map(|(key, value)| (key.clone(), self.at_depth(value, depth + 1))).collect()
            }
            value => value.clone(),
        }
    }

    /// What a function gives; `None` where only AWS knows.
    fn call(&self, name: &str, argument: &Value, depth: usize) -> Option<Value> {
        match name {
            "Ref" if argument.as_str() == Some(NO_VALUE) => Some(Value::Null),
            "Ref" => self.copy(self.parameters.get(argument.as_str()?)?),
            "Fn::If" => {
                let [condition, yes, no] = argument.as_array()?.as_slice() else { return None };
                let chosen = if self.named(condition.as_str()?, depth + 1)? { yes } else { no };
                Some(self.at_depth(chosen, depth + 1))
            }
            "Fn::FindInMap" => {
                let keys = argument.as_array()?.iter().take(3).map(|key| self.text(key, depth));
                let keys = keys.collect::<Option<Vec<_>>>()?;
                self.copy(keys.iter().try_fold(self.mappings?, |at, key| at.get(key))?)
            }
            "Fn::Join" => {
                let [separator, parts] = argument.as_array()?.as_slice() else { return None };
                let parts = parts.as_array()?.iter().map(|part| self.text(part, depth));
                let (parts, separator) = (parts.collect::<Option<Vec<_>>>()?, separator.as_str()?);
                let bytes = parts.iter().map(|part| part.len() + separator.len()).sum();
                self.work(bytes)?;
                Some(Value::String(parts.join(separator)))
            }
            "Fn::Sub" => self.substituted(argument, depth).map(Value::String),
            _ => None,
        }
    }

    /// A copy, counted.
    fn copy(&self, value: &Value) -> Option<Value> {
        self.work(weight(value))?;
        Some(value.clone())
    }

    /// A text, resolved.
    fn text(&self, value: &Value, depth: usize) -> Option<String> {
        match self.at_depth(value, depth + 1) {
            Value::String(text) => Some(text),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(truth) => Some(truth.to_string()),
            _ => None,
        }
    }

    /// `${Name}` replaced where all are known; `${!Name}` stands for `${Name}`.
    fn substituted(&self, argument: &Value, depth: usize) -> Option<String> {
        let (text, own) = match argument {
            Value::String(text) => (text.as_str(), None),
            Value::Array(parts) => (parts.first()?.as_str()?, parts.get(1)),
            _ => return None,
        };
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let (name, after) = after.split_once('}')?;
            out.push_str(before);
            match name.strip_prefix('!') {
                Some(literal) => out.push_str(&format!("${{{literal}}}")),
                None => {
                    let own = own.and_then(|own| own.get(name)).and_then(|value| self.text(value, depth));
                    let known = || self.text(self.parameters.get(name)?, depth);
                    let text = own.or_else(known)?;
                    self.work(text.len())?;
                    out.push_str(&text);
                }
            }
            rest = after;
        }
        Some(out + rest)
    }

    /// Whether a condition of the template holds; `None` where only AWS knows.
    pub(super) fn holds(&self, name: &str) -> Option<bool> {
        self.named(name, 0)
    }

    fn named(&self, name: &str, depth: usize) -> Option<bool> {
        self.condition(self.conditions?.get(name)?, depth + 1)
    }

    fn condition(&self, value: &Value, depth: usize) -> Option<bool> {
        self.work(1)?;
        if depth > MAX_DEPTH {
            return None;
        }
        let (name, argument) = function(value)?;
        if name == "Condition" {
            return self.named(argument.as_str()?, depth + 1);
        }
        let parts = argument.as_array()?;
        let all = || parts.iter().map(|part| self.condition(part, depth + 1));
        match (name, parts.as_slice()) {
            ("Fn::Equals", [a, b]) => Some(self.text(a, depth)? == self.text(b, depth)?),
            ("Fn::Not", [part]) => self.condition(part, depth + 1).map(|holds| !holds),
            // One part that decides is enough, whatever the others are.
            ("Fn::And", _) if all().any(|holds| holds == Some(false)) => Some(false),
            ("Fn::And", _) => all().collect::<Option<Vec<_>>>().map(|_| true),
            ("Fn::Or", _) if all().any(|holds| holds == Some(true)) => Some(true),
            ("Fn::Or", _) => all().collect::<Option<Vec<_>>>().map(|_| false),
            _ => None,
        }
    }
}

/// Values within a value, itself included, and the bytes of their texts.
fn weight(value: &Value) -> usize {
    match value {
        Value::String(text) => 1 + text.len(),
        Value::Array(items) => 1 + items.iter().map(weight).sum::<usize>(),
        Value::Object(map) => 1 + map.iter().map(|(key, value)| key.len() + weight(value)).sum::<usize>(),
        _ => 1,
    }
}

/// A function of CloudFormation: its name and argument.
pub(super) fn function(value: &Value) -> Option<(&str, &Value)> {
    let map = value.as_object().filter(|map| map.len() == 1)?;
    let (name, argument) = map.iter().next()?;
    (name == "Ref" || name == "Condition" || name.starts_with("Fn::")).then_some((name.as_str(), argument))
}

/// Whatever a value refers to, by logical ID, in the order in which it is written.
pub(super) fn references(value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    collect(value, &mut found);
    found
}

fn collect(value: &Value, found: &mut Vec<String>) {
    let base = |name: &str| name.split('.').next().unwrap_or_default().to_owned();
    match (function(value), value) {
        (Some(("Ref", Value::String(name))), _) => found.push(base(name)),
        (Some(("Fn::GetAtt", Value::String(path))), _) => found.push(base(path)),
        (Some(("Fn::GetAtt", Value::Array(path))), _) => {
            found.extend(path.first().and_then(Value::as_str).map(base));
        }
        (Some(("Fn::Sub", argument)), _) => {
            let text = argument.as_str().or_else(|| argument.get(0)?.as_str()).unwrap_or_default();
            for name in text.split("${").skip(1).filter_map(|part| part.split_once('}')) {
                found.push(base(name.0));
            }
            if let Some(own) = argument.get(1) {
                collect(own, found);
            }
        }
        (_, Value::Array(items)) => items.iter().for_each(|item| collect(item, found)),
        (_, Value::Object(map)) => map.values().for_each(|value| collect(value, found)),
        _ => {}
    }
}

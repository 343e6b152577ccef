//! What of a template's functions can be resolved without AWS: parameters with a value, conditions over them, mappings,
//! joins and substitutions. The rest stays as it is written.

use std::cell::{Cell, RefCell};

use serde_json::{Map, Value};

use super::parameters::Parameters;
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
    pub(super) parameters: Parameters<'a>,
    conditions: Option<&'a Map<String, Value>>,
    pub(super) mappings: Option<&'a Value>,
    /// Conditions that are not known, and in whose branch we are.
    assumed: RefCell<Vec<(String, bool)>>,
    /// What is left of [`MOST_WORK`].
    left: Cell<usize>,
}

impl<'a> Resolver<'a> {
    pub(super) fn new(template: &'a Value, options: &Options) -> Self {
        Resolver {
            parameters: Parameters::new(template, options),
            conditions: template.get("Conditions").and_then(Value::as_object),
            mappings: template.get("Mappings"),
            assumed: RefCell::default(),
            left: Cell::new(MOST_WORK),
        }
    }

    /// Whether the template's functions ask for more than [`MOST_WORK`]; what was resolved then is not whole.
    pub(super) fn is_exhausted(&self) -> bool {
        self.left.get() == 0
    }

    /// Subtracts work from the rest; `None` if nothing is left.
    pub(super) fn work(&self, amount: usize) -> Option<()> {
        let left = self.left.get().saturating_sub(amount);
        self.left.set(left);
        (left > 0).then_some(())
    }

    /// Counts a value that was copied.
    pub(super) fn copied(&self, value: &Value) {
        let _ = self.work(weight(value));
    }

    /// The value with everything resolved that can be. A removed value is null.
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
            return self.call(name, argument, depth).unwrap_or_else(|| self.open(value, depth));
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

    /// The texts of a list; `None` where it is not known.
    pub(super) fn list(&self, value: &Value) -> Option<Vec<String>> {
        match self.plain(value) {
            Value::Array(items) => items.iter().map(|item| self.text(item, 0)).collect(),
            Value::Object(_) | Value::Null => None,
            one => Some(vec![self.text(&one, 0)?]),
        }
    }

    /// The result of a function; `None` if only AWS knows it.
    fn call(&self, name: &str, argument: &Value, depth: usize) -> Option<Value> {
        match name {
            "Ref" if argument.as_str() == Some(NO_VALUE) => Some(Value::Null),
            "Ref" => self.copy(self.parameters.value(argument.as_str()?)?),
            "Fn::If" => {
                let [condition, yes, no] = argument.as_array()?.as_slice() else { return None };
                let chosen = if self.named(condition.as_str()?, depth + 1)? { yes } else { no };
                Some(self.at_depth(chosen, depth + 1))
            }
            "Fn::FindInMap" => {
                let keys = argument.as_array()?.iter().take(3).map(|key| self.text(key, depth));
                let keys = keys.collect::<Option<Vec<_>>>()?;
                let default = || argument.get(3)?.get("DefaultValue");
                let value = keys.iter().try_fold(self.mappings?, |at, key| at.get(key)).or_else(default)?;
                Some(self.at_depth(value, depth + 1))
            }
            "Fn::Select" => {
                let [index, list] = argument.as_array()?.as_slice() else { return None };
                let index: usize = self.text(index, depth)?.parse().ok()?;
                let list = self.at_depth(list, depth + 1);
                list.as_array()?.get(index).filter(|value| function(value).is_none()).cloned()
            }
            "Fn::Split" => {
                let [separator, text] = argument.as_array()?.as_slice() else { return None };
                let text = self.text(text, depth)?;
                self.work(text.len())?;
                Some(text.split(separator.as_str().filter(|by| !by.is_empty())?).map(Value::from).collect())
            }
            "Fn::Join" => {
                let [separator, parts] = argument.as_array()?.as_slice() else { return None };
                let parts = self.at_depth(parts, depth + 1);
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

    /// A function that cannot be resolved: both branches of an unknown condition are, and what it holds besides.
    fn open(&self, value: &Value, depth: usize) -> Value {
        let Some((name, argument)) = function(value) else { return value.clone() };
        let resolved = match (name, argument) {
            ("Fn::If", Value::Array(parts)) if parts.len() == 3 => {
                let condition = parts.first().cloned().unwrap_or_default();
                let branch = |index: usize, holds| {
                    let _ = condition
                        .as_str()
                        .map(|name| self.assumed.borrow_mut().push((name.to_owned(), holds)));
                    let value = self.at_depth(parts.get(index).unwrap_or(&Value::Null), depth + 1);
                    let _ = condition.as_str().map(|_| self.assumed.borrow_mut().pop());
                    value
                };
                let (yes, no) = (branch(1, true), branch(2, false));
                Value::Array(vec![condition, yes, no])
            }
            ("Fn::Sub", Value::String(text)) => Value::String(self.filled(text, None, depth)),
            ("Fn::Sub", Value::Array(parts)) if parts.first().is_some_and(Value::is_string) => {
                let text = parts.first().and_then(Value::as_str).unwrap_or_default();
                let own = self.at_depth(parts.get(1).unwrap_or(&Value::Null), depth + 1);
                let text = self.filled(text, Some(&own), depth);
                Value::Array(vec![Value::String(text), own])
            }
            ("Fn::Join" | "Fn::Select" | "Fn::Split", argument) => self.at_depth(argument, depth + 1),
            (_, argument) => {
                self.copied(argument);
                argument.clone()
            }
        };
        Value::Object(Map::from_iter([(name.to_owned(), resolved)]))
    }

    /// `${Name}` replaced where its value is known.
    fn filled(&self, text: &str, own: Option<&Value>, depth: usize) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let Some((name, after)) = after.split_once('}') else { break };
            out.push_str(before);
            match self.variable(name, own, depth) {
                Some(text) => out.push_str(&text),
                None => out.push_str(&format!("${{{name}}}")),
            }
            rest = after;
        }
        out.push_str(rest);
        let _ = self.work(out.len());
        out
    }

    /// The value of a name in a substitution.
    fn variable(&self, name: &str, own: Option<&Value>, depth: usize) -> Option<String> {
        match own.and_then(|own| own.get(name)) {
            Some(value) => self.text(value, depth),
            None => self.text(self.parameters.value(name)?, depth),
        }
    }

    /// A copy, counted.
    fn copy(&self, value: &Value) -> Option<Value> {
        self.work(weight(value))?;
        Some(value.clone())
    }

    /// A text, resolved.
    pub(super) fn text(&self, value: &Value, depth: usize) -> Option<String> {
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
                    let text = self.variable(name.trim(), own, depth)?;
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
        if let Some((_, holds)) = self.assumed.borrow().iter().find(|(assumed, _)| assumed == name) {
            return Some(*holds);
        }
        self.condition(self.conditions?.get(name)?, depth + 1)
    }

    /// Whether two texts are equal. A parameter without value is one of those that its template allows.
    fn are_equal(&self, a: &Value, b: &Value, depth: usize) -> Option<bool> {
        let (left, right) = (self.text(a, depth), self.text(b, depth));
        let (open, text) = match (&left, &right) {
            (Some(left), Some(right)) => return Some(left == right),
            (Some(text), None) => (b, text),
            (None, Some(text)) => (a, text),
            (None, None) => return None,
        };
        let (_, name) = function(open).filter(|(name, _)| *name == "Ref")?;
        let allowed = self.parameters.allowed(name.as_str()?)?;
        let fitting = allowed.iter().filter(|one| self.text(one, depth).as_ref() == Some(text)).count();
        match fitting {
            0 => Some(false),
            all if all == allowed.len() => Some(true),
            _ => None,
        }
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
            ("Fn::Equals", [a, b]) => self.are_equal(a, b, depth),
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

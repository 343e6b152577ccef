//! What a value can be where it is not known: the branches of a condition, the values that a parameter allows, the entries
//! of a mapping.

use serde_json::Value;

use super::resolve::{Resolver, function};
use super::written::references;

/// A key of which the first item of a list is meant.
pub(super) const FIRST: &str = "0";

/// The possible values, as far as the template states them.
#[derive(Debug, Default)]
pub(super) struct Possible {
    /// Values that are written; null is one that is not set.
    pub(super) values: Vec<Value>,
    /// Whether it can be something that is not written.
    pub(super) is_unknown: bool,
    /// What cannot be resolved, and whether a parameter would resolve it; `None` where the value is known.
    pub(super) cause: Option<(String, bool)>,
}

impl Possible {
    fn cause(&mut self, cause: impl FnOnce() -> (String, bool)) {
        self.cause.get_or_insert_with(cause);
    }
}

/// The entry of a key; all where the key is not known.
fn entry_of<'v>(map: &'v Value, key: Option<&str>) -> Vec<&'v Value> {
    match (map, key) {
        (map, Some(key)) => map.get(key).into_iter().collect(),
        (Value::Object(map), None) => map.values().collect(),
        _ => Vec::new(),
    }
}

impl Resolver<'_> {
    /// The possible values behind these keys, as far as the template states them.
    pub(super) fn possible(&self, value: &Value, keys: &[&str], found: &mut Possible) {
        let Some((name, argument)) = function(value) else {
            match (keys.split_first(), value) {
                (None, value) if is_dynamic(value) => {
                    found.cause(|| ("a dynamic reference".to_owned(), false));
                    found.is_unknown = true;
                }
                (None, value) => found.values.push(value.clone()),
                (Some((key, rest)), Value::Object(map)) => {
                    self.possible(map.get(*key).unwrap_or(&Value::Null), rest, found);
                }
                (Some((&FIRST, rest)), Value::Array(items)) => {
                    self.possible(items.first().unwrap_or(&Value::Null), rest, found);
                }
                // One that is no list is a list of one.
                (Some((&FIRST, [])), value) => self.possible(value, &[], found),
                (Some(_), _) => found.values.push(Value::Null),
            }
            return;
        };
        found.cause(|| {
            let condition = argument.get(0).filter(|_| name == "Fn::If").and_then(Value::as_str);
            let of = condition.map(str::to_owned).or_else(|| references(value).into_iter().next());
            let is_open = of.as_ref().is_some_and(|of| self.parameters.choices(of).is_some());
            (of.map_or_else(|| name.to_owned(), |of| format!("{name} {of}")), is_open)
        });
        // A substitution of nothing but a parameter is the parameter.
        let alone =
            |text: &'_ str| text.strip_prefix("${")?.strip_suffix('}').map(|name| name.trim().to_owned());
        let parameter = argument.as_str().and_then(|text| match name {
            "Ref" => Some(text.to_owned()),
            "Fn::Sub" => alone(text),
            _ => None,
        });
        let choices = || self.parameters.choices(parameter.as_deref()?);
        match (name, argument.as_array().map_or(&[][..], Vec::as_slice)) {
            ("Fn::If", [_, yes, no]) => {
                self.possible(yes, keys, found);
                self.possible(no, keys, found);
            }
            ("Fn::FindInMap", [map, path @ ..]) => {
                let entries = self.text(map, 0).and_then(|map| self.mappings?.get(map));
                let known: Vec<_> = path.iter().take(2).map(|key| self.text(key, 0)).collect();
                let before = found.values.len();
                if let (Some(entries), [first, second]) = (entries, known.as_slice()) {
                    for entry in entry_of(entries, first.as_deref()) {
                        for value in entry_of(entry, second.as_deref()) {
                            self.possible(value, keys, found);
                        }
                    }
                }
                if let Some(default) = path.get(2).and_then(|at| at.get("DefaultValue")) {
                    self.possible(default, keys, found);
                }
                found.is_unknown |= found.values.len() == before;
            }
            ("Ref" | "Fn::Sub", _) if choices().is_some_and(|choices| !choices.is_empty()) => {
                found.values.extend(choices().into_iter().flatten().cloned());
            }
            _ => found.is_unknown = true,
        }
        let _ = self.work(1 + found.values.len());
    }
}

/// Whether a text is, or holds, what CloudFormation fetches as it deploys ("Dynamic references", AWS CloudFormation User
/// Guide, read 2026-11).
pub(super) fn is_dynamic(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.contains("{{resolve:"))
}

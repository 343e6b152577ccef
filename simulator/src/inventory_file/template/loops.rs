//! `Fn::ForEach`, expanded as the transform `AWS::LanguageExtensions` does ("Fn::ForEach", AWS CloudFormation Template
//! Reference, read 2026-11): within resources, their properties and conditions.

use guard_core::text::abridged;
use serde_json::{Map, Value};

use super::resolve::{Resolver, function};
use crate::inventory_file::value::{At, LONGEST_KEY};
use crate::inventory_file::{Found, InventoryError, Options};

const LOOP: &str = "Fn::ForEach";

/// Work that a value counts as: the results of a loop stay in memory.
const NODE_WORK: usize = 10;

/// The template without loops; `None` where it has none.
pub(super) fn expanded(
    root: &At<'_>,
    options: &Options,
    found: &mut Found,
) -> Result<Option<Value>, InventoryError> {
    const SECTIONS: [&str; 3] = ["Conditions", "Mappings", "Resources"];
    if !SECTIONS.iter().filter_map(|section| root.value.get(*section)).any(has_loop) {
        return Ok(None);
    }
    let resolver = Resolver::new(root.value, options);
    let mut expansion = Expansion { resolver: &resolver, items: Vec::new(), found };
    let mut whole = root.value.as_object().cloned().unwrap_or_default();
    for section in SECTIONS {
        if let Some(at) = root.get(section) {
            whole.insert(section.to_owned(), expansion.value(&at)?);
        }
    }
    Ok(Some(Value::Object(whole)))
}

fn has_loop(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(has_loop),
        Value::Object(map) => map.iter().any(|(key, value)| is_loop(key) || has_loop(value)),
        _ => false,
    }
}

fn is_loop(key: &str) -> bool {
    key.split("::").take(2).eq(LOOP.split("::"))
}

struct Expansion<'a> {
    resolver: &'a Resolver<'a>,
    /// The identifiers of the loops around, each with its item of this round; the innermost is last.
    items: Vec<(String, String)>,
    found: &'a mut Found,
}

impl Expansion<'_> {
    fn value(&mut self, at: &At<'_>) -> Result<Value, InventoryError> {
        if self.resolver.work(NODE_WORK).is_none() {
            return Err(at.error("its loops make more of the template than can be read"));
        }
        match at.value {
            Value::String(text) => Ok(Value::String(self.replaced(text))),
            Value::Array(_) => {
                Ok(Value::Array(at.items()?.iter().map(|item| self.value(item)).collect::<Result<_, _>>()?))
            }
            Value::Object(map) => match function(at.value) {
                Some(("Ref", Value::String(name))) if self.item(name).is_some() => {
                    Ok(Value::from(self.item(name)))
                }
                _ => self.entries(at, map),
            },
            value => Ok(value.clone()),
        }
    }

    fn entries(&mut self, at: &At<'_>, map: &Map<String, Value>) -> Result<Value, InventoryError> {
        let mut out = Map::new();
        for (key, value) in map {
            let inner =
                At { file: at.file, path: format!("{}.{}", at.path, abridged(key, LONGEST_KEY)), value };
            if is_loop(key) {
                self.rounds(&inner, &mut out)?;
            } else {
                let value = self.value(&inner)?;
                out.insert(self.replaced(key), value);
            }
        }
        Ok(Value::Object(out))
    }

    /// The map of a loop, once for each item.
    fn rounds(&mut self, at: &At<'_>, out: &mut Map<String, Value>) -> Result<(), InventoryError> {
        const SHAPE: &str = "a loop has an identifier, a list and a map";
        let [identifier, _, Value::Object(_)] = at.value.as_array().map_or(&[][..], Vec::as_slice) else {
            return Err(at.error(SHAPE));
        };
        let identifier = identifier.as_str().ok_or_else(|| at.error(SHAPE))?;
        let (Some(list), Some(body)) = (at.items()?.get(1).cloned(), at.items()?.get(2).cloned()) else {
            return Err(at.error(SHAPE));
        };
        let list = self.value(&list)?;
        let items = self.resolver.list(&list).unwrap_or_else(|| {
            self.found.warn(format_args!(
                "{}: {}: the list is not known here: one round is counted, there may be more (--parameter)",
                at.file, at.path
            ));
            vec![identifier.to_owned()]
        });
        for item in items {
            self.items.push((identifier.to_owned(), item));
            let round = self.value(&body);
            self.items.pop();
            if let Value::Object(round) = round? {
                out.extend(round);
            }
        }
        Ok(())
    }

    /// The item of an identifier in this round.
    fn item(&self, identifier: &str) -> Option<&str> {
        let (_, item) = self.items.iter().rev().find(|(name, _)| name == identifier)?;
        Some(item)
    }

    /// `${Identifier}` is its item, and `&{Identifier}` the item's letters and digits.
    fn replaced(&self, text: &str) -> String {
        if self.items.is_empty() {
            return text.to_owned();
        }
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['$', '&']) {
            let (before, from) = rest.split_at(at);
            out.push_str(before);
            let name =
                from.get(1..).and_then(|more| more.strip_prefix('{')).and_then(|more| more.split_once('}'));
            match name.and_then(|(name, after)| Some((self.item(name.trim())?, after))) {
                Some((item, after)) => {
                    let is_kept = |sign: &char| from.starts_with('$') || sign.is_ascii_alphanumeric();
                    out.extend(item.chars().filter(is_kept));
                    rest = after;
                }
                None => {
                    let (sign, after) = from.split_at(1);
                    out.push_str(sign);
                    rest = after;
                }
            }
        }
        out.push_str(rest);
        let _ = self.resolver.work(out.len());
        out
    }
}

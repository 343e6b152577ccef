//! YAML as a tree of JSON values, with the short forms of CloudFormation's functions in their long form: `!Ref X`
//! becomes `{"Ref": "X"}` and `!GetAtt A.B` becomes `{"Fn::GetAtt": ["A", "B"]}` ("Intrinsic function reference",
//! AWS CloudFormation User Guide, read 2026-11). Of keys that are equal the last counts, and `<<` merges, as in PyYAML, with
//! which AWS's command lines read templates.
//!
//! Every scalar becomes a text, or null where nothing stands: CloudFormation takes texts for numbers and truth values,
//! and whoever reads a value here knows which it must be.

use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle, Span, StrInput, Tag};
use guard_core::text::abridged;
use serde_json::{Map, Value};

use super::InventoryError;
use super::value::LONGEST_KEY;

/// Collections within collections; serde_json has the same limit for JSON.
const MAX_DEPTH: usize = 128;

/// Bytes of memory of a document after aliases are replaced by what they stand for, what anchors keep counted again: an
/// alias of aliases can stand for more than memory holds. A template has 500 resources and 1 MB at most ("AWS
/// CloudFormation quotas", read 2026-11).
const MAX_BYTES: usize = 100_000_000;

/// Bytes of a value without its text: a node of a tree with its key.
const VALUE_BYTES: usize = 100;

/// The key that merges maps ("Merge Key Language-Independent Type for YAML", yaml.org/type/merge.html, read 2026-11).
const MERGE: &str = "<<";

/// Reads one document, and adds a warning for each key that is there twice.
///
/// # Errors
/// The line and column of what is no YAML, of a key that is no text, of a second document, or where it is nested too
/// deep or grows too large.
pub(super) fn read(file: &str, text: &str, warnings: &mut Vec<String>) -> Result<Value, InventoryError> {
    let parser = Parser::new_from_str(text);
    let mut tree = Tree { file, parser, anchors: HashMap::new(), bytes: 0, warnings };
    let mut document = None;
    loop {
        let (event, at) = tree.next()?;
        match event {
            Event::StreamEnd => return document.ok_or_else(|| tree.error(at, "there is no document")),
            Event::DocumentStart(..) if document.is_some() => {
                return Err(tree.error(at, "a second document begins here; one is expected"));
            }
            Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd => {}
            event => document = Some(tree.value(event, at, 0)?),
        }
    }
}

struct Tree<'a> {
    file: &'a str,
    parser: Parser<'a, StrInput<'a>>,
    /// The value of an anchor, and its size in bytes.
    anchors: HashMap<usize, (Value, usize)>,
    bytes: usize,
    warnings: &'a mut Vec<String>,
}

/// The map's own entries, and the ones it merges.
#[derive(Default)]
struct Entries {
    own: Map<String, Value>,
    merged: Map<String, Value>,
}

impl<'a> Tree<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span), InventoryError> {
        match self.parser.next_event() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => {
                let (line, column) = (error.marker().line(), error.marker().col() + 1);
                Err(InventoryError::at_line(self.file, line, column, error.info()))
            }
            None => Err(InventoryError::of_file(self.file, "the YAML ends before its end")),
        }
    }

    fn error(&self, at: Span, problem: &str) -> InventoryError {
        InventoryError::at_line(self.file, at.start.line(), at.start.col() + 1, problem)
    }

    fn value(&mut self, event: Event<'a>, at: Span, depth: usize) -> Result<Value, InventoryError> {
        if depth > MAX_DEPTH {
            return Err(self.error(at, &format!("nested more than {MAX_DEPTH} deep")));
        }
        let before = self.bytes;
        self.count(at, VALUE_BYTES)?;
        let (value, tag, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.count(at, text.len())?;
                (scalar(&text, style), tag, anchor)
            }
            Event::SequenceStart(_, anchor, tag) => (self.sequence(depth)?, tag, anchor),
            Event::MappingStart(_, anchor, tag) => (self.mapping(depth)?, tag, anchor),
            Event::Alias(anchor) => {
                // Known only once its value is complete: an anchor inside itself is unknown here.
                let Some((value, size)) = self.anchors.get(&anchor).cloned() else {
                    return Err(self.error(at, "an alias inside what it stands for"));
                };
                self.count(at, size)?;
                return Ok(value);
            }
            _ => return Err(self.error(at, "a value was expected")),
        };
        let value = match tag {
            Some(tag) => long_form(&tag, value),
            None => value,
        };
        if anchor > 0 {
            let size = self.bytes - before;
            self.count(at, size)?;
            self.anchors.insert(anchor, (value.clone(), size));
        }
        Ok(value)
    }

    fn count(&mut self, at: Span, more: usize) -> Result<(), InventoryError> {
        self.bytes = self.bytes.saturating_add(more);
        if self.bytes > MAX_BYTES {
            return Err(self.error(at, &format!("more than {MAX_BYTES} bytes, aliases replaced")));
        }
        Ok(())
    }

    fn sequence(&mut self, depth: usize) -> Result<Value, InventoryError> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(Value::Array(items)),
                (event, at) => items.push(self.value(event, at, depth + 1)?),
            }
        }
    }

    fn mapping(&mut self, depth: usize) -> Result<Value, InventoryError> {
        let mut entries = Entries::default();
        loop {
            let (event, at) = match self.next()? {
                (Event::MappingEnd, _) => break,
                next => next,
            };
            let is_merge = matches!(&event, Event::Scalar(key, ScalarStyle::Plain, _, tag)
                if key == MERGE && tag.as_ref().is_none_or(|tag| tag.suffix() == "merge"));
            let key = self.key(event, at)?;
            let (event, value_at) = self.next()?;
            let is_scalar = matches!(event, Event::Scalar(..));
            let value = self.value(event, value_at, depth + 1)?;
            if is_merge {
                if is_scalar || !entries.merge(value) {
                    return Err(self.error(value_at, "<< merges a map or a list of maps"));
                }
            } else if entries.own.insert(key.clone(), value).is_some() {
                self.warnings.push(twice(self.file, at.start.line(), at.start.col() + 1, &key));
            }
        }
        let mut map = entries.merged;
        map.extend(entries.own);
        Ok(Value::Object(map))
    }

    /// A key: a text, or an alias of one.
    fn key(&self, event: Event<'a>, at: Span) -> Result<String, InventoryError> {
        match event {
            Event::Scalar(key, ..) => Ok(key.into_owned()),
            Event::Alias(anchor) => {
                let text = self.anchors.get(&anchor).and_then(|(value, _)| value.as_str());
                text.map(str::to_owned).ok_or_else(|| self.error(at, "a key must be a plain text"))
            }
            _ => Err(self.error(at, "a key must be a plain text")),
        }
    }
}

impl Entries {
    /// Takes in a map, or a list of maps of which the first goes before the others; `false` where it is neither.
    fn merge(&mut self, value: Value) -> bool {
        match value {
            Value::Object(map) => self.merged.extend(map),
            Value::Array(maps) => {
                for map in maps.into_iter().rev() {
                    let Value::Object(map) = map else { return false };
                    self.merged.extend(map);
                }
            }
            _ => return false,
        }
        true
    }
}

/// The problem of equal keys.
pub(super) fn twice(file: &str, line: usize, column: usize, key: &str) -> String {
    let key = abridged(key, LONGEST_KEY);
    format!("{file}:{line}:{column}: {key} is there twice: the last one counts")
}

fn scalar(text: &str, style: ScalarStyle) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" if style == ScalarStyle::Plain => Value::Null,
        text => Value::String(text.to_owned()),
    }
}

/// The long form of a short one. Tags of YAML itself (`!!str`) change nothing here.
fn long_form(tag: &Tag, value: Value) -> Value {
    if tag.handle() != "!" {
        return value;
    }
    let (key, value) = match (tag.suffix(), value) {
        (name @ ("Ref" | "Condition"), value) => (name.to_owned(), value),
        ("GetAtt", Value::String(path)) => {
            let parts =
                path.split_once('.').map_or(vec![path.as_str()], |(of, attribute)| vec![of, attribute]);
            ("Fn::GetAtt".to_owned(), Value::from(parts))
        }
        (name, value) => (format!("Fn::{name}"), value),
    };
    Value::Object(Map::from_iter([(key, value)]))
}

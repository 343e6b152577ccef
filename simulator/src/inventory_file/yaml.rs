//! YAML as a tree of JSON values, with the short forms of CloudFormation's functions in their long form: `!Ref X`
//! becomes `{"Ref": "X"}` and `!GetAtt A.B` becomes `{"Fn::GetAtt": ["A", "B"]}` ("Intrinsic function reference",
//! AWS CloudFormation User Guide, read 2026-11).
//!
//! Every scalar becomes a text, or null where nothing stands: CloudFormation takes texts for numbers and truth values,
//! and whoever reads a value here knows which it must be.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Span, StrInput, Tag};
use serde_json::{Map, Value};

use super::InventoryError;

/// Collections within collections; serde_json has the same limit for JSON.
const MAX_DEPTH: usize = 128;

/// Bytes of memory of a document after aliases are replaced by what they stand for, what anchors keep counted again: an
/// alias of aliases can stand for more than memory holds. A template has 500 resources and 1 MB at most ("AWS
/// CloudFormation quotas", read 2026-11).
const MAX_BYTES: usize = 100_000_000;

/// Bytes of a value without its text: a node of a tree with its key.
const VALUE_BYTES: usize = 100;

/// Reads one document.
///
/// # Errors
/// The line and column of what is no YAML, of a key that is there twice or is no text, of a second document, or where
/// it is nested too deep or grows too large.
pub(super) fn read(file: &str, text: &str) -> Result<Value, InventoryError> {
    let mut tree = Tree { file, parser: Parser::new_from_str(text), anchors: HashMap::new(), bytes: 0 };
    let mut document = None;
    loop {
        let (event, at) = tree.next()?;
        match event {
            Event::StreamEnd => return document.ok_or_else(|| tree.error(at, "there is no document")),
            Event::DocumentStart(_) if document.is_some() => {
                return Err(tree.error(at, "a second document begins here; one is expected"));
            }
            Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing => {}
            event => document = Some(tree.value(event, at, 0)?),
        }
    }
}

struct Tree<'a> {
    file: &'a str,
    parser: Parser<'a, StrInput<'a>>,
    /// What an anchor stands for, and how many bytes that is.
    anchors: HashMap<usize, (Value, usize)>,
    bytes: usize,
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
            Event::SequenceStart(anchor, tag) => (self.sequence(depth)?, tag, anchor),
            Event::MappingStart(anchor, tag) => (self.mapping(depth)?, tag, anchor),
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
        let mut map = Map::new();
        loop {
            let (event, at) = match self.next()? {
                (Event::MappingEnd, _) => return Ok(Value::Object(map)),
                next => next,
            };
            let Event::Scalar(key, ..) = event else {
                return Err(self.error(at, "a key must be a plain text"));
            };
            let (event, value_at) = self.next()?;
            let value = self.value(event, value_at, depth + 1)?;
            if map.insert(key.to_string(), value).is_some() {
                return Err(self.error(at, &format!("the key {key:?} is there twice")));
            }
        }
    }
}

fn scalar(text: &str, style: ScalarStyle) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" if style == ScalarStyle::Plain => Value::Null,
        text => Value::String(text.to_owned()),
    }
}

/// The long form of a short one. Tags of YAML itself (`!!str`) change nothing here.
fn long_form(tag: &Tag, value: Value) -> Value {
    if tag.handle != "!" {
        return value;
    }
    let (key, value) = match (tag.suffix.as_str(), value) {
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

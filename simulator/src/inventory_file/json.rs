//! JSON as a tree, with a warning for each key that is there twice: serde_json keeps the last one and says nothing.

use std::cell::Cell;
use std::fmt;
use std::io::{self, Read};
use std::ops::Range;

use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::InventoryError;
use super::yaml::twice;

/// A document and the bytes of the text that it takes.
pub(super) type Document = (Value, Range<usize>);

/// Reads the documents of a text, one after the other.
///
/// # Errors
/// The line and column of the text that is not JSON.
pub(super) fn read(
    file: &str,
    text: &str,
    warnings: &mut Vec<String>,
) -> Result<Vec<Document>, InventoryError> {
    let place = Place::default();
    let rest = Counted { rest: text.as_bytes(), place: &place };
    let mut reader = serde_json::Deserializer::from_reader(rest);
    let mut documents = Vec::new();
    let mut begins = 0;
    // The end is reached where nothing but white space is left.
    while reader.end().is_err() {
        let document = Tree { file, place: &place, warnings }.deserialize(&mut reader).map_err(|error| {
            InventoryError::at_line(file, error.line(), error.column(), super::json_problem(&error))
        })?;
        let ends = place.byte.get();
        documents.push((document, begins..ends));
        begins = ends;
    }
    Ok(documents)
}

/// How far the text was read: serde_json takes it byte by byte.
#[derive(Default)]
struct Place {
    byte: Cell<usize>,
    line: Cell<usize>,
    column: Cell<usize>,
}

struct Counted<'a> {
    rest: &'a [u8],
    place: &'a Place,
}

impl Read for Counted<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.rest.read(out)?;
        let place = self.place;
        place.byte.set(place.byte.get() + read);
        for byte in out.iter().take(read) {
            if *byte == b'\n' {
                place.line.set(place.line.get() + 1);
                place.column.set(0);
            } else {
                place.column.set(place.column.get() + 1);
            }
        }
        Ok(read)
    }
}

/// Makes values.
struct Tree<'a> {
    file: &'a str,
    place: &'a Place,
    warnings: &'a mut Vec<String>,
}

impl Tree<'_> {
    fn within(&mut self) -> Tree<'_> {
        Tree { file: self.file, place: self.place, warnings: self.warnings }
    }
}

impl<'de> DeserializeSeed<'de> for Tree<'_> {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Tree<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, truth: bool) -> Result<Value, E> {
        Ok(Value::Bool(truth))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Value, E> {
        Ok(Value::from(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Value, E> {
        Ok(Value::from(number))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Value, E> {
        Ok(Number::from_f64(number).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        Ok(Value::from(text))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Value, E> {
        Ok(Value::String(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut sequence: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = sequence.next_element_seed(self.within())? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            // The key and its quotes were read last.
            let line = self.place.line.get() + 1;
            let column = self.place.column.get().saturating_sub(key.len() + 1);
            let value = entries.next_value_seed(self.within())?;
            if map.contains_key(&key) {
                self.warnings.push(twice(self.file, line, column, &key));
            }
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}

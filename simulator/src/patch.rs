//! A change of one key of a scenario: what comparisons and sweeps vary.
//!
//! A path is written as the keys of the file with dots between them. An element of a list is named by its `name`, by
//! its place from 0, or by `*` for all: `policy.budget.*.below_floor=stop`, `traffic.botnet.rate.to_rps=500`.

use std::fmt;
use std::str::FromStr;

use toml::{Table, Value};

/// One change.
#[derive(Clone, Debug, PartialEq)]
pub struct Patch {
    path: Vec<String>,
    value: Value,
}

/// The path of a change, without a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path(Vec<String>);

impl Path {
    /// The change to this value.
    pub fn set(&self, value: &str) -> Patch {
        Patch { path: self.0.clone(), value: read_value(value) }
    }
}

impl FromStr for Path {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let path: Vec<String> = text.trim().split('.').map(str::to_owned).collect();
        if path.iter().any(String::is_empty) {
            return Err(format!(
                "{text:?}: expected keys with dots between them, such as policy.budget.*.usd"
            ));
        }
        Ok(Path(path))
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("."))
    }
}

impl FromStr for Patch {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (path, value) = text.split_once('=').ok_or_else(|| {
            format!("{text:?}: expected PATH=VALUE, such as policy.budget.*.below_floor=stop")
        })?;
        Ok(path.parse::<Path>()?.set(value))
    }
}

impl fmt::Display for Patch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.path.join("."), self.value)
    }
}

/// A TOML value; any other text is a string, so words need no quotes on a command line.
fn read_value(text: &str) -> Value {
    let text = text.trim();
    let read = format!("value = {text}").parse::<Table>().ok();
    let only = read.filter(|table| table.len() == 1).and_then(|mut table| table.remove("value"));
    only.unwrap_or_else(|| Value::String(text.to_owned()))
}

impl Patch {
    /// Makes the change.
    ///
    /// # Errors
    /// Where the path leads nowhere: which key of it, and what there is instead.
    pub fn apply(&self, scenario: &mut Table) -> Result<(), String> {
        let Some((last, keys)) = self.path.split_last() else { return Ok(()) };
        let mut table = Value::Table(std::mem::take(scenario));
        let done = descend(&mut table, keys, last, &self.value);
        if let Value::Table(table) = table {
            *scenario = table;
        }
        done.map_err(|problem| format!("{}: {problem}", self.path.join(".")))
    }
}

fn descend(here: &mut Value, keys: &[String], last: &str, value: &Value) -> Result<(), String> {
    let key = keys.first().map_or(last, String::as_str);
    let rest = keys.get(1..);
    match here {
        Value::Table(table) => match rest {
            None => {
                table.insert(last.to_owned(), value.clone());
                Ok(())
            }
            Some(rest) => {
                let inner = table.entry(key).or_insert_with(|| Value::Table(Table::new()));
                descend(inner, rest, last, value)
            }
        },
        Value::Array(list) => {
            let places = places(list, key)?;
            for place in places {
                let Some(element) = list.get_mut(place) else { continue };
                match rest {
                    None => *element = value.clone(),
                    Some(rest) => descend(element, rest, last, value)?,
                }
            }
            Ok(())
        }
        other => Err(format!("{key:?} is looked for in a {}", other.type_str())),
    }
}

/// The elements that a key means.
fn places(list: &[Value], key: &str) -> Result<Vec<usize>, String> {
    if key == "*" {
        return Ok((0..list.len()).collect());
    }
    let named = |value: &Value| value.get("name").and_then(Value::as_str).map(str::to_owned);
    if let Some(place) = list.iter().position(|value| named(value).as_deref() == Some(key)) {
        return Ok(vec![place]);
    }
    match key.parse::<usize>() {
        Ok(place) if place < list.len() => Ok(vec![place]),
        _ => {
            let names: Vec<String> = list.iter().filter_map(named).collect();
            Err(format!("no element is named {key:?}; there are {} ({})", list.len(), names.join(", ")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(patch: &str) -> Result<String, String> {
        let text = "minutes = 5\n[[budget]]\nname = \"a\"\nusd = 1\n[[budget]]\nname = \"b\"\nusd = 2\n";
        let mut table: Table = text.parse().unwrap();
        patch.parse::<Patch>()?.apply(&mut table)?;
        Ok(toml::to_string(&table).unwrap().replace('\n', " "))
    }

    #[test]
    fn a_key_is_set_at_every_depth() {
        assert!(applied("minutes=7").unwrap().contains("minutes = 7"));
        assert!(applied("policy.armed=true").unwrap().contains("[policy] armed = true"));
        assert!(applied("budget.b.usd=9").unwrap().ends_with("usd = 1  [[budget]] name = \"b\" usd = 9 "));
        assert!(applied("budget.0.usd=9").unwrap().contains("name = \"a\" usd = 9"));
        assert_eq!(applied("budget.*.usd=\"9\"").unwrap().matches("usd = \"9\"").count(), 2);
    }

    #[test]
    fn a_word_needs_no_quotes_and_a_table_is_a_table() {
        assert!(applied("budget.a.mode=stop").unwrap().contains("mode = \"stop\""));
        assert!(
            applied("rate={ law = \"even\", rps = 2 }").unwrap().contains("[rate] law = \"even\" rps = 2")
        );
        assert!(applied("title=a\nminutes = 3").unwrap().contains("minutes = 5"), "one value, one key");
    }

    #[test]
    fn a_path_that_leads_nowhere_says_where_it_ends() {
        for (patch, part) in [
            ("budget.c.usd=9", "no element is named \"c\"; there are 2 (a, b)"),
            ("budget.2.usd=9", "no element is named \"2\""),
            ("minutes.x=9", "\"x\" is looked for in a integer"),
            ("minutes", "expected PATH=VALUE"),
            ("a..b=1", "expected keys with dots"),
        ] {
            let error = applied(patch).unwrap_err();
            assert!(error.contains(part), "{patch}: {error}");
        }
    }

    #[test]
    fn a_patch_prints_as_it_is_read() {
        for text in ["budget.*.usd=9", "policy.armed=true", "rate.rps=0.5"] {
            assert_eq!(text.parse::<Patch>().unwrap().to_string(), text);
        }
    }
}

//! From text to policy, with the place of every problem; and the JSON Schema.

use std::ops::Range;

use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{KeyPath, PolicyError, Position, Problem, Step, Walked};
use super::words::{self, Place};
use super::{Policy, validate};

impl Policy {
    /// Reads and validates a policy.
    ///
    /// # Errors
    /// All values outside their accepted ranges at once; or, because nothing can be said about a text without a
    /// meaning, the first error of syntax, unknown key or wrong type. Each with line and column.
    ///
    /// ```
    /// use guard_core::policy::Policy;
    ///
    /// let error = Policy::from_toml("[[budget]]\nname = \"day\"\nperiod = \"day\"\nusd = -1").unwrap_err();
    /// let text = error.to_string();
    /// assert!(text.contains("usd"), "{text}");
    /// ```
    pub fn from_toml(text: &str) -> Result<Policy, PolicyError> {
        let policy: Policy = toml::from_str(text).map_err(|error| unreadable(text, &error))?;
        policy.validate().map_err(|error| located(text, error))?;
        Ok(policy)
    }

    /// Checks every accepted range and every contradiction between keys.
    ///
    /// # Errors
    /// All problems at once, without line and column.
    pub fn validate(&self) -> Result<(), PolicyError> {
        let problems = validate::problems(self);
        if problems.is_empty() { Ok(()) } else { Err(PolicyError { problems }) }
    }

    /// The JSON Schema of a policy (draft 2020-12), for editors. It knows every key and range; contradictions
    /// between keys are found by [`Policy::validate`] only.
    pub fn schema() -> Value {
        schemars::schema_for!(Policy).to_value()
    }
}

/// The only problem of a text that is not a policy.
fn unreadable(text: &str, error: &toml::de::Error) -> PolicyError {
    let span = error.span();
    let is_too_deep = error.message().contains("recursion limit");
    let position = match &span {
        Some(span) => Some(Position::of(text, span.start)),
        None => is_too_deep.then(|| Position::deepest(text)),
    };
    let table = DeTable::parse(text).ok();
    let key = match (&table, &span) {
        (Some(table), Some(span)) => path_at(table.get_ref(), span.start),
        _ => KeyPath::default(),
    };
    let of = table.as_ref().and_then(|table| owner(table.get_ref(), &key));
    let place = Place { text, at: span.as_ref().map(|span| span.start), key: &key };
    let (mut message, is_complete) = words::plain(error.message(), &place);
    if let Some(documentation) = describe(&key).filter(|_| !is_complete) {
        let stop = if message.ends_with('?') { "" } else { "." };
        message = format!("{message}{stop} {documentation}");
    }
    PolicyError { problems: vec![Problem { position, key, of, message }] }
}

/// The documentation of a key, which states its range and default.
fn describe(key: &KeyPath) -> Option<String> {
    if key.0.is_empty() {
        return None;
    }
    let root = Policy::schema();
    let mut schema = &root;
    for step in &key.0 {
        schema = resolve(&root, schema);
        schema = match step {
            Step::Key(key) => schema.get("properties")?.get(key)?,
            Step::Index(_) => schema.get("items")?,
        };
    }
    Some(schema.get("description")?.as_str()?.replace('\n', " "))
}

/// Follows a reference into `$defs`.
fn resolve<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    let name = schema.get("$ref").and_then(Value::as_str).and_then(|path| path.strip_prefix("#/$defs/"));
    name.and_then(|name| root.get("$defs")?.get(name)).unwrap_or(schema)
}

/// Adds line and column to problems that were found in the values, and sorts by them.
fn located(text: &str, mut error: PolicyError) -> PolicyError {
    if let Ok(table) = DeTable::parse(text) {
        let placed = error.problems.into_iter().map(|problem| {
            let start = span_of(table.get_ref(), &problem.key).map(|span| span.start);
            (start, problem)
        });
        let mut placed: Vec<(Option<usize>, Problem)> = placed.collect();
        placed.sort_by_key(|(start, _)| *start);
        // One walk over the text, however many problems it has.
        let mut walked = Walked::new(text);
        let problem = |(start, mut problem): (Option<usize>, Problem)| {
            problem.position = start.map(|start| walked.to(start));
            problem
        };
        error.problems = placed.into_iter().map(problem).collect();
    }
    error
}

/// The place of a key's value; or of the nearest key above it, if the text does not have it.
fn span_of(table: &DeTable<'_>, path: &KeyPath) -> Option<Range<usize>> {
    let mut path = path.clone();
    while !path.0.is_empty() {
        if let Some(value) = value_of(table, &path) {
            return Some(value.span());
        }
        path = path.parent()?;
    }
    None
}

/// The value at a path.
fn value_of<'t, 'i>(table: &'t DeTable<'i>, path: &KeyPath) -> Option<&'t Spanned<DeValue<'i>>> {
    let (first, rest) = path.0.split_first()?;
    let Step::Key(first) = first else { return None };
    let mut value = entry(table, first)?;
    for step in rest {
        value = match step {
            Step::Key(key) => entry(value.get_ref().as_table()?, key)?,
            Step::Index(index) => value.get_ref().as_array()?.get(*index)?,
        };
    }
    Some(value)
}

fn entry<'t, 'i>(table: &'t DeTable<'i>, key: &str) -> Option<&'t Spanned<DeValue<'i>>> {
    table.get(key)
}

/// The path of the innermost key or value at a byte of the text.
fn path_at(table: &DeTable<'_>, byte: usize) -> KeyPath {
    let mut path = KeyPath::default();
    descend(table, byte, &mut path);
    path
}

/// Steps into the entry of a table that holds the byte; `false` if none does.
fn descend(table: &DeTable<'_>, byte: usize, path: &mut KeyPath) -> bool {
    for (key, value) in table {
        path.0.push(Step::Key(key.get_ref().clone().into_owned()));
        if holds(value, byte, path) || key.span().contains(&byte) {
            return true;
        }
        path.0.pop();
    }
    false
}

/// Whether the byte lies in the value; `path` then leads to the innermost one. The span of a table under a header
/// is that of the header, so its entries are asked first.
fn holds(value: &Spanned<DeValue<'_>>, byte: usize, path: &mut KeyPath) -> bool {
    let found_inside = match value.get_ref() {
        DeValue::Table(table) => descend(table, byte, path),
        DeValue::Array(array) => array.iter().enumerate().any(|(index, item)| {
            path.0.push(Step::Index(index));
            let found = holds(item, byte, path);
            if !found {
                path.0.pop();
            }
            found
        }),
        _ => false,
    };
    found_inside || value.span().contains(&byte)
}

/// The name of the budget, or the pattern of the companion, that a key belongs to.
fn owner(table: &DeTable<'_>, path: &KeyPath) -> Option<String> {
    let [Step::Key(list), Step::Index(_), ..] = path.0.as_slice() else { return None };
    let named_by = match list.as_str() {
        "budget" => "name",
        "companion" => "functions",
        _ => return None,
    };
    let entry = KeyPath(path.0.get(..2)?.to_vec());
    let name = value_of(table, &entry.key(named_by))?.get_ref().as_str()?;
    Some(format!("{list} {name:?}"))
}

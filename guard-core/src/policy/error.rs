//! The errors in a policy, worded so that its owner can fix them without the manual.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::text::abridged;

/// Characters of a message and of a key: a text of a megabyte in the wrong place must not become a message of one.
const LONGEST: (usize, usize) = (800, 100);

/// Problems that are listed one by one.
const MOST: usize = 20;

/// Everything wrong with a policy: at least one problem, in the order of the text. Displays as one line each,
/// the first twenty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct PolicyError {
    /// The problems.
    pub problems: Vec<Problem>,
}

/// One error: its place, and the accepted values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The place in the text; `None` if the policy did not come from a text, or the key is missing in it.
    #[serde(flatten)]
    pub position: Option<Position>,
    /// The key; empty for the text as a whole.
    pub key: KeyPath,
    /// The named thing it belongs to, such as `budget "checkout"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    /// The error, with the value and the accepted ones.
    pub message: String,
}

/// A place in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Position {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

/// The path to a key, such as `budget[2].usd`; entries of a list count from 0.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyPath(pub Vec<Step>);

/// One step of a [`KeyPath`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Into a table.
    Key(String),
    /// Into a list.
    Index(usize),
}

impl KeyPath {
    /// The path of a key within this one.
    #[must_use]
    pub fn key(&self, key: &str) -> KeyPath {
        self.with(Step::Key(key.to_owned()))
    }

    /// The path of an entry within this list.
    #[must_use]
    pub fn index(&self, index: usize) -> KeyPath {
        self.with(Step::Index(index))
    }

    fn with(&self, step: Step) -> KeyPath {
        let mut steps = self.0.clone();
        steps.push(step);
        KeyPath(steps)
    }

    /// The path that leads here; `None` at the root.
    pub fn parent(&self) -> Option<KeyPath> {
        let (_, steps) = self.0.split_last()?;
        Some(KeyPath(steps.to_vec()))
    }
}

/// Brackets within each other that the reader of TOML follows: `toml` 1.x, read in its source.
const DEPTH_MAX: usize = 80;

impl Position {
    /// The place where brackets are nested deeper than any of our readers follows, or otherwise the longest line: the
    /// place in a text that was rejected for its depth.
    pub fn deepest(text: &str) -> Self {
        let mut depth = 0_usize;
        for (byte, character) in text.char_indices() {
            match character {
                '[' | '{' => depth += 1,
                ']' | '}' => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth > DEPTH_MAX {
                return Position::of(text, byte);
            }
        }
        let longest = text.split_inclusive('\n').max_by_key(|line| line.len()).unwrap_or_default();
        let start = text.find(longest).unwrap_or_default();
        Position::of(text, start)
    }

    /// The place of a byte in a text; the end of the text if the byte lies beyond it.
    pub fn of(text: &str, byte: usize) -> Self {
        let before: &str = text.get(..byte).unwrap_or(text);
        Walked::new(text).to(before.len())
    }
}

/// A text that is being walked through: finds places of bytes that come in ascending order.
pub(super) struct Walked<'t> {
    text: &'t str,
    at: usize,
    place: Position,
}

impl<'t> Walked<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Walked { text, at: 0, place: Position { line: 1, column: 1 } }
    }

    /// The place of a byte that is not before the last one asked for.
    pub(super) fn to(&mut self, byte: usize) -> Position {
        let passed = self.text.get(self.at..byte).unwrap_or_default();
        for c in passed.chars() {
            self.place = match c {
                '\n' => Position { line: self.place.line + 1, column: 1 },
                _ => Position { column: self.place.column + 1, ..self.place },
            };
        }
        self.at += passed.len();
        self.place
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, step) in self.0.iter().enumerate() {
            match step {
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Key(key) => {
                    let dot = if i == 0 { "" } else { "." };
                    if is_bare(key) { write!(f, "{dot}{key}")? } else { write!(f, "{dot}{key:?}")? }
                }
            }
        }
        Ok(())
    }
}

/// Whether TOML takes the key without quotes.
fn is_bare(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

impl Serialize for KeyPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(position) = self.position {
            write!(f, "{position}: ")?;
        }
        if !self.key.0.is_empty() {
            f.write_str(&abridged(&self.key.to_string(), LONGEST.1))?;
            if let Some(of) = &self.of {
                write!(f, " ({})", abridged(of, LONGEST.1))?;
            }
            f.write_str(": ")?;
        }
        f.write_str(&abridged(&self.message, LONGEST.0))
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.problems.iter().take(MOST).enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        match self.problems.len().saturating_sub(MOST) {
            0 => Ok(()),
            more => write!(f, "\nand {more} more of this kind or another"),
        }
    }
}

impl std::error::Error for PolicyError {}

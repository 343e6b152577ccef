//! Text for people at a given width: lines, some of them headings, wrapped where they are prose.

use std::fmt;

/// Narrower than this, columns do not fit; wider, lines cannot be read.
pub const WIDTHS: (usize, usize) = (80, 140);

/// A line of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Whether it heads what follows.
    pub is_heading: bool,
    /// Its text.
    pub text: String,
}

/// A page of text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Its lines.
    pub lines: Vec<Line>,
    /// Its columns.
    pub width: usize,
}

impl Page {
    /// An empty page of so many columns, within [`WIDTHS`].
    pub fn new(width: usize) -> Self {
        Page { lines: Vec::new(), width: width.clamp(WIDTHS.0, WIDTHS.1) }
    }

    /// Adds a line that heads what follows, wrapped.
    pub fn heading(&mut self, text: &str) {
        let lines = wrapped_to(self.width, "", text);
        self.lines.extend(lines.into_iter().map(|text| Line { is_heading: true, text }));
    }

    /// Adds a line as it is, without blanks at its end.
    pub fn line(&mut self, text: &str) {
        self.lines.push(Line { is_heading: false, text: text.trim_end().to_owned() });
    }

    /// Adds prose, wrapped: `first` before its first line, as many blanks before the others.
    pub fn paragraph(&mut self, first: &str, text: &str) {
        for line in wrapped_to(self.width, first, text) {
            self.line(&line);
        }
    }
}

impl fmt::Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|line| writeln!(f, "{}", line.text))
    }
}

/// The text in lines of at most `width` columns: `first` before the first line, as many blanks before the others.
/// A word longer than a line stands alone.
pub fn wrapped_to(width: usize, first: &str, text: &str) -> Vec<String> {
    let indent = " ".repeat(first.chars().count());
    let mut lines = Vec::new();
    let mut line = first.to_owned();
    let mut is_bare = true;
    for word in text.split_whitespace() {
        if !is_bare && line.chars().count() + 1 + word.chars().count() > width {
            lines.push(std::mem::replace(&mut line, indent.clone()));
            is_bare = true;
        }
        if !is_bare {
            line.push(' ');
        }
        line.push_str(word);
        is_bare = false;
    }
    lines.push(line.trim_end().to_owned());
    lines
}

/// A number of things in words: `1 function`, `2 functions`.
pub fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// A text of strangers as one line of at most so many columns, 3 at least: control characters as escapes, and of what is
/// longer its beginning and its end, where a message says what would be accepted.
pub fn abridged(text: &str, columns: usize) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            line.extend(c.escape_default());
        } else {
            line.push(c);
        }
    }
    let count = line.chars().count();
    if count <= columns {
        return line;
    }
    let end = columns / 3;
    let beginning: String = line.chars().take(columns.saturating_sub(end + 3)).collect();
    format!("{beginning} … {}", line.chars().skip(count - end).collect::<String>())
}

/// The text in at most so many columns; a longer one ends in `…`.
pub fn shortened(text: &str, columns: usize) -> String {
    if text.chars().count() <= columns {
        return text.to_owned();
    }
    text.chars().take(columns.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_not_many_and_none_is() {
        assert_eq!([0, 1, 2].map(|count| counted(count, "budget")), ["0 budgets", "1 budget", "2 budgets"]);
    }

    #[test]
    fn a_text_of_strangers_is_one_line_of_its_beginning_and_its_end() {
        assert_eq!(abridged("as it is", 8), "as it is");
        assert_eq!(abridged("a\nb\u{1b}", 80), "a\\nb\\u{1b}");
        let long = format!("begin{}end", "x".repeat(1000));
        assert_eq!(abridged(&long, 12), "begin … xend");
        assert_eq!(abridged(&"é".repeat(500), 100).chars().count(), 100);
    }
}

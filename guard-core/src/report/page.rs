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

/// The text in at most so many columns; a longer one ends in `…`.
pub fn shortened(text: &str, columns: usize) -> String {
    if text.chars().count() <= columns {
        return text.to_owned();
    }
    text.chars().take(columns.saturating_sub(1)).chain(['…']).collect()
}

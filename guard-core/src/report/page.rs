//! Text for people at a given width: lines, some of them headings, with prose wrapped.

use std::fmt;

use crate::text::wrapped_to;

/// Narrower than this, columns do not fit; wider, lines cannot be read.
pub const WIDTHS: (usize, usize) = (80, 140);

/// A line of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Whether it is a heading of the lines that follow.
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
    /// An empty page of the given number of columns, within [`WIDTHS`].
    pub fn new(width: usize) -> Self {
        Page { lines: Vec::new(), width: width.clamp(WIDTHS.0, WIDTHS.1) }
    }

    /// Adds a heading, wrapped.
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

//! A document of headings, paragraphs, lists and tables, written as Markdown; `report::html` writes it as a page.

use std::fmt::Write as _;

use super::layout::{Tone, wrapped_to};

/// Columns of a paragraph in Markdown.
const WIDTH: usize = 120;

/// A document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Its title.
    pub title: String,
    /// What follows.
    pub blocks: Vec<Block>,
}

/// A part of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    /// The title of a section.
    Heading(String),
    /// A paragraph.
    Text(String),
    /// A command, as it is typed.
    Command(String),
    /// Items: the subject of each, and its text.
    List(Vec<(String, String)>),
    /// A table.
    Table(Table),
}

/// A table. The first column names the row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// A description for people who cannot see the page.
    pub caption: String,
    /// Heads of the columns.
    pub columns: Vec<String>,
    /// Rows of as many cells.
    pub rows: Vec<Vec<Cell>>,
}

/// A cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Its text.
    pub text: String,
    /// How much it wants to be seen: [`Tone::Good`] and [`Tone::Alarm`] are bold in Markdown.
    pub tone: Tone,
}

impl Cell {
    /// A cell like any other.
    pub fn plain(text: impl Into<String>) -> Cell {
        Cell { text: text.into(), tone: Tone::Normal }
    }

    /// A cell in a tone.
    pub fn toned(tone: Tone, text: impl Into<String>) -> Cell {
        Cell { text: text.into(), tone }
    }
}

impl Document {
    /// The document in Markdown.
    pub fn markdown(&self) -> String {
        let mut out = format!("# {}\n", self.title);
        for block in &self.blocks {
            out.push('\n');
            match block {
                Block::Heading(title) => {
                    let _ = writeln!(out, "## {title}");
                }
                Block::Text(text) => lines(&mut out, "", text),
                Block::Command(command) => {
                    let _ = writeln!(out, "```sh\n{command}\n```");
                }
                Block::List(items) => {
                    for (about, text) in items {
                        lines(&mut out, "- ", &format!("**{about}**: {text}"));
                    }
                }
                Block::Table(table) => table.markdown(&mut out),
            }
        }
        out
    }
}

fn lines(out: &mut String, first: &str, text: &str) {
    for line in wrapped_to(WIDTH, first, text) {
        let _ = writeln!(out, "{line}");
    }
}

impl Table {
    fn markdown(&self, out: &mut String) {
        let _ = writeln!(out, "| {} |", self.columns.join(" | "));
        let _ = writeln!(out, "|---|{}", "--:|".repeat(self.columns.len().saturating_sub(1)));
        for row in &self.rows {
            let cells: Vec<String> = row.iter().map(Cell::markdown).collect();
            let _ = writeln!(out, "| {} |", cells.join(" | "));
        }
    }
}

impl Cell {
    fn markdown(&self) -> String {
        // A bar would begin another cell.
        let text = self.text.replace('|', "\\|");
        match self.tone {
            Tone::Good | Tone::Alarm => format!("**{text}**"),
            _ => text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_markdown_whose_tables_keep_their_cells_apart() {
        let table = Table {
            caption: "numbers".to_owned(),
            columns: vec!["name".to_owned(), "one".to_owned()],
            rows: vec![vec![Cell::plain("a|b"), Cell::toned(Tone::Alarm, "9")]],
        };
        let blocks = vec![
            Block::Heading("Part".to_owned()),
            Block::Text("word ".repeat(30).trim().to_owned()),
            Block::List(vec![("x".to_owned(), "y".to_owned())]),
            Block::Table(table),
            Block::Command("dowsim".to_owned()),
        ];
        let text = Document { title: "Title".to_owned(), blocks }.markdown();
        assert!(text.starts_with("# Title\n\n## Part\n\nword word"), "{text}");
        assert!(text.lines().all(|line| line.len() <= 120), "{text}");
        assert!(
            text.ends_with(
                "\n- **x**: y\n\n| name | one |\n|---|--:|\n| a\\|b | **9** |\n\n```sh\ndowsim\n```\n"
            ),
            "{text}"
        );
    }
}

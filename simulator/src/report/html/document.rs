//! A document as one page for a browser, in the style of a replay's.

use std::fmt::Write;

use super::{escape, style, tone};
use crate::report::document::{Block, Document, Table};

/// The page.
pub fn document(document: &Document) -> String {
    let mut out = String::with_capacity(100_000);
    let title = escape(&document.title);
    let _ = write!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/>\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\"/>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\
         <title>{title}</title><style>{}</style></head><body><main>\n<h1>{title}</h1>\n",
        style::SHEET
    );
    for block in &document.blocks {
        match block {
            Block::Heading(text) => {
                let _ = writeln!(out, "<h2>{}</h2>", escape(text));
            }
            Block::Text(text) => {
                let _ = writeln!(out, "<p>{}</p>", inline(text));
            }
            Block::Command(text) => {
                let _ = writeln!(out, "<pre>{}</pre>", escape(text));
            }
            Block::List(items) => {
                out += "<dl class=\"terms\">";
                for (about, text) in items {
                    let _ = writeln!(out, "<dt>{}</dt><dd>{}</dd>", inline(about), inline(text));
                }
                out += "</dl>\n";
            }
            Block::Table(part) => table(&mut out, part),
        }
    }
    out += "</main></body></html>\n";
    out
}

/// A table whose rows become lists on a narrow page, so that every cell carries its column's name.
fn table(out: &mut String, table: &Table) {
    let _ = write!(
        out,
        "<table role=\"table\"><caption>{}</caption><thead role=\"rowgroup\"><tr role=\"row\">",
        escape(&table.caption)
    );
    for column in &table.columns {
        let _ = write!(out, "<th role=\"columnheader\" scope=\"col\">{}</th>", escape(column));
    }
    *out += "</tr></thead><tbody role=\"rowgroup\">\n";
    for row in &table.rows {
        *out += "<tr role=\"row\">";
        for (place, (column, cell)) in table.columns.iter().zip(row).enumerate() {
            let (text, column) = (inline(&cell.text), escape(column));
            let text = format!("<span{}>{text}</span>", tone(cell.tone));
            let _ = if place == 0 {
                write!(out, "<th role=\"rowheader\" scope=\"row\">{text}</th>")
            } else {
                write!(out, "<td role=\"cell\" data-name=\"{column}\">{text}</td>")
            };
        }
        *out += "</tr>\n";
    }
    *out += "</tbody></table>\n";
}

/// Text whose `code` stands between backticks.
fn inline(text: &str) -> String {
    let parts: Vec<String> = text.split('`').map(escape).collect();
    let mut out = String::with_capacity(text.len());
    for (place, part) in parts.iter().enumerate() {
        match (place % 2, place + 1 < parts.len()) {
            (1, true) => {
                let _ = write!(out, "<code>{part}</code>");
            }
            // The last backtick has no partner.
            (1, false) => {
                let _ = write!(out, "`{part}");
            }
            _ => out += part,
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::document::Cell;
    use crate::report::layout::Tone;

    #[test]
    fn a_page_is_well_formed_whatever_its_texts_hold() {
        let table = Table {
            caption: "<c>".to_owned(),
            columns: vec!["a & b".to_owned(), "\"d\"".to_owned()],
            rows: vec![vec![Cell::plain("x"), Cell::toned(Tone::Alarm, "</td>")]],
        };
        let blocks = vec![
            Block::Heading("<h>".to_owned()),
            Block::Text("see `a<b` and `one".to_owned()),
            Block::Command("a && b".to_owned()),
            Block::List(vec![("t".to_owned(), "u".to_owned())]),
            Block::Table(table),
        ];
        let page = document(&Document { title: "<t>".to_owned(), blocks });
        let body = page.strip_prefix("<!DOCTYPE html>\n").unwrap();
        let tree = roxmltree::Document::parse(body).unwrap();
        let texts: Vec<&str> = tree.descendants().filter_map(|node| node.text()).collect();
        for text in ["<t>", "<h>", "a<b", " and `one", "a && b", "<c>", "a & b", "</td>"] {
            assert!(texts.contains(&text), "{text}: {texts:?}");
        }
    }
}

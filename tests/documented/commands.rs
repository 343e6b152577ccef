//! The commands that the texts of this repository tell people to type: those of shell blocks, and those within a line.
//! Included by the tests that run them.

use std::fs;
use std::path::{Path, PathBuf};

/// What a code span within a line must begin with to be a command. In a shell block every line is one.
const PROGRAMS: [&str; 12] = [
    ".ci/run",
    "aws",
    "cargo",
    "dowsim",
    "git",
    "guard",
    "guard-fn",
    "perf",
    "python3",
    "sam",
    "fuzz/run",
    "terraform",
];

/// One command, and the text it is in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Documented {
    /// The command, without comments, on one line.
    pub(crate) command: String,
    /// The file, relative to the repository.
    pub(crate) file: String,
}

/// The repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// All commands of README.md, CONTRIBUTING.md and docs/*.md, sorted, each once per file.
pub(crate) fn all() -> Vec<Documented> {
    let mut files = vec!["README.md".to_owned(), "CONTRIBUTING.md".to_owned()];
    for entry in fs::read_dir(root().join("docs")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        files.extend(name.ends_with(".md").then(|| format!("docs/{name}")));
    }
    let mut found = Vec::new();
    for file in files {
        let text = fs::read_to_string(root().join(&file)).unwrap();
        found.extend(of(&text).into_iter().map(|command| Documented { command, file: file.clone() }));
    }
    found.sort();
    found.dedup();
    found
}

/// The commands of a text.
fn of(text: &str) -> Vec<String> {
    let (mut found, mut prose, mut fence) = (Vec::new(), String::new(), None);
    let mut open = String::new();
    for line in text.lines() {
        if let Some(language) = line.trim_start().strip_prefix("```") {
            fence = if fence.is_none() { Some(language) } else { None };
            prose.push('\n');
        } else if fence.is_none() {
            // A span may go on in the next line; a blank line ends it.
            prose.push_str(line.trim());
            prose.push(if line.trim().is_empty() { '\n' } else { ' ' });
        } else if fence == Some("sh") {
            let line = bare(line);
            match line.strip_suffix('\\') {
                Some(begun) => open.push_str(begun),
                None if line.ends_with('|') => open.push_str(&format!("{line} ")),
                None => found.extend(Some(std::mem::take(&mut open) + line).filter(|line| !line.is_empty())),
            }
        }
    }
    let spans = prose.lines().flat_map(|paragraph| paragraph.split('`').skip(1).step_by(2));
    let spans = spans.filter(|span| {
        let (first, rest) = span.split_once(' ').unwrap_or((span, ""));
        PROGRAMS.contains(&first) && (!rest.is_empty() || first.contains('/'))
    });
    found.extend(spans.map(str::to_owned));
    found
}

/// A line of a shell block without its comment.
fn bare(line: &str) -> &str {
    let line = line.trim();
    let line = if line.starts_with('#') { "" } else { line };
    line.split_once("  #").map_or(line, |(command, _)| command).trim_end()
}

/// A command as words, the way a POSIX shell splits it: blanks outside quotes. Ends at a pipe or a redirection.
pub(crate) fn words(command: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None, None);
    for c in command.chars() {
        match (quote, c) {
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_with(String::new);
            }
            (Some(open), _) if c == open => quote = None,
            (None, '|' | '>') => break,
            (None, ' ') => words.extend(word.take()),
            _ => word.get_or_insert_with(String::new).push(c),
        }
    }
    words.extend(word);
    words
}

/// The first block of a language in README.md.
pub(crate) fn block_of_readme(language: &str) -> String {
    let text = fs::read_to_string(root().join("README.md")).unwrap();
    let after = text.split_once(&format!("```{language}\n")).unwrap().1;
    after.split_once("```").unwrap().0.to_owned()
}

#[test]
fn commands_are_found_in_blocks_and_in_lines_and_nothing_else_is() {
    let text = "Say `dowsim trace\ninfo a.log` or `dowsim`, not `x = 1`.\n\n```sh\ncargo test   # all\n# a comment\n\
                one \\\n  two |\n  three\n```\n```text\nnone\n```\n* `.ci/run`: all\n";
    assert_eq!(of(text), ["cargo test", "one two | three", "dowsim trace info a.log", ".ci/run"]);
}

#[test]
fn words_are_split_as_a_shell_does() {
    assert_eq!(words("a 'b c' --x='<=5' \"d\" > f"), ["a", "b c", "--x=<=5", "d"]);
    assert_eq!(words("a '' b|c"), ["a", "", "b"]);
}

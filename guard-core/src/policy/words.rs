//! The messages of TOML's reader in the words of a policy's owner: what is wrong at this place, and what to write instead.

use super::Policy;
use super::error::{KeyPath, Position, Step};
use crate::text::nearest;

/// Where the reader stopped.
pub(super) struct Place<'a> {
    pub(super) text: &'a str,
    /// The byte; `None` if the reader did not say.
    pub(super) at: Option<usize>,
    /// The key there.
    pub(super) key: &'a KeyPath,
}

/// Keys of earlier versions, and their replacements.
const GONE: [(&str, &str); 2] = [
    (
        "trip_on",
        "`trip_on` is gone: a budget acts once an incident has cost its `slack`; instead of `burn` leave it out, instead of `line` write `slack = \"period\"`",
    ),
    (
        "tolerated_overrun_usd",
        "`tolerated_overrun_usd` is gone: what may go unseen is half of a budget's `slack`, and `own_cost_usd_per_month` says what looking may cost",
    ),
];

/// Words for a value that are no slips of the pen, and the value.
const MEANT: [(&str, &str); 8] = [
    ("hourly", "hour"),
    ("daily", "day"),
    ("weekly", "week"),
    ("monthly", "month"),
    ("notify", "alert"),
    ("warn", "alert"),
    ("throttle", "cap"),
    ("block", "stop"),
];

/// The message on one line, without words of the implementation, and whether it says all: then the documentation of the
/// key adds nothing.
pub(super) fn plain(message: &str, place: &Place<'_>) -> (String, bool) {
    if let Some(words) = of_text(place.text).or_else(|| of_syntax(message, place)) {
        return (words, true);
    }
    let mut plain = message.trim().replace(['\n', '\r'], " ");
    for (theirs, ours) in [
        ("unknown field", "unknown key"),
        ("missing field", "missing key"),
        ("unknown variant", "unknown value"),
        ("expected u32", "expected a whole number"),
        ("expected u64", "expected a whole number"),
        ("expected a sequence", "expected a list [ … ]"),
        ("expected struct Scope", "expected a table, such as { functions = \"thumbnails-*\" }"),
        ("expected a map", "expected a table"),
        ("invalid type: floating point ", "found "),
        ("invalid type: integer ", "found "),
        ("invalid type: string ", "found the text "),
        ("invalid type: boolean ", "found "),
        ("invalid type: map", "found a table"),
        ("invalid type: sequence", "found a list"),
    ] {
        plain = plain.replace(theirs, ours);
    }
    let is_scope = place.key.0.iter().any(|step| matches!(step, Step::Key(key) if key == "scope"));
    if is_scope && plain.ends_with("expected a table") {
        plain.push_str(", such as { functions = \"thumbnails-*\" }");
    }
    if let Some((_, now)) = GONE.iter().find(|(gone, _)| plain.starts_with(&format!("unknown key `{gone}`")))
    {
        return (now.to_string(), true);
    }
    let mut quoted = plain.split('`').skip(1).step_by(2);
    let Some(word) = quoted.next() else { return (plain, false) };
    if let Some(words) = strayed(&plain, word, place.key) {
        return (words, true);
    }
    if let Some(percent) = of_part(&plain, word, place.key) {
        return (format!("{plain}; did you mean {percent}?"), false);
    }
    if !plain.starts_with("unknown ") {
        return (plain, false);
    }
    let known: Vec<&str> = quoted.collect();
    let meant =
        MEANT.iter().find(|(said, meant)| *said == word && known.contains(meant)).map(|(_, meant)| *meant);
    match meant.or_else(|| nearest(word, known)) {
        Some(known) => (format!("{plain}; did you mean `{known}`?"), false),
        None => (plain, false),
    }
}

/// A text in another language.
fn of_text(text: &str) -> Option<String> {
    const TOML: &str = "a policy is TOML, with lines such as `usd = 15` under `[[budget]]`";
    let first = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'))?;
    if first.starts_with('{') {
        return Some(format!("this looks like JSON; {TOML}"));
    }
    let is_yaml = first == "---" || first.split_once(':').is_some_and(|(key, _)| is_word(key));
    is_yaml.then(|| format!("this looks like YAML; {TOML}"))
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// What TOML's grammar refuses, by the characters that stand there.
fn of_syntax(message: &str, place: &Place<'_>) -> Option<String> {
    let at = place.at?;
    let rest = place.text.get(at..)?;
    let first_line = rest.lines().next().unwrap_or_default();
    let before = place.text.get(..at)?;
    let line_before = before.rsplit('\n').next().unwrap_or_default();
    if message.contains("duplicate key") {
        let key: String =
            first_line.chars().take_while(|c| !c.is_whitespace() && *c != '=' && *c != ']').collect();
        let first = first_of(before, &key)?;
        return Some(format!("`{key}` stands here for the second time; the first is in line {first}"));
    }
    if message.contains("found a table") || (message.contains("invalid type: map") && place.key.0.len() == 1)
    {
        let Some(Step::Key(key)) = place.key.0.first() else { return None };
        let is_list = ["budget", "companion"].contains(&key.as_str());
        return is_list
            .then(|| format!("write `[[{key}]]`, with two brackets on each side: there may be several"));
    }
    if message.contains("invalid float") {
        return Some(
            "this is not a number; accepted: digits with at most one point, such as 400.00".to_owned(),
        );
    }
    if message.contains("unexpected key or value") && first_line.starts_with(',') {
        let is_number = line_before.ends_with(|c: char| c.is_ascii_digit());
        let words = "digits are not grouped by commas; accepted: a number such as 1000 or 1_000";
        return is_number.then(|| words.to_owned());
    }
    if !message.contains("must be quoted") {
        return None;
    }
    let word: String = first_line.chars().take_while(|c| c.is_alphanumeric()).collect();
    Some(match (first_line.chars().next(), word.to_ascii_lowercase().as_str()) {
        (Some('$' | '€' | '£' | '¥'), _) => {
            "an amount has no sign of a currency; accepted: dollars such as 15 or 12.50".to_owned()
        }
        (Some('\u{201c}' | '\u{201d}' | '\u{201e}' | '\u{2018}' | '\u{2019}'), _) => {
            "these are the quotes of a word processor; accepted: straight ones, such as \"day\"".to_owned()
        }
        (_, "yes" | "on" | "no" | "off") => {
            format!("`{word}` is not a value of TOML; accepted: true or false")
        }
        _ => format!(
            "a text stands in straight quotes, such as {:?}",
            if word.is_empty() { "day" } else { word.as_str() }
        ),
    })
}

/// The line of the first `key = …` in the same table before this place.
fn first_of(before: &str, key: &str) -> Option<usize> {
    let lines: Vec<&str> = before.lines().collect();
    let header = lines.iter().rposition(|line| line.trim_start().starts_with('['));
    let is_same = |line: &&str| {
        line.trim_start().strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with('='))
    };
    let from = header.map_or(0, |header| header + 1);
    let place = lines.iter().skip(from).position(is_same)?;
    Some(from + place + 1)
}

/// A key that is known elsewhere in a policy: TOML gives a key to the last header above it.
fn strayed(plain: &str, word: &str, key: &KeyPath) -> Option<String> {
    if !plain.starts_with("unknown key") || key.0.len() < 2 {
        return None;
    }
    let schema = Policy::schema();
    let top = schema.get("properties")?;
    let inner_of = |known: &serde_json::Value| -> Option<serde_json::Value> {
        let reference = known.get("$ref")?.as_str()?.strip_prefix("#/$defs/")?;
        schema.get("$defs")?.get(reference)?.get("properties").cloned()
    };
    let here = key.0.iter().rev().nth(1).map(|step| match step {
        Step::Index(_) => format!("`[[{}]]`", KeyPath(key.0.iter().take(1).cloned().collect())),
        Step::Key(table) => format!("`[{table}]`"),
    })?;
    if let Some(known) = top.get(word) {
        let is_table = inner_of(known).is_some();
        return Some(if is_table {
            format!(
                "`{word}` is not a key of {here}: write it as a table of its own, under the header `[{word}]`"
            )
        } else {
            format!(
                "`{word}` is not a key of {here}: it belongs to the top of the file, above the first header in brackets"
            )
        });
    }
    let tables = top.as_object()?.keys();
    let has_word = |name: &&String| {
        top.get(name.as_str()).and_then(inner_of).is_some_and(|properties| properties.get(word).is_some())
    };
    let home = tables.into_iter().find(has_word)?;
    Some(format!("`{word}` is not a key of {here}: it belongs under the header `[{home}]`"))
}

/// A part of one where a percentage is expected.
fn of_part(plain: &str, word: &str, key: &KeyPath) -> Option<u32> {
    let is_percent =
        matches!(key.0.iter().rev().nth(1), Some(Step::Key(name)) if name == "thresholds_percent");
    if !is_percent || !plain.starts_with("found ") {
        return None;
    }
    let digits = word.strip_prefix("0.").filter(|digits| (1..=2).contains(&digits.len()))?;
    let number: u32 = digits.parse().ok()?;
    Some(if digits.len() == 1 { number * 10 } else { number })
}

impl Position {
    /// The line of a text at this place, and a mark under it; `None` for a line too long to show.
    pub fn shown(&self, text: &str) -> Option<String> {
        /// What fits beside a number on a terminal.
        const COLUMNS: usize = 100;
        let line = text.lines().nth(self.line.checked_sub(1)?)?.trim_end().replace('\t', " ");
        if line.chars().count() > COLUMNS || line.chars().any(char::is_control) {
            return None;
        }
        let number = self.line.to_string();
        let (margin, before) = (number.len(), self.column.saturating_sub(1));
        Some(format!("  {number} | {line}\n  {:margin$} | {:before$}^", "", ""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        Policy::from_toml(text).unwrap_err().to_string()
    }

    #[test]
    fn a_key_below_the_table_that_it_belongs_before_is_sent_home() {
        for (text, home) in [
            (
                "[timing]\ntick_s = 60\nprotected = []",
                "`protected` is not a key of `[timing]`: it belongs to the top",
            ),
            (
                "[[companion]]\nfree_tier = true",
                "`free_tier` is not a key of `[[companion]]`: it belongs to the top",
            ),
            ("[[budget]]\nname = \"a\"\ncalm_min = 5", "it belongs under the header `[release]`"),
            ("[floor]\nrelease = { calm_min = 5 }", "under the header `[release]`"),
        ] {
            assert!(refused(text).contains(home), "{}", refused(text));
        }
    }

    #[test]
    fn other_languages_are_named_and_toml_is_not_taken_for_one() {
        assert!(refused("---\nbudget: 1").contains("YAML"));
        assert!(refused("# mine\n\nusd: 15").contains("YAML"));
        assert!(refused("\n {\"budget\": 1}").contains("JSON"));
        assert!(!refused("usd = \"a: b\"").contains("YAML"));
    }

    #[test]
    fn a_place_is_shown_with_a_mark_under_it() {
        let text = "armed = true\n\tusd = 1,000 \n";
        let place = Position { line: 2, column: 9 };
        assert_eq!(place.shown(text).unwrap(), "  2 |  usd = 1,000\n    |         ^");
        assert_eq!(Position { line: 3, column: 1 }.shown(text), None);
        assert_eq!(Position { line: 1, column: 1 }.shown(&"x".repeat(101)), None);
    }

    #[test]
    fn the_first_of_two_equal_keys_is_in_the_same_table() {
        let text = "[[budget]]\nname = \"a\"\n[[budget]]\nname = \"b\"\nusd = 1\nname = \"c\"";
        assert!(refused(text).contains("the first is in line 4"), "{}", refused(text));
    }
}

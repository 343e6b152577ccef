//! Words and lines for people: wrapped, shortened, counted, and the nearest to a mistyped one.

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

/// An untrusted text as one line of at most the given number of columns, at least 3: control characters are escaped,
/// and a longer text keeps its beginning and its end, where a message lists the accepted values.
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

/// The text in at most the given number of columns; a longer one ends in `…`.
pub fn shortened(text: &str, columns: usize) -> String {
    if text.chars().count() <= columns {
        return text.to_owned();
    }
    text.chars().take(columns.saturating_sub(1)).chain(['…']).collect()
}

/// The candidate that differs least from `word`, ignoring case, if it differs by no more than a typing slip: one edit,
/// or one in three characters, where neighbours swapped are one edit (optimal string alignment). Of equals, the first
/// wins.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let length = word.chars().count();
    if length > LONGEST {
        return None;
    }
    let edits = |candidate: &str| strsim::osa_distance(&word, &candidate.to_lowercase());
    let all = candidates.into_iter().map(|candidate| (edits(candidate), candidate));
    let best = all.min_by_key(|(edits, _)| *edits).filter(|(edits, _)| *edits <= (length / 3).max(1));
    best.map(|(_, candidate)| candidate)
}

/// Longer words are not mistyped versions of any known word; the limit also bounds the work on hostile text.
const LONGEST: usize = 64;

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

    #[test]
    fn a_slip_finds_its_word_and_a_stranger_finds_none() {
        let words = ["alert", "cap", "stop", "thresholds_percent"];
        assert_eq!(nearest("ALERT", words), Some("alert"));
        assert_eq!(nearest("treshold_percent", words), Some("thresholds_percent"));
        assert_eq!(nearest("cp", words), Some("cap"));
        assert_eq!(nearest("xyz", words), None);
        assert_eq!(nearest("c", words), None, "two edits of a single letter are not a slip");
    }

    #[test]
    fn one_edit_in_three_letters_is_tolerated_and_no_more() {
        assert_eq!(nearest("abcdxx", ["abcdef"]), Some("abcdef"));
        assert_eq!(nearest("abcxxx", ["abcdef"]), None);
    }

    #[test]
    fn the_nearest_wins_and_the_first_of_equals() {
        assert_eq!(nearest("caps", ["cops", "cap", "caps!"]), Some("cops"));
        assert_eq!(nearest("stopp", ["stomp", "stopp"]), Some("stopp"));
    }

    #[test]
    fn sixty_four_letters_are_compared_and_more_are_not() {
        let (fits, long) = ("a".repeat(64), "a".repeat(65));
        assert_eq!(nearest(&fits, [fits.as_str()]), Some(fits.as_str()));
        assert_eq!(nearest(&long, [long.as_str()]), None);
    }
}

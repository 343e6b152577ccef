//! "Did you mean": the nearest known word to a mistyped one.

/// The candidate that differs least from `word`, ignoring case, if it differs by no more than a typing slip: one
/// edit, or one in three characters. The first of equals wins.
pub(crate) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word: Vec<char> = word.to_lowercase().chars().take(LONGEST + 1).collect();
    if word.len() > LONGEST {
        return None;
    }
    let tolerated = (word.len() / 3).max(1);
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let distance = edits(&word, &candidate.to_lowercase().chars().collect::<Vec<_>>());
        if distance <= tolerated && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// Words longer than this are no slip of any word we know; it also bounds the work on hostile text.
const LONGEST: usize = 64;

/// Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b` (optimal string alignment).
fn edits(a: &[char], b: &[char]) -> usize {
    let mut before_previous: Vec<usize> = Vec::new();
    let mut previous: Vec<usize> = (0..=b.len()).collect();
    for (i, &from) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, &to) in b.iter().enumerate() {
            let replaced = previous[j] + usize::from(from != to);
            let mut least = replaced.min(previous[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && from == b[j - 1] && a[i - 1] == to {
                least = least.min(before_previous[j - 1] + 1);
            }
            row.push(least);
        }
        before_previous = std::mem::replace(&mut previous, row);
    }
    previous[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distance(a: &str, b: &str) -> usize {
        edits(&a.chars().collect::<Vec<_>>(), &b.chars().collect::<Vec<_>>())
    }

    #[test]
    fn edits_count_insertions_deletions_replacements_and_swaps() {
        assert_eq!(distance("", ""), 0);
        assert_eq!(distance("cap", "cap"), 0);
        assert_eq!(distance("", "cap"), 3);
        assert_eq!(distance("cap", ""), 3);
        assert_eq!(distance("cap", "caps"), 1);
        assert_eq!(distance("acp", "cap"), 1);
        assert_eq!(distance("abcd", "badc"), 2);
        assert_eq!(distance("tip", "cap"), 2);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("xab", "xba"), 1);
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

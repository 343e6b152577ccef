//! Errors in one line, and the word that a mistyped one was meant to be.

/// An error and its causes in one line, none twice in a row. Not the debug form, which can hold a response with
/// arbitrary content from the service.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let mut texts: Vec<String> = causes.map(ToString::to_string).collect();
    texts.dedup();
    texts.join(": ").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// An error of reading or writing, without the number that only the system knows.
pub(crate) fn without_number(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split_once(" (os error").map_or(text.clone(), |(words, _)| words.to_owned())
}

/// Longer words are not mistyped versions of any known word; the limit also bounds the work.
const LONGEST: usize = 64;

/// The candidate that differs least, by no more than a typing slip: one edit, or one in three characters, where
/// neighbours swapped are one edit.
pub(crate) fn nearest<'a>(given: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let given = given.to_lowercase();
    let length = given.chars().count();
    if length > LONGEST {
        return None;
    }
    let tolerated = (length / 3).max(1);
    let near = candidates
        .into_iter()
        .map(|candidate| (strsim::osa_distance(&given, &candidate.to_lowercase()), candidate));
    near.filter(|(edits, _)| *edits <= tolerated)
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, candidate)| candidate)
}

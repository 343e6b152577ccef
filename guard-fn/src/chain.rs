//! Errors in one line.

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

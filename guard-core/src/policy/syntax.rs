//! The small languages inside the policy's texts: names, patterns, ARNs and tags. Validator and matchers read them with
//! the same functions, so that no accepted text is understood in another way.

use wildmatch::WildMatch;

use super::ranges::RUNBOOK_CHARS;

/// The pattern of a budget's name, for the JSON Schema; [`is_budget_name`] is the same rule.
pub(crate) const BUDGET_NAME_PATTERN: &str = "^[A-Za-z0-9._-]{1,64}$";

/// Longest name of a Lambda function: CreateFunction, Lambda API reference, read 2026-11-22.
const FUNCTION_NAME_MAX: usize = 64;
/// Longest key of a tag: Tag naming limits, AWS tagging guide, read 2026-11-22.
const TAG_KEY_MAX: usize = 128;
/// Longest value of a tag: as above.
const TAG_VALUE_MAX: usize = 256;

/// Whether the text may name a budget. Names given by the guard itself contain a `:` and so never collide.
pub(crate) fn is_budget_name(name: &str) -> bool {
    let accepted = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    (1..=64).contains(&name.len()) && name.bytes().all(accepted)
}

/// Whether the text contains a wildcard.
pub(crate) fn has_wildcard(text: &str) -> bool {
    text.contains(['*', '?'])
}

/// Accepts a function's name or a pattern of one.
///
/// # Errors
/// The error and the accepted values, in words.
pub(crate) fn check_name_pattern(pattern: &str) -> Result<(), String> {
    const ACCEPTED: &str = "accepted: a function's name or a pattern of letters, digits, `-`, `_`, `*` and `?`, such as `checkout-*`";
    if pattern.is_empty() {
        return Err(format!("\"\" is empty; {ACCEPTED}"));
    }
    let accepted = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '*' | '?');
    if let Some(odd) = pattern.chars().find(|c| !accepted(c)) {
        return Err(format!("{pattern:?} contains {odd:?}; {ACCEPTED}"));
    }
    let letters = pattern.bytes().filter(|b| *b != b'*').count();
    if letters > FUNCTION_NAME_MAX {
        return Err(format!(
            "{pattern:?} matches no function: it asks for {letters} characters or more; accepted: up to {FUNCTION_NAME_MAX}"
        ));
    }
    Ok(())
}

/// Accepts an address to which a section is added.
///
/// # Errors
/// The error and the accepted values, in words.
pub(crate) fn check_address(address: &str) -> Result<(), String> {
    let is_printable = address.chars().all(|c| c.is_ascii_graphic());
    if is_printable && RUNBOOK_CHARS.contains(u64::try_from(address.len()).unwrap_or(u64::MAX)) {
        return Ok(());
    }
    Err(format!(
        "{address:?} is no address; accepted: {RUNBOOK_CHARS} printable characters without blanks, such as `https://wiki.example.com/dow-guard/runbook`"
    ))
}

/// Accepts the key of a tag.
///
/// # Errors
/// The error and the accepted values, in words.
pub(crate) fn check_tag_key(key: &str) -> Result<(), String> {
    let length = key.chars().count();
    if !(1..=TAG_KEY_MAX).contains(&length) {
        return Err(format!("the tag key {key:?} has {length} characters; accepted: 1 to {TAG_KEY_MAX}"));
    }
    if has_wildcard(key) {
        return Err(format!(
            "the tag key {key:?} contains a wildcard; accepted: the exact key (wildcards belong into the value)"
        ));
    }
    Ok(())
}

/// Accepts the value of a tag or a pattern of one; an empty one stands for the empty value.
///
/// # Errors
/// The error and the accepted values, in words.
pub(crate) fn check_tag_value(value: &str) -> Result<(), String> {
    let length = value.chars().count();
    if length > TAG_VALUE_MAX {
        return Err(format!("the tag value has {length} characters; accepted: up to {TAG_VALUE_MAX}"));
    }
    Ok(())
}

/// An entry of the list of protected functions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ProtectedEntry<'a> {
    /// A name or a pattern of names.
    Name(&'a str),
    /// An ARN without version or alias, or a pattern of ARNs.
    Arn {
        /// Up to the function's name.
        whole: String,
        /// The part that names the function; `None` if a `*` ends the pattern before it.
        name: Option<&'a str>,
    },
    /// A tag: with any value, or with a value that matches.
    Tag {
        /// The key.
        key: &'a str,
        /// The pattern of the value.
        value: Option<&'a str>,
    },
}

/// Reads an entry of the list of protected functions.
///
/// # Errors
/// The error and the accepted values, in words.
pub(crate) fn protected_entry(text: &str) -> Result<ProtectedEntry<'_>, String> {
    if text.trim().is_empty() {
        return Err(format!(
            "{text:?} is empty and would protect nothing; accepted: a name, a pattern such as `checkout-*`, an ARN, `tag:KEY` or `tag:KEY=VALUE`"
        ));
    }
    if let Some(tag) = text.strip_prefix("tag:") {
        let (key, value) = tag.split_once('=').map_or((tag, None), |(key, value)| (key, Some(value)));
        check_tag_key(key)?;
        value.map_or(Ok(()), check_tag_value)?;
        return Ok(ProtectedEntry::Tag { key, value });
    }
    if text.starts_with("arn:") {
        return arn(text);
    }
    check_name_pattern(text)?;
    Ok(ProtectedEntry::Name(text))
}

/// Position of the function's name among the parts of a function's ARN:
/// `arn:PARTITION:lambda:REGION:ACCOUNT:function:NAME[:QUALIFIER]`.
const ARN_NAME: usize = 6;

fn arn(text: &str) -> Result<ProtectedEntry<'_>, String> {
    let refused = |what: &str| {
        format!(
            "{text:?} is no ARN of a function: {what}; accepted: `arn:aws:lambda:REGION:ACCOUNT:function:NAME`, with `*` and `?`"
        )
    };
    let parts: Vec<&str> = text.split(':').collect();
    if parts.len() > ARN_NAME + 2 || parts.iter().any(|part| part.is_empty()) {
        return Err(refused("it has empty parts or too many"));
    }
    if parts.len() <= ARN_NAME && !text.ends_with('*') {
        return Err(refused("it ends before the function's name"));
    }
    for (index, fixed) in [(2, "lambda"), (5, "function")] {
        if parts.get(index).is_some_and(|part| !WildMatch::new(part).matches(fixed)) {
            return Err(refused(&format!("part {} is not `{fixed}`", index + 1)));
        }
    }
    let name = parts.get(ARN_NAME).copied();
    name.map_or(Ok(()), check_name_pattern)?;
    Ok(ProtectedEntry::Arn { whole: unqualified(text).to_owned(), name })
}

/// A function's ARN without version or alias.
pub(crate) fn unqualified(arn: &str) -> &str {
    match arn.match_indices(':').nth(ARN_NAME) {
        Some((end, _)) => arn.get(..end).unwrap_or(arn),
        None => arn,
    }
}

#[cfg(test)]
mod tests;

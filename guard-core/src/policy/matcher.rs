//! The functions that an entry of the policy matches: compiled once per tick, applied to every function.

use std::collections::BTreeSet;

use wildmatch::WildMatch;

use super::syntax::{ProtectedEntry, has_wildcard, protected_entry, unqualified};
use super::{FunctionOverrides, Scope};
use crate::inventory::Function;
use crate::name::FunctionName;

/// A text or a pattern of texts. Most entries are plain names: those are compared, not matched.
#[derive(Clone, Debug)]
enum Pattern {
    Any,
    Exact(String),
    Wild(WildMatch),
}

impl Pattern {
    fn new(text: &str) -> Self {
        if !text.is_empty() && text.bytes().all(|b| b == b'*') {
            Pattern::Any
        } else if has_wildcard(text) {
            Pattern::Wild(WildMatch::new(text))
        } else {
            Pattern::Exact(text.to_owned())
        }
    }

    fn matches(&self, text: &str) -> bool {
        match self {
            Pattern::Any => true,
            Pattern::Exact(exact) => exact == text,
            Pattern::Wild(wild) => wild.matches(text),
        }
    }
}

/// A compiled [`Scope`].
#[derive(Clone, Debug)]
pub struct ScopeMatcher {
    name: Pattern,
    tags: Vec<(String, Pattern)>,
    key: String,
}

impl Scope {
    /// Prepares the scope for matching.
    pub fn compile(&self) -> ScopeMatcher {
        let name = self.functions.as_deref().map_or(Pattern::Any, Pattern::new);
        let tags = self.tags.iter().map(|(key, value)| format!("\n{key}={value}"));
        let text = if matches!(name, Pattern::Any) { "*" } else { self.functions.as_deref().unwrap_or("*") };
        ScopeMatcher {
            key: std::iter::once(text.to_owned()).chain(tags).collect(),
            tags: self.tags.iter().map(|(key, value)| (key.clone(), Pattern::new(value))).collect(),
            name,
        }
    }
}

impl ScopeMatcher {
    /// A scope of exactly one function.
    pub fn only(function: &FunctionName) -> Self {
        let name = function.as_str().to_owned();
        ScopeMatcher { key: name.clone(), name: Pattern::Exact(name), tags: Vec::new() }
    }

    /// The scope as one text: two scopes of one text cover the same functions.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Whether the scope covers the function: its name matches and it carries every tag with a matching value.
    pub fn matches(&self, function: &Function) -> bool {
        self.name.matches(function.name.as_str())
            && self
                .tags
                .iter()
                .all(|(key, value)| function.tags.get(key).is_some_and(|found| value.matches(found)))
    }

    /// Whether the scope covers every possible function, so that region totals stand for it.
    pub fn is_everything(&self) -> bool {
        matches!(self.name, Pattern::Any) && self.tags.is_empty()
    }
}

/// The compiled list of protected functions.
#[derive(Clone, Debug, Default)]
pub struct Protected {
    names: BTreeSet<String>,
    name_patterns: Vec<Pattern>,
    arns: Vec<ArnPattern>,
    tags: Vec<(String, Option<Pattern>)>,
}

#[derive(Clone, Debug)]
struct ArnPattern {
    whole: Pattern,
    name: Pattern,
}

impl Protected {
    /// Prepares `protected` of a policy for matching. An entry that [`Policy::validate`](super::Policy::validate)
    /// would refuse is taken as a name.
    pub fn compile(entries: &[String]) -> Self {
        let mut compiled = Protected::default();
        for entry in entries {
            match protected_entry(entry).unwrap_or(ProtectedEntry::Name(entry)) {
                ProtectedEntry::Name(name) if has_wildcard(name) => {
                    compiled.name_patterns.push(Pattern::new(name));
                }
                ProtectedEntry::Name(name) => {
                    compiled.names.insert(name.to_owned());
                }
                ProtectedEntry::Arn { whole, name } => {
                    let name = name.map_or(Pattern::Any, Pattern::new);
                    compiled.arns.push(ArnPattern { whole: Pattern::new(&whole), name });
                }
                ProtectedEntry::Tag { key, value } => {
                    compiled.tags.push((key.to_owned(), value.map(Pattern::new)));
                }
            }
        }
        compiled
    }

    /// Whether the guard must not touch the function: it is on the list, or its tag `dow-guard:protect` says so.
    ///
    /// In doubt, the function is protected: if its ARN is unknown, only the name in an ARN is compared.
    pub fn matches(&self, function: &Function) -> bool {
        let name = function.name.as_str();
        self.names.contains(name)
            || self.name_patterns.iter().any(|pattern| pattern.matches(name))
            || self.tags.iter().any(|(key, value)| {
                let found = function.tags.get(key);
                found.is_some_and(|found| value.as_ref().is_none_or(|value| value.matches(found)))
            })
            || self.arns.iter().any(|pattern| match &function.arn {
                Some(arn) => pattern.whole.matches(unqualified(arn)),
                None => pattern.name.matches(name),
            })
            || FunctionOverrides::protects(&function.tags)
    }
}

#[cfg(test)]
mod tests;

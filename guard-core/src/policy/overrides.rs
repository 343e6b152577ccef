//! A function's own settings in its tags. A bad tag is never fatal: it is reported and left out, except that an
//! unreadable wish for protection protects.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::ranges::{BUDGET_USD, TAG_FLOOR};
use super::{Mode, Tags};
use crate::inventory::Function;
use crate::money::Usd;
use crate::name::FunctionName;
use crate::text::nearest;

/// The prefix of all tags of the guard.
const PREFIX: &str = "dow-guard:";
const MODE: &str = "dow-guard:mode";
const MONTHLY_USD: &str = "dow-guard:monthly-usd";
const FLOOR: &str = "dow-guard:floor";
const PROTECT: &str = "dow-guard:protect";
const ALL: [&str; 4] = [MODE, MONTHLY_USD, FLOOR, PROTECT];

/// The tags of the guard on one function, read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FunctionOverrides {
    /// `dow-guard:mode`: the most that may be done to this function, whichever budget asks; and the mode of the
    /// budget that `dow-guard:monthly-usd` makes, as far as `tags.mode` of the policy goes.
    pub mode: Option<Mode>,
    /// The mode of the budget that `dow-guard:monthly-usd` makes.
    pub(crate) budget_mode: Mode,
    /// `dow-guard:monthly-usd`: a budget of its own per month, above 0 and up to 1,000,000,000 dollars.
    pub monthly_usd: Option<Usd>,
    /// `dow-guard:floor`: the concurrency that a cap leaves, 1 to 100,000 and at most `tags.floor` of the policy, instead of
    /// the derived floor.
    pub floor: Option<u32>,
    /// `dow-guard:protect`: never touch this function. `false` does not take it off the policy's list.
    pub protect: bool,
}

/// A tag that could not be read. It was left out, except for protection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagProblem {
    /// The function that carries it, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<FunctionName>,
    /// The key of the tag.
    pub tag: String,
    /// Its value.
    pub value: String,
    /// The accepted values, and how the guard treats the tag instead.
    pub accepted: String,
}

impl FunctionOverrides {
    /// Reads the guard's tags among all tags of a function; spaces around a value and upper case do not matter.
    pub fn from_tags(tags: &BTreeMap<String, String>) -> (Self, Vec<TagProblem>) {
        let mut read = FunctionOverrides::default();
        let mut problems = Vec::new();
        for (tag, value) in tags.iter().filter(|(tag, _)| is_ours(tag)) {
            if let Err(accepted) = read.take(tag, &value.trim().to_ascii_lowercase()) {
                problems.push(TagProblem {
                    function: None,
                    tag: tag.clone(),
                    value: value.clone(),
                    accepted,
                });
            }
        }
        (read, problems)
    }

    /// What a function's tags ask for, as far as the policy lets them; with its name in the problems.
    pub fn of(function: &Function, allowed: Tags) -> (Self, Vec<TagProblem>) {
        let (mut read, mut problems) = Self::from_tags(&function.tags);
        let mut refuse = |tag: &str, value: String, accepted: String| {
            problems.push(TagProblem { function: None, tag: tag.to_owned(), value, accepted });
        };
        read.budget_mode = read.mode.unwrap_or_default();
        if read.monthly_usd.is_some() && read.budget_mode > allowed.mode {
            let most = word(allowed.mode);
            let accepted =
                format!("at most {most} for a budget of tags, which counts (the policy's tags.mode)");
            refuse(MODE, word(read.budget_mode).to_owned(), accepted);
            read.budget_mode = allowed.mode;
        }
        if let Some(floor) = read.floor.filter(|floor| *floor > allowed.floor) {
            let accepted = format!("at most {}, which counts (the policy's tags.floor)", allowed.floor);
            refuse(FLOOR, floor.to_string(), accepted);
            read.floor = Some(allowed.floor);
        }
        for problem in &mut problems {
            problem.function = Some(function.name.clone());
        }
        (read, problems)
    }

    /// Whether the tags ask for protection: read alone, because it is asked for every function at every tick.
    pub fn protects(tags: &BTreeMap<String, String>) -> bool {
        tags.keys().any(|tag| is_ours(tag)) && Self::from_tags(tags).0.protect
    }

    /// The mode for this function under a budget of that mode: a tag can lower it but never raise it.
    pub fn restrain(&self, budget: Mode) -> Mode {
        self.mode.map_or(budget, |mode| mode.min(budget))
    }

    /// Reads one tag; the error lists the accepted values.
    fn take(&mut self, tag: &str, value: &str) -> Result<(), String> {
        match tag {
            MODE => self.mode = Some(mode(value).ok_or("observe, alert, cap or stop")?),
            MONTHLY_USD => {
                let usd = value.parse().ok().filter(|usd| BUDGET_USD.contains(*usd));
                self.monthly_usd = Some(
                    usd.ok_or_else(|| format!("a number of dollars, {BUDGET_USD}, without separators"))?,
                );
            }
            FLOOR => {
                let floor = value.parse().ok().filter(|floor| TAG_FLOOR.contains(u64::from(*floor)));
                self.floor = Some(floor.ok_or_else(|| format!("a whole number, {TAG_FLOOR}"))?);
            }
            PROTECT => {
                let protect = value.parse::<bool>();
                self.protect = self.protect || protect.clone().unwrap_or(true);
                protect.map_err(|_| "true or false; the function counts as protected")?;
            }
            unknown => return Err(self.take_unknown(unknown)),
        }
        Ok(())
    }

    /// A tag with our prefix that is none of ours. One that was probably meant to protect, does.
    fn take_unknown(&mut self, tag: &str) -> String {
        let meant = nearest(tag, ALL);
        let mut accepted = format!("the tags {}", ALL.join(", "));
        if let Some(meant) = meant {
            accepted = format!("{accepted}; did you mean {meant}?");
        }
        if meant == Some(PROTECT) {
            self.protect = true;
            accepted.push_str(" The function counts as protected");
        }
        accepted
    }
}

/// Whether the key begins with the guard's prefix, in whatever case.
fn is_ours(tag: &str) -> bool {
    tag.get(..PREFIX.len()).is_some_and(|prefix| prefix.eq_ignore_ascii_case(PREFIX))
}

const MODES: [Mode; 4] = [Mode::Observe, Mode::Alert, Mode::Cap, Mode::Stop];

fn word(mode: Mode) -> &'static str {
    match mode {
        Mode::Observe => "observe",
        Mode::Alert => "alert",
        Mode::Cap => "cap",
        Mode::Stop => "stop",
    }
}

fn mode(text: &str) -> Option<Mode> {
    MODES.into_iter().find(|mode| word(*mode) == text)
}

impl fmt::Display for TagProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(function) = &self.function {
            write!(f, "function {function}: ")?;
        }
        write!(f, "tag {} = {:?} is not taken; accepted: {}", self.tag, self.value, self.accepted)
    }
}

#[cfg(test)]
mod tests;

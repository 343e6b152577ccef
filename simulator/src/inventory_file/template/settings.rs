//! Properties that must be known to be counted. For an unknown one the most expensive value counts: of those that the
//! template says are possible, or of all that AWS allows.

use serde_json::{Map, Value};

use super::Template;
use super::possible::{FIRST, Possible};
use crate::inventory_file::Found;
use crate::inventory_file::value::At;

/// A property, and which of its values is the most expensive.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setting {
    path: &'static str,
    /// Dearer is more.
    rank: Rank,
    /// What counts where nothing is known; `None` is what AWS does where it is not set.
    unknown: Option<&'static str>,
}

#[derive(Clone, Copy, Debug)]
enum Rank {
    /// More is more expensive; with the value it has when it is not set.
    Most(i64),
    /// Less is more expensive.
    Least(i64),
    /// The most expensive word, and the value when it is not set.
    Word(&'static str, &'static str),
    /// All values cost the same.
    Any,
}

/// Above all numbers: no limit.
const UNLIMITED: i64 = i64::MAX;

const fn most(path: &'static str, unset: i64, unknown: Option<&'static str>) -> Setting {
    Setting { path, rank: Rank::Most(unset), unknown }
}

const fn least(path: &'static str, unset: i64, unknown: &'static str) -> Setting {
    Setting { path, rank: Rank::Least(unset), unknown: Some(unknown) }
}

const fn word(path: &'static str, unset: &'static str, dearest: &'static str) -> Setting {
    Setting { path, rank: Rank::Word(dearest, unset), unknown: Some(dearest) }
}

const fn any(path: &'static str) -> Setting {
    Setting { path, rank: Rank::Any, unknown: None }
}

/// Of a function, of its alias and of its asynchronous settings.
pub(super) const FUNCTION: [Setting; 12] = [
    most("MemorySize", 128, Some("10240")),
    most("Timeout", 3, Some("900")),
    word("Architectures.0", "x86_64", "x86_64"),
    most("EphemeralStorage.Size", 512, Some("10240")),
    most("ReservedConcurrentExecutions", UNLIMITED, None),
    most("ProvisionedConcurrencyConfig.ProvisionedConcurrentExecutions", 0, None),
    most("EventInvokeConfig.MaximumRetryAttempts", 2, None),
    most("EventInvokeConfig.MaximumEventAgeInSeconds", 21_600, None),
    most("MaximumRetryAttempts", 2, None),
    most("MaximumEventAgeInSeconds", 21_600, None),
    any("Tags"),
    any("Events"),
];

/// Of what polls a queue.
pub(super) const QUEUE_MAPPING: [Setting; 5] = [
    least("BatchSize", 10, "1"),
    word("Enabled", "true", "true"),
    most("ScalingConfig.MaximumConcurrency", UNLIMITED, None),
    any("ProvisionedPollerConfig"),
    any("State"),
];

/// Of what polls a stream.
pub(super) const STREAM_MAPPING: [Setting; 7] = [
    least("BatchSize", 100, "1"),
    word("Enabled", "true", "true"),
    most("MaximumRetryAttempts", UNLIMITED, None),
    word("BisectBatchOnFunctionError", "false", "true"),
    most("ParallelizationFactor", 1, Some("10")),
    any("DestinationConfig"),
    any("State"),
];

/// Of a queue.
pub(super) const QUEUE: [Setting; 2] = [
    most("RedrivePolicy.maxReceiveCount", UNLIMITED, Some("1000")),
    most("MessageRetentionPeriod", 345_600, Some("1209600")),
];

/// Of a stream.
pub(super) const STREAM: [Setting; 3] = [
    most("ShardCount", UNLIMITED, None),
    most("RetentionPeriodHours", 24, Some("8760")),
    any("StreamModeDetails.StreamMode"),
];

impl Setting {
    /// The first key of its path.
    pub(super) fn key(&self) -> &'static str {
        self.path.split('.').next().unwrap_or_default()
    }

    fn keys(&self) -> Vec<&'static str> {
        self.path.split('.').collect()
    }

    /// How dear a value is.
    fn rank(&self, value: &Value) -> i64 {
        let number = || match value {
            Value::Number(number) => number.as_i64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        match self.rank {
            // -1 is "until the record expires".
            Rank::Most(unset) if unset == UNLIMITED => {
                number().filter(|number| *number >= 0).unwrap_or(unset)
            }
            Rank::Most(unset) => number().unwrap_or(unset),
            Rank::Least(unset) => -number().unwrap_or(unset),
            Rank::Word(dearest, unset) => {
                let text = match value {
                    Value::Null => unset.to_owned(),
                    Value::String(text) => text.to_ascii_lowercase(),
                    other => other.to_string(),
                };
                i64::from(text == dearest)
            }
            Rank::Any => 0,
        }
    }

    /// The most expensive of the possible values.
    fn dearest(&self, possible: Possible) -> Value {
        let unknown = possible.is_unknown.then(|| self.unknown.map_or(Value::Null, Value::from));
        // The last of equals: one that is written, rather than none.
        unknown.into_iter().chain(possible.values).max_by_key(|value| self.rank(value)).unwrap_or_default()
    }
}

impl Template<'_> {
    /// The properties with each of the settings known; a warning names what had to be chosen.
    pub(super) fn settled(&self, at: &At<'_>, settings: &[Setting], found: &mut Found) -> Value {
        let mut value = at.value.clone();
        for setting in settings {
            let mut possible = Possible::default();
            self.resolver.possible(at.value, &setting.keys(), &mut possible);
            let Some(cause) = possible.cause.take() else { continue };
            let is_one =
                !possible.is_unknown && possible.values.windows(2).all(|pair| pair.first() == pair.last());
            let chosen = setting.dearest(possible);
            if is_one {
                put(&mut value, &setting.keys(), chosen);
                continue;
            }
            let place = setting.path.trim_end_matches(".0");
            let counted = match &chosen {
                Value::Null => "it counts as not set".to_owned(),
                Value::String(text) => format!("{text}, the dearest that it can be, is counted"),
                other => format!("{other}, the dearest that it can be, is counted"),
            };
            let hint = if cause.1 { " (--parameter)" } else { "" };
            found.warn(format_args!(
                "{}: {}.{place}: {} cannot be resolved here: {counted}{hint}",
                self.file, at.path, cause.0
            ));
            put(&mut value, &setting.keys(), chosen);
        }
        value
    }
}

/// Writes a value behind keys, over whatever function stands in between.
fn put(place: &mut Value, keys: &[&str], chosen: Value) {
    let Some((key, rest)) = keys.split_first() else {
        *place = chosen;
        return;
    };
    if *key == FIRST {
        *place = if chosen.is_null() { chosen } else { Value::Array(vec![chosen]) };
        return;
    }
    let is_map = place.is_object() && super::resolve::function(place).is_none();
    if chosen.is_null() && !is_map {
        *place = chosen;
        return;
    }
    if !is_map {
        *place = Value::Object(Map::new());
    }
    if let Some(map) = place.as_object_mut() {
        put(map.entry(*key).or_insert(Value::Null), rest, chosen);
    }
}

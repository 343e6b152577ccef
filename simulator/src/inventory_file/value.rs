//! Typed values out of a tree, each with the path that an error names.

use std::ops::RangeInclusive;

use guard_core::text::{abridged, shortened};
use serde_json::{Map, Value};

use super::InventoryError;

/// Characters of a key within a path.
pub(super) const LONGEST_KEY: usize = 80;

/// A value and where it stands: `Resources.Api.Properties.MemorySize`.
#[derive(Clone, Debug)]
pub(super) struct At<'a> {
    pub(super) file: &'a str,
    pub(super) path: String,
    pub(super) value: &'a Value,
}

impl<'a> At<'a> {
    pub(super) fn root(file: &'a str, value: &'a Value) -> Self {
        At { file, path: String::new(), value }
    }

    /// The value of a key; `None` where there is none, or nothing is written behind it.
    pub(super) fn get(&self, key: &str) -> Option<At<'a>> {
        let value = self.value.get(key).filter(|value| !value.is_null())?;
        // Each item of a list repeats the path that leads to it, so a key of any length must not.
        let key = abridged(key, LONGEST_KEY);
        let path = if self.path.is_empty() { key } else { format!("{}.{key}", self.path) };
        Some(At { file: self.file, path, value })
    }

    /// The same along several keys.
    pub(super) fn dig(&self, keys: &[&str]) -> Option<At<'a>> {
        keys.iter().try_fold(self.clone(), |at, key| at.get(key))
    }

    /// An error at this place.
    pub(super) fn error(&self, problem: &str) -> InventoryError {
        InventoryError::at_path(self.file, &self.path, problem)
    }

    fn expected(&self, what: &str) -> InventoryError {
        self.error(&format!("{} is not {what}", shown(self.value)))
    }

    /// The value as a map.
    pub(super) fn object(&self) -> Result<&'a Map<String, Value>, InventoryError> {
        self.value.as_object().ok_or_else(|| self.expected("a map of keys and values"))
    }

    /// The items of a list, each with its place.
    pub(super) fn items(&self) -> Result<Vec<At<'a>>, InventoryError> {
        let items = self.value.as_array().ok_or_else(|| self.expected("a list"))?;
        let at = |(index, value)| At { file: self.file, path: format!("{}[{index}]", self.path), value };
        Ok(items.iter().enumerate().map(at).collect())
    }

    /// The same where one that is no list stands for a list of one, as CloudFormation takes it.
    pub(super) fn list(&self) -> Vec<At<'a>> {
        self.items().unwrap_or_else(|_| vec![self.clone()])
    }

    /// A text; numbers and truth values count as their text.
    pub(super) fn text(&self) -> Result<String, InventoryError> {
        match self.value {
            Value::String(text) => Ok(text.clone()),
            Value::Number(_) | Value::Bool(_) => Ok(self.value.to_string()),
            _ => Err(self.expected("a text")),
        }
    }

    /// A whole number within a range, or its text.
    pub(super) fn number(&self, range: RangeInclusive<i64>) -> Result<i64, InventoryError> {
        let number = match self.value {
            Value::Number(number) => number.as_i64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        number.filter(|number| range.contains(number)).ok_or_else(|| {
            self.expected(&format!("a whole number from {} to {}", range.start(), range.end()))
        })
    }

    /// The same where no number is negative.
    pub(super) fn count(&self, range: RangeInclusive<u32>) -> Result<u32, InventoryError> {
        let wide = i64::from(*range.start())..=i64::from(*range.end());
        let number = self.number(wide)?;
        u32::try_from(number).map_err(|_| self.expected("a whole number"))
    }

    /// A truth value, or its text as YAML 1.1 has it, which CloudFormation reads.
    pub(super) fn truth(&self) -> Result<bool, InventoryError> {
        let word = match self.value {
            Value::Bool(truth) => return Ok(*truth),
            Value::String(text) => text.to_ascii_lowercase(),
            _ => String::new(),
        };
        match word.as_str() {
            "true" | "yes" | "on" => Ok(true),
            "false" | "no" | "off" => Ok(false),
            _ => Err(self.expected("true or false")),
        }
    }
}

/// A value in a message: its beginning.
fn shown(value: &Value) -> String {
    const LONGEST: usize = 60;
    shortened(&value.to_string(), LONGEST)
}

/// Ranges of the Lambda API ("CreateFunction", "CreateEventSourceMapping", "PutFunctionEventInvokeConfig" and
/// "ScalingConfig" of the AWS Lambda API Reference, read 2026-11); what has no documented upper end gets a generous
/// one.
pub(super) mod range {
    use std::ops::RangeInclusive;

    pub(crate) const MEMORY_MB: RangeInclusive<u32> = 128..=10_240;
    pub(crate) const TIMEOUT_S: RangeInclusive<u32> = 1..=900;
    pub(crate) const EPHEMERAL_MB: RangeInclusive<u32> = 512..=10_240;
    pub(crate) const CONCURRENCY: RangeInclusive<u32> = 0..=10_000_000;
    pub(crate) const RETRIES: RangeInclusive<u32> = 0..=2;
    pub(crate) const EVENT_AGE_S: RangeInclusive<u32> = 60..=21_600;
    pub(crate) const BATCH: RangeInclusive<u32> = 1..=10_000;
    pub(crate) const MAPPING_CONCURRENCY: RangeInclusive<u32> = 2..=1000;
    pub(crate) const PARALLELIZATION: RangeInclusive<u32> = 1..=10;
    /// −1 is "until the record expires".
    pub(crate) const STREAM_RETRIES: RangeInclusive<i64> = -1..=10_000;
    pub(crate) const SHARDS: RangeInclusive<u32> = 1..=1_000_000;
    /// "SetQueueAttributes", Amazon SQS API Reference, read 2026-11.
    pub(crate) const RECEIVES: RangeInclusive<u32> = 1..=1000;
    /// The same.
    pub(crate) const QUEUE_RETENTION_S: RangeInclusive<u32> = 60..=1_209_600;
    /// "AWS::Kinesis::Stream", AWS CloudFormation Template Reference, read 2026-11.
    pub(crate) const STREAM_RETENTION_H: RangeInclusive<u32> = 24..=8760;
}

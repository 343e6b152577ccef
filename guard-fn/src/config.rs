//! The environment, read once: what a deployment sets. Nothing else in the product reads it.
//!
//! | variable | meaning | default |
//! |---|---|---|
//! | `DOW_GUARD_POLICY` | the policy itself, in TOML | one of the two |
//! | `DOW_GUARD_POLICY_PARAMETER` | name of the SSM parameter that holds it | must be set |
//! | `DOW_GUARD_TABLE` | DynamoDB table of the guard's memory | must be set |
//! | `DOW_GUARD_NAME` | key of the memory in the table, for several guards in one | name of the function |
//! | `DOW_GUARD_TOPIC` | SNS topic for people | nobody is told |
//! | `DOW_GUARD_CHAT_TOPIC` | SNS topic for Amazon Q Developer in chat | none |
//! | `DOW_GUARD_PAGER_TOPIC` | SNS topic in the shape of CloudWatch alarms | none |
//! | `DOW_GUARD_PRICES` | `embedded`, or `aws`: the public price list, once a day | `embedded` |
//! | `DOW_GUARD_METRICS` | custom metrics, $0.30 each a month: `none`, `guard`, or `all`: also of each budget | `none` |
//! | `DOW_GUARD_STAGE` | what the owner calls this installation | name of the function |
//! | `DOW_GUARD_TRY_ON` | ARN of a function that a list permits the guard to change, perhaps with `*` at its end: where the self-test tries changes | those tagged `dow-guard=enforce` |
//! | `AWS_REGION`, `AWS_LAMBDA_FUNCTION_NAME` | set by Lambda | must be set |

use guard_core::name::{FunctionName, Region};

/// A deployment's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Where the policy is.
    pub policy: PolicyLocation,
    /// DynamoDB table of the memory.
    pub table: String,
    /// Key of the memory in the table.
    pub name: String,
    /// Topics.
    pub topics: Topics,
    /// Where prices come from.
    pub prices: Prices,
    /// Which custom metrics a tick writes.
    pub metrics: Metrics,
    /// The owner's name for this installation.
    pub stage: String,
    /// The region guarded.
    pub region: Region,
    /// The guard's own function.
    pub function: FunctionName,
    /// ARN of a function, or of the functions that begin so before its `*`, which a list permits the guard to change;
    /// `None`: a tag permits it.
    pub try_on: Option<String>,
}

/// Where the policy is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicyLocation {
    /// In the environment.
    Inline(String),
    /// In an SSM parameter of that name.
    Parameter(String),
}

/// ARNs of the topics, by audience; `None`: no topic for that audience.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Topics {
    /// E-mail and text messages.
    pub people: Option<String>,
    /// Chat.
    pub chat: Option<String>,
    /// Pagers.
    pub pager: Option<String>,
}

/// Where prices come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Prices {
    /// The table that ships with the product.
    #[default]
    Embedded,
    /// The public price list of AWS, read once a day, over the embedded one.
    Aws,
}

/// Which custom metrics a tick writes. Each costs money, so none is written unless requested.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Metrics {
    /// None: the structured line has all of it.
    #[default]
    None,
    /// Those of the guard.
    Guard,
    /// Those of each budget as well.
    All,
}

/// A variable that stops the start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A required variable is not set, or is empty.
    #[error("environment variable {variable} must be set: {meaning}")]
    Missing {
        /// Its name.
        variable: &'static str,
        /// The meaning of its value.
        meaning: &'static str,
    },
    /// Two variables that exclude each other.
    #[error("environment variables {first} and {second} are both set: set one of them")]
    Both {
        /// One.
        first: &'static str,
        /// The other.
        second: &'static str,
    },
    /// A value that is not accepted. The value of the policy is never repeated.
    #[error("environment variable {variable} = {value:?}: accepted is {accepted}")]
    Unaccepted {
        /// Its name.
        variable: &'static str,
        /// The value found.
        value: String,
        /// The accepted values.
        accepted: &'static str,
    },
}

impl Config {
    /// Reads the process's environment.
    ///
    /// # Errors
    /// See [`Config::read`].
    #[expect(clippy::disallowed_methods, reason = "the environment is read here, once")]
    pub fn from_env() -> Result<Self, ConfigError> {
        Config::read(|name| std::env::var(name).ok())
    }

    /// Reads variables by name. An empty one counts as unset.
    ///
    /// # Errors
    /// When a variable is missing or its value is not accepted; the message names it.
    pub fn read(variable: impl Fn(&'static str) -> Option<String>) -> Result<Self, ConfigError> {
        let set = |name: &'static str| variable(name).filter(|value| !value.trim().is_empty());
        let must = |variable, meaning| set(variable).ok_or(ConfigError::Missing { variable, meaning });
        let policy = match (set(POLICY), set(POLICY_PARAMETER)) {
            (Some(_), Some(_)) => {
                return Err(ConfigError::Both { first: POLICY, second: POLICY_PARAMETER });
            }
            (Some(text), None) => PolicyLocation::Inline(text),
            (None, Some(name)) => PolicyLocation::Parameter(name),
            (None, None) => {
                let meaning =
                    "the name of the SSM parameter with the policy, or the policy in DOW_GUARD_POLICY";
                return Err(ConfigError::Missing { variable: POLICY_PARAMETER, meaning });
            }
        };
        let function = must("AWS_LAMBDA_FUNCTION_NAME", "Lambda sets it to the name of the function")?;
        let topic = |name| set(name).map(|arn| topic_arn(name, arn)).transpose();
        Ok(Config {
            policy,
            table: must("DOW_GUARD_TABLE", "the DynamoDB table of the guard's memory")?,
            name: set("DOW_GUARD_NAME").unwrap_or_else(|| function.clone()),
            topics: Topics {
                people: topic("DOW_GUARD_TOPIC")?,
                chat: topic("DOW_GUARD_CHAT_TOPIC")?,
                pager: topic("DOW_GUARD_PAGER_TOPIC")?,
            },
            prices: prices(set("DOW_GUARD_PRICES"))?,
            metrics: metrics(set("DOW_GUARD_METRICS"))?,
            stage: set("DOW_GUARD_STAGE").unwrap_or_else(|| function.clone()),
            region: Region::new(must("AWS_REGION", "Lambda sets it to the region of the function")?),
            function: FunctionName::new(function),
            try_on: set("DOW_GUARD_TRY_ON").map(function_arn).transpose()?,
        })
    }
}

const POLICY: &str = "DOW_GUARD_POLICY";
const POLICY_PARAMETER: &str = "DOW_GUARD_POLICY_PARAMETER";

fn topic_arn(variable: &'static str, value: String) -> Result<String, ConfigError> {
    let parts: Vec<&str> = value.split(':').collect();
    match parts.as_slice() {
        ["arn", _, "sns", region, account, name]
            if ![region, account, name].iter().any(|part| part.is_empty()) =>
        {
            Ok(value)
        }
        _ => {
            let accepted = "the ARN of an SNS topic, arn:aws:sns:REGION:ACCOUNT:NAME";
            Err(ConfigError::Unaccepted { variable, value, accepted })
        }
    }
}

fn function_arn(value: String) -> Result<String, ConfigError> {
    let parts: Vec<&str> = value.split(':').collect();
    match parts.as_slice() {
        ["arn", _, "lambda", region, account, "function", name]
            if ![region, account, name].iter().any(|part| part.is_empty()) =>
        {
            Ok(value)
        }
        _ => {
            let accepted = "the ARN of a function without version, arn:aws:lambda:REGION:ACCOUNT:function:NAME; NAME may \
                            end in *";
            Err(ConfigError::Unaccepted { variable: "DOW_GUARD_TRY_ON", value, accepted })
        }
    }
}

fn prices(value: Option<String>) -> Result<Prices, ConfigError> {
    match value.as_deref() {
        None | Some("embedded") => Ok(Prices::Embedded),
        Some("aws") => Ok(Prices::Aws),
        Some(other) => Err(ConfigError::Unaccepted {
            variable: "DOW_GUARD_PRICES",
            value: other.to_owned(),
            accepted: "embedded or aws",
        }),
    }
}

fn metrics(value: Option<String>) -> Result<Metrics, ConfigError> {
    match value.as_deref() {
        None | Some("none") => Ok(Metrics::None),
        Some("guard") => Ok(Metrics::Guard),
        Some("all") => Ok(Metrics::All),
        Some(other) => Err(ConfigError::Unaccepted {
            variable: "DOW_GUARD_METRICS",
            value: other.to_owned(),
            accepted: "none, guard or all",
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const LEAST: [(&str, &str); 4] = [
        (POLICY_PARAMETER, "/dow-guard/policy"),
        ("DOW_GUARD_TABLE", "dow-guard"),
        ("AWS_LAMBDA_FUNCTION_NAME", "dow-guard"),
        ("AWS_REGION", "eu-central-1"),
    ];

    fn read(changes: &[(&'static str, &'static str)]) -> Result<Config, ConfigError> {
        let all: BTreeMap<&str, &str> = LEAST.iter().chain(changes).copied().collect();
        Config::read(|name| all.get(name).map(|value| (*value).to_owned()))
    }

    #[test]
    fn the_least_that_must_be_set_is_four_variables() {
        let config = read(&[]).unwrap();
        assert_eq!(config.policy, PolicyLocation::Parameter("/dow-guard/policy".to_owned()));
        assert_eq!((config.name.as_str(), config.stage.as_str()), ("dow-guard", "dow-guard"));
        assert_eq!((config.topics, config.prices), (Topics::default(), Prices::Embedded));
        for (name, _) in LEAST {
            let error = read(&[(name, " ")]).unwrap_err();
            assert!(error.to_string().contains(name), "{error}");
        }
    }

    #[test]
    fn a_policy_in_two_places_is_refused_without_repeating_it() {
        let error = read(&[(POLICY, "armed = true")]).unwrap_err().to_string();
        assert!(error.contains(POLICY) && error.contains(POLICY_PARAMETER), "{error}");
        assert!(!error.contains("armed"), "{error}");
    }

    #[test]
    fn a_topic_is_an_arn_of_sns_and_a_mistyped_one_is_named() {
        let topic = "arn:aws:sns:eu-central-1:123456789012:alerts";
        assert_eq!(read(&[("DOW_GUARD_TOPIC", topic)]).unwrap().topics.people.as_deref(), Some(topic));
        for wrong in ["alerts", "arn:aws:sqs:eu-central-1:123456789012:alerts", "arn:aws:sns:::alerts"] {
            let error = read(&[("DOW_GUARD_PAGER_TOPIC", wrong)]).unwrap_err().to_string();
            assert!(error.contains("DOW_GUARD_PAGER_TOPIC") && error.contains(wrong), "{error}");
        }
    }

    #[test]
    fn a_function_to_try_on_is_an_arn_without_version_and_a_mistyped_one_is_named() {
        let orders = "arn:aws:lambda:eu-central-1:123456789012:function:orders-*";
        assert_eq!(read(&[("DOW_GUARD_TRY_ON", orders)]).unwrap().try_on.as_deref(), Some(orders));
        assert_eq!(read(&[("DOW_GUARD_TRY_ON", "")]).unwrap().try_on, None);
        let live = "arn:aws:lambda:eu-central-1:123456789012:function:orders:live";
        for wrong in ["orders", live, "arn:aws:lambda:eu-central-1:123456789012:layer:orders"] {
            let error = read(&[("DOW_GUARD_TRY_ON", wrong)]).unwrap_err().to_string();
            assert!(error.contains("DOW_GUARD_TRY_ON") && error.contains(wrong), "{error}");
        }
    }

    #[test]
    fn prices_come_from_the_table_or_from_aws() {
        assert_eq!(read(&[("DOW_GUARD_PRICES", "aws")]).unwrap().prices, Prices::Aws);
        let error = read(&[("DOW_GUARD_PRICES", "gcp")]).unwrap_err().to_string();
        assert!(error.contains("embedded or aws"), "{error}");
    }
    #[test]
    fn metrics_cost_money_and_are_asked_for() {
        assert_eq!(read(&[]).unwrap().metrics, Metrics::None);
        assert_eq!(read(&[("DOW_GUARD_METRICS", "guard")]).unwrap().metrics, Metrics::Guard);
        assert_eq!(read(&[("DOW_GUARD_METRICS", "all")]).unwrap().metrics, Metrics::All);
        let error = read(&[("DOW_GUARD_METRICS", "some")]).unwrap_err().to_string();
        assert!(error.contains("none, guard or all"), "{error}");
    }
}

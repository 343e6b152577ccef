//! IAM's decision on a request, as far as the permission sets of `infra/iam` go: one role with identity policies, no
//! boundary, no policy of an organization. Whatever else a policy holds is refused, so that no check passes because
//! something was not understood.
//!
//! Sources, AWS Identity and Access Management User Guide, read 2026-11: "Policy evaluation logic", "IAM JSON policy
//! elements: Action", "Resource", "Condition operators", "Set operators for multivalued context keys".

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// What a role may do.
#[derive(Clone, Debug, Default)]
pub struct Role(Vec<Statement>);

/// A statement of a policy.
#[derive(Clone, Debug)]
struct Statement {
    name: String,
    is_deny: bool,
    actions: Vec<String>,
    resources: Vec<String>,
    conditions: Vec<Condition>,
}

/// One operator on one key.
#[derive(Clone, Debug)]
struct Condition {
    operator: Operator,
    /// In lower case: names of keys are not case-sensitive.
    key: String,
    values: Vec<String>,
}

#[derive(Clone, Copy, Debug)]
enum Operator {
    StringEquals,
    StringLike,
    ArnLike,
    ForAllValuesStringLike,
}

/// What is asked of IAM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Such as `lambda:PutFunctionConcurrency`.
    pub action: String,
    /// An ARN, or `*` for an action without resources.
    pub resource: String,
    /// Context keys in lower case, with their values.
    pub keys: BTreeMap<String, Vec<String>>,
}

/// What IAM says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// This statement allows it, and none denies it.
    Allowed(String),
    /// This statement denies it, whatever allows it.
    Denied(String),
    /// No statement speaks of it, which denies it.
    NotAllowed,
}

impl Request {
    /// A request without context keys.
    pub fn of(action: &str, resource: &str) -> Self {
        Request { action: action.to_owned(), resource: resource.to_owned(), keys: BTreeMap::new() }
    }

    /// The same with a key.
    #[must_use]
    pub fn with(mut self, key: &str, value: &str) -> Self {
        self.keys.entry(key.to_lowercase()).or_default().push(value.to_owned());
        self
    }
}

impl Role {
    /// The same with the statements of one more policy.
    #[must_use]
    pub fn and(mut self, policy: &Value) -> Self {
        let policy = policy.as_object().unwrap();
        only(policy, &["Version", "Statement"]);
        assert_eq!(policy["Version"], "2012-10-17");
        self.0.extend(policy["Statement"].as_array().unwrap().iter().map(statement));
        self
    }

    /// The names of all statements.
    pub fn statements(&self) -> Vec<String> {
        self.0.iter().map(|statement| statement.name.clone()).collect()
    }

    /// The actions that a statement is about.
    pub fn actions(&self, of: &str) -> Vec<String> {
        self.0.iter().filter(|statement| statement.name == of).flat_map(|one| one.actions.clone()).collect()
    }

    /// The same without what allows one action.
    #[must_use]
    pub fn without(mut self, action: &str) -> Self {
        for statement in self.0.iter_mut().filter(|statement| !statement.is_deny) {
            statement.actions.retain(|allowed| allowed != action);
        }
        self
    }

    /// IAM's decision: an explicit deny is final, then an allow is needed.
    pub fn decide(&self, request: &Request) -> Decision {
        let speaks = |statement: &&Statement| statement.speaks_of(request);
        if let Some(deny) = self.0.iter().filter(speaks).find(|statement| statement.is_deny) {
            return Decision::Denied(deny.name.clone());
        }
        let allow = self.0.iter().find(speaks);
        allow.map_or(Decision::NotAllowed, |allow| Decision::Allowed(allow.name.clone()))
    }

    /// Whether it is allowed.
    pub fn allows(&self, request: &Request) -> bool {
        matches!(self.decide(request), Decision::Allowed(_))
    }
}

impl Statement {
    fn speaks_of(&self, request: &Request) -> bool {
        let action = request.action.to_lowercase();
        self.actions.iter().any(|pattern| is_like(&pattern.to_lowercase(), &action))
            && self.resources.iter().any(|pattern| is_arn_like(pattern, &request.resource))
            && self.conditions.iter().all(|condition| condition.holds(request))
    }
}

impl Condition {
    fn holds(&self, request: &Request) -> bool {
        let found = request.keys.get(&self.key).map(Vec::as_slice).unwrap_or_default();
        let is_one_of = |value: &String| {
            self.values.iter().any(|wanted| match self.operator {
                Operator::StringEquals => wanted == value,
                Operator::StringLike | Operator::ForAllValuesStringLike => is_like(wanted, value),
                Operator::ArnLike => is_arn_like(wanted, value),
            })
        };
        match self.operator {
            // True too where the request has no such key.
            Operator::ForAllValuesStringLike => found.iter().all(is_one_of),
            _ => found.iter().any(is_one_of),
        }
    }
}

fn statement(statement: &Value) -> Statement {
    let statement = statement.as_object().unwrap();
    only(statement, &["Sid", "Effect", "Action", "Resource", "Condition"]);
    let conditions = statement.get("Condition").and_then(Value::as_object).into_iter().flatten();
    let is_deny = match statement["Effect"].as_str() {
        Some("Allow") => false,
        Some("Deny") => true,
        other => panic!("an effect of {other:?}"),
    };
    Statement {
        name: statement["Sid"].as_str().unwrap().to_owned(),
        is_deny,
        actions: texts(&statement["Action"]),
        resources: texts(&statement["Resource"]),
        conditions: conditions.flat_map(|(operator, keys)| of_operator(operator, keys)).collect(),
    }
}

fn of_operator(operator: &str, keys: &Value) -> Vec<Condition> {
    let operator = match operator {
        "StringEquals" => Operator::StringEquals,
        "StringLike" => Operator::StringLike,
        "ArnLike" | "ArnEquals" => Operator::ArnLike,
        "ForAllValues:StringLike" => Operator::ForAllValuesStringLike,
        other => panic!("the operator {other} is not known here"),
    };
    let keys = keys.as_object().unwrap().iter();
    keys.map(|(key, values)| Condition { operator, key: key.to_lowercase(), values: texts(values) }).collect()
}

fn only(map: &Map<String, Value>, known: &[&str]) {
    let unknown: Vec<&String> = map.keys().filter(|key| !known.contains(&key.as_str())).collect();
    assert!(unknown.is_empty(), "{unknown:?} are not known here");
}

/// One text or several, none with a variable in it.
fn texts(value: &Value) -> Vec<String> {
    let several = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
    let texts: Vec<String> = several.iter().map(|text| text.as_str().unwrap().to_owned()).collect();
    assert!(!texts.iter().any(|text| text.contains("${")), "variables are not known here: {texts:?}");
    texts
}

/// Whether an ARN is like a pattern: each of the first five parts by itself, and all that comes after them as one. A `*`
/// alone is like anything.
fn is_arn_like(pattern: &str, arn: &str) -> bool {
    let (wanted, found): (Vec<&str>, Vec<&str>) =
        (pattern.splitn(6, ':').collect(), arn.splitn(6, ':').collect());
    pattern == "*"
        || wanted.len() == found.len()
            && wanted.iter().zip(found).all(|(wanted, found)| is_like(wanted, found))
}

/// `*` stands for any characters, `?` for one.
fn is_like(pattern: &str, text: &str) -> bool {
    let mut rest = pattern.chars();
    match rest.next() {
        None => text.is_empty(),
        Some('*') => {
            let rest = rest.as_str();
            text.char_indices().map(|(at, _)| at).chain([text.len()]).any(|at| is_like(rest, &text[at..]))
        }
        Some(wanted) => {
            let mut found = text.chars();
            found.next().is_some_and(|found| wanted == '?' || wanted == found)
                && is_like(rest.as_str(), found.as_str())
        }
    }
}

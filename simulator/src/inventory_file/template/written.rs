//! What a value says of other resources, although it cannot be resolved: what it refers to, and its text as far as that
//! is written.

use serde_json::Value;

use super::resolve::function;

/// Whatever a value refers to, by logical ID, in the order in which it is written.
pub(super) fn references(value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    collect(value, &mut found);
    found
}

fn collect(value: &Value, found: &mut Vec<String>) {
    let base = |name: &str| name.split('.').next().unwrap_or_default().to_owned();
    match (function(value), value) {
        (Some(("Ref", Value::String(name))), _) => found.push(base(name)),
        (Some(("Fn::GetAtt", Value::String(path))), _) => found.push(base(path)),
        (Some(("Fn::GetAtt", Value::Array(path))), _) => {
            found.extend(path.first().and_then(Value::as_str).map(base));
        }
        (Some(("Fn::Sub", argument)), _) => {
            let text = argument.as_str().or_else(|| argument.get(0)?.as_str()).unwrap_or_default();
            for name in text.split("${").skip(1).filter_map(|part| part.split_once('}')) {
                found.push(base(name.0));
            }
            if let Some(own) = argument.get(1) {
                collect(own, found);
            }
        }
        (_, Value::Array(items)) => items.iter().for_each(|item| collect(item, found)),
        (_, Value::Object(map)) => map.values().for_each(|value| collect(value, found)),
        _ => {}
    }
}

/// A text as far as it is written. Unknown parts stand in braces, without colons, so that the parts of an ARN can be
/// recognised and equal names are equal however they are put together.
pub(super) fn written(value: &Value) -> Option<String> {
    let Some((name, argument)) = function(value) else { return value.as_str().map(str::to_owned) };
    let or_unknown = |value: &Value| written(value).unwrap_or_else(|| "{}".to_owned());
    match (name, argument) {
        ("Ref", Value::String(name)) => Some(braced(name)),
        ("Fn::GetAtt", Value::String(path)) => Some(braced(path)),
        ("Fn::GetAtt", Value::Array(path)) => {
            Some(braced(&path.iter().map(or_unknown).collect::<Vec<_>>().join(".")))
        }
        ("Fn::Sub", argument) => {
            let text = argument.as_str().or_else(|| argument.get(0)?.as_str())?;
            let own = |name: &str| argument.get(1)?.get(name).map(or_unknown);
            let mut out = String::new();
            let mut rest = text;
            while let Some((before, after)) = rest.split_once("${") {
                let (name, after) = after.split_once('}')?;
                out.push_str(before);
                out.push_str(&own(name).unwrap_or_else(|| braced(name)));
                rest = after;
            }
            Some(out + rest)
        }
        ("Fn::Join", Value::Array(parts)) => {
            let [Value::String(separator), Value::Array(parts)] = parts.as_slice() else { return None };
            Some(parts.iter().map(or_unknown).collect::<Vec<_>>().join(separator))
        }
        ("Fn::If", Value::Array(parts)) => parts.iter().skip(1).find_map(written),
        _ => None,
    }
}

fn braced(name: &str) -> String {
    format!("{{{}}}", name.trim().replace(':', ""))
}

/// The texts within a value, each as far as it is written.
pub(super) fn texts(value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    gather(value, &mut found);
    found
}

fn gather(value: &Value, found: &mut Vec<String>) {
    match (function(value), value) {
        (Some(("Fn::Sub" | "Fn::Join", argument)), _) => {
            found.extend(written(value));
            if let Some(own) = argument.get(1) {
                gather(own, found);
            }
        }
        (_, Value::String(text)) => found.push(text.clone()),
        (_, Value::Array(items)) => items.iter().for_each(|item| gather(item, found)),
        (_, Value::Object(map)) => map.values().for_each(|value| gather(value, found)),
        _ => {}
    }
}

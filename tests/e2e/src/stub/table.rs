//! One table of DynamoDB: items by partition and sort key, conditions as the guard writes them, pages of a megabyte.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::said;
use crate::http::Message;
use crate::proxy::Call;

/// Bytes of an item at most, and of a page of a query ("DynamoDB quotas", read 2026-11).
const ITEM_MAX: usize = 400 * 1024;
const PAGE_MAX: usize = 1024 * 1024;

/// Items by partition and sort key.
#[derive(Debug, Default)]
pub(super) struct Table(BTreeMap<(String, String), Value>);

impl Table {
    /// All items, as they are.
    pub(super) fn items(&self) -> &BTreeMap<(String, String), Value> {
        &self.0
    }

    pub(super) fn answer(&mut self, call: &Call, operation: &str) -> Option<Message> {
        let body = call.json();
        let answer = match operation {
            "GetItem" => Ok(self.get(&body)),
            "PutItem" => self.put(&body),
            "Query" => Ok(self.query(&body)),
            "BatchWriteItem" => self.batch(&body),
            _ => return None,
        };
        Some(answer.map_or_else(|code| call.error(400, code), |answer| said(&answer)))
    }

    fn get(&self, body: &Value) -> Value {
        self.0.get(&key(&body["Key"])).map_or_else(|| json!({}), |item| json!({ "Item": item }))
    }

    fn put(&mut self, body: &Value) -> Result<Value, &'static str> {
        let item = &body["Item"];
        let found = self.0.get(&key(item));
        let holds = match body["ConditionExpression"].as_str() {
            Some("attribute_not_exists(pk)") => found.is_none(),
            Some("revision = :before") => {
                found.is_some_and(|found| found["revision"] == body["ExpressionAttributeValues"][":before"])
            }
            Some("attribute_exists(pk) AND attribute_not_exists(pk)") => false,
            other => panic!("a write of the guard's head on condition of {other:?}"),
        };
        if !holds {
            return Err("ConditionalCheckFailedException");
        }
        self.store(item)?;
        Ok(json!({}))
    }

    fn store(&mut self, item: &Value) -> Result<(), &'static str> {
        if size(item) > ITEM_MAX {
            return Err("ValidationException");
        }
        self.0.insert(key(item), item.clone());
        Ok(())
    }

    fn batch(&mut self, body: &Value) -> Result<Value, &'static str> {
        for request in body["RequestItems"]
            .as_object()
            .into_iter()
            .flatten()
            .flat_map(|(_, all)| all.as_array())
            .flatten()
        {
            if request["PutRequest"].is_object() {
                self.store(&request["PutRequest"]["Item"])?;
            } else {
                self.0.remove(&key(&request["DeleteRequest"]["Key"]));
            }
        }
        Ok(json!({ "UnprocessedItems": {} }))
    }

    fn query(&self, body: &Value) -> Value {
        let values = &body["ExpressionAttributeValues"];
        let text = |name: &str| values[name]["S"].as_str().unwrap_or_default();
        let (partition, prefix) = (text(":pk"), text(":segment"));
        let start = body.get("ExclusiveStartKey").map(key);
        let is_after = |at: &(String, String)| start.as_ref().is_none_or(|start| at > start);
        let (mut items, mut bytes) = (Vec::new(), 0);
        let found =
            self.0.iter().filter(|(at, _)| at.0 == partition && at.1.starts_with(prefix) && is_after(at));
        for (_, item) in found {
            items.push(item);
            bytes += size(item);
            if bytes > PAGE_MAX {
                let last = json!({ "pk": item["pk"], "sk": item["sk"] });
                return json!({ "Items": items, "LastEvaluatedKey": last });
            }
        }
        json!({ "Items": items })
    }
}

fn key(item: &Value) -> (String, String) {
    let text = |name: &str| item[name]["S"].as_str().unwrap_or_default().to_owned();
    (text("pk"), text("sk"))
}

/// Bytes of an item: names and values; base64 takes four characters for three bytes.
fn size(item: &Value) -> usize {
    let value = |value: &Value| match value.as_object().and_then(|value| value.iter().next()) {
        Some((kind, text)) if kind == "B" => text.as_str().map_or(0, |text| text.len() / 4 * 3),
        Some((_, text)) => text.as_str().map_or(0, str::len),
        None => 0,
    };
    item.as_object().into_iter().flatten().map(|(name, content)| name.len() + value(content)).sum()
}

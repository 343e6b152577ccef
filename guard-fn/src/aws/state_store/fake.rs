//! DynamoDB as far as the store uses it, at the level of its JSON, with limits and units counted as AWS does.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::aws::in_process::{Reply, Request};

/// Bytes of an item at most, and of a page of a query ("DynamoDB quotas", read 2026-11).
const ITEM_MAX: usize = 400 * 1024;
const PAGE_MAX: usize = 1024 * 1024;

/// What a fault does to one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It has its effect, and the answer is lost.
    LostAfter,
    /// It is lost on the way.
    LostBefore,
    /// 500.
    Failing,
    /// Of a batch, the second half is left unprocessed.
    Partial,
}

#[derive(Debug, Default)]
pub(super) struct Inner {
    pub(super) items: BTreeMap<(String, String), Value>,
    /// Requests by operation.
    pub(super) calls: BTreeMap<String, u64>,
    pub(super) write_units: usize,
    pub(super) written_bytes: usize,
    /// The n-th request of an operation, counted from 0, and what happens to it.
    pub(super) faults: BTreeMap<(String, u64), Fault>,
}

/// A table. Clones are the same one.
#[derive(Clone, Debug, Default)]
pub(super) struct Fake(pub(super) Arc<Mutex<Inner>>);

impl Fake {
    pub(super) fn answer(&self, request: &Request) -> Reply {
        let mut inner = self.0.lock().unwrap();
        let count = inner.calls.entry(request.operation.clone()).or_default();
        let nth = *count;
        *count += 1;
        let body: Value = serde_json::from_str(&request.body).unwrap();
        let fault = inner.faults.get(&(request.operation.clone(), nth)).copied();
        match fault {
            Some(Fault::LostBefore) => return Reply::Lost,
            Some(Fault::Failing) => {
                return Reply::Http(500, json!({"__type": "InternalServerError"}).to_string());
            }
            _ => {}
        }
        let answer = match request.operation.as_str() {
            "GetItem" => inner.get(&body),
            "PutItem" => inner.put(&body),
            "Query" => inner.query(&body),
            "BatchWriteItem" => inner.batch(&body, fault == Some(Fault::Partial)),
            other => panic!("the store has no business with {other}"),
        };
        if fault == Some(Fault::LostAfter) {
            return Reply::Lost;
        }
        match answer {
            Ok(value) => Reply::Http(200, value.to_string()),
            Err(kind) => Reply::Http(
                400,
                json!({"__type": format!("com.amazonaws.dynamodb.v20120810#{kind}"), "message": "refused"})
                    .to_string(),
            ),
        }
    }

    /// Sort keys that are there.
    pub(super) fn keys(&self) -> Vec<String> {
        self.0.lock().unwrap().items.keys().map(|(_, sort)| sort.clone()).collect()
    }

    /// Forgets what was counted, and says it.
    pub(super) fn take_counts(&self) -> (BTreeMap<String, u64>, usize, usize) {
        let mut inner = self.0.lock().unwrap();
        let counts = (std::mem::take(&mut inner.calls), inner.written_bytes, inner.write_units);
        (inner.written_bytes, inner.write_units) = (0, 0);
        counts
    }

    /// Lets the n-th next request of an operation fail.
    pub(super) fn fail(&self, operation: &str, nth: u64, fault: Fault) {
        let mut inner = self.0.lock().unwrap();
        let nth = inner.calls.get(operation).copied().unwrap_or_default() + nth;
        inner.faults.insert((operation.to_owned(), nth), fault);
    }
}

impl Inner {
    fn get(&self, body: &Value) -> Result<Value, &'static str> {
        assert!(body["ConsistentRead"].as_bool().unwrap_or(body["Key"]["sk"]["S"] == "HEAD"));
        let item = self.items.get(&key(&body["Key"]));
        Ok(item.map_or_else(|| json!({}), |item| json!({ "Item": item })))
    }

    fn put(&mut self, body: &Value) -> Result<Value, &'static str> {
        let item = &body["Item"];
        let found = self.items.get(&key(item));
        let holds = match body["ConditionExpression"].as_str().unwrap() {
            "attribute_not_exists(pk)" => found.is_none(),
            "revision = :before" => {
                found.is_some_and(|found| found["revision"] == body["ExpressionAttributeValues"][":before"])
            }
            "attribute_exists(pk) AND attribute_not_exists(pk)" => false,
            other => panic!("unknown condition {other}"),
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
        self.written_bytes += size(item);
        self.write_units += size(item).div_ceil(1024);
        self.items.insert(key(item), item.clone());
        Ok(())
    }

    fn batch(&mut self, body: &Value, partial: bool) -> Result<Value, &'static str> {
        let (table, requests) = body["RequestItems"].as_object().unwrap().iter().next().unwrap();
        let requests = requests.as_array().unwrap();
        if requests.is_empty() || requests.len() > 25 {
            return Err("ValidationException");
        }
        let done = if partial { requests.len() / 2 } else { requests.len() };
        for request in &requests[..done] {
            if request["PutRequest"].is_object() {
                self.store(&request["PutRequest"]["Item"])?;
            } else {
                let gone = self.items.remove(&key(&request["DeleteRequest"]["Key"]));
                self.write_units += gone.map_or(1, |item| size(&item).div_ceil(1024));
            }
        }
        let left = &requests[done..];
        Ok(if left.is_empty() {
            json!({ "UnprocessedItems": {} })
        } else {
            json!({ "UnprocessedItems": { table.as_str(): left } })
        })
    }

    fn query(&self, body: &Value) -> Result<Value, &'static str> {
        assert_eq!(body["ConsistentRead"], true);
        let values = &body["ExpressionAttributeValues"];
        let (partition, prefix) =
            (values[":pk"]["S"].as_str().unwrap(), values[":segment"]["S"].as_str().unwrap());
        let start = body.get("ExclusiveStartKey").map(key);
        let (mut items, mut bytes, mut last) = (Vec::new(), 0, None);
        for (at, item) in &self.items {
            if at.0 != partition
                || !at.1.starts_with(prefix)
                || start.as_ref().is_some_and(|start| at <= start)
            {
                continue;
            }
            items.push(item);
            bytes += size(item);
            if bytes > PAGE_MAX {
                last = Some(json!({ "pk": item["pk"], "sk": item["sk"] }));
                break;
            }
        }
        Ok(match last {
            Some(last) => json!({ "Items": items, "LastEvaluatedKey": last }),
            None => json!({ "Items": items }),
        })
    }
}

fn key(item: &Value) -> (String, String) {
    let text = |name: &str| item[name]["S"].as_str().unwrap().to_owned();
    (text("pk"), text("sk"))
}

/// Bytes of an item: names and values; base64 takes four characters for three bytes.
fn size(item: &Value) -> usize {
    let value = |value: &Value| match value.as_object().and_then(|value| value.iter().next()) {
        Some((kind, text)) if kind == "B" => text.as_str().map_or(0, |text| text.len() / 4 * 3),
        Some((_, text)) => text.as_str().map_or(0, str::len),
        None => 0,
    };
    item.as_object().unwrap().iter().map(|(name, content)| name.len() + value(content)).sum()
}

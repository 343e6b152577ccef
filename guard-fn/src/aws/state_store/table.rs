//! The DynamoDB calls of the store: the head by condition, segments in batches, without knowledge of their meaning.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, DeleteRequest, PutRequest, WriteRequest};
use futures_util::{StreamExt, TryStreamExt, stream};

use super::layout::{Key, SEGMENT};
use crate::aws::unavailable;
use crate::ports::{Granted, Proof, StoreError, Unavailable};

const GET: &str = "dynamodb:GetItem";
const PUT: &str = "dynamodb:PutItem";
const QUERY: &str = "dynamodb:Query";
const BATCH: &str = "dynamodb:BatchWriteItem";

/// Items of one `BatchWriteItem` ("BatchWriteItem", Amazon DynamoDB API Reference, read 2026-11). With the largest of
/// ours they stay under its 16 MB.
pub(super) const BATCH_MAX: usize = 25;

/// Batches at the same time. Our choice: a first save of ten thousand functions is some forty of them, a megabyte each
/// at most.
const IN_FLIGHT: usize = 16;

/// Retries of the items that a batch left unprocessed, each after twice the time of the one before: 6.3 s in all.
const RESENDS: u32 = 7;
/// The first of these times.
const RESEND_AFTER: Duration = Duration::from_millis(50);

const HEAD: &str = "HEAD";

/// The table, and the guard's place in it.
#[derive(Clone, Debug)]
pub(super) struct Table {
    client: Client,
    table: String,
    /// The guard's name with `#` doubled: a single one is followed by a shard.
    name: String,
}

/// The head item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) schema: u32,
    pub(super) revision: u64,
    pub(super) nonce: String,
    pub(super) directory: Vec<u8>,
    pub(super) rest: Option<Vec<u8>>,
}

/// The result of a conditional write.
#[derive(Debug)]
pub(super) enum Put {
    Done,
    /// Another head is stored.
    Refused,
    /// The result is unknown.
    Unknown(Unavailable),
}

impl Table {
    pub(super) fn new(client: Client, table: String, name: &str) -> Self {
        Table { client, table, name: name.replace('#', "##") }
    }

    /// The head, if there is one.
    ///
    /// # Errors
    /// If DynamoDB does not answer, or the stored item is not a head.
    pub(super) async fn head(&self) -> Result<Option<Head>, StoreError> {
        let request = self.client.get_item().table_name(&self.table).set_key(Some(self.key(0, HEAD)));
        let answer = request.consistent_read(true).send().await.map_err(|error| unavailable(GET, &error))?;
        answer.item.map(|item| self.parse(item)).transpose()
    }

    fn parse(&self, mut item: HashMap<String, AttributeValue>) -> Result<Head, StoreError> {
        let unreadable = |attribute: &str| StoreError::Unreadable {
            reason: format!("the item {} {HEAD} of table {} has no valid {attribute}", self.name, self.table),
        };
        let number =
            |attribute: &str| item.get(attribute).and_then(|value| value.as_n().ok()?.parse::<u64>().ok());
        let schema = number("schema").and_then(|schema| u32::try_from(schema).ok());
        let schema = schema.ok_or_else(|| unreadable("schema"))?;
        let revision = number("revision").ok_or_else(|| unreadable("revision"))?;
        let nonce = item.get("nonce").and_then(|value| value.as_s().ok()).cloned();
        let nonce = nonce.ok_or_else(|| unreadable("nonce"))?;
        let mut bytes = |attribute: &str| match item.remove(attribute) {
            Some(AttributeValue::B(blob)) => Some(blob.into_inner()),
            _ => None,
        };
        let rest = bytes("rest");
        // A newer version may have written another form: the reader has to check the schema.
        Ok(Head { schema, revision, nonce, directory: bytes("directory").unwrap_or_default(), rest })
    }

    /// Writes the head if the stored revision is still `before`; 0: if there is no head.
    pub(super) async fn put_head(&self, head: Head, before: u64) -> Put {
        let mut item = self.key(0, HEAD);
        item.insert("schema".to_owned(), AttributeValue::N(head.schema.to_string()));
        item.insert("revision".to_owned(), AttributeValue::N(head.revision.to_string()));
        item.insert("nonce".to_owned(), AttributeValue::S(head.nonce));
        item.insert("directory".to_owned(), AttributeValue::B(Blob::new(head.directory)));
        if let Some(rest) = head.rest {
            item.insert("rest".to_owned(), AttributeValue::B(Blob::new(rest)));
        }
        let request = self.client.put_item().table_name(&self.table).set_item(Some(item));
        let request = if before == 0 {
            request.condition_expression("attribute_not_exists(pk)")
        } else {
            let before = AttributeValue::N(before.to_string());
            request.condition_expression("revision = :before").expression_attribute_values(":before", before)
        };
        match request.send().await {
            Ok(_) => Put::Done,
            Err(error) if is_refusal(&error) => Put::Refused,
            Err(error) => Put::Unknown(unavailable(PUT, &error)),
        }
    }

    /// Writes and deletes items, in no order.
    ///
    /// # Errors
    /// If not all of it was done; some of it may be.
    pub(super) async fn write(&self, puts: Vec<(Key, Vec<u8>)>, deletes: &[Key]) -> Result<(), Unavailable> {
        let fault = |error: aws_sdk_dynamodb::error::BuildError| unavailable(BATCH, &error);
        let mut requests = Vec::with_capacity(puts.len() + deletes.len());
        for (key, bytes) in puts {
            let mut item = self.key(key.shard, &key.sort);
            item.insert("body".to_owned(), AttributeValue::B(Blob::new(bytes)));
            let put = PutRequest::builder().set_item(Some(item)).build().map_err(fault)?;
            requests.push(WriteRequest::builder().put_request(put).build());
        }
        for key in deletes {
            let delete = DeleteRequest::builder().set_key(Some(self.key(key.shard, &key.sort)));
            requests.push(WriteRequest::builder().delete_request(delete.build().map_err(fault)?).build());
        }
        let batches: Vec<_> =
            requests.chunks(BATCH_MAX).map(<[_]>::to_vec).map(|batch| self.batch(batch)).collect();
        stream::iter(batches).buffer_unordered(IN_FLIGHT).try_collect::<()>().await
    }

    /// One batch; items that DynamoDB leaves unprocessed are sent again, a limited number of times.
    async fn batch(&self, mut left: Vec<WriteRequest>) -> Result<(), Unavailable> {
        for resend in 0..=RESENDS {
            if resend > 0 {
                tokio::time::sleep(RESEND_AFTER * 2_u32.pow(resend - 1)).await;
            }
            let request = self.client.batch_write_item().request_items(&self.table, left);
            let answer = request.send().await.map_err(|error| unavailable(BATCH, &error))?;
            left =
                answer.unprocessed_items.and_then(|mut items| items.remove(&self.table)).unwrap_or_default();
            if left.is_empty() {
                return Ok(());
            }
        }
        Err(Unavailable::new(BATCH, format!("{} items were left unprocessed {RESENDS} times", left.len())))
    }

    /// All segments of a shard, by sort key.
    ///
    /// # Errors
    /// When DynamoDB does not answer.
    pub(super) async fn segments(&self, shard: u32) -> Result<HashMap<String, Vec<u8>>, Unavailable> {
        let mut found = HashMap::new();
        let mut from = None;
        loop {
            let request = self.query(shard).set_exclusive_start_key(from.take());
            let answer = request.send().await.map_err(|error| unavailable(QUERY, &error))?;
            for mut item in answer.items.unwrap_or_default() {
                if let (Some(AttributeValue::S(sort)), Some(AttributeValue::B(body))) =
                    (item.remove("sk"), item.remove("body"))
                {
                    found.insert(sort, body.into_inner());
                }
            }
            from = answer.last_evaluated_key;
            if from.is_none() {
                return Ok(found);
            }
        }
    }

    fn query(&self, shard: u32) -> aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder {
        let request = self.client.query().table_name(&self.table).consistent_read(true);
        request
            .key_condition_expression("pk = :pk AND begins_with(sk, :segment)")
            .expression_attribute_values(":pk", AttributeValue::S(self.partition(shard)))
            .expression_attribute_values(":segment", AttributeValue::S(SEGMENT.to_owned()))
    }

    /// Tries each permission without effect.
    pub(super) async fn prove(&self) -> Vec<Proof> {
        let get = self.client.get_item().table_name(&self.table).set_key(Some(self.key(0, HEAD)));
        let get = proof(GET, "the head was read", get.send().await);
        let query = proof(QUERY, "one segment was asked for", self.query(0).limit(1).send().await);
        // Both conditions never hold at once, so nothing is written: the refusal is the proof.
        let put = self.client.put_item().table_name(&self.table).set_item(Some(self.key(0, "PROOF")));
        let put = put.condition_expression("attribute_exists(pk) AND attribute_not_exists(pk)").send().await;
        let put = match put {
            Err(error) if !is_refusal(&error) => Err(error),
            _ => Ok(()),
        };
        let put = proof(PUT, "a write whose condition never holds was refused by it", put);
        vec![get, query, put, self.prove_batch().await]
    }

    /// A batch that deletes an item that does not exist.
    async fn prove_batch(&self) -> Proof {
        let done = "an item that does not exist was deleted";
        let request = DeleteRequest::builder().set_key(Some(self.key(0, "PROOF"))).build();
        match request {
            Ok(request) => {
                let request = WriteRequest::builder().delete_request(request).build();
                let batch = self.client.batch_write_item().request_items(&self.table, vec![request]);
                proof(BATCH, done, batch.send().await)
            }
            Err(error) => proof::<()>(BATCH, done, Err(error)),
        }
    }

    fn partition(&self, shard: u32) -> String {
        if shard == 0 { self.name.clone() } else { format!("{}#{shard}", self.name) }
    }

    fn key(&self, shard: u32, sort: &str) -> HashMap<String, AttributeValue> {
        HashMap::from([
            ("pk".to_owned(), AttributeValue::S(self.partition(shard))),
            ("sk".to_owned(), AttributeValue::S(sort.to_owned())),
        ])
    }
}

fn is_refusal(error: &SdkError<PutItemError>) -> bool {
    error.as_service_error().is_some_and(PutItemError::is_conditional_check_failed_exception)
}

fn proof<T>(action: &str, done: &str, result: Result<T, impl std::error::Error + 'static>) -> Proof {
    let detail = match &result {
        Ok(_) => done.to_owned(),
        Err(error) => unavailable(action, error).reason,
    };
    Proof { action: action.to_owned(), granted: Granted::of(result.is_ok()), detail }
}

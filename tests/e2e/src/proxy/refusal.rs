//! What AWS refuses and the emulator takes.

use std::collections::BTreeSet;
use std::io;

use ciborium::Value as Cbor;
use serde_json::Value;

use super::call::Call;
use crate::http::Message;

/// Concurrency that must stay unreserved ("Configuring reserved concurrency", read 2026-11); an account with a lower
/// limit keeps all of it.
const UNRESERVED_MINIMUM: u64 = 100;

/// Queries in one `GetMetricData` (Amazon CloudWatch API Reference, read 2026-11).
const QUERIES_MAX: usize = 500;

/// A reservation that leaves too little to others.
pub(super) fn of_reservation(
    call: &Call,
    request: &Message,
    ask: impl Fn(&Message) -> io::Result<Message>,
) -> io::Result<Option<Message>> {
    let read = |path: &str| {
        let mut question = request.clone();
        question.start = format!("GET {path} HTTP/1.1");
        question.body.clear();
        ask(&question).map(|answer| serde_json::from_slice::<Value>(&answer.body).unwrap_or_default())
    };
    let name = request.word(1).split('/').nth(3).unwrap_or_default();
    let account = &read("/2016-08-19/account-settings/")?["AccountLimit"];
    let held = read(&format!("/2019-09-30/functions/{name}/concurrency"))?;
    let number = |value: &Value| value.as_u64().unwrap_or_default();
    let wanted = number(&call.json()["ReservedConcurrentExecutions"]);
    let held = number(&held["ReservedConcurrentExecutions"]);
    let minimum = number(&account["ConcurrentExecutions"]).min(UNRESERVED_MINIMUM);
    let left = (number(&account["UnreservedConcurrentExecutions"]) + held).saturating_sub(wanted);
    // Less than before is always taken.
    Ok((wanted > held && left < minimum).then(|| {
        let message = format!(
            "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution \
             below its minimum value of [{minimum}]."
        );
        call.error_saying(400, "InvalidParameterValueException", &message)
    }))
}

/// Queries that are too many, or carry the same id.
pub(super) fn of_metric_queries(call: &Call) -> Option<Message> {
    if call.operation != "monitoring:GetMetricData" {
        return None;
    }
    let ids =
        query_ids(&call.body).unwrap_or_else(|| panic!("not CBOR: {}", String::from_utf8_lossy(&call.body)));
    let different = ids.iter().collect::<BTreeSet<_>>().len();
    let problem = if ids.len() > QUERIES_MAX {
        format!("The collection MetricDataQueries must not have a size greater than {QUERIES_MAX}.")
    } else if different < ids.len() {
        "The values for parameter id in MetricDataQueries must be unique.".to_owned()
    } else {
        return None;
    };
    Some(call.error_saying(400, "ValidationError", &problem))
}

/// The ids of all queries in a request. Its times carry a tag, which JSON does not have.
fn query_ids(body: &[u8]) -> Option<Vec<String>> {
    let request: Cbor = ciborium::from_reader(body).ok()?;
    let queries = field(&request, "MetricDataQueries")?.as_array()?;
    queries.iter().map(|query| field(query, "Id")?.as_text().map(str::to_owned)).collect()
}

fn field<'a>(map: &'a Cbor, name: &str) -> Option<&'a Cbor> {
    map.as_map()?.iter().find(|(key, _)| key.as_text() == Some(name)).map(|(_, value)| value)
}

//! Messages through Amazon SNS: one topic per audience. A topic's subscribers filter by the attributes.

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_sns::Client;
use aws_sdk_sns::types::MessageAttributeValue;
use guard_core::alert::{Audience, Message};

use super::calls::CountRequests;
use super::unavailable;
use crate::calls::Calls;
use crate::config::Topics;
use crate::ports::{AlertSink, Granted, Proof, Unavailable};

const PUBLISH: &str = "sns:Publish";

/// Publishes to the topics of a deployment.
#[derive(Clone, Debug)]
pub struct SnsSink {
    client: Client,
    topics: Topics,
}

impl SnsSink {
    /// A sink for these topics. An audience without a topic gets no messages.
    pub fn new(config: &SdkConfig, calls: Calls, topics: Topics) -> Self {
        let config = aws_sdk_sns::config::Builder::from(config).interceptor(CountRequests(calls)).build();
        SnsSink { client: Client::from_conf(config), topics }
    }

    fn topic(&self, audience: Audience) -> Option<&str> {
        match audience {
            Audience::People => self.topics.people.as_deref(),
            Audience::Chat => self.topics.chat.as_deref(),
            Audience::Pager => self.topics.pager.as_deref(),
        }
    }

    async fn publish(&self, topic: &str, message: &Message) -> Result<(), Unavailable> {
        let mut request =
            self.client.publish().topic_arn(topic).subject(&message.subject).message(&message.body);
        for (name, value) in &message.attributes {
            let attribute = MessageAttributeValue::builder().data_type("String").string_value(value);
            let attribute = attribute.build().map_err(|error| unavailable(PUBLISH, &error))?;
            request = request.message_attributes(name, attribute);
        }
        request.send().await.map(|_| ()).map_err(|error| unavailable(PUBLISH, &error))
    }
}

#[async_trait]
impl AlertSink for SnsSink {
    async fn send(&self, message: &Message) -> Result<(), Unavailable> {
        match self.topic(message.audience) {
            Some(topic) => self.publish(topic, message).await,
            None => Ok(()),
        }
    }

    async fn prove(&self) -> Vec<Proof> {
        let mut proofs = Vec::new();
        for audience in [Audience::People, Audience::Chat, Audience::Pager] {
            let Some(topic) = self.topic(audience) else { continue };
            let sent = self.publish(topic, &self_test(audience)).await;
            let ok = sent.is_ok();
            let detail = match sent {
                Ok(()) => format!("a message was sent to {topic}"),
                Err(error) => format!("{topic}: {}", error.reason),
            };
            proofs.push(Proof { action: PUBLISH.to_owned(), granted: Granted::of(ok), detail });
        }
        proofs
    }
}

/// A message that declares itself a test. Readers of the other two shapes may drop it; its acceptance is the proof.
fn self_test(audience: Audience) -> Message {
    let text = "DoW Guard: self-test. Messages for this topic arrive; nothing has happened.";
    let body = match audience {
        Audience::People | Audience::Pager => text.to_owned(),
        Audience::Chat => serde_json::json!({
            "version": "1.0",
            "source": "custom",
            "content": { "title": "DoW Guard: self-test", "description": text },
        })
        .to_string(),
    };
    let attributes = [("audience", audience.as_str()), ("event", "self-test"), ("severity", "info")];
    Message {
        audience,
        subject: "DoW Guard: self-test".to_owned(),
        body,
        attributes: attributes
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::aws::in_process::{self, Reply};

    const PEOPLE: &str = "arn:aws:sns:eu-central-1:123456789012:people";

    /// The forms of the requests that were made.
    type Asked = Arc<Mutex<Vec<BTreeMap<String, String>>>>;

    fn sink(status: u16, topics: Topics) -> (SnsSink, Asked) {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        let config = in_process::config(move |request| {
            log.lock().unwrap().push(form(&request.body));
            let body = if status == 200 {
                "<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>"
            } else {
                "<ErrorResponse><Error><Code>AuthorizationError</Code><Message>no</Message></Error></ErrorResponse>"
            };
            Reply::Http(status, body.to_owned())
        });
        (SnsSink::new(&config, Calls::default(), topics), seen)
    }

    /// Reads a form as the query protocol sends it.
    fn form(body: &str) -> BTreeMap<String, String> {
        let text = |part: &str| {
            let bytes: Vec<u8> = part.replace('+', " ").into_bytes();
            let mut out = Vec::new();
            let mut at = 0;
            while at < bytes.len() {
                if bytes[at] == b'%' {
                    let hex = std::str::from_utf8(&bytes[at + 1..at + 3]).unwrap();
                    out.push(u8::from_str_radix(hex, 16).unwrap());
                    at += 3;
                } else {
                    out.push(bytes[at]);
                    at += 1;
                }
            }
            String::from_utf8(out).unwrap()
        };
        body.split('&').filter_map(|pair| pair.split_once('=')).map(|(k, v)| (text(k), text(v))).collect()
    }

    fn message(audience: Audience) -> Message {
        Message {
            audience,
            subject: "CAPPED img-resize".to_owned(),
            body: "Größe & Preis: $5=ok".to_owned(),
            attributes: BTreeMap::from([("event".to_owned(), "capped".to_owned())]),
        }
    }

    #[tokio::test]
    async fn a_message_goes_to_the_topic_of_its_audience_with_attributes_and_without_structure() {
        let (sink, seen) = sink(200, Topics { people: Some(PEOPLE.to_owned()), ..Topics::default() });
        sink.send(&message(Audience::People)).await.unwrap();
        let seen = seen.lock().unwrap();
        let form = &seen[0];
        let get = |name: &str| form.get(name).map(String::as_str);
        assert_eq!((seen.len(), get("Action"), get("TopicArn")), (1, Some("Publish"), Some(PEOPLE)));
        assert_eq!(get("Subject"), Some("CAPPED img-resize"));
        assert_eq!(get("Message"), Some("Größe & Preis: $5=ok"));
        assert_eq!(get("MessageAttributes.entry.1.Name"), Some("event"));
        assert_eq!(get("MessageAttributes.entry.1.Value.DataType"), Some("String"));
        assert_eq!(get("MessageAttributes.entry.1.Value.StringValue"), Some("capped"));
        assert_eq!(get("MessageStructure"), None);
    }

    #[tokio::test]
    async fn an_audience_without_a_topic_hears_nothing() {
        let (sink, seen) = sink(200, Topics { people: Some(PEOPLE.to_owned()), ..Topics::default() });
        sink.send(&message(Audience::Pager)).await.unwrap();
        assert!(seen.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_refusal_is_told_without_the_message() {
        let (sink, _) = sink(403, Topics { people: Some(PEOPLE.to_owned()), ..Topics::default() });
        let error = sink.send(&message(Audience::People)).await.unwrap_err();
        assert_eq!(error.call, PUBLISH);
        assert!(error.reason.contains("AuthorizationError"), "{error}");
        assert!(!error.reason.contains("img-resize"), "{error}");
    }

    #[tokio::test]
    async fn a_self_test_sends_one_message_to_each_topic_that_is_set() {
        let topics = Topics { people: Some(PEOPLE.to_owned()), chat: Some(PEOPLE.to_owned()), pager: None };
        let (sink, seen) = sink(200, topics);
        let proofs = sink.prove().await;
        assert_eq!((proofs.len(), seen.lock().unwrap().len()), (2, 2));
        assert!(
            proofs.iter().all(|proof| proof.granted == Granted::Yes && proof.detail.contains(PEOPLE)),
            "{proofs:?}"
        );
    }
}

//! The policy from an SSM parameter, or as the environment holds it.

use std::time::Duration;

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_ssm::Client;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::calls::CountRequests;
use super::unavailable;
use crate::calls::Calls;
use crate::packed::unpack;
use crate::ports::{Granted, PolicySource, Proof, Unavailable};

const GET: &str = "ssm:GetParameter";

/// How long a policy counts as current after it was read. Our choice: a change is in force within five minutes, at a
/// fifth of the calls.
const READ_EVERY: Duration = Duration::from_secs(300);

/// A policy in an SSM parameter, decrypted if it is a `SecureString`.
#[derive(Debug)]
pub struct SsmPolicy {
    client: Client,
    parameter: String,
    /// The policy read last, and when.
    known: Mutex<Option<(Instant, String)>>,
}

impl SsmPolicy {
    /// The policy in the parameter of that name.
    pub fn new(config: &SdkConfig, calls: Calls, parameter: String) -> Self {
        let config = aws_sdk_ssm::config::Builder::from(config).interceptor(CountRequests(calls)).build();
        SsmPolicy { client: Client::from_conf(config), parameter, known: Mutex::new(None) }
    }

    /// Forgets the last policy read: the next fetch asks SSM.
    pub async fn expire(&self) {
        *self.known.lock().await = None;
    }

    async fn read(&self) -> Result<String, Unavailable> {
        let request = self.client.get_parameter().name(&self.parameter).with_decryption(true);
        let answer = request.send().await.map_err(|error| unavailable(GET, &error))?;
        let value = answer.parameter.and_then(|parameter| parameter.value);
        let value = value
            .ok_or_else(|| Unavailable::new(GET, format!("parameter {} has no value", self.parameter)))?;
        unpack(value).map_err(|why| Unavailable::new(GET, format!("parameter {}: {why}", self.parameter)))
    }
}

#[async_trait]
impl PolicySource for SsmPolicy {
    #[expect(clippy::disallowed_methods, reason = "caching measures durations")]
    async fn fetch(&self) -> Result<String, Unavailable> {
        let mut known = self.known.lock().await;
        if let Some((_, text)) = known.as_ref().filter(|(at, _)| at.elapsed() < READ_EVERY) {
            return Ok(text.clone());
        }
        // Empty while it is being read: a read that fails, or is given up, is repeated at the next tick.
        *known = None;
        let text = self.read().await?;
        *known = Some((Instant::now(), text.clone()));
        Ok(text)
    }

    async fn prove(&self) -> Vec<Proof> {
        let read = self.read().await;
        let ok = read.is_ok();
        let detail = match read {
            Ok(_) => format!("parameter {} was read", self.parameter),
            Err(error) => format!("parameter {}: {}", self.parameter, error.reason),
        };
        vec![Proof { action: GET.to_owned(), granted: Granted::of(ok), detail }]
    }
}

/// A policy that a deployment carries with it.
#[derive(Clone, Debug)]
pub struct InlinePolicy(pub String);

#[async_trait]
impl PolicySource for InlinePolicy {
    async fn fetch(&self) -> Result<String, Unavailable> {
        unpack(self.0.clone()).map_err(|why| Unavailable::new("DOW_GUARD_POLICY", why))
    }

    /// It needs no permission.
    async fn prove(&self) -> Vec<Proof> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::sync::{Arc, Mutex};

    use serde_json::{Value, json};

    use super::*;
    use crate::aws::in_process::{self, Reply, Request};

    /// A policy of which the reads are counted; the listed ones are refused.
    fn policy(refused: &'static [u32]) -> (SsmPolicy, Arc<AtomicU32>, Arc<Mutex<Vec<Request>>>) {
        let (reads, seen) = (Arc::new(AtomicU32::new(0)), Arc::new(Mutex::new(Vec::new())));
        let (count, log) = (Arc::clone(&reads), Arc::clone(&seen));
        let config = in_process::config(move |request| {
            let nth = count.fetch_add(1, Ordering::SeqCst);
            log.lock().unwrap().push(request.clone());
            if refused.contains(&nth) {
                let body = json!({ "__type": "ParameterNotFound", "message": "gone" });
                return Reply::Http(400, body.to_string());
            }
            let value = format!("armed = true # {nth}");
            Reply::Http(200, json!({ "Parameter": { "Name": "/p", "Value": value } }).to_string())
        });
        (SsmPolicy::new(&config, Calls::default(), "/p".to_owned()), reads, seen)
    }

    #[tokio::test(start_paused = true)]
    async fn a_policy_is_read_again_after_five_minutes_and_not_before() {
        let (policy, reads, seen) = policy(&[]);
        assert_eq!(policy.fetch().await.unwrap(), "armed = true # 0");
        tokio::time::advance(READ_EVERY - Duration::from_secs(1)).await;
        assert_eq!(policy.fetch().await.unwrap(), "armed = true # 0");
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(policy.fetch().await.unwrap(), "armed = true # 1");
        assert_eq!(reads.load(Ordering::SeqCst), 2);
        let request = seen.lock().unwrap()[0].clone();
        assert_eq!(request.operation, "GetParameter");
        let body: Value = serde_json::from_str(&request.body).unwrap();
        assert_eq!(body, json!({ "Name": "/p", "WithDecryption": true }));
    }

    #[tokio::test]
    async fn a_packed_policy_is_unpacked_and_a_cut_one_is_named_with_its_parameter() {
        // printf 'armed = true\n' | gzip -n | base64
        let packed = "H4sIAAAAAAAAA0ssyk1NUbBVKCkqTeUCADzPDukNAAAA";
        let of = |value: &'static str| {
            let config = in_process::config(move |_| {
                Reply::Http(200, json!({ "Parameter": { "Name": "/p", "Value": value } }).to_string())
            });
            SsmPolicy::new(&config, Calls::default(), "/p".to_owned())
        };
        assert_eq!(of(packed).fetch().await.unwrap(), "armed = true\n");
        let error = of("H4sIAAAAAAAAA0sszk1N").fetch().await.unwrap_err().to_string();
        assert!(error.starts_with("ssm:GetParameter: parameter /p: a packed policy"), "{error}");
        assert_eq!(InlinePolicy(packed.to_owned()).fetch().await.unwrap(), "armed = true\n");
    }

    #[tokio::test(start_paused = true)]
    async fn a_read_that_failed_is_made_again_at_once_and_so_is_one_that_was_asked_for() {
        let (policy, _, _) = policy(&[0]);
        let error = policy.fetch().await.unwrap_err();
        assert!(error.call == GET && error.reason.contains("ParameterNotFound"), "{error}");
        assert_eq!(policy.fetch().await.unwrap(), "armed = true # 1");
        policy.expire().await;
        assert_eq!(policy.fetch().await.unwrap(), "armed = true # 2");
    }
}

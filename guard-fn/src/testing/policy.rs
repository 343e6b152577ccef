//! A policy that a test holds, and may exchange.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;

use super::{given, locked};
use crate::ports::{PolicySource, Proof, Unavailable};

/// The policy's text. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct StaticPolicy(Arc<Mutex<String>>);

impl StaticPolicy {
    /// With this text.
    pub fn new(text: &str) -> Self {
        StaticPolicy(Arc::new(Mutex::new(text.to_owned())))
    }

    /// Exchanges it.
    pub fn set(&self, text: &str) {
        text.clone_into(&mut locked(&self.0));
    }
}

#[async_trait]
impl PolicySource for StaticPolicy {
    async fn fetch(&self) -> Result<String, Unavailable> {
        tokio::task::yield_now().await;
        Ok(locked(&self.0).clone())
    }

    async fn prove(&self) -> Vec<Proof> {
        given("read the policy")
    }
}

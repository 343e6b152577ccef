//! A sink that keeps what it is sent.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use guard_core::alert::Message;

use super::{given, locked};
use crate::ports::{AlertSink, Proof, Unavailable};

/// Messages sent, in order. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct MemoryAlerts(Arc<Mutex<Vec<Message>>>);

impl MemoryAlerts {
    /// What was sent since this was asked last.
    pub fn take(&self) -> Vec<Message> {
        std::mem::take(&mut *locked(&self.0))
    }

    /// What waits to be taken.
    pub fn messages(&self) -> Vec<Message> {
        locked(&self.0).clone()
    }

    /// How many wait to be taken.
    pub fn count(&self) -> usize {
        locked(&self.0).len()
    }
}

#[async_trait]
impl AlertSink for MemoryAlerts {
    async fn send(&self, message: &Message) -> Result<(), Unavailable> {
        // Whoever shares the world may come between two calls.
        tokio::task::yield_now().await;
        locked(&self.0).push(message.clone());
        Ok(())
    }

    async fn prove(&self) -> Vec<Proof> {
        given("send")
    }
}

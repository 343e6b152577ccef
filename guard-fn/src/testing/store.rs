//! A store in memory that takes a save only from the revision that is there, like the real ones.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use guard_core::name::{FunctionName, Region};

use super::{given, locked};
use crate::memory::Memory;
use crate::ports::{Proof, StateStore, StoreError};

/// A memory and how often it was saved. Clones share it.
#[derive(Clone, Debug)]
pub struct MemoryStore(Arc<Mutex<Memory>>);

impl MemoryStore {
    /// Where nothing was saved yet.
    pub fn new(region: Region) -> Self {
        MemoryStore(Arc::new(Mutex::new(Memory::new(region))))
    }

    /// What is there; its revision is the number of saves.
    pub fn memory(&self) -> Memory {
        locked(&self.0).clone()
    }
}

#[async_trait]
impl StateStore for MemoryStore {
    async fn load(&self) -> Result<Memory, StoreError> {
        tokio::task::yield_now().await;
        Ok(self.memory())
    }

    async fn save(&self, memory: &mut Memory, touched: &BTreeSet<FunctionName>) -> Result<(), StoreError> {
        tokio::task::yield_now().await;
        let mut there = locked(&self.0);
        let revision = memory.state.revision;
        if there.state.revision != revision {
            return Err(StoreError::Conflict { revision });
        }
        memory.state.revision += 1;
        // Only the ledgers that are said to have changed are taken over: what a caller forgets to name is lost here as
        // it would be in a table.
        let mut saved = memory.clone();
        for ledger in &mut saved.state.functions {
            if let Some(before) =
                there.state.function(&ledger.name).filter(|_| !touched.contains(&ledger.name))
            {
                ledger.clone_from(before);
            }
        }
        *there = saved;
        Ok(())
    }

    async fn prove(&self) -> Vec<Proof> {
        given("keep the memory")
    }
}

//! The guard's memory in DynamoDB: a table with the partition key `pk` and the sort key `sk`, both strings, on demand.
//!
//! One item, the *head* (`pk` the guard's name, `sk` `HEAD`), is the memory: its attributes are `schema`, `revision`,
//! `nonce`, `directory` and `rest`. Large data that seldom changes is kept in *segments* to which the directory points,
//! each with its revision and nonce in its key. Ledgers of functions and their configuration are spread by the hash of
//! the name over 16 to 1,024 buckets; other segments hold the ordinary amounts of budgets, the policy, and the rest
//! itself if it outgrows the head. All of it is JSON, deflated, with a checksum.
//!
//! A segment is never changed. A save writes the changed ones under new keys, and then the head, on the condition that
//! its revision is the one the memory was loaded with. So the head is the commit: a save that stops before it, or comes
//! second, has changed nothing; and if the answer to it is lost, the stored nonce shows which save wrote the head.
//!
//! Segments to which no head points any more are deleted with the next batch that is written. Leftovers of a crash are
//! found when the memory is loaded, at every cold start. A segment whose revision is not above the head's and to which
//! it does not point will never be pointed to, because a head of its revision already exists. No segment has a time to
//! live: one in use would have to be touched before it runs out, and a guard that was switched off for longer would
//! come back without the values to restore.
//!
//! Each 64 buckets of functions have a partition key of their own, the name with `#` and a number: a partition key
//! takes 1,000 write units a second, and a census of 10,000 functions writes more. The name alone is the key of all
//! data that is not kept per function: the state of the whole is read with two calls.
//!
//! Measured by `cargo test -p guard-fn --lib what_an_idle -- --ignored --nocapture` with random traffic, which deflates
//! badly; "all ledgers" is what the slices of a day's census write together:
//!
//! | functions | head | idle tick: written, write units, calls | all ledgers: written, write units | cold load: calls |
//! |--:|--:|--:|--:|--:|
//! | 10 | 6 KB | 7 KB, 11, 2 | 15 KB, 17 | 3 |
//! | 100 | 6 KB | 7 KB, 11, 2 | 97 KB, 112 | 3 |
//! | 1,000 | 7 KB | 9 KB, 13, 2 | 912 KB, 1,034 | 6 |
//! | 10,000 | 12 KB | 14 KB, 18, 2 | 8,739 KB, 9,271 | 18 |

mod layout;
mod pack;
mod table;

use std::collections::BTreeSet;
use std::hash::{BuildHasher, RandomState};
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use aws_config::SdkConfig;
use futures_util::{StreamExt, stream};
use guard_core::name::{FunctionName, Region};
use guard_core::state::STATE_SCHEMA;
use tokio::sync::Mutex;

use self::layout::{Assembly, Base, Directory, Key, Version};
use self::table::{BATCH_MAX, Head, Put, Table};
use super::calls::CountRequests;
use crate::calls::Calls;
use crate::memory::{Memory, Overview};
use crate::ports::{Proof, StateStore, StoreError, Unavailable};

/// Version of the layout of items. The state in them has its own.
const LAYOUT_SCHEMA: u32 = 1;

/// Attempts to read a memory that others save meanwhile.
const LOADS_MAX: u32 = 4;

/// Shards that are read at the same time. Our choice: each is a megabyte at most.
const SHARDS_IN_FLIGHT: usize = 8;

/// The most unused segments that wait for a save with other writes.
const GARBAGE_MAX: usize = 100;

/// See the module.
#[derive(Debug)]
pub struct DynamoStore {
    table: Table,
    region: Region,
    kept: Mutex<Kept>,
}

/// The process's knowledge of the table.
#[derive(Debug)]
struct Kept {
    /// The memory saved or loaded last, and its revision.
    base: Option<(u64, Base)>,
    /// Segments to which no head points or ever will.
    garbage: Vec<Key>,
    /// A random number of this process.
    process: u64,
    /// Saves that failed: none may write under the keys of another, whose head may still arrive.
    failures: u64,
}

/// The result of a read.
struct Found {
    memory: Memory,
    base: Base,
    garbage: Vec<Key>,
}

impl DynamoStore {
    /// The memory of the guard `name` in a table; a new memory guards `region`.
    pub fn new(config: &SdkConfig, calls: Calls, table: String, name: &str, region: Region) -> Self {
        let config =
            aws_sdk_dynamodb::config::Builder::from(config).interceptor(CountRequests(calls)).build();
        let client = aws_sdk_dynamodb::Client::from_conf(config);
        let process = RandomState::new().hash_one(name);
        let kept = Kept { base: None, garbage: Vec::new(), process, failures: 0 };
        DynamoStore { table: Table::new(client, table, name), region, kept: Mutex::new(kept) }
    }

    /// Reads these shards once; `None` if another process saved meanwhile.
    async fn read(
        &self,
        head: &Head,
        directory: &Directory,
        shards: Range<u32>,
    ) -> Result<Option<Found>, StoreError> {
        let mut assembly = Assembly::new(directory.clone());
        let mut garbage = Vec::new();
        let segments = shards.map(|shard| async move { (shard, self.table.segments(shard).await) });
        let mut segments = stream::iter(segments).buffered(SHARDS_IN_FLIGHT);
        while let Some((shard, found)) = segments.next().await {
            let mut found = found?;
            for (slot, keys) in directory.of_shard(shard) {
                let mut packed = Vec::new();
                for key in &keys {
                    let Some(part) = found.remove(key) else {
                        return self.missing(head, key).await.map(|()| None);
                    };
                    packed.extend(part);
                }
                let damaged = |error| unreadable(format!("segment {}: {error}", keys.join(", ")));
                assembly.take(slot, &packed).map_err(damaged)?;
            }
            let is_dead = |sort: &str| layout::revision_of(sort).is_some_and(|at| at <= head.revision);
            let dead = found.into_keys().filter(|sort| is_dead(sort));
            garbage.extend(dead.map(|sort| Key { shard, sort }));
        }
        let damaged = |error| unreadable(format!("the rest: {error}"));
        let (memory, base) = assembly.finish(head.rest.as_deref()).map_err(damaged)?;
        check(&memory, head)?;
        garbage.sort();
        Ok(Some(Found { memory, base, garbage }))
    }

    /// Handles a missing segment, which is no error if a newer head has removed it since.
    async fn missing(&self, head: &Head, key: &str) -> Result<(), StoreError> {
        let now = self.table.head().await?;
        if now.is_some_and(|now| now.revision != head.revision) {
            return Ok(());
        }
        Err(unreadable(format!("segment {key}, to which revision {} points, is missing", head.revision)))
    }

    /// The base that the memory at `revision` was written from.
    async fn base(&self, kept: &mut Kept, revision: u64) -> Result<Base, StoreError> {
        if let Some((_, base)) = kept.base.take_if(|(known, _)| *known == revision) {
            return Ok(base);
        }
        match self.table.head().await? {
            None if revision == 0 => Ok(Base::default()),
            Some(head) if head.revision == revision => Ok(Base::of_directory(directory(&head)?)),
            _ => Err(StoreError::Conflict { revision }),
        }
    }

    /// Whether the stored head is the one that was just written.
    async fn is_ours(&self, version: &Version) -> Result<bool, StoreError> {
        let head = self.table.head().await?;
        Ok(head.is_some_and(|head| head.revision == version.revision && head.nonce == *version.nonce))
    }

    /// Writes the head, and checks whether it was stored if the answer does not say.
    async fn commit(&self, head: Head, before: u64, version: &Version) -> Result<(), StoreError> {
        match self.table.put_head(head, before).await {
            Put::Done => Ok(()),
            // An earlier attempt than the answered one may have arrived.
            Put::Refused if self.is_ours(version).await? => Ok(()),
            Put::Refused => Err(StoreError::Conflict { revision: before }),
            Put::Unknown(_) if self.is_ours(version).await.is_ok_and(|ours| ours) => Ok(()),
            Put::Unknown(error) => Err(error.into()),
        }
    }

    async fn try_save(
        &self,
        kept: &mut Kept,
        memory: &mut Memory,
        touched: &BTreeSet<FunctionName>,
    ) -> Result<(), StoreError> {
        let before = memory.state.revision;
        let base = self.base(kept, before).await?;
        let nonce = Arc::from(format!("{:x}.{:x}", kept.process, kept.failures));
        let version = Version { revision: before + 1, nonce };
        let cut = layout::cut(memory, touched, &base, &version).map_err(|error| {
            StoreError::Unavailable(Unavailable::new("writing the memory as JSON", error.to_string()))
        })?;
        let garbage = kept.garbage_beside(cut.writes.len());
        self.table.write(cut.writes, &garbage).await?;
        let head = Head {
            schema: LAYOUT_SCHEMA,
            revision: version.revision,
            nonce: version.nonce.to_string(),
            directory: cut.directory,
            rest: cut.rest,
        };
        self.commit(head, before, &version).await?;
        memory.state.revision = version.revision;
        kept.base = Some((version.revision, cut.base));
        kept.garbage.extend(cut.replaced);
        Ok(())
    }
}

impl Kept {
    /// The unused segments deleted with a batch of writes: as many as fill it, or more if too many wait.
    fn garbage_beside(&mut self, writes: usize) -> Vec<Key> {
        let room = writes.next_multiple_of(BATCH_MAX) - writes;
        let beyond = self.garbage.len().saturating_sub(GARBAGE_MAX).min(GARBAGE_MAX);
        self.garbage.drain(..room.max(beyond).min(self.garbage.len())).collect()
    }
}

#[async_trait]
impl StateStore for DynamoStore {
    async fn load(&self) -> Result<Memory, StoreError> {
        let mut kept = self.kept.lock().await;
        kept.base = None;
        for _ in 0..LOADS_MAX {
            let Some(head) = self.table.head().await? else { return Ok(Memory::new(self.region.clone())) };
            let directory = directory(&head)?;
            if let Some(Found { memory, base, garbage }) =
                self.read(&head, &directory, directory.shards()).await?
            {
                kept.garbage = garbage;
                kept.base = Some((head.revision, base));
                return Ok(memory);
            }
        }
        Err(overtaken())
    }

    async fn overview(&self) -> Result<Overview, StoreError> {
        for _ in 0..LOADS_MAX {
            let Some(head) = self.table.head().await? else {
                return Ok(Memory::new(self.region.clone()).into());
            };
            let directory = directory(&head)?;
            if let Some(found) = self.read(&head, &directory, 0..1).await? {
                return Ok(Overview::new(found.memory, directory.functions));
            }
        }
        Err(overtaken())
    }

    async fn save(&self, memory: &mut Memory, touched: &BTreeSet<FunctionName>) -> Result<(), StoreError> {
        let mut kept = self.kept.lock().await;
        // Counted before the outcome is known: a save that is dropped half-way has failed as well.
        kept.failures += 1;
        let saved = self.try_save(&mut kept, memory, touched).await;
        if saved.is_ok() {
            kept.failures -= 1;
        }
        saved
    }

    async fn prove(&self) -> Vec<Proof> {
        self.table.prove().await
    }
}

fn overtaken() -> StoreError {
    Unavailable::new("reading the memory", format!("it was saved {LOADS_MAX} times meanwhile")).into()
}

fn directory(head: &Head) -> Result<Directory, StoreError> {
    if head.schema > LAYOUT_SCHEMA {
        return Err(unreadable(format!(
            "a newer version of the guard wrote it: schema {}, and this one reads up to {LAYOUT_SCHEMA}",
            head.schema
        )));
    }
    let damaged = |error: pack::Damaged| unreadable(format!("the directory: {error}"));
    let json = pack::unpack(&head.directory).map_err(damaged)?;
    serde_json::from_slice(&json).map_err(|error| damaged(error.into()))
}

fn check(memory: &Memory, head: &Head) -> Result<(), StoreError> {
    let state = &memory.state;
    if state.schema > STATE_SCHEMA {
        return Err(unreadable(format!(
            "a newer version of the guard wrote it: state schema {}, and this one reads up to {STATE_SCHEMA}",
            state.schema
        )));
    }
    if state.revision != head.revision {
        let (state, head) = (state.revision, head.revision);
        return Err(unreadable(format!(
            "the head has revision {head}, and the state in it revision {state}"
        )));
    }
    Ok(())
}

fn unreadable(reason: String) -> StoreError {
    StoreError::Unreadable { reason }
}

#[cfg(test)]
mod fake;
#[cfg(test)]
mod tests;

//! The memory in one JSON file. It is written beside the file and renamed, so that it is whole at every moment, under a
//! lock, so that the second of two guards on one laptop gets an error.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use guard_core::name::{FunctionName, Region};
use guard_core::state::STATE_SCHEMA;
use serde::Deserialize;

use crate::memory::Memory;
use crate::ports::{Granted, Proof, StateStore, StoreError, Unavailable};

/// Attempts to take a lock that another process holds.
const LOCK_TRIES: u32 = 50;
/// The time between two attempts.
const LOCK_PAUSE: Duration = Duration::from_millis(100);

/// A memory in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileStore {
    path: PathBuf,
    region: Region,
}

/// The values compared before a save.
#[derive(Deserialize)]
struct Stamp {
    state: StateStamp,
}

#[derive(Deserialize)]
struct StateStamp {
    schema: u32,
    revision: u64,
}

impl FileStore {
    /// The memory in the file at `path`, which need not exist; a new memory guards `region`.
    pub fn new(path: PathBuf, region: Region) -> Self {
        FileStore { path, region }
    }

    /// The text of the file, if there is one.
    fn read(&self) -> Result<Option<Vec<u8>>, StoreError> {
        match std::fs::read(&self.path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(fault("reading", &self.path, &error).into()),
        }
    }

    /// Schema and revision of the stored memory.
    fn stamp(&self, bytes: &[u8]) -> Result<StateStamp, StoreError> {
        let stamp: Stamp =
            serde_json::from_slice(bytes).map_err(|error| self.unreadable(&error.to_string()))?;
        if stamp.state.schema > STATE_SCHEMA {
            return Err(self.unreadable(&format!(
                "a newer version of the guard wrote it: state schema {}, and this one reads up to {STATE_SCHEMA}",
                stamp.state.schema
            )));
        }
        Ok(stamp.state)
    }

    fn unreadable(&self, reason: &str) -> StoreError {
        StoreError::Unreadable { reason: format!("{}: {reason}", self.path.display()) }
    }

    /// The lock that writers hold; it is released when its process ends, however that happens.
    async fn lock(&self) -> Result<File, StoreError> {
        let path = beside(&self.path, "lock");
        let opened = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        let file = opened.map_err(|error| fault("opening the lock", &path, &error))?;
        for _ in 0..LOCK_TRIES {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) => tokio::time::sleep(LOCK_PAUSE).await,
                Err(TryLockError::Error(error)) => return Err(fault("locking", &path, &error).into()),
            }
        }
        let waited = LOCK_PAUSE * LOCK_TRIES;
        let reason = format!("another process has held it for {} s", waited.as_secs());
        Err(Unavailable::new(format!("locking {}", path.display()), reason).into())
    }

    /// Replaces the old memory by the new one.
    fn replace(&self, memory: &Memory) -> Result<(), StoreError> {
        let path = beside(&self.path, "new");
        let json = serde_json::to_vec(memory)
            .map_err(|error| Unavailable::new("writing the memory as JSON", error.to_string()))?;
        let write = || -> io::Result<()> {
            let mut file = File::create(&path)?;
            file.write_all(&json)?;
            file.sync_all()?;
            std::fs::rename(&path, &self.path)
        };
        write().map_err(|error| fault("writing", &path, &error).into())
    }
}

#[async_trait]
impl StateStore for FileStore {
    async fn load(&self) -> Result<Memory, StoreError> {
        let Some(bytes) = self.read()? else { return Ok(Memory::new(self.region.clone())) };
        self.stamp(&bytes)?;
        let memory: Memory =
            serde_json::from_slice(&bytes).map_err(|error| self.unreadable(&error.to_string()))?;
        let remembers = &memory.survey.inventory.region;
        if *remembers != self.region {
            let (file, remembers, asked) =
                (self.path.display().to_string(), remembers.to_string(), self.region.to_string());
            return Err(StoreError::Elsewhere { file, remembers, asked });
        }
        Ok(memory)
    }

    async fn save(&self, memory: &mut Memory, _: &BTreeSet<FunctionName>) -> Result<(), StoreError> {
        let _lock = self.lock().await?;
        let there = self.read()?.map(|bytes| self.stamp(&bytes)).transpose()?;
        let before = memory.state.revision;
        if there.map_or(0, |there| there.revision) != before {
            return Err(StoreError::Conflict { revision: before });
        }
        memory.state.revision = before + 1;
        self.replace(memory).inspect_err(|_| memory.state.revision = before)
    }

    async fn prove(&self) -> Vec<Proof> {
        let lock = self.lock().await.map(|_| ());
        let tried = lock.and_then(|()| self.read()?.map_or(Ok(()), |bytes| self.stamp(&bytes).map(|_| ())));
        let ok = tried.is_ok();
        let detail = match tried {
            Ok(()) => format!("{} was locked and read", self.path.display()),
            Err(error) => error.to_string(),
        };
        vec![Proof { action: "keep the memory".to_owned(), granted: Granted::of(ok), detail }]
    }
}

/// The path with an ending more.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    PathBuf::from(name)
}

fn fault(what: &str, path: &Path, error: &io::Error) -> Unavailable {
    Unavailable::new(format!("{what} {}", path.display()), error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(directory: &tempfile::TempDir) -> FileStore {
        FileStore::new(directory.path().join("memory.json"), Region::new("eu-central-1"))
    }

    #[tokio::test]
    async fn what_was_saved_is_loaded_and_nothing_is_left_beside_it_but_the_lock() {
        let directory = tempfile::tempdir().unwrap();
        let store = store(&directory);
        let mut memory = store.load().await.unwrap();
        assert_eq!(memory, Memory::new(Region::new("eu-central-1")));
        memory.state.operator.armed = Some(true);
        store.save(&mut memory, &BTreeSet::new()).await.unwrap();
        assert_eq!(memory.state.revision, 1);
        assert_eq!(store.load().await.unwrap(), memory);
        let mut names: Vec<String> = std::fs::read_dir(directory.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names, ["memory.json", "memory.json.lock"]);
    }

    #[tokio::test]
    async fn the_memory_of_another_region_is_not_taken_for_this_one() {
        let directory = tempfile::tempdir().unwrap();
        let store = store(&directory);
        let mut memory = store.load().await.unwrap();
        store.save(&mut memory, &BTreeSet::new()).await.unwrap();
        let elsewhere = FileStore::new(store.path.clone(), Region::new("ap-south-1"));
        let error = elsewhere.load().await.unwrap_err().to_string();
        for word in ["memory.json", "remembers eu-central-1", "ap-south-1 was asked for", "--state"] {
            assert!(error.contains(word), "{word}: {error}");
        }
    }

    #[tokio::test]
    async fn of_two_savers_from_one_revision_the_second_is_told_and_changes_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let (mut first, mut second) =
            (store(&directory).load().await.unwrap(), store(&directory).load().await.unwrap());
        first.state.operator.armed = Some(true);
        store(&directory).save(&mut first, &BTreeSet::new()).await.unwrap();
        let error = store(&directory).save(&mut second, &BTreeSet::new()).await.unwrap_err();
        assert_eq!(error, StoreError::Conflict { revision: 0 });
        assert_eq!(second.state.revision, 0);
        assert_eq!(store(&directory).load().await.unwrap(), first);
    }

    #[tokio::test]
    async fn damage_and_a_newer_schema_are_told_and_never_overwritten() {
        let directory = tempfile::tempdir().unwrap();
        let store = store(&directory);
        let mut memory = store.load().await.unwrap();
        store.save(&mut memory, &BTreeSet::new()).await.unwrap();
        let good = std::fs::read_to_string(&store.path).unwrap();
        let newer = good.replacen("\"schema\":1", "\"schema\":2", 1);
        assert_ne!(newer, good);
        for (text, word) in [(&good[..good.len() / 2], "EOF"), (newer.as_str(), "newer version"), ("", "EOF")]
        {
            std::fs::write(&store.path, text).unwrap();
            let error = store.load().await.unwrap_err().to_string();
            assert!(error.contains("memory.json") && error.contains(word), "{error}");
            assert!(store.save(&mut memory, &BTreeSet::new()).await.is_err());
            assert_eq!(store.prove().await[0].granted, Granted::No);
            assert_eq!(std::fs::read_to_string(&store.path).unwrap(), text);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_lock_that_another_holds_is_waited_for_and_then_named() {
        let directory = tempfile::tempdir().unwrap();
        let store = store(&directory);
        let held = store.lock().await.unwrap();
        let error = store.save(&mut store.load().await.unwrap(), &BTreeSet::new()).await.unwrap_err();
        assert!(error.to_string().contains("memory.json.lock"), "{error}");
        drop(held);
        store.save(&mut store.load().await.unwrap(), &BTreeSet::new()).await.unwrap();
    }

    #[tokio::test]
    async fn a_directory_that_is_not_there_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("nowhere").join("memory.json");
        let store = FileStore::new(path, Region::new("eu-central-1"));
        let mut memory = store.load().await.unwrap();
        let error = store.save(&mut memory, &BTreeSet::new()).await.unwrap_err().to_string();
        assert!(error.contains("nowhere"), "{error}");
    }
}

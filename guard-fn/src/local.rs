//! The ports on a laptop: a file for the memory, a file for the policy, and a terminal instead of topics.

mod file_store;
mod print;

use std::path::PathBuf;

use async_trait::async_trait;

pub use self::file_store::FileStore;
pub use self::print::{PrintSink, Stream};
use crate::ports::{Granted, PolicySource, Proof, Unavailable};

/// A policy in a file, read at every tick.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilePolicy(pub PathBuf);

#[async_trait]
impl PolicySource for FilePolicy {
    async fn fetch(&self) -> Result<String, Unavailable> {
        std::fs::read_to_string(&self.0).map_err(|error| {
            Unavailable::new(format!("reading the policy {}", self.0.display()), error.to_string())
        })
    }

    async fn prove(&self) -> Vec<Proof> {
        let read = self.fetch().await;
        let ok = read.is_ok();
        let detail =
            read.map_or_else(|error| error.to_string(), |_| format!("{} was read", self.0.display()));
        vec![Proof { action: "read the policy".to_owned(), granted: Granted::of(ok), detail }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_policy_is_the_text_of_its_file_and_a_missing_file_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("policy.toml");
        let policy = FilePolicy(path.clone());
        let error = policy.fetch().await.unwrap_err();
        assert!(error.call.contains("policy.toml"), "{error}");
        assert_eq!(policy.prove().await[0].granted, Granted::No);
        std::fs::write(&path, "armed = false").unwrap();
        assert_eq!(policy.fetch().await.unwrap(), "armed = false");
        assert_eq!(policy.prove().await[0].granted, Granted::Yes);
    }
}

//! The time of a story.

use std::fs;
use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};

/// A wall clock for programs started with it. It runs like the real one between two settings.
pub struct Clock {
    file: PathBuf,
    at: DateTime<Utc>,
}

impl Clock {
    /// A clock that shows yesterday's noon, so that a day behind and a day ahead are the past of the emulator and every
    /// story begins at the same distance from midnight.
    pub fn new(folder: &Path) -> Self {
        let noon = (now() - TimeDelta::days(1)).date_naive().and_hms_opt(12, 0, 0).unwrap().and_utc();
        let mut clock = Clock { file: folder.join("clock"), at: noon };
        clock.set(noon);
        clock
    }

    /// The file that says how far it is off, in seconds.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The time it was set to last.
    pub fn at(&self) -> DateTime<Utc> {
        self.at
    }

    /// Sets it to the real time.
    pub fn set_real(&mut self) {
        self.set(now());
    }

    /// Sets it.
    pub fn set(&mut self, at: DateTime<Utc>) {
        self.write(at, &(at - now()).num_seconds().to_string());
    }

    /// Sets it, and it stands still.
    pub fn stop(&mut self, at: DateTime<Utc>) {
        self.write(at, &format!("={}", at.timestamp()));
    }

    fn write(&mut self, at: DateTime<Utc>, text: &str) {
        self.at = at;
        let part = self.file.with_extension("part");
        fs::write(&part, text).unwrap();
        fs::rename(part, &self.file).unwrap();
    }
}

fn now() -> DateTime<Utc> {
    std::time::SystemTime::now().into()
}

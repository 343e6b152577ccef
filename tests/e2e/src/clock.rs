//! The time of a story.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::tools::tools;

/// How many times as fast the guard's waits of up to a second and a half go by in a story: its pace of ten calls a second
/// and its pauses before another attempt.
const HASTE: u32 = 10;

/// How many times as fast its time-outs of 2, 5 and 12 seconds go by where the stub answers, which takes milliseconds. Our
/// choice: it has more than a second for an answer on a busy machine.
const IMPATIENCE: u32 = 4;

/// The clocks of programs started with it: a wall clock that runs like the real one between two settings, and a
/// monotonic one, by which programs wait.
pub struct Clock {
    file: PathBuf,
    at: DateTime<Utc>,
    haste: u32,
    impatience: u32,
}

impl Clock {
    /// A clock that shows yesterday's noon, so that a day behind and a day ahead are the past of the emulator and every
    /// story begins at the same distance from midnight.
    ///
    /// Waits take a part of their time; time-outs take all of it, because an emulator on a busy machine may need that.
    pub fn new(folder: &Path) -> Self {
        Clock::with_haste(folder, HASTE, 1)
    }

    /// The same in front of the stub, where time-outs take a part of their time too.
    pub fn impatient(folder: &Path) -> Self {
        Clock::with_haste(folder, HASTE, IMPATIENCE)
    }

    /// The same for a benchmark: waits take their time.
    pub fn unhurried(folder: &Path) -> Self {
        Clock::with_haste(folder, 1, 1)
    }

    fn with_haste(folder: &Path, haste: u32, impatience: u32) -> Self {
        let noon = (now() - TimeDelta::days(1)).date_naive().and_hms_opt(12, 0, 0).unwrap().and_utc();
        let mut clock = Clock { file: folder.join("clock"), at: noon, haste, impatience };
        clock.set(noon);
        clock
    }

    /// The environment of a program that goes by it.
    pub fn environment(&self) -> [(&'static str, String); 4] {
        [
            ("LD_PRELOAD", tools().clock.display().to_string()),
            ("E2E_CLOCK", self.file.display().to_string()),
            ("E2E_HASTE", self.haste.to_string()),
            ("E2E_IMPATIENCE", self.impatience.to_string()),
        ]
    }

    /// How long a wait that a time-out of the guard is held against takes on our clock.
    pub fn hurried(&self, wait: Duration) -> Duration {
        wait / self.impatience
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

//! The time of a story.

use std::fs;
use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};

use crate::tools::tools;

/// How many times as fast the guard's waits go by in a story: its pace of ten calls a second, its pauses before another
/// attempt, its time-outs of 2, 7 and 15 seconds. Our choice: on a busy machine the emulator, which takes a second for some
/// answers, has more than that where AWS has five.
const HASTE: u32 = 2;

/// The same in front of the stub, which answers in milliseconds.
const HASTE_OF_STUB: u32 = 10;

/// The clocks of programs started with it: a wall clock that runs like the real one between two settings, and a
/// monotonic one, by which programs wait.
pub struct Clock {
    file: PathBuf,
    at: DateTime<Utc>,
    haste: u32,
    /// How many times as fast monotonic time goes by, waits or not.
    speed: u32,
}

impl Clock {
    /// A clock that shows yesterday's noon, so that a day behind and a day ahead are the past of the emulator and every
    /// story begins at the same distance from midnight.
    ///
    /// Waits take half of their time.
    pub fn new(folder: &Path) -> Self {
        Clock::with(folder, HASTE, 1)
    }

    /// The same in front of the stub, where waits take a tenth of their time.
    pub fn of_stub(folder: &Path) -> Self {
        Clock::with(folder, HASTE_OF_STUB, 1)
    }

    /// The same for a benchmark: waits take their time.
    pub fn unhurried(folder: &Path) -> Self {
        Clock::with(folder, 1, 1)
    }

    /// A clock by which all of monotonic time goes by so many times as fast: durations are measured with it.
    pub fn sped(folder: &Path, speed: u32) -> Self {
        Clock::with(folder, 1, speed)
    }

    fn with(folder: &Path, haste: u32, speed: u32) -> Self {
        let noon = (now() - TimeDelta::days(1)).date_naive().and_hms_opt(12, 0, 0).unwrap().and_utc();
        let mut clock = Clock { file: folder.join("clock"), at: noon, haste, speed };
        clock.set(noon);
        clock
    }

    /// The environment of a program that goes by it.
    pub fn environment(&self) -> [(&'static str, String); 4] {
        [
            ("LD_PRELOAD", tools().clock.display().to_string()),
            ("E2E_CLOCK", self.file.display().to_string()),
            ("E2E_HASTE", self.haste.to_string()),
            ("E2E_SPEED", self.speed.to_string()),
        ]
    }

    /// How many times as fast waits go by.
    pub fn haste(&self) -> u32 {
        self.haste.max(self.speed)
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

//! How far long work has come: a word before it begins, and a bar on a terminal.

use std::num::NonZeroUsize;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::failure::{is_quiet, note};
use crate::report::layout::is_dumb;

/// Replays from which on work is long. Our choice: one takes a second or some.
const MANY: u32 = 10;

/// A bar on standard error.
#[derive(Clone, Debug)]
pub struct Progress(ProgressBar);

impl Progress {
    /// A bar that counts in this unit. It draws ten times a second at most, and only on a terminal that can.
    pub fn new(unit: &str) -> Self {
        let target = if is_quiet() || is_dumb() {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr_with_hz(10)
        };
        let bar = ProgressBar::with_draw_target(Some(1), target);
        let template = format!("{{bar:40.cyan/black}} {{percent:>3}} % of {{len}} {unit}, {{eta}} left");
        if let Ok(style) = ProgressStyle::with_template(&template) {
            bar.set_style(style.progress_chars("█▉▊▋▌▍▎▏ "));
        }
        Progress(bar)
    }

    /// A bar over so many replays on so many cores. Where that takes long, it says so first.
    pub fn of_replays(count: u32, cores: NonZeroUsize) -> Self {
        if count >= MANY {
            note(&format!("{count} replays on {cores} cores: each takes a second or some; Ctrl-C ends it"));
        }
        let progress = Progress::new("replays");
        progress.show(0, count);
        progress
    }

    /// So much done, of so much.
    pub fn show(&self, done: u32, of: u32) {
        self.0.set_length(u64::from(of));
        self.0.set_position(u64::from(done));
    }

    /// Takes the bar away.
    pub fn clear(&self) {
        self.0.finish_and_clear();
    }
}

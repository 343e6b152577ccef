//! How far long work has come: a bar on a terminal, nothing in a pipe.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar on standard error.
#[derive(Clone, Debug)]
pub struct Progress(ProgressBar);

impl Progress {
    /// A bar that counts in this unit. It draws ten times a second at most, and only on a terminal.
    pub fn new(unit: &str) -> Self {
        let bar = ProgressBar::with_draw_target(Some(1), ProgressDrawTarget::stderr_with_hz(10));
        let template = format!("{{bar:40.cyan/black}} {{percent:>3}} % of {{len}} {unit}, {{eta}} left");
        if let Ok(style) = ProgressStyle::with_template(&template) {
            bar.set_style(style.progress_chars("█▉▊▋▌▍▎▏ "));
        }
        Progress(bar)
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

//! Many scenarios on all cores, with a bar, and the document that comes of them.

use std::io::Write;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use clap::Args;

use crate::cases::{cores, in_order};
use crate::failure::Failure;
use crate::load::{Loaded, Source};
use crate::output::{check_place, check_standard, is_standard, write_whole};
use crate::progress::Progress;
use crate::report::document::Document;
use crate::report::html;
use crate::request::Request;
use crate::scenarios::ALL;
use crate::text::shell_word;

/// What commands over many scenarios have in common.
#[derive(Clone, Debug, Args)]
pub struct ManyArgs {
    /// Embedded scenarios by name, or files. Without any: all embedded ones.
    scenarios: Vec<String>,
    /// The document to write (Markdown) instead of standard output, which is `-`.
    #[arg(long, value_name = "FILE.md")]
    out: Option<PathBuf>,
    /// Also write it as one self-contained page; `-` is standard output, instead of the text.
    #[arg(long, value_name = "FILE.html")]
    html: Option<PathBuf>,
    /// Threads. Without it: one per core.
    #[arg(long, value_name = "THREADS", allow_negative_numbers = true)]
    jobs: Option<NonZeroUsize>,
}

impl ManyArgs {
    /// Scenarios made ready. Everything is read before anything runs, and what would keep the files from being written
    /// is told before long work.
    pub(super) fn ready(&self) -> Result<Vec<Loaded>, Failure> {
        let all = || ALL.iter().map(|embedded| embedded.name.to_owned()).collect();
        let names: Vec<String> = if self.scenarios.is_empty() { all() } else { self.scenarios.clone() };
        let scenarios =
            names.iter().map(|name| Source::open(name)?.ready(&[])).collect::<Result<_, Failure>>()?;
        let files = [&self.out, &self.html];
        check_standard(files.into_iter().flatten(), false)?;
        files.into_iter().flatten().try_for_each(|path| check_place(path))?;
        Ok(scenarios)
    }

    /// The command that writes the document again.
    pub(super) fn command(&self, words: &str) -> String {
        let mut command = format!("dowsim {words}");
        for scenario in &self.scenarios {
            command.push_str(&format!(" {}", shell_word(scenario)));
        }
        if let Some(path) = &self.out {
            command.push_str(&format!(" --out {}", shell_word(&path.to_string_lossy())));
        }
        command
    }

    /// Works on every scenario and seed: results in this order.
    pub(super) fn on_all<R: Send>(
        &self,
        scenarios: &[Loaded],
        seeds: &[u64],
        work: impl Fn(&Request<'_>) -> R + Sync,
    ) -> Vec<R> {
        let cases: Vec<(&Loaded, u64)> =
            scenarios.iter().flat_map(|loaded| seeds.iter().map(move |seed| (loaded, *seed))).collect();
        self.on_cases(&cases, |(loaded, seed)| work(&loaded.request(*seed)))
    }

    /// Works on every case: results in this order.
    pub(super) fn on_cases<C: Sync, R: Send>(&self, cases: &[C], work: impl Fn(&C) -> R + Sync) -> Vec<R> {
        let all = u32::try_from(cases.len()).unwrap_or(u32::MAX);
        let jobs = self.jobs.unwrap_or_else(cores);
        let progress = Progress::of_replays(all, jobs);
        let done = AtomicU32::new(0);
        let run = |case: &C| {
            let result = work(case);
            progress.show(done.fetch_add(1, Ordering::Relaxed) + 1, all);
            result
        };
        let mut results = Vec::with_capacity(cases.len());
        let taken: Result<(), std::convert::Infallible> = in_order(cases, jobs, run, |_, result| {
            results.push(result);
            Ok(())
        });
        match taken {
            Ok(()) => progress.clear(),
        }
        results
    }

    /// Writes a document to its files; without a file for the text, to standard output.
    pub(super) fn publish(&self, document: &Document, mut out: impl Write) -> Result<(), Failure> {
        if let Some(path) = &self.html {
            write_whole(path, |file| file.write_all(html::document(document).as_bytes()))?;
        }
        match &self.out {
            Some(path) => write_whole(path, |file| file.write_all(document.markdown().as_bytes()))?,
            // The page goes where the text would go.
            None if self.html.as_deref().is_some_and(is_standard) => {}
            None => out.write_all(document.markdown().as_bytes())?,
        }
        out.flush()?;
        Ok(())
    }
}

//! Many scenarios on all cores, with a bar, and the document that comes of them.

use std::io::Write;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::cases::{cores, in_order};
use crate::failure::Failure;
use crate::load::{Loaded, Source};
use crate::output::{check_place, write_whole};
use crate::progress::Progress;
use crate::replay::Request;
use crate::report::document::Document;
use crate::report::html;
use crate::scenarios::ALL;

/// Scenarios made ready: those asked for, or all embedded ones. Everything is read before anything runs.
pub(super) fn ready(names: &[String]) -> Result<Vec<Loaded>, Failure> {
    let all = || ALL.iter().map(|embedded| embedded.name.to_owned()).collect();
    let names: Vec<String> = if names.is_empty() { all() } else { names.to_vec() };
    names.iter().map(|name| Source::open(name)?.ready(&[])).collect()
}

/// Works on every scenario and seed: results in this order.
pub(super) fn on_all<R: Send>(
    scenarios: &[Loaded],
    seeds: &[u64],
    jobs: Option<NonZeroUsize>,
    work: impl Fn(&Request<'_>) -> R + Sync,
) -> Vec<R> {
    let cases: Vec<(&Loaded, u64)> =
        scenarios.iter().flat_map(|loaded| seeds.iter().map(move |seed| (loaded, *seed))).collect();
    let all = u32::try_from(cases.len()).unwrap_or(u32::MAX);
    let progress = Progress::new("replays");
    progress.show(0, all);
    let done = AtomicU32::new(0);
    let run = |(loaded, seed): &(&Loaded, u64)| {
        let result = work(&Request {
            name: &loaded.name,
            scenario: &loaded.scenario,
            stage: &loaded.stage,
            policy: &loaded.scenario.policy,
            seed: *seed,
        });
        progress.show(done.fetch_add(1, Ordering::Relaxed) + 1, all);
        result
    };
    let mut results = Vec::with_capacity(cases.len());
    let taken: Result<(), std::convert::Infallible> =
        in_order(&cases, jobs.unwrap_or_else(cores), run, |_, result| {
            results.push(result);
            Ok(())
        });
    match taken {
        Ok(()) => progress.clear(),
    }
    results
}

/// Tells before long work what would keep its files from being written.
pub(super) fn check_places(out: Option<&Path>, page: Option<&Path>) -> Result<(), Failure> {
    [out, page].into_iter().flatten().try_for_each(check_place)
}

/// Writes a document to its files; without a file for the text, to standard output.
pub(super) fn publish(
    document: &Document,
    file: Option<&Path>,
    page: Option<&Path>,
    mut out: impl Write,
) -> Result<(), Failure> {
    if let Some(path) = page {
        write_whole(path, |file| file.write_all(html::document(document).as_bytes()))?;
    }
    match file {
        Some(path) => write_whole(path, |file| file.write_all(document.markdown().as_bytes()))?,
        None => out.write_all(document.markdown().as_bytes())?,
    }
    out.flush()?;
    Ok(())
}

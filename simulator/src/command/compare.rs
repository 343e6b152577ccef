//! `dowsim compare`: scenarios under several policies, as a matrix.

use std::io::Write;
use std::num::NonZeroUsize;
use std::str::FromStr;
use std::sync::atomic::{AtomicU32, Ordering};

use clap::Args;
use guard_core::pricing::PriceTable;

use crate::cases::{cores, in_order};
use crate::compare::{Cell, Comparison};
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::load::Source;
use crate::output::write_json;
use crate::patch::Patch;
use crate::progress::Progress;
use crate::replay::Replay;
use crate::report::compare::Page;
use crate::report::layout::Palette;
use crate::scenarios::ALL;

/// What to compare.
#[derive(Clone, Debug, Args)]
pub struct CompareArgs {
    /// Embedded scenarios by name, or files. Without any: all embedded ones.
    pub scenarios: Vec<String>,
    /// A policy to compare: its name, and how it differs from each scenario's own. May be given several times;
    /// without any, a built-in set.
    #[arg(long = "variant", value_name = "NAME:PATH=VALUE[;…]")]
    pub variants: Vec<Variant>,
    /// Where all randomness comes from.
    #[arg(long, default_value_t = 1, allow_negative_numbers = true)]
    pub seed: u64,
    /// Threads. Without it: one per core.
    #[arg(long, value_name = "THREADS")]
    pub jobs: Option<NonZeroUsize>,
    /// One JSON document instead of text.
    #[arg(long)]
    pub json: bool,
}

/// A policy to compare.
#[derive(Clone, Debug, PartialEq)]
pub struct Variant {
    /// What the columns call it.
    pub name: String,
    /// How it differs from the scenario's own.
    pub patches: Vec<Patch>,
}

impl FromStr for Variant {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, patches) = text.split_once(':').unwrap_or((text, ""));
        let name = name.trim();
        if name.is_empty() || name.contains('=') {
            return Err("expected NAME:PATH=VALUE, such as stop:policy.budget.*.below_floor=stop".to_owned());
        }
        let patches = patches.split(';').map(str::trim).filter(|patch| !patch.is_empty());
        Ok(Variant { name: name.to_owned(), patches: patches.map(str::parse).collect::<Result<_, _>>()? })
    }
}

/// What is compared where nothing else is asked for: the choices that a policy's author has to make.
const VARIANTS: [&str; 6] = [
    "written",
    "line:policy.armed=true;policy.budget.*.mode=cap;policy.budget.*.slack=period",
    "early:policy.armed=true;policy.budget.*.mode=cap;policy.budget.*.slack=30m",
    "stop:policy.armed=true;policy.budget.*.mode=cap;policy.budget.*.below_floor=stop",
    "envelope:policy.armed=true;policy.budget.*.mode=cap;policy.budget.*.envelope=true",
    "disarmed:policy.armed=false",
];

/// Compares and tells.
///
/// # Errors
/// With the code to return and a line for standard error; [`ExitCode::Ok`] where the reader closed the pipe.
pub fn run(args: &CompareArgs, mut out: impl Write, palette: Palette, width: usize) -> Result<(), Failure> {
    let comparison = compare(args)?;
    if args.json {
        write_json(&mut out, &comparison)?;
    } else {
        Page::new(&mut out, palette, width).write(&comparison)?;
    }
    out.flush()?;
    Ok(())
}

fn compare(args: &CompareArgs) -> Result<Comparison, Failure> {
    let names: Vec<String> = match args.scenarios.as_slice() {
        [] => ALL.iter().map(|embedded| embedded.name.to_owned()).collect(),
        some => some.to_vec(),
    };
    let variants = match args.variants.as_slice() {
        [] => VARIANTS.iter().map(|text| text.parse()).collect::<Result<Vec<Variant>, String>>(),
        some => Ok(some.to_vec()),
    };
    let variants = variants.map_err(|problem| Failure::new(ExitCode::Internal, problem))?;
    let sources = names.iter().map(|name| Source::open(name)).collect::<Result<Vec<Source>, Failure>>()?;
    let cases: Vec<(&Source, &Variant)> =
        sources.iter().flat_map(|source| variants.iter().map(move |variant| (source, variant))).collect();
    // Everything is read before anything runs: a wrong key in the last variant costs no half hour.
    let mut ready = Vec::new();
    for (source, variant) in &cases {
        match source.ready(&variant.patches) {
            Ok(loaded) => ready.push((variant.name.as_str(), loaded)),
            // A built-in variant that a scenario's policy refuses is left out of its row.
            Err(_) if args.variants.is_empty() && !variant.patches.is_empty() => {}
            Err(failure) => return Err(failure),
        }
    }
    let all = u32::try_from(ready.len()).unwrap_or(u32::MAX);
    let jobs = args.jobs.unwrap_or_else(cores);
    let progress = Progress::of_replays(all, jobs);
    let done = AtomicU32::new(0);
    let mut cells = Vec::new();
    in_order(
        &ready,
        jobs,
        |(variant, loaded)| {
            let replay = Replay::new(&loaded.request(args.seed), PriceTable::embedded(), |_, _| ());
            progress.show(done.fetch_add(1, Ordering::Relaxed) + 1, all);
            Cell::new(variant, replay)
        },
        |_, cell| {
            cells.push(cell);
            Ok::<(), Failure>(())
        },
    )?;
    progress.clear();
    Ok(Comparison {
        seed: args.seed,
        scenarios: sources.into_iter().map(|source| source.name).collect(),
        variants: variants.into_iter().map(|variant| variant.name).collect(),
        cells,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variant_is_a_name_and_its_changes() {
        let variant: Variant = "x: policy.armed=true; policy.budget.*.mode=cap".parse().unwrap();
        assert_eq!((variant.name.as_str(), variant.patches.len()), ("x", 2));
        assert_eq!("written".parse::<Variant>().unwrap().patches, []);
        for wrong in [":a=b", "policy.armed=true", "x:a", ""] {
            assert!(wrong.parse::<Variant>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_built_in_variants_can_be_read() {
        for text in VARIANTS {
            assert!(text.parse::<Variant>().is_ok(), "{text}");
        }
    }
}

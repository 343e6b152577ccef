//! `dowsim scenarios`: what can be replayed without a file, and what a file looks like.

use std::io::Write;

use clap::Args;
use serde::Serialize;

use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::load;
use crate::scenario::{Kind, Scenario};
use crate::scenarios::{self, ALL};

/// How to list them.
#[derive(Clone, Debug, Args)]
pub struct ScenariosArgs {
    /// One JSON document instead of text.
    #[arg(long)]
    pub json: bool,
    /// Print one of them: a file to begin with.
    #[arg(long, value_name = "NAME", conflicts_with = "json")]
    pub show: Option<String>,
    /// Print the JSON Schema of a scenario, for editors.
    #[arg(long, conflicts_with_all = ["json", "show"])]
    pub schema: bool,
}

/// One of them, in a line.
#[derive(Debug, Serialize)]
struct Entry {
    name: &'static str,
    title: String,
    minutes: u32,
    functions: usize,
    attack: bool,
    source: String,
}

/// Lists them.
///
/// # Errors
/// Where the list cannot be written.
pub fn run(args: &ScenariosArgs, mut out: impl Write) -> Result<(), Failure> {
    if let Some(name) = &args.show {
        let found = scenarios::find(name).map_err(|problem| Failure::new(ExitCode::Usage, problem))?;
        out.write_all(found.text.as_bytes())?;
        return Ok(out.flush()?);
    }
    if args.schema {
        serde_json::to_writer_pretty(&mut out, &Scenario::schema()).map_err(std::io::Error::from)?;
        writeln!(out)?;
        return Ok(out.flush()?);
    }
    let mut entries = Vec::new();
    for embedded in ALL {
        let loaded = load::scenario(embedded.name)?;
        entries.push(Entry {
            name: embedded.name,
            title: loaded.scenario.title.clone(),
            minutes: loaded.scenario.minutes,
            functions: loaded.stage.functions.len() - 1,
            attack: loaded.stage.traffic.iter().any(|actor| actor.kind == Kind::Attack),
            source: loaded.scenario.source.clone(),
        });
    }
    if args.json {
        serde_json::to_writer_pretty(&mut out, &entries).map_err(std::io::Error::from)?;
        writeln!(out)?;
    } else {
        let longest = entries.iter().map(|entry| entry.name.len()).max().unwrap_or(0);
        for entry in &entries {
            writeln!(out, "{:<longest$}  {}", entry.name, entry.title)?;
        }
    }
    out.flush()?;
    Ok(())
}

//! A table that is written whole or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::TargetArgs;
use crate::decide::Failure;
use crate::exit_code::ExitCode;
use crate::trace::{Trace, canonical};

/// Refuses a target that is there, unless told to write over it.
pub(super) fn refuse_to_overwrite(target: &TargetArgs) -> Result<(), Failure> {
    if target.force || !target.out.exists() {
        return Ok(());
    }
    let problem = format!("{}: the file exists; --force writes over it", target.out.display());
    Err(Failure::new(ExitCode::Usage, problem))
}

/// Writes the table beside its place and moves it there when it is whole.
pub(super) fn write(target: &TargetArgs, trace: &Trace) -> Result<(), Failure> {
    refuse_to_overwrite(target)?;
    let beside = beside(&target.out);
    let written = fill(&beside, &target.out, trace).and_then(|()| fs::rename(&beside, &target.out));
    written.map_err(|error| {
        // What is left of it is ours, and nobody else's name.
        let _ = fs::remove_file(&beside);
        Failure::new(
            ExitCode::Unreadable,
            format_args!("{}: cannot be written: {error}", target.out.display()),
        )
    })
}

/// A name in the same directory, so that the move is one step of the file system.
fn beside(out: &Path) -> PathBuf {
    let name = out.file_name().unwrap_or_default().to_string_lossy();
    out.with_file_name(format!(".{name}.{}.partial", std::process::id()))
}

fn fill(path: &Path, out: &Path, trace: &Trace) -> io::Result<()> {
    let file = File::create_new(path)?;
    let mut plain = BufWriter::new(&file);
    if out.extension().is_some_and(|extension| extension == "gz") {
        let mut packed = GzEncoder::new(&mut plain, Compression::default());
        canonical::write(trace, &mut packed)?;
        packed.finish()?;
    } else {
        canonical::write(trace, &mut plain)?;
    }
    plain.flush()?;
    drop(plain);
    file.sync_all()
}

//! A file that is written whole or not at all; `-` is standard output.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use guard_core::money::in_numbers;
use serde::Serialize;

use crate::exit_code::ExitCode;
use crate::failure::Failure;

/// Writes one JSON document in a line, amounts as numbers.
///
/// # Errors
/// Where it cannot be written; a reader that has seen enough is no failure.
pub fn write_json(mut out: impl Write, document: &impl Serialize) -> Result<(), Failure> {
    in_numbers(|| serde_json::to_writer(&mut out, document)).map_err(io::Error::from)?;
    writeln!(out)?;
    Ok(out.flush()?)
}

/// Whether a place is standard output.
pub fn is_standard(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Writes a file beside its place and moves it there when it is whole; `-` is standard output.
///
/// # Errors
/// Where it cannot be written; nothing is left behind then.
pub fn write_whole(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Failure> {
    if is_standard(path) {
        let mut out = BufWriter::new(io::stdout().lock());
        fill(&mut out)?;
        return Ok(out.flush()?);
    }
    let beside = beside(path);
    let written = fill_file(&beside, fill).and_then(|()| fs::rename(&beside, path));
    written.map_err(|error| {
        // The leftover file is ours; no one else uses its name.
        let _ = fs::remove_file(&beside);
        unwritable(path, &error)
    })
}

/// Refuses two outputs that would be mixed: at most one may be standard output.
///
/// # Errors
/// Where more are.
pub fn check_standard<'a>(
    outputs: impl IntoIterator<Item = &'a PathBuf>,
    json: bool,
) -> Result<bool, Failure> {
    match outputs.into_iter().filter(|path| is_standard(path)).count() + usize::from(json) {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Failure::new(
            ExitCode::Usage,
            "two outputs would be mixed: only one of them may be -, or --json",
        )),
    }
}

/// Reports, before long work, a problem that would stop [`write_whole`] after it.
///
/// # Errors
/// Where the place is a directory, or nothing can be created beside it; nothing is left behind.
pub fn check_place(path: &Path) -> Result<(), Failure> {
    let beside = beside(path);
    if is_standard(path) {
        return Ok(());
    }
    let tried = if path.is_dir() {
        Err(io::Error::from(io::ErrorKind::IsADirectory))
    } else {
        File::create_new(&beside).and_then(|_| fs::remove_file(&beside))
    };
    tried.map_err(|error| unwritable(path, &error))
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    Failure::new(ExitCode::Unreadable, format_args!("{}: cannot be written: {error}", path.display()))
}

/// A name in the same directory, so that the move is one step of the file system.
fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}.partial", std::process::id()))
}

fn fill_file(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let file = File::create_new(path)?;
    let mut buffered = BufWriter::new(&file);
    fill(&mut buffered)?;
    buffered.flush()?;
    drop(buffered);
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_checked_before_the_work_and_left_as_it_was() {
        let directory = tempfile::tempdir().unwrap();
        check_place(&directory.path().join("page.html")).unwrap();
        let missing = check_place(&directory.path().join("missing/page.html")).unwrap_err();
        assert!(
            missing.message.contains("page.html: cannot be written: No such file"),
            "{}",
            missing.message
        );
        let taken = check_place(directory.path()).unwrap_err();
        assert!(taken.message.contains("cannot be written: is a directory"), "{}", taken.message);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_fails_half_way_leaves_the_old_file_and_nothing_beside_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("page.html");
        write_whole(&path, |out| out.write_all(b"old")).unwrap();
        let failed = write_whole(&path, |out| {
            out.write_all(b"half")?;
            Err(io::Error::other("the disk is full"))
        });
        assert!(failed.unwrap_err().message.contains("page.html: cannot be written: the disk is full"));
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }
}

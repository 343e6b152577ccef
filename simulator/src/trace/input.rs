//! A file as text in memory: opened, unpacked where it is gzip, and known to be complete.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use super::TraceError;
use crate::text;

/// The first two bytes of a gzip member (RFC 1952, section 2.3.1).
pub(super) const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// More than any trace this tool is meant for; a small archive may unpack to much more than memory holds.
pub(super) const MAX_UNPACKED_BYTES: u64 = 1 << 30;

/// A complete text with the name of the file it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// The file, as the user named it.
    pub name: String,
    /// Its content, UTF-8 and unpacked.
    pub text: String,
}

/// The remark on a table whose last line has no line end.
const NO_LINE_END: &str =
    "The last line has no line end: if the file was cut there, its last value has lost digits.";

/// Why there is no input.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// The file cannot be opened or read.
    #[error("{name}: {reason}")]
    Unreadable {
        /// The file, as the user named it.
        name: String,
        /// The system's error.
        reason: io::Error,
    },
    /// It can be read and is no text, or not a whole one.
    #[error(transparent)]
    Bad(#[from] TraceError),
}

impl Input {
    /// Reads a file, plain or gzip.
    ///
    /// # Errors
    /// [`InputError::Unreadable`] where the system refuses, else as [`Input::from_bytes`].
    pub fn open(path: &Path) -> Result<Self, InputError> {
        let name = path.display().to_string();
        match fs::read(path) {
            Ok(bytes) => Ok(Input::from_bytes(&name, &bytes)?),
            Err(reason) => Err(InputError::Unreadable { name, reason }),
        }
    }

    /// From bytes, plain or gzip, distinguished by their first two bytes.
    ///
    /// # Errors
    /// Names the line at which a damaged or truncated archive ends, or that is no UTF-8.
    pub fn from_bytes(name: &str, bytes: &[u8]) -> Result<Self, TraceError> {
        let unpacked = if bytes.starts_with(&GZIP_MAGIC) {
            gunzip(name, bytes, MAX_UNPACKED_BYTES)?
        } else {
            bytes.to_vec()
        };
        Input::from_unpacked(name, unpacked)
    }

    /// From bytes that are unpacked already.
    ///
    /// # Errors
    /// Where they are no UTF-8, or empty.
    pub(super) fn from_unpacked(name: &str, bytes: Vec<u8>) -> Result<Self, TraceError> {
        let text = String::from_utf8(text::utf8_of(bytes)).map_err(|error| {
            let valid = error.utf8_error().valid_up_to();
            let line = line_after(error.as_bytes().get(..valid).unwrap_or_default());
            TraceError::of_line(name, line, "this is not UTF-8 text")
        })?;
        if text.is_empty() {
            return Err(TraceError::of_file(name, "the file is empty"));
        }
        Ok(Input { name: name.to_owned(), text })
    }

    /// What to say of the end of a table: a last line without an end may have been cut within its last number.
    pub(super) fn end_remark(&self) -> Option<String> {
        (!self.text.ends_with('\n')).then(|| NO_LINE_END.to_owned())
    }
}

/// Unpacks a gzip archive whole, to at most `limit` bytes.
pub(super) fn gunzip(name: &str, bytes: &[u8], limit: u64) -> Result<Vec<u8>, TraceError> {
    let mut unpacked = Vec::new();
    let read = MultiGzDecoder::new(bytes).take(limit + 1).read_to_end(&mut unpacked);
    let line = line_after(&unpacked);
    match read {
        Err(error) => Err(damaged(name, line, &error)),
        Ok(_) if u64::try_from(unpacked.len()).unwrap_or(u64::MAX) > limit => {
            Err(TraceError::of_line(name, line, format!("unpacks to more than {limit} bytes")))
        }
        Ok(_) => Ok(unpacked),
    }
}

/// The problem of an archive that does not unpack.
pub(super) fn damaged(name: &str, line: u64, error: &io::Error) -> TraceError {
    TraceError::of_line(name, line, format!("the gzip data is damaged or cut short here ({error})"))
}

/// The number of the line that begins or goes on after the bytes.
pub(super) fn line_after(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|byte| **byte == b'\n').fold(1, |line, _| line + 1)
}

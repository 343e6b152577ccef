//! A file of any size, plain or gzip: its beginning for telling the format, then line by line or whole.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use super::TraceError;
use super::input::{GZIP_MAGIC, Input, InputError, MAX_UNPACKED_BYTES, damaged, line_after};
use crate::text;

/// Bytes that are read to detect the format.
const SAMPLE_BYTES: u64 = 64 * 1024;

/// The longest line of a log, in bytes. CloudFront logs URLs of 8 KB and cookies of 20 KB at most; what is longer is
/// no log.
const MAX_LINE_BYTES: u64 = 1 << 20;

/// An opened file of which nothing but the beginning has been read.
pub struct Stream {
    name: String,
    is_packed: bool,
    sample: Vec<u8>,
    rest: Box<dyn Read>,
}

impl Stream {
    /// Opens a file and unpacks it as it is read.
    ///
    /// # Errors
    /// Where the system refuses, or the archive is damaged in its beginning.
    pub fn open(path: &Path) -> Result<Self, InputError> {
        let name = path.display().to_string();
        match File::open(path) {
            Ok(file) => Stream::new(&name, Box::new(file)),
            Err(reason) => Err(InputError::Unreadable { name, reason }),
        }
    }

    /// A stream of bytes, plain or gzip, distinguished by their first two.
    ///
    /// # Errors
    /// As [`Stream::open`].
    pub fn new(name: &str, mut raw: Box<dyn Read>) -> Result<Self, InputError> {
        let unreadable = |reason| InputError::Unreadable { name: name.to_owned(), reason };
        let mut magic = Vec::new();
        raw.by_ref().take(2).read_to_end(&mut magic).map_err(unreadable)?;
        let is_packed = magic == GZIP_MAGIC;
        let raw = Cursor::new(magic).chain(raw);
        let rest: Box<dyn Read> = if is_packed { Box::new(MultiGzDecoder::new(raw)) } else { Box::new(raw) };
        let mut rest = text::utf8(rest).map_err(|error| read_error(name, is_packed, 1, error))?;
        let mut sample = Vec::new();
        if let Err(error) = rest.by_ref().take(SAMPLE_BYTES).read_to_end(&mut sample) {
            return Err(read_error(name, is_packed, line_after(&sample), error));
        }
        if sample.is_empty() {
            return Err(TraceError::of_file(name, "the file is empty").into());
        }
        Ok(Stream { name: name.to_owned(), is_packed, sample, rest })
    }

    /// The file, as the user named it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its beginning, unpacked: a text that may end inside a line, with a stand-in for what is no UTF-8.
    pub fn sample(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.sample)
    }

    /// The whole text.
    ///
    /// # Errors
    /// As [`Input::open`].
    pub(super) fn into_input(mut self) -> Result<Input, InputError> {
        let mut bytes = std::mem::take(&mut self.sample);
        if let Err(error) = self.rest.by_ref().take(MAX_UNPACKED_BYTES).read_to_end(&mut bytes) {
            return Err(read_error(&self.name, self.is_packed, line_after(&bytes), error));
        }
        if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > MAX_UNPACKED_BYTES {
            let problem = format!("holds more than {MAX_UNPACKED_BYTES} bytes");
            return Err(TraceError::of_line(&self.name, line_after(&bytes), problem).into());
        }
        Ok(Input::from_unpacked(&self.name, bytes)?)
    }

    /// The whole text of a file whose format shows where it ends.
    ///
    /// # Errors
    /// Where it cannot be read on, is empty or no UTF-8.
    pub fn into_text(self) -> Result<String, InputError> {
        Ok(self.into_input()?.text)
    }

    /// The text line by line, however long it is.
    pub fn into_lines(self) -> Lines {
        let whole: Box<dyn Read> = Box::new(Cursor::new(self.sample).chain(self.rest));
        Lines {
            name: self.name,
            is_packed: self.is_packed,
            reader: BufReader::with_capacity(1 << 16, whole),
            line: 0,
            buffer: Vec::new(),
        }
    }
}

/// A line's number, counted from 1, and its text; words for a line that cannot be one.
pub type NumberedLine<'l> = (u64, Result<Cow<'l, str>, String>);

/// The lines of a stream.
pub struct Lines {
    name: String,
    is_packed: bool,
    reader: BufReader<Box<dyn Read>>,
    line: u64,
    buffer: Vec<u8>,
}

impl Lines {
    /// The next line without its end, and its number; a stand-in for what is no UTF-8, and words for a line that is
    /// too long to be one. The last line need not have an end: whether it was cut shows when it is read.
    ///
    /// # Errors
    /// Where the file cannot be read on, or the archive is damaged.
    pub fn next_line(&mut self) -> Result<Option<NumberedLine<'_>>, InputError> {
        self.buffer.clear();
        self.line += 1;
        let read = self.reader.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut self.buffer);
        match read {
            Err(error) => return Err(read_error(&self.name, self.is_packed, self.line, error)),
            Ok(0) => return Ok(None),
            Ok(_) => {}
        }
        let is_whole = self.buffer.ends_with(b"\n");
        if !is_whole && u64::try_from(self.buffer.len()).unwrap_or(u64::MAX) >= MAX_LINE_BYTES {
            if let Err(error) = self.reader.skip_until(b'\n') {
                return Err(read_error(&self.name, self.is_packed, self.line, error));
            }
            return Ok(Some((self.line, Err(format!("the line is longer than {MAX_LINE_BYTES} bytes")))));
        }
        let line = self.buffer.strip_suffix(b"\n").unwrap_or(&self.buffer);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        Ok(Some((self.line, Ok(String::from_utf8_lossy(line)))))
    }

    /// All that is left, without lines.
    pub(super) fn into_reader(self) -> impl Read {
        self.reader
    }

    /// The file, as the user named it.
    pub fn name(&self) -> &str {
        &self.name
    }
}

fn read_error(name: &str, is_packed: bool, line: u64, error: io::Error) -> InputError {
    if is_packed {
        damaged(name, line, &error).into()
    } else {
        InputError::Unreadable { name: name.to_owned(), reason: error }
    }
}

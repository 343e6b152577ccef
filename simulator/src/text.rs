//! Bytes of a file as UTF-8: a byte order mark goes, UTF-16 is decoded, which PowerShell 5 writes with `>`
//! ("about_Character_Encoding", Microsoft Learn, read 2026-11). Every reader of files goes through here.

use std::collections::VecDeque;
use std::io::{self, Cursor, Read};

/// How the bytes of a text stand for its characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Utf8,
    Utf16LittleEndian,
    Utf16BigEndian,
}

/// By the byte order mark, else by the zero that UTF-16 puts beside the first ASCII character; and the bytes of the mark.
const fn encoding(begin: &[u8]) -> (Encoding, usize) {
    match begin {
        [0xef, 0xbb, 0xbf, ..] => (Encoding::Utf8, 3),
        [0xff, 0xfe, ..] => (Encoding::Utf16LittleEndian, 2),
        [0xfe, 0xff, ..] => (Encoding::Utf16BigEndian, 2),
        [first, 0, ..] if *first != 0 => (Encoding::Utf16LittleEndian, 0),
        [0, second, ..] if *second != 0 => (Encoding::Utf16BigEndian, 0),
        _ => (Encoding::Utf8, 0),
    }
}

/// The same text as UTF-8, as it is read.
///
/// Invalid text stays invalid: half a character of UTF-16 becomes bytes that no UTF-8 has.
///
/// # Errors
/// Where its beginning cannot be read.
pub fn utf8(mut raw: Box<dyn Read>) -> io::Result<Box<dyn Read>> {
    let mut begin = Vec::new();
    raw.by_ref().take(3).read_to_end(&mut begin)?;
    let (encoding, mark) = encoding(&begin);
    begin.drain(..mark);
    let rest = Cursor::new(begin).chain(raw);
    Ok(match encoding {
        Encoding::Utf8 => Box::new(rest),
        Encoding::Utf16LittleEndian => Box::new(Utf16::new(rest, u16::from_le_bytes)),
        Encoding::Utf16BigEndian => Box::new(Utf16::new(rest, u16::from_be_bytes)),
    })
}

/// The same of bytes that are all there.
pub fn utf8_of(bytes: Vec<u8>) -> Vec<u8> {
    match encoding(&bytes) {
        (Encoding::Utf8, 0) => bytes,
        (Encoding::Utf8, mark) => bytes.get(mark..).unwrap_or_default().to_vec(),
        _ => {
            let mut text = Vec::new();
            // Nothing of it can fail: it is in memory.
            let _ = utf8(Box::new(Cursor::new(bytes))).and_then(|mut whole| whole.read_to_end(&mut text));
            text
        }
    }
}

/// UTF-8 out of UTF-16.
struct Utf16<R> {
    raw: R,
    unit: fn([u8; 2]) -> u16,
    /// A byte without its second.
    odd: Option<u8>,
    /// The first half of a pair, without its second.
    high: Option<u16>,
    ready: VecDeque<u8>,
    is_done: bool,
}

impl<R: Read> Utf16<R> {
    fn new(raw: R, unit: fn([u8; 2]) -> u16) -> Self {
        Utf16 { raw, unit, odd: None, high: None, ready: VecDeque::new(), is_done: false }
    }

    /// Takes the next bytes.
    fn fill(&mut self) -> io::Result<()> {
        let mut bytes = [0; 8192];
        let read = self.raw.read(&mut bytes)?;
        self.is_done = read == 0;
        for byte in bytes.iter().take(read) {
            match self.odd.take() {
                None => self.odd = Some(*byte),
                Some(first) => self.push((self.unit)([first, *byte])),
            }
        }
        if self.is_done {
            self.lone();
            self.ready.extend(self.odd.take().map(|_| 0xff));
        }
        Ok(())
    }

    fn push(&mut self, unit: u16) {
        let pair = [self.high.unwrap_or(unit), unit];
        let units = if self.high.is_some() { &pair[..] } else { &pair[1..] };
        match char::decode_utf16(units.iter().copied()).next() {
            Some(Ok(character)) => {
                self.high = None;
                self.ready.extend(character.encode_utf8(&mut [0; 4]).bytes());
            }
            _ if self.high.is_some() => {
                self.lone();
                self.push(unit);
            }
            _ if (0xd800..0xdc00).contains(&unit) => self.high = Some(unit),
            _ => self.ready.push_back(0xff),
        }
    }

    /// The first half of a pair that has no second.
    fn lone(&mut self) {
        self.ready.extend(self.high.take().map(|_| 0xff));
    }
}

impl<R: Read> Read for Utf16<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.ready.is_empty() && !self.is_done {
            self.fill()?;
        }
        self.ready.read(out)
    }
}

/// A word as a shell reads it back.
pub fn shell_word(word: &str) -> String {
    let is_plain = |c: char| {
        c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | '=' | ',' | ':' | '@' | '+')
    };
    if !word.is_empty() && !word.starts_with('-') && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "{\"name\": \"Grüße 🦀\"}\r\n";

    fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn a_text_is_the_same_in_utf8_and_utf16_with_and_without_a_mark() {
        for mark in ["\u{feff}", ""] {
            let marked = format!("{mark}{TEXT}");
            for bytes in [
                marked.clone().into_bytes(),
                utf16(&marked, u16::to_le_bytes),
                utf16(&marked, u16::to_be_bytes),
            ] {
                assert_eq!(String::from_utf8(utf8_of(bytes)).unwrap(), TEXT);
            }
        }
    }

    #[test]
    fn only_a_mark_at_the_beginning_goes() {
        assert_eq!(utf8_of("\u{feff}a\u{feff}b".into()), "a\u{feff}b".as_bytes());
        assert_eq!(utf8_of(utf16("\u{feff}a\u{feff}b", u16::to_be_bytes)), "a\u{feff}b".as_bytes());
        assert_eq!(utf8_of(Vec::new()), b"");
        assert_eq!(utf8_of(b"a".to_vec()), b"a");
    }

    #[test]
    fn half_a_character_stays_no_text() {
        let mut cut = utf16("ab", u16::to_le_bytes);
        cut.pop();
        assert_eq!(utf8_of(cut), b"a\xff");
        for (units, lossy) in [
            (&[0x61, 0xd83e][..], "a\u{fffd}"),
            (&[0x61, 0xd83e, 0x62], "a\u{fffd}b"),
            (&[0x61, 0xdd80, 0x62], "a\u{fffd}b"),
            (&[0x61, 0xd83e, 0xd83e, 0xdd80], "a\u{fffd}🦀"),
        ] {
            let bytes = utf8_of(units.iter().copied().flat_map(u16::to_le_bytes).collect());
            assert!(String::from_utf8(bytes.clone()).is_err());
            assert_eq!(String::from_utf8_lossy(&bytes), lossy);
        }
    }

    #[test]
    fn a_pair_that_the_buffer_cuts_is_one_character() {
        let long = format!("a{}", "🦀".repeat(10_000));
        assert_eq!(utf8_of(utf16(&long, u16::to_be_bytes)), long.as_bytes());
    }
}

//! Policies in a small space: `gzip` and then base64, in one word. A parameter of SSM takes 4 KB and a template's the same;
//! of a policy of a hundred budgets that is a fifth, and a word without spaces passes every shell and tool whole.

use std::io::{Read, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

/// Bytes of a policy that was packed, at most. Our choice: a thousand budgets.
const UNPACKED_MAX: u64 = 256 << 10;

/// What base64 makes of the first bytes of every gzip file: its magic number and the method *deflate*.
const MAGIC: &str = "H4sI";

/// The policy in a text, which is the text itself unless it is packed. Lines and spaces within a packed one do not count.
///
/// # Errors
/// When it is packed and cut, damaged, too large or not text, in words.
pub(crate) fn unpack(text: String) -> Result<String, String> {
    if !(text.trim_start().starts_with(MAGIC) && is_base64(&text)) {
        return Ok(text);
    }
    let word: String = text.split_whitespace().collect();
    let damaged = |why: String| format!("a packed policy (gzip and base64) is cut or damaged: {why}");
    let bytes = BASE64.decode(word).map_err(|error| damaged(error.to_string()))?;
    let mut unpacked = String::new();
    let read = GzDecoder::new(bytes.as_slice()).take(UNPACKED_MAX + 1).read_to_string(&mut unpacked);
    read.map_err(|error| damaged(error.to_string()))?;
    if unpacked.len() as u64 > UNPACKED_MAX {
        return Err(format!("a packed policy has more than {UNPACKED_MAX} bytes"));
    }
    Ok(unpacked)
}

/// How many bytes a text has when it is packed.
pub(crate) fn packed_len(text: &str) -> u64 {
    let mut packer = GzEncoder::new(Vec::new(), Compression::best());
    let packed = packer.write_all(text.as_bytes()).and_then(|()| packer.finish());
    packed.map_or(u64::MAX, |bytes| (bytes.len() as u64).div_ceil(3) * 4)
}

fn is_base64(text: &str) -> bool {
    text.bytes()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=') || b.is_ascii_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `gzip | base64` writes it, in lines of 76 characters.
    fn packed(text: &str) -> String {
        let mut packer = GzEncoder::new(Vec::new(), Compression::best());
        packer.write_all(text.as_bytes()).unwrap();
        let word = BASE64.encode(packer.finish().unwrap());
        let lines: Vec<&str> =
            word.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap()).collect();
        lines.join("\n") + "\n"
    }

    /// Budgets of a real shape: names, patterns and amounts differ.
    fn budgets(count: u32) -> String {
        let budget = |number: u32| {
            let team = ["checkout", "search", "media", "billing", "identity", "mail", "reports"]
                [number as usize % 7];
            format!(
                "[[budget]]\nname = \"{team}-{number:03}\"\nscope = {{ functions = \"{team}-{number:03}-*\" }}\nperiod = \"day\"\n\
                 usd = {}.{:02}\nmode = \"cap\"\n\n",
                number * 37 % 91 + 1,
                number * 53 % 100
            )
        };
        (0..count).map(budget).collect()
    }

    #[test]
    fn a_hundred_budgets_fit_into_a_parameter_of_four_kilobytes() {
        let policy = budgets(100);
        let word = packed(&policy);
        assert!(policy.len() > 8_192 && word.len() < 4_096, "{} and {}", policy.len(), word.len());
        assert_eq!(packed_len(&policy), word.split_whitespace().map(str::len).sum::<usize>() as u64);
        assert_eq!(unpack(word), Ok(policy));
    }

    #[test]
    fn a_policy_that_is_not_packed_stays_as_it_is() {
        for text in ["", "armed = true\n", "# H4sI\n", "H4sI_x = 1\n", "[[budget]]\nname = \"H4sIAAAA\"\n"] {
            assert_eq!(unpack(text.to_owned()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn a_packed_policy_that_is_cut_or_damaged_is_refused_and_one_that_grows_without_end_too() {
        let word = packed(&budgets(9));
        for wrong in [&word[..word.len() / 2 / 4 * 4], &word[..41], "H4sI", "H4sIAAAA"] {
            let error = unpack(wrong.to_owned()).unwrap_err();
            assert!(error.contains("cut or damaged"), "{wrong}: {error}");
        }
        let error = unpack(packed(&" ".repeat(10 << 20))).unwrap_err();
        assert_eq!(error, "a packed policy has more than 262144 bytes");
    }
}

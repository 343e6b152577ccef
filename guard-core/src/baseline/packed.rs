//! Rows of numbers as one string: LEB128 (seven bits to a byte, the lowest first, the top bit where more follow) in
//! base64. As JSON arrays, the rows of a thousand functions took most of a cold start to read.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serializer};

/// Writes a row.
pub(super) fn serialize<S: Serializer, N: Copy + Into<u64>>(row: &[N], to: S) -> Result<S::Ok, S::Error> {
    let mut bytes = Vec::with_capacity(row.len() * 3);
    for number in row {
        let mut rest: u64 = (*number).into();
        loop {
            let [low, ..] = rest.to_le_bytes();
            if rest < 128 {
                bytes.push(low);
                break;
            }
            bytes.push(low | 128);
            rest >>= 7;
        }
    }
    to.serialize_str(&BASE64.encode(bytes))
}

/// Reads a row.
///
/// # Errors
/// When it is no base64, ends within a number, or a number is too large for `N`.
pub(super) fn deserialize<'de, D: Deserializer<'de>, N: TryFrom<u64>>(from: D) -> Result<Vec<N>, D::Error> {
    let bytes = BASE64.decode(String::deserialize(from)?).map_err(D::Error::custom)?;
    // Exactly as many as there are: rows are kept by the ten thousand.
    let mut row = Vec::with_capacity(bytes.iter().filter(|byte| **byte < 128).count());
    let (mut number, mut shift) = (0_u64, 0_u32);
    for byte in bytes {
        let bits = u64::from(byte & 127);
        let placed = bits.checked_shl(shift).filter(|placed| placed >> shift == bits);
        number |= placed.ok_or_else(|| D::Error::custom("a number of more than 64 bits"))?;
        shift += 7;
        if byte < 128 {
            let fitting = N::try_from(number);
            row.push(fitting.map_err(|_| D::Error::custom(format_args!("{number} is too large")))?);
            (number, shift) = (0, 0);
        }
    }
    if shift > 0 { Err(D::Error::custom("it ends within a number")) } else { Ok(row) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    struct Rows {
        #[serde(with = "super")]
        wide: Vec<u32>,
        #[serde(with = "super")]
        narrow: Vec<u16>,
    }

    fn read(wide: &[u8], narrow: &[u8]) -> Result<Rows, String> {
        let json = format!(r#"{{"wide":"{}","narrow":"{}"}}"#, BASE64.encode(wide), BASE64.encode(narrow));
        serde_json::from_str(&json).map_err(|error| error.to_string())
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(wide: Vec<u32>, narrow: Vec<u16>) {
            let rows = Rows { wide, narrow };
            let json = serde_json::to_string(&rows).unwrap();
            let read = serde_json::from_str::<Rows>(&json).unwrap();
            prop_assert_eq!((read.wide.capacity(), read.narrow.capacity()), (rows.wide.len(), rows.narrow.len()));
            prop_assert_eq!(read, rows);
        }

        #[test]
        fn whatever_is_written_there_is_a_row_or_an_error(wide: Vec<u8>) {
            let _ = read(&wide, &[]);
        }
    }

    #[test]
    fn a_number_takes_a_byte_for_each_seven_bits() {
        let rows = Rows { wide: vec![0, 127, 128, u32::MAX], narrow: vec![] };
        let bytes = [0, 127, 128, 1, 255, 255, 255, 255, 15];
        assert_eq!(serde_json::to_value(&rows).unwrap()["wide"], BASE64.encode(bytes));
        assert_eq!(read(&bytes, &[]).unwrap(), rows);
    }

    #[test]
    fn what_no_row_was_written_as_is_refused_with_the_reason() {
        let refused = |wide: &[u8], narrow: &[u8], reason: &str| {
            let error = read(wide, narrow).unwrap_err();
            assert!(error.contains(reason), "{error}");
        };
        refused(&[1, 128], &[], "it ends within a number");
        refused(&[255, 255, 255, 255, 16], &[], "4563402751 is too large");
        refused(&[255, 255, 255, 255, 255, 255, 255, 255, 255, 2], &[], "a number of more than 64 bits");
        refused(&[128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 0], &[], "a number of more than 64 bits");
        refused(&[], &[128, 128, 4], "65536 is too large");
        assert!(serde_json::from_str::<Rows>(r#"{"wide":"=","narrow":""}"#).is_err());
    }
}

//! JSON, deflated with a checksum: a damaged segment is detected and never read as something else.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;

/// Bytes of JSON that a segment may unpack to: a quarter of the Lambda's memory. The largest real one, the list of a
/// hundred thousand functions that is half read, takes forty megabytes.
const UNPACKED_MAX: u64 = 64 << 20;

/// Why a segment cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum Damaged {
    /// Not deflated, cut off, or with a wrong checksum.
    #[error("it does not unpack: {0}")]
    Packing(#[from] std::io::Error),
    /// Not the expected content.
    #[error("its JSON is not the memory's: {0}")]
    Json(#[from] serde_json::Error),
    /// Missing.
    #[error("it is missing")]
    Missing,
    /// More than the guard's memory could hold.
    #[error("it unpacks to more than {} MB", UNPACKED_MAX >> 20)]
    TooLarge,
}

/// Deflates, with the checksum of zlib.
///
/// # Errors
/// Never for memory that can be had: writing to a vector does not fail.
pub(super) fn pack(json: &[u8]) -> Result<Vec<u8>, Damaged> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(json)?;
    Ok(encoder.finish()?)
}

/// The JSON.
///
/// # Errors
/// When it was not packed by [`pack`], or was damaged since.
pub(super) fn unpack(packed: &[u8]) -> Result<Vec<u8>, Damaged> {
    let mut json = Vec::new();
    ZlibDecoder::new(packed).take(UNPACKED_MAX + 1).read_to_end(&mut json)?;
    let is_too_large = u64::try_from(json.len()).is_ok_and(|bytes| bytes > UNPACKED_MAX);
    if is_too_large { Err(Damaged::TooLarge) } else { Ok(json) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_that_would_fill_the_memory_is_damaged_and_the_largest_real_one_is_not() {
        let packed = |bytes: u64| pack(&vec![b' '; usize::try_from(bytes).unwrap()]).unwrap();
        let bomb = packed(UNPACKED_MAX + 1);
        assert!(bomb.len() < 400 * 1024, "it fits an item");
        assert!(matches!(unpack(&bomb), Err(Damaged::TooLarge)));
        assert_eq!(unpack(&packed(40 << 20)).unwrap().len(), 40 << 20);
    }
}

//! JSON, deflated with a checksum: a damaged segment is detected and never read as something else.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;

/// Bytes of JSON that a segment may unpack to: no real segment unpacks to a thousand times its packed item.
const UNPACKED_MAX: u64 = 256 << 20;

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
    ZlibDecoder::new(packed).take(UNPACKED_MAX).read_to_end(&mut json)?;
    Ok(json)
}

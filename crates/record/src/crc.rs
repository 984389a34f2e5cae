//! The two checksums of the format: CRC-32C for batches (magic 2), CRC-32 (IEEE) for the message
//! sets of magic 0 and 1.

/// CRC-32C (Castagnoli) of `bytes`.
#[must_use]
pub fn crc32c(bytes: &[u8]) -> u32 {
    crc_fast::crc32_iscsi(bytes)
}

/// CRC-32C of several pieces as if they stood next to each other: a patched header and the body
/// it belongs to.
#[must_use]
pub fn crc32c_of(pieces: &[&[u8]]) -> u32 {
    let mut digest = crc_fast::Digest::new(crc_fast::CrcAlgorithm::Crc32Iscsi);
    for piece in pieces {
        digest.update(piece);
    }
    // A 32-bit algorithm never has more than 32 bits of result.
    u32::try_from(digest.finalize()).unwrap_or(u32::MAX)
}

/// CRC-32 (IEEE) of `bytes`, as message sets of magic 0 and 1 carry it.
#[must_use]
pub fn crc32(bytes: &[u8]) -> u32 {
    crc_fast::crc32_iso_hdlc(bytes)
}

//! What the room promises, fact by fact. Hostile input has its own binary (`hostile.rs`), for it
//! measures memory.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // a test may fail loudly
#![allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, clippy::cast_sign_loss)] // small numbers of our own

mod check;
mod codecs;
mod format;
mod model;
mod produce;

use bytes::Bytes;
use ottla_record::validate::{Produced, Rejected, Rules, validate};
use ottla_record::*;

pub const NOW: i64 = 1_700_000_000_000;

/// A record, owned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owned {
    pub offset: i64,
    pub timestamp: i64,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

/// Every record of a batch.
pub fn read_all(bytes: &[u8]) -> Result<Vec<Owned>, RecordError> {
    with_scratch(|scratch| {
        let view = BatchView::parse(bytes).unwrap();
        let mut records = Records::new(&view, Limits::for_body(view.body().len()), scratch)?;
        let mut all = Vec::new();
        while let Some(record) = records.next_record()? {
            all.push(Owned {
                offset: record.offset,
                timestamp: record.timestamp,
                key: record.key.map(<[u8]>::to_vec),
                value: record.value.map(<[u8]>::to_vec),
                headers: record
                    .headers
                    .map(|(name, value)| {
                        (String::from_utf8(name.to_vec()).unwrap(), value.map(<[u8]>::to_vec))
                    })
                    .collect(),
            });
        }
        Ok(all)
    })
}

/// Adds all of them to a builder.
pub fn push_all(builder: &mut Builder, records: &[Owned]) {
    for record in records {
        let headers: Vec<_> =
            record.headers.iter().map(|(name, value)| (name.as_str(), value.as_deref())).collect();
        builder.push(record.timestamp, record.key.as_deref(), record.value.as_deref(), &headers);
    }
}

/// A batch of this header and body, with its length and CRC made right.
pub fn sealed(header: BatchHeader, body: &[u8]) -> Bytes {
    let mut header = BatchHeader { batch_length: (49 + body.len()) as i32, ..header };
    header.crc = crc_of(&header, body);
    Bytes::from([&header.write(), body].concat())
}

/// Three keyed records, now.
pub fn three(codec: Codec) -> Bytes {
    let mut builder = Builder::new(0, codec);
    for (index, name) in ["a", "b", "c"].into_iter().enumerate() {
        builder.push(NOW + index as i64, Some(name.as_bytes()), Some(b"value"), &[]);
    }
    builder.finish().unwrap()
}

pub fn judge(bytes: &Bytes, rules: &Rules) -> Result<Produced, Rejected> {
    with_scratch(|scratch| validate(bytes, rules, NOW, scratch))
}

/// The batch as it will be written, after a look at its CRC.
pub fn written(produced: &Produced) -> Vec<u8> {
    let bytes = [produced.header.write().as_slice(), &produced.body].concat();
    BatchView::parse(&bytes).unwrap().check_crc().unwrap();
    assert_eq!(bytes.len(), produced.size());
    bytes
}

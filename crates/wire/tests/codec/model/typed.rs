//! The generated messages behind plain functions, so that tests can go through all of them.

use bytes::Bytes;
use ottla_wire::{DecodeError, EncodeError, Message, Reader, Writer};
use std::collections::BTreeMap;

/// What was written, and how many bytes the reader had left.
type Transcoded = (Result<Bytes, EncodeError>, usize);

/// What a test does with a message of a name.
#[derive(Clone, Copy)]
pub struct Typed {
    pub versions: (i16, i16),
    pub flexible: Option<i16>,
    /// Decodes in one version and encodes in another.
    pub transcode: fn(Bytes, i16, i16) -> Result<Transcoded, DecodeError>,
    /// Decodes with a budget and drops the message.
    pub decode: fn(Bytes, i16, usize) -> Result<(), DecodeError>,
    /// Writes the default.
    pub default: fn(i16) -> Result<Bytes, EncodeError>,
}

fn typed<M: Message>() -> (&'static str, Typed) {
    let typed = Typed {
        versions: (M::VERSIONS.min, M::VERSIONS.max),
        flexible: M::FLEXIBLE,
        transcode: |bytes, from, to| {
            let mut reader = Reader::for_frame(bytes);
            let message = M::decode(&mut reader, from)?;
            let mut writer = Writer::new();
            let written = message.encode(&mut writer, to).and_then(|()| writer.into_bytes());
            Ok((written, reader.remaining()))
        },
        decode: |bytes, version, budget| M::decode(&mut Reader::new(bytes, budget), version).map(drop),
        default: |version| M::default().to_bytes(version),
    };
    (M::NAME, typed)
}

macro_rules! table {
    ($($message:path,)*) => { BTreeMap::from([$(typed::<$message>()),*]) };
}

/// Every message by its name.
pub fn messages() -> BTreeMap<&'static str, Typed> {
    ottla_wire::every_message!(table)
}

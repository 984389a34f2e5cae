//! The types that messages are made of, as elements of arrays.

use crate::Str;
use crate::reader::{DecodeError, Readable, Reader};
use crate::writer::{EncodeError, Writable, Writer};
use ottla_model::Uuid;

macro_rules! numbers {
    ($($type:ident $size:literal,)*) => {
        $(impl Readable for $type {
            const MIN_SIZE: usize = $size;

            fn read(r: &mut Reader) -> Result<Self, DecodeError> {
                r.$type()
            }
        }

        impl Writable for $type {
            fn write(&self, w: &mut Writer) -> Result<(), EncodeError> {
                w.$type(*self);
                Ok(())
            }
        })*
    };
}

numbers! { i8 1, i16 2, i32 4, i64 8, }

impl Readable for Uuid {
    const MIN_SIZE: usize = 16;

    fn read(r: &mut Reader) -> Result<Self, DecodeError> {
        r.uuid()
    }
}

impl Writable for Uuid {
    fn write(&self, w: &mut Writer) -> Result<(), EncodeError> {
        w.uuid(*self);
        Ok(())
    }
}

impl Readable for Str {
    const MIN_SIZE: usize = 1;

    fn read(r: &mut Reader) -> Result<Self, DecodeError> {
        r.string()
    }
}

impl Writable for Str {
    fn write(&self, w: &mut Writer) -> Result<(), EncodeError> {
        w.string(self, "an element")
    }
}

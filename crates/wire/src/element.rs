//! The types that messages are made of, as elements of arrays.

use crate::Str;
use crate::message::Element;
use crate::reader::{DecodeError, Reader};
use crate::writer::{EncodeError, Writer};
use ottla_model::Uuid;

macro_rules! numbers {
    ($($type:ident $size:literal,)*) => {
        $(impl Element for $type {
            const MIN_SIZE: usize = $size;

            fn read(r: &mut Reader) -> Result<Self, DecodeError> {
                r.$type()
            }

            fn write(&self, w: &mut Writer) -> Result<(), EncodeError> {
                w.$type(*self);
                Ok(())
            }
        })*
    };
}

numbers! { i8 1, i16 2, i32 4, i64 8, }

impl Element for Uuid {
    const MIN_SIZE: usize = 16;

    fn read(r: &mut Reader) -> Result<Self, DecodeError> {
        r.uuid()
    }

    fn write(&self, w: &mut Writer) -> Result<(), EncodeError> {
        w.uuid(*self);
        Ok(())
    }
}

impl Element for Str {
    const MIN_SIZE: usize = 1;

    fn read(r: &mut Reader) -> Result<Self, DecodeError> {
        r.string()
    }

    fn write(&self, w: &mut Writer) -> Result<(), EncodeError> {
        w.string(self, "an element")
    }
}

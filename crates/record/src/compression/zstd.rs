//! zstd: frames one after the other, skippable ones among them, as zstd-jni's stream reads them.

use super::DecompressError;
use crate::header::Compression;
use crate::limits::{STEP, ZSTD_KEPT, ZSTD_WINDOW_LOG};
use zstd::zstd_safe::{DCtx, DParameter, InBuffer, OutBuffer, ResetDirective};

const fn corrupt(what: &'static str) -> DecompressError {
    DecompressError::Corrupt(Compression::Zstd, what)
}

pub(super) struct Decoder<'a> {
    rest: &'a [u8],
    slot: &'a mut Option<DCtx<'static>>,
    window_log: u32,
    started: bool,
    in_frame: bool,
}

impl<'a> Decoder<'a> {
    pub(super) const fn new(body: &'a [u8], slot: &'a mut Option<DCtx<'static>>, window_log: u32) -> Self {
        Self { rest: body, slot, window_log, started: false, in_frame: false }
    }

    pub(super) const fn want(&self) -> Option<usize> {
        if self.rest.is_empty() && !self.in_frame { None } else { Some(STEP) }
    }

    pub(super) fn step(&mut self, out: &mut [u8]) -> Result<usize, DecompressError> {
        if !self.started {
            self.start()?;
        }
        let Some(context) = self.slot.as_mut() else { return Err(corrupt("no memory for a context")) };
        let mut output = OutBuffer::around(out);
        let mut input = InBuffer::around(self.rest);
        let hint = context
            .decompress_stream(&mut output, &mut input)
            .map_err(zstd::zstd_safe::get_error_name)
            .map_err(corrupt)?;
        let (read, written) = (input.pos(), output.pos());
        if read == 0 && written == 0 {
            return Err(DecompressError::Truncated(Compression::Zstd));
        }
        self.in_frame = hint != 0;
        self.rest = self.rest.get(read..).unwrap_or_default();
        Ok(written)
    }

    fn start(&mut self) -> Result<(), DecompressError> {
        if self.slot.is_none() {
            *self.slot = DCtx::try_create();
        }
        let Some(context) = self.slot.as_mut() else { return Err(corrupt("no memory for a context")) };
        let window_log = self.window_log.min(ZSTD_WINDOW_LOG);
        context
            .reset(ResetDirective::SessionOnly)
            .and_then(|_| context.set_parameter(DParameter::WindowLogMax(window_log)))
            .map_err(zstd::zstd_safe::get_error_name)
            .map_err(corrupt)?;
        self.started = true;
        Ok(())
    }
}

impl Drop for Decoder<'_> {
    fn drop(&mut self) {
        if self.slot.as_ref().is_some_and(|context| context.sizeof() > ZSTD_KEPT) {
            *self.slot = None;
        }
    }
}

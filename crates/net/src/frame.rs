//! Frames out of a stream: a size (int32, big-endian), then as many bytes.
//!
//! Memory follows arrival, not announcement (see [`limits::AHEAD_OF_ARRIVAL`]). A frame is a slice
//! of the buffer it was read into; the buffer is used again when all its frames are gone.

use std::io;
use std::pin::pin;
use std::task::{Context, Poll, ready};

use bytes::{BufMut, Bytes, BytesMut};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use crate::limits;

/// Bytes of the size before a frame.
const SIZE: usize = 4;

/// Why a stream is no stream of frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FrameError {
    TooSmall(i32),
    TooLarge(i32),
    Http,
    Tls,
}

#[derive(Debug)]
pub(crate) struct FrameBuffer {
    bytes: BytesMut,
    max_frame: usize,
    /// What the last large frame took; room to give the next one at once.
    last_large: usize,
}

impl FrameBuffer {
    pub(crate) fn new(max_frame: usize) -> Self {
        Self { bytes: BytesMut::new(), max_frame, last_large: 0 }
    }

    /// Bytes received and not yet taken as frames.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The next frame, without its size, when all of it is here.
    pub(crate) fn next(&mut self) -> Result<Option<Bytes>, FrameError> {
        let Some(total) = self.announced()? else { return Ok(None) };
        if self.bytes.len() < total {
            return Ok(None);
        }
        if total > limits::READ_ROOM {
            self.last_large = total.min(limits::REUSED_FRAME_BYTES);
        }
        let frame = self.bytes.split_to(total).freeze();
        Ok(Some(frame.slice(SIZE..)))
    }

    /// Bytes of the frame at the front, its size included, when the size is here.
    pub(crate) fn announced(&self) -> Result<Option<usize>, FrameError> {
        let Some(size) = self.bytes.first_chunk::<SIZE>() else { return Ok(None) };
        let number = i32::from_be_bytes(*size);
        if number < limits::MIN_FRAME_BYTES {
            return Err(FrameError::TooSmall(number));
        }
        match usize::try_from(number) {
            Ok(len) if len <= self.max_frame => Ok(Some(SIZE + len)),
            _ => Err(guess(size, number)),
        }
    }

    /// Whether [`Self::next`] would answer something.
    pub(crate) fn holds_frame(&self) -> bool {
        self.announced().map_or(true, |total| total.is_some_and(|total| total <= self.bytes.len()))
    }

    /// Reads once. `Ok(0)` is the end of the stream. (The polling read knows that a short one has
    /// emptied the socket, and spares the call that would find it so.)
    pub(crate) fn poll_read(
        &mut self,
        socket: &mut TcpStream,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if self.bytes.capacity() == 0 {
            // Who only waits holds no buffer.
            ready!(socket.poll_read_ready(cx))?;
        }
        self.make_room();
        // Kept from growing behind our back: a full `BytesMut` makes room by itself.
        let room = self.bytes.capacity() - self.bytes.len();
        let mut limited = (&mut self.bytes).limit(room);
        pin!(socket.read_buf(&mut limited)).poll(cx)
    }

    /// Gives memory back when there is nothing in it.
    pub(crate) fn release(&mut self) {
        if self.bytes.is_empty() {
            self.bytes = BytesMut::new();
            self.last_large = 0;
        }
    }

    /// Has room for a good read. A fresh buffer costs a copy of what is here, so only when what is
    /// left of the old one is little.
    fn make_room(&mut self) {
        let len = self.bytes.len();
        let spare = self.bytes.capacity() - len;
        let (target, enough) = match self.announced() {
            Ok(Some(total)) if total > limits::READ_ROOM => {
                let ahead = (2 * len).max(self.last_large) + limits::AHEAD_OF_ARRIVAL;
                (total.min(ahead), limits::READ_ROOM)
            }
            _ => (limits::READ_ROOM.max(len + 1), limits::READ_ROOM / 4),
        };
        let wanted = target.saturating_sub(len).max(1);
        if spare >= wanted.min(enough) || self.bytes.try_reclaim(wanted) {
            return;
        }
        let mut larger = BytesMut::with_capacity(len + wanted);
        larger.extend_from_slice(&self.bytes);
        self.bytes = larger;
    }
}

/// What a client may be speaking that announces so large a frame.
fn guess(size: &[u8; SIZE], number: i32) -> FrameError {
    match size {
        b"GET " | b"POST" | b"HEAD" | b"PUT " | b"OPTI" | b"DELE" | b"PATC" | b"CONN" | b"PRI " => {
            FrameError::Http
        }
        [0x16, 0x03, ..] => FrameError::Tls,
        _ => FrameError::TooLarge(number),
    }
}

#[cfg(test)]
#[path = "frame_tests.rs"]
mod tests;

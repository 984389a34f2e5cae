//! Replies on their way out: in order, batched into few writes, regions from their files.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice};
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::{Buf, BufMut, BytesMut};
use ottla_env::blocking::Blocking;
use ottla_env::net::{self, SENDFILE_FROM};
use rustix::net::{SendAncillaryBuffer, SendFlags, sendmsg};
use tokio::io::Interest;
use tokio::net::TcpStream;

use crate::limits;
use crate::service::{Reply, ReplyPart};

/// Replies that wait for the socket.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    chunks: VecDeque<ReplyPart>,
    /// What follows the chunks: small parts, copied beside each other.
    tail: BytesMut,
    replies: usize,
    bytes: usize,
}

/// A reply does not fit the size before a frame (int32): a fault of the handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

impl Outbox {
    pub(crate) fn is_empty(&self) -> bool {
        self.replies == 0
    }

    /// Whether enough is here to be written before more is started.
    pub(crate) fn is_full(&self) -> bool {
        self.replies >= limits::BATCHED_REPLIES || self.bytes >= limits::BATCHED_BYTES
    }

    /// Adds a reply and its size.
    pub(crate) fn push(&mut self, reply: Reply) -> Result<(), TooLong> {
        let size = i32::try_from(reply.len()).map_err(|_| TooLong)?;
        self.tail.put_i32(size);
        self.replies += 1;
        for part in reply.parts {
            match part {
                ReplyPart::Bytes(bytes) => {
                    self.bytes = self.bytes.saturating_add(bytes.len());
                    if bytes.len() < limits::COPIED_PART_BYTES {
                        self.tail.extend_from_slice(&bytes);
                    } else {
                        self.cut_tail();
                        self.chunks.push_back(ReplyPart::Bytes(bytes));
                    }
                }
                ReplyPart::Region(region) if region.len == 0 => {}
                ReplyPart::Region(region) => {
                    self.cut_tail();
                    self.chunks.push_back(ReplyPart::Region(region));
                }
            }
        }
        Ok(())
    }

    /// Gives memory back when there is nothing in it.
    pub(crate) fn release(&mut self) {
        if self.is_empty() {
            *self = Self::default();
        }
    }

    fn cut_tail(&mut self) {
        if !self.tail.is_empty() {
            self.chunks.push_back(ReplyPart::Bytes(self.tail.split().freeze()));
        }
    }

    /// Writes what the socket takes without waiting, small regions that are in memory too; true
    /// when nothing is left. `sent` grows by what was written.
    pub(crate) fn try_flush(&mut self, socket: &TcpStream, sent: &AtomicU64) -> io::Result<bool> {
        self.cut_tail();
        for chunk in &mut self.chunks {
            if let ReplyPart::Region(region) = chunk {
                if region.len >= SENDFILE_FROM {
                    return Ok(false);
                }
                let Some(bytes) = net::read_cached(region)? else { return Ok(false) };
                *chunk = ReplyPart::Bytes(bytes);
            }
        }
        while !self.chunks.is_empty() {
            match self.write(socket, sent) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(self.done())
    }

    /// Writes all, waiting for the socket and for files as needed.
    pub(crate) async fn flush(
        &mut self,
        socket: &TcpStream,
        blocking: &Blocking,
        sent: &AtomicU64,
    ) -> io::Result<()> {
        self.cut_tail();
        loop {
            self.read_small_regions(blocking).await?;
            match self.chunks.front() {
                None => break,
                Some(ReplyPart::Region(region)) => {
                    let count = |bytes| _ = sent.fetch_add(bytes, Ordering::Relaxed);
                    net::send(region, socket, blocking, count).await?;
                    self.chunks.pop_front();
                }
                Some(ReplyPart::Bytes(_)) => match self.write(socket, sent) {
                    Ok(()) => {}
                    Err(error) if error.kind() == ErrorKind::WouldBlock => socket.writable().await?,
                    Err(error) => return Err(error),
                },
            }
        }
        self.done();
        Ok(())
    }

    fn done(&mut self) -> bool {
        let done = self.chunks.is_empty() && self.tail.is_empty();
        if done {
            self.replies = 0;
            self.bytes = 0;
        }
        done
    }

    /// Has the small regions at the front in memory, up to one batch, so that they leave in the
    /// same write as what stands around them.
    async fn read_small_regions(&mut self, blocking: &Blocking) -> io::Result<()> {
        let mut ahead = 0;
        for chunk in self.chunks.iter_mut().take(limits::SLICES_PER_WRITE) {
            match chunk {
                ReplyPart::Region(region) if region.len >= SENDFILE_FROM => break,
                ReplyPart::Region(region) => {
                    ahead += region.len;
                    let bytes = net::read(region, blocking).await?;
                    *chunk = ReplyPart::Bytes(bytes);
                }
                ReplyPart::Bytes(bytes) => ahead += bytes.len() as u64,
            }
            if ahead >= SENDFILE_FROM {
                break;
            }
        }
        Ok(())
    }

    /// One write of the chunks at the front that are in memory. When a region follows, the kernel
    /// is told to wait for it, so that a header is no packet (and no wake-up) of its own.
    fn write(&mut self, socket: &TcpStream, sent: &AtomicU64) -> io::Result<()> {
        let mut slices = [IoSlice::new(&[]); limits::SLICES_PER_WRITE];
        let mut count = 0;
        let mut flags = SendFlags::NOSIGNAL;
        for (chunk, slice) in self.chunks.iter().zip(&mut slices) {
            match chunk {
                ReplyPart::Bytes(bytes) => *slice = IoSlice::new(bytes),
                ReplyPart::Region(_) => {
                    flags |= SendFlags::MORE;
                    break;
                }
            }
            count += 1;
        }
        let slices = slices.get(..count).unwrap_or_default();
        let written = socket.try_io(Interest::WRITABLE, || {
            Ok(sendmsg(socket, slices, &mut SendAncillaryBuffer::default(), flags)?)
        });
        let written = match written {
            Err(error) if error.kind() == ErrorKind::Interrupted => 0,
            known => known?,
        };
        sent.fetch_add(written as u64, Ordering::Relaxed);
        self.advance(written);
        Ok(())
    }

    fn advance(&mut self, written: usize) {
        let mut rest = written;
        while let Some(ReplyPart::Bytes(bytes)) = self.chunks.front_mut() {
            if bytes.len() > rest {
                bytes.advance(rest);
                break;
            }
            rest -= bytes.len();
            self.chunks.pop_front();
            if rest == 0 {
                break;
            }
        }
    }
}

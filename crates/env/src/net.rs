//! Bytes of files to sockets.
//!
//! A large stretch goes with `sendfile`, which moves pages without a copy; for a small one the
//! copy is cheaper than the call, so small ones are read and leave together with the bytes around
//! them: that is the caller's, who owns the write buffer ([`read`] here fills it). Either way what
//! is not in memory is first read by a blocking thread: a consumer of last week must not stop the
//! thread that serves the producers of today.

use std::io::{self, ErrorKind};
use std::sync::Arc;

use bytes::Bytes;
use rustix::fd::BorrowedFd;
use tokio::io::Interest;
use tokio::net::TcpStream;

use crate::blocking::Blocking;
use crate::disk::{FileRegion, read_exact_at};

/// From this length on a region is sent with `sendfile` (measured; the design's D4).
pub const SENDFILE_FROM: u64 = 128 * 1024;

/// Bytes of one `sendfile`, and of one copy when the file has no descriptor: how long a worker is
/// busy with one connection.
const STEP: u64 = 1024 * 1024;

/// One page: the grain of what is in memory.
const PAGE: u64 = 4096;

/// Sends all of the region, however little the socket takes at a time. Progress is reported after
/// each piece, so that the caller can move its deadline.
///
/// # Errors
/// The socket's or the file's; `UnexpectedEof` when the file ends before the region. After an
/// error part of the region may have been sent: the connection is of no more use.
pub async fn send(
    region: &FileRegion,
    socket: &TcpStream,
    blocking: &Blocking,
    mut progress: impl FnMut(u64),
) -> io::Result<()> {
    let end = region.position.saturating_add(region.len);
    let mut position = region.position;
    while position < end {
        let len = STEP.min(end - position);
        let piece = FileRegion { file: Arc::clone(&region.file), position, len };
        if piece.file.fd().is_some() {
            warm(&piece, blocking).await?;
            send_piece(&piece, socket, &mut progress).await?;
        } else {
            let bytes = read(&piece, blocking).await?;
            send_bytes(&bytes, socket, &mut progress).await?;
        }
        position += len;
    }
    Ok(())
}

/// Reads all of the region into memory; meant for small ones.
///
/// # Errors
/// The file's; `UnexpectedEof` when it ends before the region.
pub async fn read(region: &FileRegion, blocking: &Blocking) -> io::Result<Bytes> {
    if let Some(bytes) = read_cached(region)? {
        return Ok(bytes);
    }
    let mut bytes = vec![0; length(region)?];
    let FileRegion { file, position, .. } = region.clone();
    blocking.run(move || read_exact_at(&*file, &mut bytes, position).map(|()| bytes.into())).await?
}

/// As [`read`], without waiting: `None` when the bytes are not in memory.
///
/// # Errors
/// As [`read`].
pub fn read_cached(region: &FileRegion) -> io::Result<Option<Bytes>> {
    let mut bytes = vec![0; length(region)?];
    match region.file.read_cached_at(&mut bytes, region.position) {
        Ok(read) if read == bytes.len() => Ok(Some(bytes.into())),
        Ok(_) => Err(ErrorKind::UnexpectedEof.into()),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error),
    }
}

fn length(region: &FileRegion) -> io::Result<usize> {
    usize::try_from(region.len).map_err(|_| ErrorKind::FileTooLarge.into())
}

/// Has the piece read by a blocking thread when its first, middle or last page is not in memory.
/// Three probes find a cold segment; single evicted pages between them are left to `sendfile`.
async fn warm(piece: &FileRegion, blocking: &Blocking) -> io::Result<()> {
    let last = piece.position + piece.len.saturating_sub(1);
    let probes = [piece.position, piece.position + piece.len / 2, last];
    let cold = probes.iter().any(|&at| {
        let read = piece.file.read_cached_at(&mut [0], at);
        read.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    });
    if !cold {
        return Ok(());
    }
    let piece = piece.clone();
    blocking.run(move || read_ahead(&piece)).await?
}

/// Reads the piece in, and waits: one byte of each page after the kernel was asked for all.
fn read_ahead(piece: &FileRegion) -> io::Result<()> {
    piece.file.will_need(piece.position, piece.len);
    let mut offset = 0;
    while offset < piece.len {
        piece.file.read_at(&mut [0], piece.position + offset)?;
        offset += PAGE;
    }
    Ok(())
}

async fn send_piece(
    piece: &FileRegion,
    socket: &TcpStream,
    progress: &mut impl FnMut(u64),
) -> io::Result<()> {
    let mut offset = piece.position;
    let end = piece.position + piece.len;
    while offset < end {
        let len = usize::try_from(end - offset).unwrap_or(usize::MAX);
        let Some(file) = piece.file.fd() else {
            return Err(io::Error::other("the file has lost its descriptor"));
        };
        match socket.try_io(Interest::WRITABLE, || sendfile(socket, file, &mut offset, len)) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(sent) => progress(sent as u64),
            Err(error) if error.kind() == ErrorKind::WouldBlock => socket.writable().await?,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn sendfile(socket: &TcpStream, file: BorrowedFd<'_>, offset: &mut u64, len: usize) -> io::Result<usize> {
    Ok(rustix::fs::sendfile(socket, file, Some(offset), len)?)
}

async fn send_bytes(bytes: &[u8], socket: &TcpStream, progress: &mut impl FnMut(u64)) -> io::Result<()> {
    let mut rest = bytes;
    while !rest.is_empty() {
        match socket.try_write(rest) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(sent) => {
                progress(sent as u64);
                rest = rest.get(sent..).unwrap_or_default();
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => socket.writable().await?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

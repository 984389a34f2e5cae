//! Frames come out as they went in, however the stream is cut; memory follows arrival.

use std::io::Write;

use proptest::prelude::*;
use tokio::net::{TcpListener, TcpStream};

use super::*;

const MAX: usize = 100 * 1024 * 1024;

/// A buffer that holds these bytes, as if read.
fn holding(bytes: &[u8]) -> FrameBuffer {
    let mut buffer = FrameBuffer::new(MAX);
    buffer.bytes.extend_from_slice(bytes);
    buffer
}

fn framed(bodies: &[Vec<u8>]) -> Vec<u8> {
    let size = |body: &Vec<u8>| i32::try_from(body.len()).unwrap().to_be_bytes();
    bodies.iter().flat_map(|body| [size(body).to_vec(), body.clone()].concat()).collect()
}

#[test]
fn sizes_that_are_none_are_refused() {
    for size in [-1, i32::MIN, 0, 4, 7] {
        assert_eq!(holding(&size.to_be_bytes()).next(), Err(FrameError::TooSmall(size)));
    }
    let limit = i32::try_from(MAX).unwrap();
    assert_eq!(holding(&limit.to_be_bytes()).next(), Ok(None));
    for size in [limit + 1, i32::MAX] {
        assert_eq!(holding(&size.to_be_bytes()).next(), Err(FrameError::TooLarge(size)));
    }
}

#[test]
fn other_protocols_are_recognised() {
    assert_eq!(holding(b"GET / HTTP/1.1\r\n").next(), Err(FrameError::Http));
    assert_eq!(holding(b"POST / HTTP/1.1\r\n").next(), Err(FrameError::Http));
    assert_eq!(holding(&[0x16, 0x03, 0x01, 0x02, 0x00]).next(), Err(FrameError::Tls));
}

#[test]
fn an_announced_frame_reserves_no_more_than_is_ahead_of_arrival() {
    let mut buffer = holding(&i32::try_from(MAX).unwrap().to_be_bytes());
    let mut arrived = 4;
    while arrived < 3 * 1024 * 1024 {
        buffer.make_room();
        let capacity = buffer.bytes.capacity();
        assert!(capacity > arrived, "there is room");
        assert!(capacity <= 2 * arrived + limits::AHEAD_OF_ARRIVAL, "{capacity} for {arrived}");
        let more = (capacity - arrived).min(10_000);
        buffer.bytes.extend_from_slice(&vec![0; more]);
        arrived += more;
    }
}

#[test]
fn a_second_large_frame_uses_the_memory_of_the_first() {
    let body = vec![7; 1024 * 1024];
    let mut buffer = holding(&framed(std::slice::from_ref(&body)));
    let first = buffer.next().unwrap().unwrap();
    let place = first.as_ptr();
    drop(first);
    buffer.make_room();
    buffer.bytes.extend_from_slice(&framed(std::slice::from_ref(&body)));
    assert_eq!(buffer.next().unwrap().unwrap().as_ptr(), place);
}

#[test]
fn an_empty_buffer_gives_its_memory_back() {
    let mut buffer = holding(&framed(&[vec![1; 100]]));
    drop(buffer.next().unwrap().unwrap());
    buffer.release();
    assert_eq!(buffer.bytes.capacity(), 0);
    let mut partial = holding(&[0, 0]);
    partial.release();
    assert_eq!(partial.len(), 2);
}

#[tokio::test]
async fn frames_are_the_same_when_split_at_every_byte() {
    let bodies = [vec![1; 8], vec![2; 9], vec![3; 30]];
    let stream = framed(&bodies);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    client.set_nodelay(true).unwrap();
    let (mut server, _) = listener.accept().await.unwrap();
    for at in 0..=stream.len() {
        let mut buffer = FrameBuffer::new(MAX);
        let mut got = Vec::new();
        for part in [&stream[..at], &stream[at..]] {
            client.write_all(part).unwrap();
            read(&mut server, &mut buffer, part.len(), &mut got).await;
        }
        assert_eq!(got, bodies);
        assert_eq!(buffer.len(), 0);
    }
}

/// Reads so many bytes, and takes what frames there are after each read.
async fn read(server: &mut TcpStream, buffer: &mut FrameBuffer, len: usize, got: &mut Vec<Vec<u8>>) {
    let mut rest = len;
    while rest > 0 {
        rest -= std::future::poll_fn(|cx| buffer.poll_read(server, cx)).await.unwrap();
        while let Some(frame) = buffer.next().unwrap() {
            got.push(frame.to_vec());
        }
    }
}

proptest! {
    #[test]
    fn any_cut_of_any_frames_gives_the_frames(
        lens in prop::collection::vec(8_usize..70_000, 1..6),
        step in 1_usize..40_000,
    ) {
        let bodies: Vec<Vec<u8>> = (1..).zip(&lens).map(|(fill, len)| vec![fill; *len]).collect();
        let mut buffer = FrameBuffer::new(MAX);
        let (mut got, mut held) = (Vec::new(), Vec::new());
        for part in framed(&bodies).chunks(step) {
            let mut rest = part;
            while !rest.is_empty() {
                buffer.make_room();
                let count = rest.len().min(buffer.bytes.capacity() - buffer.bytes.len());
                buffer.bytes.extend_from_slice(&rest[..count]);
                rest = &rest[count..];
                while let Some(frame) = buffer.next().unwrap() {
                    got.push(frame.to_vec());
                    // Every other frame is held by its request for a while.
                    if got.len() % 2 == 0 { held.push(frame); }
                }
            }
        }
        prop_assert_eq!(got, bodies);
    }
}

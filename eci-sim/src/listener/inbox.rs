//! The bytes of a connection that have come and are not taken yet.
//!
//! Beyond the first they are in pieces of one size: memory that one request gives back then fits what the next one needs,
//! and the allocator keeps little more than is held at once.

use std::collections::VecDeque;
use std::io;

use bytes::{Buf as _, BytesMut};
use connection_limits::{Connection, Overloaded};
use memchr::memmem;
use tokio::io::AsyncReadExt as _;

use super::Stream;

/// Bytes that a connection holds without being counted: more than most requests have.
const UNCOUNTED: usize = 8 << 10;
/// Bytes of each further piece.
const PIECE: usize = 32 << 10;

/// Bytes in the order in which they came.
pub(super) struct Inbox {
    /// At least one; none is empty but the only one.
    pieces: VecDeque<BytesMut>,
    len: usize,
}

impl Inbox {
    pub fn new() -> Self {
        Self { pieces: VecDeque::from([BytesMut::with_capacity(UNCOUNTED)]), len: 0 }
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Waits for more from `stream`, and says how many bytes have come; 0 when its other side is done.
    pub async fn receive(
        &mut self,
        stream: &mut impl Stream,
        connection: &Connection,
    ) -> io::Result<Result<usize, Overloaded>> {
        let piece = match self.room(connection) {
            Ok(piece) => piece,
            Err(overloaded) => return Ok(Err(overloaded)),
        };
        let received = stream.read_buf(piece).await?;
        self.len += received;
        Ok(Ok(received))
    }

    /// The first place from `from` on at which `needle` begins, by the bytes before it.
    pub fn find(&self, needle: &[u8], from: usize) -> Option<usize> {
        let overlap = needle.len().saturating_sub(1);
        let (mut before, mut seam) = (0, Vec::new());
        for piece in &self.pieces {
            let skipped = from.saturating_sub(before).min(piece.len());
            let bytes = &piece[skipped..];
            if !seam.is_empty() {
                let tail = seam.len();
                seam.extend_from_slice(&bytes[..bytes.len().min(overlap)]);
                if let Some(at) = memmem::find(&seam, needle) {
                    return Some(before - tail + at);
                }
                seam.truncate(tail);
            }
            if let Some(at) = memmem::find(bytes, needle) {
                return Some(before + skipped + at);
            }
            if self.pieces.len() > 1 {
                seam.extend_from_slice(&bytes[bytes.len().saturating_sub(overlap)..]);
                seam.drain(..seam.len().saturating_sub(overlap));
            }
            before += piece.len();
        }
        None
    }

    /// The first `count` bytes side by side, of which there are so many.
    pub fn front(&mut self, count: usize, connection: &Connection) -> Result<&[u8], Overloaded> {
        self.join(count, connection)?;
        Ok(self.pieces.front().map_or(&[], |piece| &piece[..count]))
    }

    /// Takes the first `count` bytes out, of which there are so many.
    pub fn take(&mut self, count: usize, connection: &Connection) -> Result<BytesMut, Overloaded> {
        self.join(count, connection)?;
        let taken = self.pieces.front_mut().map(|piece| piece.split_to(count)).unwrap_or_default();
        self.took(count);
        Ok(taken)
    }

    /// Drops the first `count` bytes, which [`Inbox::front`] has shown.
    pub fn advance(&mut self, count: usize) {
        if let Some(piece) = self.pieces.front_mut() {
            piece.advance(count);
        }
        self.took(count);
    }

    /// Moves the first `count` bytes, of which there are so many, to the end of `other`.
    pub fn move_to(
        &mut self,
        other: &mut Self,
        count: usize,
        connection: &Connection,
    ) -> Result<(), Overloaded> {
        let mut left = count;
        while left > 0 {
            let Some(from) = self.pieces.front_mut() else { break };
            let to = other.room(connection)?;
            let part = left.min(from.len()).min(to.capacity() - to.len());
            to.extend_from_slice(&from[..part]);
            other.len += part;
            self.advance(part);
            left -= part;
        }
        Ok(())
    }

    /// Gives the memory of what was taken back.
    pub fn shrink(&mut self) {
        let mut rest = BytesMut::with_capacity(self.len.max(UNCOUNTED));
        self.pieces.iter().for_each(|piece| rest.extend_from_slice(piece));
        self.pieces = VecDeque::from([rest]);
    }

    /// All that is left.
    pub fn into_rest(mut self) -> Vec<u8> {
        self.shrink();
        self.pieces.pop_front().map(Vec::from).unwrap_or_default()
    }

    fn took(&mut self, count: usize) {
        self.len -= count;
        if self.pieces.len() > 1 && self.pieces.front().is_some_and(BytesMut::is_empty) {
            self.pieces.pop_front();
        }
    }

    /// A piece with room for more.
    fn room(&mut self, connection: &Connection) -> Result<&mut BytesMut, Overloaded> {
        let full = self.pieces.back().is_none_or(|piece| piece.len() == piece.capacity());
        if self.len < UNCOUNTED && self.pieces.len() == 1 {
            self.pieces[0].reserve(UNCOUNTED - self.len);
        } else if full {
            connection.hold(PIECE)?;
            self.pieces.push_back(BytesMut::with_capacity(PIECE));
        }
        let last = self.pieces.len() - 1;
        Ok(&mut self.pieces[last])
    }

    fn join(&mut self, count: usize, connection: &Connection) -> Result<(), Overloaded> {
        if self.pieces.front().is_some_and(|piece| piece.len() >= count) {
            return Ok(());
        }
        connection.hold(count)?;
        let mut joined = BytesMut::with_capacity(count);
        while joined.len() < count
            && let Some(mut piece) = self.pieces.pop_front()
        {
            let part = piece.len().min(count - joined.len());
            joined.extend_from_slice(&piece[..part]);
            piece.advance(part);
            if !piece.is_empty() {
                self.pieces.push_front(piece);
            }
        }
        self.pieces.push_front(joined);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use connection_limits::ConnectionLimiter;
    use proptest::prelude::*;

    use super::*;

    fn connection() -> Connection {
        ConnectionLimiter::default().admit(IpAddr::V4(Ipv4Addr::LOCALHOST)).unwrap()
    }

    fn of(pieces: &[Vec<u8>]) -> Inbox {
        let pieces: VecDeque<_> =
            pieces.iter().filter(|piece| !piece.is_empty()).map(|piece| BytesMut::from(&piece[..])).collect();
        let len = pieces.iter().map(BytesMut::len).sum();
        if pieces.is_empty() { Inbox::new() } else { Inbox { pieces, len } }
    }

    fn pieces() -> impl Strategy<Value = Vec<Vec<u8>>> {
        prop::collection::vec(prop::collection::vec(prop::sample::select(b"\r\nx".to_vec()), 0..5), 0..6)
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn fuzz_what_is_sought_is_found_across_pieces_as_in_one(pieces in pieces(), from in 0_usize..20) {
            let whole = pieces.concat();
            let from = from.min(whole.len());
            for needle in [&b"\r\n\r\n"[..], b"\r\n", b"\n"] {
                let found = memmem::find(&whole[from..], needle).map(|at| from + at);
                prop_assert_eq!(of(&pieces).find(needle, from), found);
            }
        }

        #[test]
        fn fuzz_what_is_taken_and_moved_is_what_came(pieces in pieces(), first in 0_usize..20, second in 0_usize..20) {
            let whole = pieces.concat();
            let first = first.min(whole.len());
            let second = second.min(whole.len() - first);
            let (connection, mut inbox, mut other) = (connection(), of(&pieces), Inbox::new());
            prop_assert_eq!(&inbox.take(first, &connection).unwrap()[..], &whole[..first]);
            inbox.move_to(&mut other, second, &connection).unwrap();
            prop_assert_eq!(other.into_rest(), whole[first..first + second].to_vec());
            prop_assert_eq!(inbox.len(), whole.len() - first - second);
            prop_assert_eq!(inbox.into_rest(), whole[first + second..].to_vec());
        }
    }

    #[test]
    fn bytes_beyond_the_first_are_counted() {
        let connection = connection();
        assert!(Inbox::new().room(&connection).is_ok() && !connection.release(), "the first are free");
        assert!(
            of(&[vec![b'x'; UNCOUNTED]]).room(&connection).is_ok() && connection.release(),
            "more are not"
        );
    }
}

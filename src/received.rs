//! The body of an answer, kept without a copy where it came in one piece.

use std::ops::Deref;

use bytes::Bytes;
use zeroize::Zeroize;

/// What has been read of a body. Derefs to its bytes.
#[derive(Default)]
pub(crate) struct Received {
    /// The only piece so far; it shares its memory with the connection.
    piece: Bytes,
    /// All pieces, if there are several.
    joined: Vec<u8>,
    /// It may hold a plaintext, so that the copy is wiped.
    secret: bool,
}

impl Received {
    pub(crate) fn new(secret: bool) -> Self {
        Self { piece: Bytes::new(), joined: Vec::new(), secret }
    }

    /// Appends a piece of a body of which `expected` bytes are announced.
    pub(crate) fn push(&mut self, piece: Bytes, expected: usize) {
        if self.is_empty() {
            self.piece = piece;
            return;
        }
        if self.joined.is_empty() {
            self.joined.reserve(expected.max(self.piece.len() + piece.len()));
            self.joined.extend_from_slice(&self.piece);
        }
        self.joined.extend_from_slice(&piece);
    }

    /// The bytes by themselves; nothing is left here.
    pub(crate) fn take(&mut self) -> Bytes {
        let piece = std::mem::take(&mut self.piece);
        if self.joined.is_empty() { piece } else { std::mem::take(&mut self.joined).into() }
    }
}

impl Deref for Received {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        if self.joined.is_empty() { &self.piece } else { &self.joined }
    }
}

impl Drop for Received {
    fn drop(&mut self) {
        if self.secret && !self.joined.is_empty() {
            self.joined.zeroize();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_make_the_whole() {
        for pieces in [&["", ""][..], &["one"], &["", "one", "", "two", "three"]] {
            let mut received = Received::new(true);
            pieces.iter().for_each(|piece| received.push(Bytes::from_static(piece.as_bytes()), 4));
            assert_eq!(&*received, pieces.concat().as_bytes());
            assert_eq!(received.take(), pieces.concat().as_bytes());
            assert!(received.is_empty());
        }
    }

    #[test]
    fn one_piece_is_not_copied() {
        let piece = Bytes::from(vec![b'a'; 100]);
        let mut received = Received::new(false);
        received.push(piece.clone(), 100);
        assert_eq!(received.as_ptr(), piece.as_ptr());
    }
}

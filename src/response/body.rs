//! The body of a response, kept without a copy where it came in one piece.

use std::ops::Deref;

use bytes::Bytes;
use zeroize::Zeroize;

/// What has been read of a body. Derefs to its bytes.
#[derive(Default)]
pub(crate) struct ResponseBody {
    /// The only piece so far; it shares its memory with the connection.
    piece: Bytes,
    /// All pieces, if there are several.
    joined: Vec<u8>,
    /// It may hold a plaintext, so that the copy is wiped.
    secret: bool,
}

impl ResponseBody {
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

impl Deref for ResponseBody {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        if self.joined.is_empty() { &self.piece } else { &self.joined }
    }
}

impl Drop for ResponseBody {
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
            let mut body = ResponseBody::new(true);
            pieces.iter().for_each(|piece| body.push(Bytes::from_static(piece.as_bytes()), 4));
            assert_eq!(&*body, pieces.concat().as_bytes());
            assert_eq!(body.take(), pieces.concat().as_bytes());
            assert!(body.is_empty());
        }
    }

    #[test]
    fn one_piece_is_not_copied() {
        let piece = Bytes::from(vec![b'a'; 100]);
        let mut body = ResponseBody::new(false);
        body.push(piece.clone(), 100);
        assert_eq!(body.as_ptr(), piece.as_ptr());
    }
}

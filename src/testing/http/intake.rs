//! Takes the body of a request in: JSON as a whole, and of a file its beginning, so that an upload may
//! be of any size.

use memchr::memmem::find;

use crate::testing::request::{MAX_BODY, Request};

/// How much is kept of a file, in bytes.
const OF_A_FILE: usize = 64 * 1024;
/// How much is read of a body that is too large, so that the caller hears why.
const READ: u64 = 8 * MAX_BODY as u64;

/// A body on its way in.
pub(super) struct Intake {
    way: Way,
    kept: Vec<u8>,
    size: u64,
}

enum Way {
    /// JSON, or text that is read as a whole like it.
    Whole,
    /// Bytes that mean nothing here.
    File,
    /// Parts, of which some are files.
    Form(Parts),
}

impl Intake {
    /// The body of a request whose head is this.
    pub(super) fn of(head: &Request) -> Self {
        let media_type = head.media_type().unwrap_or_default().to_ascii_lowercase();
        let (way, kept) = match head.boundary() {
            Some(boundary) => Parts::behind(&boundary),
            None if is_text(&media_type) => (Way::Whole, Vec::new()),
            None => (Way::File, Vec::new()),
        };
        Self { way, kept, size: 0 }
    }

    /// Takes a piece; false where no more of it are wanted.
    pub(super) fn take(&mut self, piece: &[u8]) -> bool {
        self.size += piece.len() as u64;
        match &mut self.way {
            // One byte too many says that it is too large.
            Way::Whole => keep(&mut self.kept, piece, MAX_BODY + 1),
            Way::File => keep(&mut self.kept, piece, OF_A_FILE),
            Way::Form(parts) if self.kept.len() <= MAX_BODY => parts.take(piece, &mut self.kept),
            Way::Form(_) => {}
        }
        self.kept.len() <= MAX_BODY || self.size <= READ
    }

    /// The request with what was kept.
    pub(super) fn finish(mut self, mut request: Request) -> Request {
        if let Way::Form(parts) = &mut self.way {
            self.kept.append(&mut parts.open);
        }
        request.too_large = self.kept.len() > MAX_BODY;
        request.body = if request.too_large { Vec::new() } else { self.kept };
        request.size = self.size;
        request
    }
}

/// Keeps as much of a piece as makes so many bytes in all.
fn keep(kept: &mut Vec<u8>, piece: &[u8], most: usize) {
    let room = most.saturating_sub(kept.len());
    kept.extend_from_slice(&piece[..piece.len().min(room)]);
}

/// Whether a media type is one of text that is read.
fn is_text(media_type: &str) -> bool {
    media_type == "application/json"
        || media_type.ends_with("+json")
        || media_type == "application/x-www-form-urlencoded"
}

/// The parts of a form, of which those that are files lose their end.
struct Parts {
    delimiter: Vec<u8>,
    /// What has come and may be the beginning of a delimiter.
    open: Vec<u8>,
    /// Where the part begins in what is kept.
    begin: usize,
    is_cut: bool,
}

impl Parts {
    fn behind(boundary: &str) -> (Way, Vec<u8>) {
        let delimiter = format!("\r\n--{boundary}").into_bytes();
        // The first delimiter stands at the very beginning of the body.
        let open = b"\r\n".to_vec();
        (Way::Form(Self { delimiter, open, begin: 0, is_cut: false }), Vec::new())
    }

    fn take(&mut self, piece: &[u8], kept: &mut Vec<u8>) {
        self.open.extend_from_slice(piece);
        let open = std::mem::take(&mut self.open);
        let mut rest = open.as_slice();
        while let Some(at) = find(rest, &self.delimiter) {
            self.keep(&rest[..at], kept);
            kept.extend_from_slice(&self.delimiter);
            rest = &rest[at + self.delimiter.len()..];
            (self.begin, self.is_cut) = (kept.len(), false);
        }
        let sure = rest.len().saturating_sub(self.delimiter.len() - 1);
        self.keep(&rest[..sure], kept);
        self.open.extend_from_slice(&rest[sure..]);
    }

    fn keep(&mut self, content: &[u8], kept: &mut Vec<u8>) {
        if self.is_cut {
            return;
        }
        kept.extend_from_slice(content);
        let part = &kept[self.begin..];
        if part.len() > OF_A_FILE && is_file(part) {
            kept.truncate(self.begin + OF_A_FILE);
            self.is_cut = true;
        }
    }
}

/// Whether the head of a part names a file.
fn is_file(part: &[u8]) -> bool {
    let head = find(part, b"\r\n\r\n").map_or(&[][..], |end| &part[..end]);
    String::from_utf8_lossy(head).to_ascii_lowercase().contains("filename=")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(content_type: &str, pieces: &[&[u8]]) -> Request {
        let head = Request { content_type: Some(content_type.into()), ..Request::default() };
        let mut intake = Intake::of(&head);
        pieces.iter().for_each(|piece| assert!(intake.take(piece)));
        intake.finish(head)
    }

    #[test]
    fn of_files_the_beginning_is_kept_wherever_the_pieces_end() {
        let large = vec![b'\r'; 3 * OF_A_FILE];
        let file = "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a\"\r\n\r\n";
        let text = "\r\n--b\r\nContent-Disposition: form-data; name=\"t\"\r\n\r\nend\r\n--b--\r\n";
        let whole = [file.as_bytes(), &large, text.as_bytes()].concat();
        for step in [1, 7, 4096, whole.len()] {
            let pieces: Vec<&[u8]> = whole.chunks(step).collect();
            let request = taken("multipart/form-data; boundary=b", &pieces);
            assert_eq!(request.size, whole.len() as u64);
            let end = [&large[..OF_A_FILE - file.len() + 3], text.as_bytes()].concat();
            let expected = [b"\r\n", file.as_bytes(), &end].concat();
            assert!(request.body == expected, "{step}");
        }
        let request = taken("application/octet-stream", &[&large, b"more"]);
        assert_eq!((request.body.len(), request.size), (OF_A_FILE, 3 * OF_A_FILE as u64 + 4));
        assert!(!request.too_large);
    }

    #[test]
    fn what_is_read_as_a_whole_has_a_bound() {
        let field = "--b\r\nContent-Disposition: form-data; name=\"t\"\r\n\r\n";
        let large = vec![b' '; MAX_BODY];
        assert!(!taken("application/json", &[&large]).too_large);
        assert!(taken("application/json", &[&large, b" "]).too_large);
        let form = taken("multipart/form-data; boundary=b", &[field.as_bytes(), &large]);
        assert!(form.too_large && form.body.is_empty());
    }
}

//! The lines of a stream of server-sent events, as the WHATWG's standard reads them.
//!
//! Our own, since crates that do the same keep an unfinished event of any size in memory, and do
//! not show comments, which are a server's sign of life.

use std::collections::VecDeque;
use std::time::Duration;

/// The most that one event may have.
const LARGEST: usize = 16 * 1024 * 1024;

/// What came between two empty lines.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) id: Option<String>,
    pub(crate) name: Option<String>,
    /// `None` if there was nothing but an id or a wait.
    pub(crate) data: Option<String>,
    pub(crate) retry: Option<Duration>,
}

/// A reader of frames: chunks go in, frames come out.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    line: Vec<u8>,
    /// The last line ended with a carriage return, of which a line feed may be the second half.
    after_return: bool,
    began: bool,
    frame: Frame,
    size: usize,
    ready: VecDeque<Frame>,
}

impl Frames {
    /// Takes what has come.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<(), String> {
        for &byte in bytes {
            match byte {
                b'\n' if self.after_return => self.after_return = false,
                b'\n' | b'\r' => {
                    self.after_return = byte == b'\r';
                    self.end_line();
                }
                _ => {
                    self.after_return = false;
                    self.size += 1;
                    if self.size > LARGEST {
                        return Err(format!("an event is larger than {LARGEST} bytes"));
                    }
                    self.line.push(byte);
                }
            }
        }
        Ok(())
    }

    /// Takes the end: what has come of the last frame is all of it.
    pub(crate) fn finish(&mut self) {
        if !self.line.is_empty() {
            self.end_line();
        }
        self.end_line();
    }

    /// The next whole frame.
    pub(crate) fn next(&mut self) -> Option<Frame> {
        self.ready.pop_front()
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        let mut line = String::from_utf8_lossy(&line).into_owned();
        if !std::mem::replace(&mut self.began, true) {
            line = line.trim_start_matches('\u{feff}').to_owned();
        }
        if line.is_empty() {
            self.size = 0;
            let frame = std::mem::take(&mut self.frame);
            if frame != Frame::default() {
                self.ready.push_back(frame);
            }
            return;
        }
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => match &mut self.frame.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                None => self.frame.data = Some(value.to_owned()),
            },
            "event" => self.frame.name = Some(value.to_owned()).filter(|name| !name.is_empty()),
            "id" if !value.contains('\0') => self.frame.id = Some(value.to_owned()),
            "retry" => self.frame.retry = value.parse().map(Duration::from_millis).ok(),
            // A comment, or a field of another standard.
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frames(chunks: &[&[u8]]) -> Vec<Frame> {
        let mut frames = Frames::default();
        chunks.iter().for_each(|chunk| frames.push(chunk).unwrap());
        std::iter::from_fn(|| frames.next()).collect()
    }

    fn data(text: &str) -> Frame {
        Frame { data: Some(text.to_owned()), ..Frame::default() }
    }

    #[test]
    fn fields_are_read_as_the_standard_says() {
        let text = "\u{feff}: hello\n\nid: 7\nevent: log\ndata: a\ndata:b\nretry: 250\nother: x\n\ndata\n\ndata: unfinished";
        let first = Frame {
            id: Some("7".into()),
            name: Some("log".into()),
            data: Some("a\nb".into()),
            retry: Some(Duration::from_millis(250)),
        };
        assert_eq!(frames(&[text.as_bytes()]), [first, data("")]);
        assert_eq!(
            frames(&[b"data: 1\r\rdata: 2\r\n\r\ndata: 3\n\n"]),
            [data("1"), data("2"), data("3")]
        );
    }

    #[test]
    fn the_end_ends_the_last_frame() {
        for text in ["data: 1", "data: 1\n", "data: 1\r", "data: 1\r\n", "data: 1\n\n"] {
            let mut frames = Frames::default();
            frames.push(text.as_bytes()).unwrap();
            frames.finish();
            assert_eq!(frames.next(), Some(data("1")), "{text:?}");
            assert_eq!(frames.next(), None, "{text:?}");
        }
    }

    #[test]
    fn an_event_without_end_is_rejected() {
        let mut frames = Frames::default();
        let chunk = vec![b'x'; 1024 * 1024];
        let rejected = (0..=16).find_map(|_| frames.push(&chunk).err());
        assert!(rejected.unwrap().contains("larger"));
    }

    proptest! {
        #[test]
        fn where_chunks_end_makes_no_difference(
            text in "(data: ?[a-zé]{0,4}|id:[0-9]|event:e|:c|)(\r|\n|\r\n|\n\n){1,2}(data:x\n\n)?",
            cut in 0_usize..64,
        ) {
            let bytes = text.as_bytes();
            let (one, other) = bytes.split_at(cut.min(bytes.len()));
            prop_assert_eq!(frames(&[one, other]), frames(&[bytes]));
        }
    }
}

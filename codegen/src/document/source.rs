//! The text of a file, and where in it each value stands.
//!
//! A value keeps no positions, so the text is scanned a second time for them, which happens only when
//! an error is about to be shown.

use super::pointer::join;
use crate::error::{Position, Problem};
use saphyr_parser::{Event, Marker, Parser, ScalarStyle};
use std::collections::{BTreeMap, btree_map::Entry};
use std::sync::OnceLock;

/// A named text.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) text: String,
    places: OnceLock<Places>,
}

impl Source {
    pub(crate) fn new(text: &str, name: &str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        Self { name: name.to_owned(), text: text.to_owned(), places: OnceLock::new() }
    }

    pub(crate) fn places(&self) -> &Places {
        self.places.get_or_init(|| Places::scan(&self.text))
    }

    /// A problem at the value that `pointer` names, or else at the nearest place around it.
    pub(crate) fn problem(
        &self,
        pointer: &str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Problem {
        let pointer = pointer.strip_prefix('#').unwrap_or(pointer);
        let exact = self.places().values.get(pointer).copied();
        let position = exact.or_else(|| self.places().nearest(pointer));
        Problem {
            position,
            pointer: Some(pointer.to_owned()),
            nearby: exact.is_none() && position.is_some(),
            ..Problem::new(&self.name, message, help)
        }
    }
}

/// What one scan of a text finds.
#[derive(Debug, Default)]
pub(crate) struct Places {
    /// Where each value stands, by JSON pointer: at its key, if it has one.
    pub(crate) values: BTreeMap<String, Position>,
    /// Where a key stands again that its mapping already has, by JSON pointer.
    pub(crate) duplicates: BTreeMap<String, Position>,
    /// Where keys that YAML 1.1 would merge by (`<<`) stand, by the pointer of their mapping.
    pub(crate) merges: BTreeMap<String, Position>,
    /// Whether there are aliases, which alone are worth merging.
    pub(crate) aliased: bool,
    /// Where each YAML document of the file begins.
    pub(crate) documents: Vec<Position>,
    /// Where the text stops being YAML, if it does.
    pub(crate) end: Option<Position>,
}

/// A collection that the scan is inside of. The pointer is `None` below a key that is itself a
/// collection: nothing in there can be pointed at.
enum Open {
    Mapping { pointer: Option<String>, key: Option<Key> },
    Sequence { pointer: Option<String>, length: usize },
}

struct Key {
    pointer: Option<String>,
    position: Position,
}

impl Places {
    /// As much as the scanner understands; a text that is not YAML yields the places before the
    /// error.
    fn scan(text: &str) -> Self {
        let mut places = Self::default();
        let mut open: Vec<Open> = Vec::new();
        for event in Parser::new_from_str(&without_surrogates(text)) {
            let (event, at) = match event {
                Ok((event, span)) => (event, position(&span.start)),
                Err(error) => {
                    places.end = Some(position(error.marker()));
                    break;
                }
            };
            match event {
                Event::DocumentStart(_) => places.documents.push(at),
                Event::SequenceEnd | Event::MappingEnd => {
                    open.pop();
                }
                Event::Scalar(text, style, ..) => {
                    let merge = style == ScalarStyle::Plain && text == "<<";
                    places.enter(&mut open, at, Some((&text, merge)));
                }
                Event::Alias(_) => {
                    places.aliased = true;
                    places.enter(&mut open, at, None);
                }
                Event::SequenceStart(..) => {
                    let pointer = places.enter(&mut open, at, None);
                    open.push(Open::Sequence { pointer, length: 0 });
                }
                Event::MappingStart(..) => {
                    let pointer = places.enter(&mut open, at, None);
                    open.push(Open::Mapping { pointer, key: None });
                }
                Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
            }
        }
        places
    }

    /// Takes note of a node, a key or a value, and returns its pointer if it is a value that has
    /// one. `scalar` is the text of a scalar and whether it would be a merge key.
    fn enter(
        &mut self,
        open: &mut [Open],
        at: Position,
        scalar: Option<(&str, bool)>,
    ) -> Option<String> {
        let (pointer, at) = match open.last_mut() {
            // Only the first document of a file is read.
            None => ((self.documents.len() <= 1).then(String::new), at),
            Some(Open::Sequence { pointer, length }) => {
                *length += 1;
                (pointer.as_ref().map(|base| join(base, *length - 1)), at)
            }
            Some(Open::Mapping { pointer, key }) => match key.take() {
                Some(key) => (key.pointer, key.position),
                None => {
                    let pointer = pointer.as_ref().zip(scalar).map(|(base, (text, merge))| {
                        if merge {
                            self.merges.insert(base.clone(), at);
                        }
                        join(base, text)
                    });
                    *key = Some(Key { pointer, position: at });
                    return None;
                }
            },
        };
        let pointer = pointer?;
        match self.values.entry(pointer.clone()) {
            Entry::Vacant(place) => {
                place.insert(at);
            }
            Entry::Occupied(_) => {
                self.duplicates.entry(pointer.clone()).or_insert(at);
            }
        }
        Some(pointer)
    }

    /// The place of the longest beginning of `pointer` that stands in the text.
    fn nearest(&self, pointer: &str) -> Option<Position> {
        let mut rest = pointer;
        while let Some((parent, _)) = rest.rsplit_once('/') {
            if let Some(position) = self.values.get(parent) {
                return Some(*position);
            }
            rest = parent;
        }
        None
    }
}

pub(super) fn position(marker: &Marker) -> Position {
    Position { line: marker.line(), column: marker.col() + 1 }
}

/// The same text, position by position, without the halves of characters (`\ud83d\ude00`) that
/// JSON may escape and YAML may not.
fn without_surrogates(text: &str) -> String {
    let is_surrogate = |digits: &[u8]| {
        matches!(digits, [b'd' | b'D', b'8'..=b'9' | b'a'..=b'f' | b'A'..=b'F', low @ ..]
            if low.iter().all(u8::is_ascii_hexdigit))
    };
    let mut parts = text.split("\\u");
    let mut clean = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        clean.push_str("\\u");
        match part.get(..4) {
            Some(digits) if is_surrogate(digits.as_bytes()) => {
                clean.push_str("fffd");
                clean.push_str(&part[4..]);
            }
            _ => clean.push_str(part),
        }
    }
    clean
}

//! YAML to a JSON value, event by event.

use super::fault::{Fault, FaultKind, Path};
use super::limits::{MAX_DEPTH, MAX_EXPANSION, depth, too_deep};
use super::scalar;
use super::source::{Source, position};
use crate::error::{Error, Position, Problem};
use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, StrInput, Tag};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Reads a file that holds one YAML document.
pub(super) fn read(source: &Source) -> Result<Value, Error> {
    if let Some(at) = control_character(&source.text) {
        let help = "remove it, or escape it";
        let message = "the file holds a control character";
        return Err(Problem::new(&source.name, message, help).at(at).into());
    }
    let left = source.text.len().saturating_mul(MAX_EXPANSION).saturating_add(1000);
    let events = Parser::new_from_str(&source.text);
    let mut reader = Reader { source, events, left, anchors: BTreeMap::new(), open: Vec::new() };
    reader.document()
}

/// The first character that YAML does not allow.
fn control_character(text: &str) -> Option<Position> {
    let forbidden = |c: char| match c {
        '\t' | '\n' | '\r' | '\u{85}' => false,
        '\u{feff}' | '\u{fffe}' | '\u{ffff}' => true,
        c => c.is_control(),
    };
    let (before, _) = text.split_once(forbidden)?;
    let last = before.rsplit('\n').next().unwrap_or_default();
    Some(Position { line: before.matches('\n').count() + 1, column: last.chars().count() + 1 })
}

type Read<T> = Result<T, Error>;

struct Reader<'s> {
    source: &'s Source,
    events: Parser<'s, StrInput<'s>>,
    /// How many more bytes the value may take, so that aliases cannot make it explode.
    left: usize,
    anchors: BTreeMap<usize, Anchored>,
    /// Where the collections begin that are being read.
    open: Vec<Position>,
}

/// What an alias can stand for.
struct Anchored {
    value: Value,
    /// As it is written, which is what it is as a key.
    text: Option<String>,
    size: usize,
    depth: usize,
}

/// What an anchor is called if there is none.
const NO_ANCHOR: usize = 0;

impl<'s> Reader<'s> {
    fn next(&mut self) -> Read<(Event<'s>, Position)> {
        match self.events.next() {
            Some(Ok((event, span))) => Ok((event, position(&span.start))),
            Some(Err(error)) => Err(self.not_yaml(&error)),
            None => Ok((Event::StreamEnd, Position { line: 1, column: 1 })),
        }
    }

    fn document(&mut self) -> Read<Value> {
        let mut value = Value::Null;
        let mut documents = 0;
        loop {
            let (event, at) = self.next()?;
            match event {
                Event::StreamEnd => return Ok(value),
                Event::DocumentStart(_) if documents == 1 => {
                    let message = "the file holds more than one YAML document";
                    let help = "keep one, and remove the `---` that begins the next";
                    return Err(self.problem(at, message, help));
                }
                Event::DocumentStart(_) => documents = 1,
                Event::Nothing | Event::StreamStart | Event::DocumentEnd => {}
                event => value = self.value(event, at, Path::Root)?,
            }
        }
    }

    /// The value that begins with this event.
    fn value(&mut self, event: Event<'s>, at: Position, path: Path<'_>) -> Read<Value> {
        let before = self.left;
        let mut written = None;
        let (value, anchor) = match event {
            Event::Alias(anchor) => return self.alias(anchor, at, path),
            Event::SequenceStart(anchor, tag) => {
                self.core(tag.as_deref(), path)?;
                (self.collection(at, path, Self::items)?, anchor)
            }
            Event::MappingStart(anchor, tag) => {
                self.core(tag.as_deref(), path)?;
                (self.collection(at, path, Self::members)?, anchor)
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.spend(text.len(), path)?;
                let tag = self.core(tag.as_deref(), path)?;
                let value = self.scalar(&text, style, tag, path)?;
                written = (anchor != NO_ANCHOR).then(|| text.into_owned());
                (value, anchor)
            }
            // No value begins with what is left.
            _ => return Ok(Value::Null),
        };
        if anchor != NO_ANCHOR {
            let (size, depth) = (before - self.left, depth(&value));
            let anchored = Anchored { value: value.clone(), text: written, size, depth };
            self.anchors.insert(anchor, anchored);
        }
        Ok(value)
    }

    fn collection(
        &mut self,
        at: Position,
        path: Path<'_>,
        read: fn(&mut Self, Path<'_>) -> Read<Value>,
    ) -> Read<Value> {
        if self.open.len() == MAX_DEPTH {
            return Err(too_deep(self.source, at).into());
        }
        self.spend(0, path)?;
        self.open.push(at);
        let value = read(self, path)?;
        self.open.pop();
        Ok(value)
    }

    fn items(&mut self, path: Path<'_>) -> Read<Value> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(Value::Array(items)),
                (event, at) => {
                    items.push(self.value(event, at, Path::Item(&path, items.len()))?);
                }
            }
        }
    }

    fn members(&mut self, path: Path<'_>) -> Read<Value> {
        let mut members = Map::new();
        loop {
            let key = match self.next()? {
                (Event::MappingEnd, _) => return Ok(Value::Object(members)),
                (event, at) => self.key(event, at)?,
            };
            self.spend(key.len(), path)?;
            let path = Path::Key(&path, &key);
            if members.contains_key(&key) {
                return Err(self.fault(path, FaultKind::Duplicate));
            }
            let (event, at) = self.next()?;
            let value = self.value(event, at, path)?;
            members.insert(key, value);
        }
    }

    /// A key, as it is written: `200` and `yes` are texts here, whatever they look like.
    fn key(&mut self, event: Event<'s>, at: Position) -> Read<String> {
        let text = match event {
            Event::Scalar(text, _, anchor, _) => {
                let text = text.into_owned();
                if anchor != NO_ANCHOR {
                    let (value, size) = (text.as_str().into(), text.len() + 1);
                    let anchored = Anchored { value, text: Some(text.clone()), size, depth: 0 };
                    self.anchors.insert(anchor, anchored);
                }
                Some(text)
            }
            Event::Alias(anchor) => self.anchors.get(&anchor).and_then(|it| it.text.clone()),
            _ => None,
        };
        text.ok_or_else(|| {
            let message = "a list or a mapping cannot be a key";
            self.problem(at, message, "write a text as the key")
        })
    }

    fn alias(&mut self, anchor: usize, at: Position, path: Path<'_>) -> Read<Value> {
        let Some(anchored) = self.anchors.get(&anchor) else {
            let message = "this alias stands inside of what it names";
            return Err(self.problem(at, message, "use `$ref` instead"));
        };
        if self.open.len() + anchored.depth > MAX_DEPTH {
            return Err(too_deep(self.source, at).into());
        }
        match self.left.checked_sub(anchored.size) {
            Some(left) => self.left = left,
            None => return Err(self.fault(path, FaultKind::Expansion)),
        }
        Ok(anchored.value.clone())
    }

    fn scalar(
        &self,
        text: &str,
        style: ScalarStyle,
        tag: Option<&str>,
        path: Path<'_>,
    ) -> Read<Value> {
        let every_digit = path.is_travelling();
        match tag {
            None if style != ScalarStyle::Plain => Ok(text.into()),
            None => scalar::plain(text, every_digit).map_err(|kind| self.fault(path, kind)),
            Some(tag) => scalar::tagged(tag, text, every_digit).map_err(|kind| match kind {
                Some(kind) => self.fault(path, kind),
                None => self.fault(path, FaultKind::Mistagged(tag.to_owned())),
            }),
        }
    }

    /// The name of a tag of the core schema, which alone have a meaning here.
    fn core<'t>(&self, tag: Option<&'t Tag>, path: Path<'_>) -> Read<Option<&'t str>> {
        const CORE: &str = "tag:yaml.org,2002:";
        match tag {
            None => Ok(None),
            Some(tag) if tag.handle == CORE => Ok(Some(&tag.suffix)),
            Some(Tag { handle, suffix }) => match suffix.strip_prefix(CORE) {
                Some(name) if handle.is_empty() => Ok(Some(name)),
                _ => Err(self.fault(path, FaultKind::Tag)),
            },
        }
    }

    fn spend(&mut self, bytes: usize, path: Path<'_>) -> Read<()> {
        match self.left.checked_sub(bytes.saturating_add(1)) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(self.fault(path, FaultKind::Expansion)),
        }
    }

    fn fault(&self, path: Path<'_>, kind: FaultKind) -> Error {
        Fault::new(&path, kind).locate(self.source).into()
    }

    fn problem(&self, at: Position, message: &str, help: &str) -> Error {
        Problem::new(&self.source.name, message, help).at(at).into()
    }

    fn not_yaml(&self, error: &ScanError) -> Error {
        let at = position(error.marker());
        match error.info() {
            "recursion limit exceeded" => too_deep(self.source, at).into(),
            info if info.ends_with("found unknown anchor") => {
                let help = "add the anchor, or write the value out";
                self.problem(at, "this alias has no anchor before it", help)
            }
            info => {
                let bracket = self.open.last().and_then(|open| bracket(&self.source.text, *open));
                let message = format!("this is not YAML: {info}{}", bracket.unwrap_or_default());
                self.problem(at, &message, "correct the indentation or quoting here")
            }
        }
    }
}

/// Says where a bracket opens, if one does there: it may be the one that is not closed.
fn bracket(text: &str, Position { line, column }: Position) -> Option<String> {
    let bracket = text.lines().nth(line - 1)?.chars().nth(column - 1)?;
    matches!(bracket, '[' | '{')
        .then(|| format!(", inside the `{bracket}` at line {line} column {column}"))
}

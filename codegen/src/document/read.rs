//! YAML or JSON text to a JSON value, or a problem that says where and why not.
//!
//! Reading is stricter than serde_yaml alone: a key may stand once, what JSON cannot say is
//! rejected (tags, infinities), and so are merge keys, which YAML 1.2 does not have. Aliases are
//! read, but only as far as they do not blow up the document.

use super::pointer::join;
use super::source::Source;
use crate::error::{Error, Position, Problem};
use serde::de::{DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess};
use serde_json::{Map, Number, Value};
use std::cell::{Cell, RefCell};
use std::fmt;

/// How many levels a document may be nested, which both parsers hold to; real ones stay below 40.
pub(crate) const MAX_DEPTH: usize = 128;

/// By how much aliases may enlarge a document: an honest one repeats a few parameters.
const MAX_EXPANSION: usize = 10;

/// Reads a whole file as one value.
pub(crate) fn read(source: &Source) -> Result<Value, Error> {
    let text = source.text.as_str();
    if text.trim().is_empty() {
        return Err(Problem::new(&source.name, "the file is empty", "give an OpenAPI file").into());
    }
    // JSON is nearly YAML: libyaml rejects what JSON writes as two escapes (`\ud83d\ude00`). So
    // what looks like JSON is tried as such, and what then is not may still be YAML.
    let is_json = source.name.ends_with(".json");
    if is_json || text.trim_start().starts_with('{') {
        match read_json(source) {
            Ok(value) => return value,
            Err(error) if is_json => return Err(json_problem(source, &error).into()),
            Err(_) => {}
        }
    }
    let reading = Reading::of(text);
    match reading.root().deserialize(serde_yaml::Deserializer::from_str(text)) {
        Ok(value) => reject_merge_keys(source).map(|()| value),
        Err(error) => Err(match reading.fault.into_inner() {
            Some(fault) => fault.locate(source),
            None => yaml_problem(source, &error),
        }
        .into()),
    }
}

/// `Err` when the text is not JSON, `Ok(Err(_))` when it is and says something that we reject.
fn read_json(source: &Source) -> Result<Result<Value, Error>, serde_json::Error> {
    let reading = Reading::of(&source.text);
    let mut json = serde_json::Deserializer::from_str(&source.text);
    let value = reading.root().deserialize(&mut json);
    match reading.fault.into_inner() {
        Some(fault) => Ok(Err(fault.locate(source).into())),
        None => {
            let value = value?;
            json.end()?;
            Ok(Ok(value))
        }
    }
}

fn json_problem(source: &Source, error: &serde_json::Error) -> Problem {
    let at = Position { line: error.line(), column: error.column() };
    let message = error.to_string();
    if message.starts_with("recursion limit exceeded") {
        return too_deep(source).at(at);
    }
    let message = format!("this is not JSON: {}", without_place(&message, at));
    Problem::new(&source.name, message, "correct it here").at(at)
}

fn too_deep(source: &Source) -> Problem {
    let message = format!("the document is nested more than {MAX_DEPTH} levels deep here");
    let help = "move the inner part to components and refer to it by `$ref`";
    Problem::new(&source.name, message, help)
}

fn yaml_problem(source: &Source, error: &serde_yaml::Error) -> Problem {
    let message = error.to_string();
    if message.contains("more than one document") {
        let places = source.places();
        return Problem {
            // The two parsers may disagree on where a document without a `---` begins.
            position: places.documents.get(1).or(places.end.as_ref()).copied(),
            ..Problem::new(
                &source.name,
                "the file holds more than one YAML document",
                "keep one, and remove the `---` that begins the next",
            )
        };
    }
    if message.starts_with("repetition limit exceeded") {
        return Fault::expansion(String::new()).locate(source);
    }
    let at = error.location().map(|at| Position { line: at.line(), column: at.column() });
    let here = |problem: Problem| Problem { position: at, ..problem };
    let problem = |message: &str, help| here(Problem::new(&source.name, message, help));
    if message.contains("recursion limit exceeded") {
        here(too_deep(source))
    } else if message.starts_with("control characters are not allowed") {
        // libyaml says only at which byte.
        let problem = problem("the file holds a control character", "remove it, or escape it");
        Problem { position: control_character(&source.text), ..problem }
    } else if message.contains("unknown anchor") {
        problem("this alias has no anchor before it", "add the anchor, or write the value out")
    } else if message.contains(KEY) {
        problem("a list or a mapping cannot be a key", "write a text as the key")
    } else {
        let message = at.map(|at| without_place(&message, at)).unwrap_or(message);
        problem(&format!("this is not YAML: {message}"), "correct the indentation or quoting here")
    }
}

/// A parser's message without the position that we show in front of it.
fn without_place(message: &str, Position { line, column }: Position) -> String {
    message.replacen(&format!(" at line {line} column {column}"), "", 1)
}

/// The first character that YAML does not allow.
fn control_character(text: &str) -> Option<Position> {
    let forbidden = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{85}');
    let (before, _) = text.split_once(forbidden)?;
    let last = before.rsplit('\n').next().unwrap_or_default();
    Some(Position { line: before.matches('\n').count() + 1, column: last.chars().count() + 1 })
}

fn reject_merge_keys(source: &Source) -> Result<(), Error> {
    // Scanning for positions is the slow path; nearly no document holds these characters.
    // Without an alias to merge, `<<` is a name, which some programs write without quotes.
    if !source.text.contains("<<") || !source.places().aliased {
        return Ok(());
    }
    let problems = source.places().merges.iter().map(|(pointer, at)| Problem {
        pointer: Some(pointer.clone()),
        ..Problem::new(
            &source.name,
            "merge keys (`<<`) are not part of YAML 1.2",
            "write the fields out, or use `$ref` or `allOf`; quote the key if it is a name",
        )
        .at(*at)
    });
    Error::unless_empty(problems.collect())
}

/// What we reject while reading. It travels beside serde's error, which would make it a string.
struct Fault {
    pointer: String,
    kind: FaultKind,
}

enum FaultKind {
    Duplicate,
    Expansion,
    Tag,
    NotFinite(f64),
    TooLong(String),
}

impl Fault {
    fn expansion(pointer: String) -> Self {
        Self { pointer, kind: FaultKind::Expansion }
    }

    fn locate(self, source: &Source) -> Problem {
        let places = source.places();
        let (message, help) = match &self.kind {
            FaultKind::Duplicate => {
                let first = places.values.get(&self.pointer);
                let first = first.map(|at| format!(", first on line {}", at.line));
                (
                    format!("this key appears twice{}", first.unwrap_or_default()),
                    "remove one of them",
                )
            }
            FaultKind::Expansion => (
                format!("aliases make this document more than {MAX_EXPANSION} times larger"),
                "write the values out, or use `$ref`",
            ),
            FaultKind::Tag => (
                "a YAML tag (`!…`) has no meaning here".to_owned(),
                "remove the tag, and bundle the document if it has several files",
            ),
            FaultKind::NotFinite(number) => (
                format!("{number} is not a number that JSON can carry"),
                "give a finite number, or quote it if a text is meant",
            ),
            FaultKind::TooLong(digits) => (
                format!("{digits} has more digits than can be kept"),
                "give a number of 64 bits, or quote it if a text is meant",
            ),
        };
        let mut problem = source.problem(&self.pointer, message, help);
        if let (FaultKind::Duplicate, Some(second)) =
            (&self.kind, places.duplicates.get(&self.pointer))
        {
            problem.position = Some(*second);
        }
        problem
    }
}

/// The state of one reading.
struct Reading {
    /// How many more bytes the value may take, so that aliases cannot make it explode.
    left: Cell<usize>,
    fault: RefCell<Option<Fault>>,
}

impl Reading {
    fn of(text: &str) -> Self {
        let left = text.len().saturating_mul(MAX_EXPANSION).saturating_add(1000);
        Self { left: Cell::new(left), fault: RefCell::new(None) }
    }

    fn root(&self) -> Node<'_> {
        Node { reading: self, path: Path::Root }
    }
}

/// From a value up to the root, without allocation: most readings have no fault to locate.
#[derive(Clone, Copy)]
enum Path<'a> {
    Root,
    Key(&'a Path<'a>, &'a str),
    Item(&'a Path<'a>, usize),
}

impl Path<'_> {
    fn pointer(&self) -> String {
        match self {
            Path::Root => String::new(),
            Path::Key(base, key) => join(&base.pointer(), key),
            Path::Item(base, index) => join(&base.pointer(), index),
        }
    }

    /// Whether a value here is one that requests and responses hold, so that every digit counts. A
    /// limit of more than 64 bits is one that no number reaches, whatever its last digits are.
    fn is_travelling(&self) -> bool {
        match self {
            Path::Root => false,
            Path::Key(_, key) => ["const", "enum"].contains(key),
            Path::Item(base, _) => base.is_travelling(),
        }
    }
}

/// One value, to be read from either format.
struct Node<'a> {
    reading: &'a Reading,
    path: Path<'a>,
}

impl Node<'_> {
    fn reject<T, E: serde::de::Error>(&self, kind: FaultKind) -> Result<T, E> {
        self.reject_at(&self.path, kind)
    }

    fn reject_at<T, E: serde::de::Error>(&self, path: &Path<'_>, kind: FaultKind) -> Result<T, E> {
        *self.reading.fault.borrow_mut() = Some(Fault { pointer: path.pointer(), kind });
        Err(E::custom("rejected"))
    }

    fn spend<E: serde::de::Error>(&self, bytes: usize) -> Result<(), E> {
        match self.reading.left.get().checked_sub(bytes.saturating_add(1)) {
            Some(left) => {
                self.reading.left.set(left);
                Ok(())
            }
            None => self.reject(FaultKind::Expansion),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> serde::de::Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value that JSON can carry")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Value, E> {
        self.spend(0).map(|()| Value::Null)
    }

    fn visit_none<E: serde::de::Error>(self) -> Result<Value, E> {
        self.visit_unit()
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<Value, E> {
        self.spend(0).map(|()| value.into())
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Value, E> {
        self.spend(0).map(|()| value.into())
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Value, E> {
        self.spend(0).map(|()| value.into())
    }

    #[allow(clippy::cast_precision_loss)]
    fn visit_i128<E: serde::de::Error>(self, value: i128) -> Result<Value, E> {
        match self.path.is_travelling() {
            true => self.reject(FaultKind::TooLong(value.to_string())),
            false => self.visit_f64(value as f64),
        }
    }

    #[allow(clippy::cast_precision_loss)]
    fn visit_u128<E: serde::de::Error>(self, value: u128) -> Result<Value, E> {
        match self.path.is_travelling() {
            true => self.reject(FaultKind::TooLong(value.to_string())),
            false => self.visit_f64(value as f64),
        }
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        self.spend(0)?;
        match Number::from_f64(value) {
            Some(number) => Ok(Value::Number(number)),
            None => self.reject(FaultKind::NotFinite(value)),
        }
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Value, E> {
        self.spend(value.len()).map(|()| value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        self.spend(0)?;
        let mut items = Vec::new();
        while let Some(item) = access.next_element_seed(Node {
            reading: self.reading,
            path: Path::Item(&self.path, items.len()),
        })? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        self.spend(0)?;
        let mut members = Map::new();
        while let Some(key) = access.next_key_seed(Key)? {
            self.spend(key.len())?;
            let path = Path::Key(&self.path, &key);
            if members.contains_key(&key) {
                return self.reject_at(&path, FaultKind::Duplicate);
            }
            let value = access.next_value_seed(Node { reading: self.reading, path })?;
            members.insert(key, value);
        }
        Ok(Value::Object(members))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, _: A) -> Result<Value, A::Error> {
        self.reject(FaultKind::Tag)
    }
}

/// What a key is expected to be, in serde's messages.
const KEY: &str = "a text as the key";

/// A key, as it is written: `200` and `yes` are strings here, whatever they look like.
struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl serde::de::Visitor<'_> for Key {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(KEY)
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<String, E> {
        Ok(value.to_owned())
    }
}

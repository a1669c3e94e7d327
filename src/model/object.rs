//! Objects of JSON, read and written member by member. A generated type only lists its members: what
//! reading and writing one takes is compiled once, here, where serde's derive makes ten functions of each type.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};

use super::date_time::{Strict, Times};

/// A type that is an object.
pub(crate) trait Object<'de>: Sized {
    fn read<A: MapAccess<'de>>(members: Members<A>) -> Result<Self, A::Error>;
}

/// Reads an object of this type, in whatever order its members come; `names` are theirs as they travel.
pub(crate) fn read<'de, T: Object<'de>, D: Deserializer<'de>>(
    deserializer: D,
    of: &'static str,
    names: &'static [&'static str],
) -> Result<T, D::Error> {
    struct Whole<T> {
        of: &'static str,
        names: &'static [&'static str],
        read: PhantomData<T>,
    }

    impl<'de, T: Object<'de>> Visitor<'de> for Whole<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "struct {}", self.of)
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
            T::read(Members { map, names: self.names, next: 0 })
        }
    }
    deserializer.deserialize_struct(of, names, Whole { of, names, read: PhantomData })
}

/// What is left to read of an object.
pub(crate) struct Members<A> {
    map: A,
    names: &'static [&'static str],
    /// The one after the last that came: mostly they come as the document lists them.
    next: usize,
}

impl<'de, A: MapAccess<'de>> Members<A> {
    /// Which one comes next, by its place among the names. All else is left out.
    pub(crate) fn next(&mut self) -> Result<Option<usize>, A::Error> {
        loop {
            match self.key()? {
                Some(Err(_)) => self.map.next_value::<IgnoredAny>().map(drop)?,
                known => return Ok(known.and_then(Result::ok)),
            }
        }
    }

    /// Which one comes next, by its place among the names. All else is kept.
    pub(crate) fn next_or<T: Deserialize<'de>>(
        &mut self,
        others: &mut impl Extend<(String, T)>,
    ) -> Result<Option<usize>, A::Error> {
        loop {
            match self.key()? {
                Some(Err(name)) => others.extend([(name, self.map.next_value()?)]),
                known => return Ok(known.and_then(Result::ok)),
            }
        }
    }

    /// As [`next_or`](Self::next_or), where all else are times.
    pub(crate) fn next_or_times<T: Times>(
        &mut self,
        others: &mut impl Extend<(String, T)>,
    ) -> Result<Option<usize>, A::Error> {
        loop {
            match self.key()? {
                Some(Err(name)) => {
                    let Strict(times) = self.map.next_value()?;
                    others.extend([(name, times)]);
                }
                known => return Ok(known.and_then(Result::ok)),
            }
        }
    }

    fn key(&mut self) -> Result<Option<Result<usize, String>>, A::Error> {
        let key = self.map.next_key_seed(Name { names: self.names, likely: self.next })?;
        if let Some(Ok(at)) = key {
            self.next = at + 1;
        }
        Ok(key)
    }

    /// Reads the value of the one that came.
    pub(crate) fn value<T: Deserialize<'de>>(
        &mut self,
        member: &mut Option<T>,
    ) -> Result<(), A::Error> {
        let value = self.map.next_value()?;
        self.once(member.replace(value).is_none())
    }

    /// Reads the value of the one that came: a time, or what holds times.
    pub(crate) fn times<T: Times>(&mut self, member: &mut Option<T>) -> Result<(), A::Error> {
        let Strict(times) = self.map.next_value()?;
        self.once(member.replace(times).is_none())
    }

    fn once(&self, once: bool) -> Result<(), A::Error> {
        match once {
            true => Ok(()),
            false => Err(Error::duplicate_field(self.names[self.next - 1])),
        }
    }

    /// The value of one that must have come.
    pub(crate) fn required<T>(&self, member: Option<T>, at: usize) -> Result<T, A::Error> {
        member.ok_or_else(|| Error::missing_field(self.names[at]))
    }
}

/// Finds a name.
struct Name {
    names: &'static [&'static str],
    likely: usize,
}

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Result<usize, String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Name {
    type Value = Result<usize, String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("field identifier")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        if self.names.get(self.likely) == Some(&name) {
            return Ok(Ok(self.likely));
        }
        Ok(self.names.iter().position(|known| *known == name).ok_or_else(|| name.to_owned()))
    }
}

/// Writes an object. The first error is kept until the end, so that a type need not ask after each member.
pub(crate) struct Writer<S: Serializer> {
    map: Result<S::SerializeMap, S::Error>,
}

impl<S: Serializer> Writer<S> {
    pub(crate) fn new(serializer: S) -> Self {
        Self { map: serializer.serialize_map(None) }
    }

    /// A member that is always there.
    pub(crate) fn member<T: Serialize>(&mut self, name: &str, value: &T) {
        if let Ok(map) = &mut self.map
            && let Err(error) = map.serialize_entry(name, value)
        {
            self.map = Err(error);
        }
    }

    /// A member that may be left out.
    pub(crate) fn optional<T: Serialize>(&mut self, name: &str, value: &Option<T>) {
        if let Some(value) = value {
            self.member(name, value);
        }
    }

    /// All else.
    pub(crate) fn others<'a, T: Serialize + 'a>(
        &mut self,
        others: impl IntoIterator<Item = (&'a String, &'a T)>,
    ) {
        for (name, value) in others {
            self.member(name, value);
        }
    }

    pub(crate) fn end(self) -> Result<S::Ok, S::Error> {
        self.map?.end()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::Nullable;

    /// As the generator writes it.
    #[derive(Debug, PartialEq)]
    struct Thing {
        id: String,
        parent: Option<Box<Thing>>,
        size: Option<Nullable<i64>>,
        others: BTreeMap<String, Vec<u8>>,
    }

    mod derived {
        use std::collections::BTreeMap;

        use serde::{Deserialize, Deserializer, Serialize};

        use crate::Nullable;

        #[derive(Debug, Deserialize, Serialize)]
        pub(super) struct Thing {
            #[serde(rename = "Id")]
            id: String,
            #[serde(skip_serializing_if = "Option::is_none")]
            parent: Option<Box<Thing>>,
            #[serde(
                default,
                skip_serializing_if = "Option::is_none",
                deserialize_with = "present"
            )]
            size: Option<Nullable<i64>>,
            #[serde(flatten)]
            others: BTreeMap<String, Vec<u8>>,
        }

        fn present<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Nullable<i64>>, D::Error> {
            Nullable::deserialize(from).map(Some)
        }
    }

    impl<'de> Object<'de> for Thing {
        fn read<A: MapAccess<'de>>(mut members: Members<A>) -> Result<Self, A::Error> {
            let (mut id, mut parent, mut size) = (None, None, None);
            let mut others = BTreeMap::new();
            while let Some(at) = members.next_or(&mut others)? {
                match at {
                    0 => members.value(&mut id),
                    1 => members.value(&mut parent),
                    2 => members.value(&mut size),
                    _ => Ok(()),
                }?;
            }
            let id = members.required(id, 0)?;
            Ok(Self { id, parent: parent.flatten(), size, others })
        }
    }

    impl<'de> Deserialize<'de> for Thing {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            read(deserializer, "Thing", &["Id", "parent", "size"])
        }
    }

    impl Serialize for Thing {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut writer = Writer::new(serializer);
            writer.member("Id", &self.id);
            writer.optional("parent", &self.parent);
            writer.optional("size", &self.size);
            writer.others(&self.others);
            writer.end()
        }
    }

    #[test]
    fn what_serde_derives_reads_and_writes_the_same() {
        // Of a flattened value serde has lost the place by then, and a reader counts columns its own way.
        let sentence = |error: &serde_json::Error| {
            error.to_string().split(" at line").next().unwrap_or_default().to_owned()
        };
        let texts = [
            r#"{"Id":"a"}"#,
            r#"{"Id":"a","parent":null,"size":null}"#,
            r#"{"size":3,"parent":{"size":4,"Id":"c"},"Id":"b"}"#,
            r#"{"x":[1,2],"Id":"a","y":[],"\u0073ize":5}"#,
            r#"{"Id":"a","Id":"b"}"#,
            r#"{"Id":"a","size":1,"size":1}"#,
            r#"{"size":1}"#,
            r#"{"Id":null}"#,
            r#"{"Id":"a","size":"1"}"#,
            r#"{"Id":"a","x":"1"}"#,
            r#"{"Id":"a","parent":{"x":[]}}"#,
            r#"{"Id":"a","parent":7}"#,
            r#"{"Id":"a""#,
            "7",
            "null",
        ];
        for text in texts {
            let ours = serde_json::from_str::<Thing>(text);
            let read = serde_json::from_reader::<_, Thing>(text.as_bytes());
            match (ours, serde_json::from_str::<derived::Thing>(text)) {
                (Ok(ours), Ok(derived)) => {
                    assert_eq!(ours, read.unwrap());
                    let written = serde_json::to_string(&ours).unwrap();
                    assert_eq!(written, serde_json::to_string(&derived).unwrap());
                    let value: serde_json::Value = serde_json::from_str(text).unwrap();
                    assert_eq!(serde_json::from_value::<Thing>(value).unwrap(), ours);
                }
                (Err(ours), Err(derived)) => {
                    assert_eq!(sentence(&ours), sentence(&derived), "{text}");
                    assert_eq!(sentence(&ours), sentence(&read.unwrap_err()), "{text}");
                }
                (ours, derived) => panic!("{text}: {ours:?}, and derived {derived:?}"),
            }
        }
    }

    #[test]
    fn a_list_is_no_object() {
        assert!(serde_json::from_str::<Thing>(r#"["a",null,null]"#).is_err());
    }

    #[test]
    fn what_cannot_be_written_ends_it_with_its_error() {
        struct Never;
        impl Serialize for Never {
            fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
                Err(serde::ser::Error::custom("no such thing"))
            }
        }
        let mut text = Vec::new();
        let mut serializer = serde_json::Serializer::new(&mut text);
        let mut writer = Writer::new(&mut serializer);
        writer.member("a", &1);
        writer.member("b", &Never);
        writer.member("c", &2);
        let error = writer.end().unwrap_err();
        assert_eq!(error.to_string(), "no such thing");
    }
}

//! Forms of parts, files among them, written piece by piece as they are sent.
//!
//! reqwest has forms too; they cannot be sent twice, know nothing of nested names, and bring a table
//! of file extensions.

use std::collections::HashMap;
use std::fmt::Display;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use serde::Serialize;

use super::upload::{Chunks, Upload};
use crate::model::nullable::Nullable;
use crate::model::secret::{self, Secret};
use crate::model::validate::{Bounded, Rule};

/// The parts of a form, in the order in which they are sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Form {
    parts: Vec<(String, Piece)>,
    /// The secrets among them.
    pub(crate) secrets: Vec<Secret>,
}

#[derive(Clone, Debug)]
enum Piece {
    Value { bytes: Bytes, media_type: Option<&'static str> },
    File(Upload),
}

/// A form ready to be sent.
pub(crate) struct Ready {
    pub(crate) chunks: Chunks,
    pub(crate) length: Option<u64>,
    pub(crate) content_type: String,
}

impl Form {
    /// The form of a body.
    pub(crate) fn of(body: impl Part) -> Result<Self, String> {
        let mut form = Self::default();
        body.add(&Name::default(), &mut form)?;
        Ok(form)
    }

    /// Adds a value as JSON, unless it is left out or null.
    pub(crate) fn json<T: Serialize>(
        &mut self,
        name: &Name,
        media_type: &'static str,
        value: &T,
    ) -> Result<(), String> {
        let written = secret::serialise(value)
            .map_err(|_| format!("`{}` cannot be written as JSON", name.text()))?;
        if written.body == b"null" {
            return Ok(());
        }
        self.secrets.extend(written.secrets);
        let piece = Piece::Value { bytes: written.body.into(), media_type: Some(media_type) };
        self.parts.push((name.text(), piece));
        Ok(())
    }

    fn text(&mut self, name: &Name, text: String) {
        self.parts.push((name.text(), Piece::Value { bytes: text.into(), media_type: None }));
    }

    pub(crate) fn is_replayable(&self) -> bool {
        self.parts.iter().all(|(_, piece)| match piece {
            Piece::Value { .. } => true,
            Piece::File(upload) => upload.is_replayable(),
        })
    }

    /// Opens all files, so that a missing one is found before anything is sent.
    pub(crate) async fn open(&self) -> Result<Ready, String> {
        let boundary = format!("onkernel-{:016x}{:016x}", fastrand::u64(..), fastrand::u64(..));
        let mut length = Some(0_u64);
        let mut pieces: Vec<Chunks> = Vec::with_capacity(self.parts.len() * 3 + 1);
        let add = |bytes: Bytes, length: &mut Option<u64>, pieces: &mut Vec<Chunks>| {
            *length = length.zip(u64::try_from(bytes.len()).ok()).map(|(sum, more)| sum + more);
            pieces.push(Box::pin(stream::once(async { Ok(bytes) })));
        };
        for (name, piece) in &self.parts {
            let header = header(&boundary, name, piece)?;
            add(header.into(), &mut length, &mut pieces);
            match piece {
                Piece::Value { bytes, .. } => add(bytes.clone(), &mut length, &mut pieces),
                Piece::File(upload) => {
                    let (chunks, more) = upload.open().await?;
                    length = length.zip(more).map(|(sum, more)| sum + more);
                    pieces.push(chunks);
                }
            }
            add(Bytes::from_static(b"\r\n"), &mut length, &mut pieces);
        }
        add(format!("--{boundary}--\r\n").into(), &mut length, &mut pieces);
        Ok(Ready {
            chunks: Box::pin(stream::iter(pieces).flatten()),
            length,
            content_type: format!("multipart/form-data; boundary={boundary}"),
        })
    }
}

fn header(boundary: &str, name: &str, piece: &Piece) -> Result<String, String> {
    let mut header =
        format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{}\"", quoted(name));
    let media_type = match piece {
        Piece::Value { media_type, .. } => *media_type,
        Piece::File(upload) => {
            let file_name = upload.file_name.as_deref().unwrap_or("file");
            header.push_str(&format!("; filename=\"{}\"", quoted(file_name)));
            Some(upload.content_type.as_deref().unwrap_or("application/octet-stream"))
        }
    };
    if let Some(media_type) = media_type {
        if media_type.chars().any(char::is_control) {
            return Err(format!(
                "the media type of `{name}` holds a line break or a control character"
            ));
        }
        header.push_str(&format!("\r\nContent-Type: {media_type}"));
    }
    header.push_str("\r\n\r\n");
    Ok(header)
}

/// A name between quotes, escaped as browsers do.
fn quoted(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

/// The name of a part: `files[0][path]`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Name {
    text: String,
    unnumbered: bool,
}

impl Name {
    /// The name of a field of this.
    pub(crate) fn field(&self, name: &str) -> Self {
        match self.text.as_str() {
            "" => Self { text: name.to_owned(), unnumbered: false },
            owner => Self { text: format!("{owner}[{name}]"), unnumbered: false },
        }
    }

    /// The same name, whose items all go by `name[]`.
    pub(crate) fn unnumbered(self) -> Self {
        Self { unnumbered: true, ..self }
    }

    fn item(&self, index: usize) -> Self {
        let text = match self.unnumbered {
            true => format!("{}[]", self.text),
            false => format!("{}[{index}]", self.text),
        };
        Self { text, unnumbered: false }
    }

    fn text(&self) -> String {
        self.text.clone()
    }
}

/// A value that a form can carry.
pub(crate) trait Part {
    /// Adds the value to the form, as one part or several.
    fn add(self, name: &Name, form: &mut Form) -> Result<(), String>;
}

macro_rules! as_text {
    ($($value:ty),*) => {$(
        impl Part for $value {
            fn add(self, name: &Name, form: &mut Form) -> Result<(), String> {
                form.text(name, self.to_string());
                Ok(())
            }
        }
    )*};
}
as_text!(String, bool, i8, i16, i32, i64, u8, u16, u32, u64, f32, f64);

impl Part for chrono::NaiveDate {
    fn add(self, name: &Name, form: &mut Form) -> Result<(), String> {
        in_range(&self, name)?;
        form.text(name, self.to_string());
        Ok(())
    }
}

/// A date must be one that RFC 3339 can write.
fn in_range(date: &impl Bounded, name: &Name) -> Result<(), String> {
    date.check(&Rule::NONE).map_err(|error| error.within(&name.text).to_string())
}

impl Part for chrono::DateTime<chrono::Utc> {
    fn add(self, name: &Name, form: &mut Form) -> Result<(), String> {
        in_range(&self, name)?;
        form.text(name, self.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true));
        Ok(())
    }
}

impl Part for Secret {
    fn add(self, name: &Name, form: &mut Form) -> Result<(), String> {
        form.text(name, self.expose().to_owned());
        form.secrets.push(self);
        Ok(())
    }
}

impl Part for Upload {
    fn add(self, name: &Name, form: &mut Form) -> Result<(), String> {
        form.parts.push((name.text(), Piece::File(self)));
        Ok(())
    }
}

impl Part for serde_json::Value {
    fn add(self, name: &Name, form: &mut Form) -> Result<(), String> {
        form.json(name, "application/json", &self)
    }
}

impl<T: Part> Part for Option<T> {
    fn add(self, name: &Name, form: &mut Form) -> Result<(), String> {
        self.map_or(Ok(()), |value| value.add(name, form))
    }
}

impl<T: Part> Part for Nullable<T> {
    /// A form has no null: it is left out.
    fn add(self, name: &Name, form: &mut Form) -> Result<(), String> {
        self.into_option().add(name, form)
    }
}

impl<T: Part> Part for Vec<T> {
    fn add(self, name: &Name, form: &mut Form) -> Result<(), String> {
        self.into_iter().enumerate().try_for_each(|(index, item)| item.add(&name.item(index), form))
    }
}

impl<K: Display, T: Part> Part for HashMap<K, T> {
    fn add(self, name: &Name, form: &mut Form) -> Result<(), String> {
        let mut entries: Vec<(String, T)> =
            self.into_iter().map(|(key, item)| (key.to_string(), item)).collect();
        entries.sort_by(|(one, _), (other, _)| one.cmp(other));
        entries.into_iter().try_for_each(|(key, item)| item.add(&name.field(&key), form))
    }
}

impl Part for serde_json::Map<String, serde_json::Value> {
    fn add(self, name: &Name, form: &mut Form) -> Result<(), String> {
        self.into_iter().try_for_each(|(key, item)| item.add(&name.field(&key), form))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn written(form: Form) -> (String, String) {
        let ready = form.open().await.unwrap();
        let boundary = ready.content_type.rsplit('=').next().unwrap().to_owned();
        let chunks: Vec<_> = ready.chunks.collect().await;
        let bytes: Vec<u8> = chunks.into_iter().flat_map(|chunk| chunk.unwrap()).collect();
        assert_eq!(ready.length, Some(bytes.len() as u64));
        let text = String::from_utf8(bytes).unwrap().replace(&boundary, "X");
        (text, boundary)
    }

    #[tokio::test]
    async fn parts_are_written_in_order_with_their_names_and_types() {
        let mut form = Form::default();
        let root = Name::default();
        vec![Upload::from("zip").file_name("a\"b\r\n.zip").content_type("application/zip")]
            .add(&root.field("files"), &mut form)
            .unwrap();
        HashMap::from([("B", 1_i64), ("A", 2)]).add(&root.field("env"), &mut form).unwrap();
        vec![true].add(&root.field("flags").unnumbered(), &mut form).unwrap();
        Secret::from("hunter22").add(&root.field("token"), &mut form).unwrap();
        Option::<String>::None.add(&root.field("absent"), &mut form).unwrap();
        form.json(&root.field("source"), "application/json", &[1, 2]).unwrap();
        assert_eq!(form.secrets, [Secret::from("hunter22")]);
        let (text, _) = written(form).await;
        let part = |rest: &str| format!("--X\r\nContent-Disposition: form-data; name={rest}\r\n");
        let expected = [
            part(
                "\"files[0]\"; filename=\"a%22b%0D%0A.zip\"\r\nContent-Type: application/zip\r\n\r\nzip",
            ),
            part("\"env[A]\"\r\n\r\n2"),
            part("\"env[B]\"\r\n\r\n1"),
            part("\"flags[]\"\r\n\r\ntrue"),
            part("\"token\"\r\n\r\nhunter22"),
            part("\"source\"\r\nContent-Type: application/json\r\n\r\n[1,2]"),
            "--X--\r\n".to_owned(),
        ];
        assert_eq!(text, expected.concat());
    }

    #[tokio::test]
    async fn a_missing_file_and_a_forged_type_are_rejected_before_sending() {
        let missing = Form::of(Upload::file("/nowhere/at/all")).unwrap();
        assert!(missing.open().await.err().unwrap().contains("/nowhere/at/all"));
        let far = Form::of(chrono::DateTime::<chrono::Utc>::MAX_UTC);
        assert!(far.unwrap_err().contains("years 0000 to 9999"));
        let forged = Form::of(Upload::from("x").content_type("a/b\r\nX-Evil: 1")).unwrap();
        assert!(forged.open().await.is_err());
    }

    #[tokio::test]
    async fn a_stream_is_sent_once_and_a_file_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f.bin");
        std::fs::write(&path, vec![7; 200_000]).unwrap();
        let file = Form::of(Upload::file(&path)).unwrap();
        assert!(file.is_replayable());
        assert_eq!(written(file.clone()).await.0.len(), written(file).await.0.len());
        let stream =
            Form::of(Upload::stream(stream::iter([Ok::<_, std::io::Error>(Bytes::from("x"))])));
        let stream = stream.unwrap();
        assert!(!stream.is_replayable());
        assert_eq!(stream.open().await.unwrap().length, None, "no length without being told");
        assert!(stream.open().await.err().unwrap().contains("read already"));
    }
}

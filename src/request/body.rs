//! The body of a request, opened anew for each attempt.

use bytes::Bytes;
use reqwest::header::HeaderValue;

use super::multipart::Form;
use super::upload::{Progress, Upload};

/// The body of a request.
#[derive(Clone, Debug, Default)]
pub(crate) enum Body {
    #[default]
    Empty,
    /// Bytes of this type, all in memory.
    Whole(Bytes, &'static str),
    /// Bytes, of this type unless they say another.
    Upload(Upload, &'static str),
    #[allow(dead_code)] // the bundled document has none
    Form(Form),
}

impl Body {
    /// The body for one more attempt, its length if that is known, and its type.
    pub(crate) async fn open(&self, progress: &Progress) -> Result<Option<Ready>, String> {
        let streamed = |chunks, length| {
            let chunks = reqwest::Body::wrap_stream(progress.watch(chunks));
            (chunks, length)
        };
        let ((body, length), content_type) = match self {
            Self::Empty => return Ok(None),
            Self::Whole(bytes, media_type) => {
                let content_type = HeaderValue::from_static(media_type);
                return Ok(Some((bytes.clone().into(), None, content_type)));
            }
            // Boxed, since few calls have such a body and every future would have room for it.
            Self::Upload(upload, media_type) => {
                let (chunks, length) = Box::pin(upload.open()).await?;
                let media_type = upload.content_type.as_deref().unwrap_or(media_type);
                (streamed(chunks, length), media_type.to_owned())
            }
            Self::Form(form) => {
                let form = Box::pin(form.open()).await?;
                (streamed(form.chunks, form.length), form.content_type)
            }
        };
        let content_type = HeaderValue::try_from(content_type)
            .map_err(|_| "the media type holds a line break or a control character".to_owned())?;
        Ok(Some((body, length, content_type)))
    }

    /// Whether the body can be sent once more.
    pub(crate) fn is_replayable(&self) -> bool {
        match self {
            Self::Empty | Self::Whole(..) => true,
            Self::Upload(upload, _) => upload.is_replayable(),
            Self::Form(form) => form.is_replayable(),
        }
    }
}

/// A body ready to be sent, with its length if that must be said, and its type.
pub(crate) type Ready = (reqwest::Body, Option<u64>, HeaderValue);

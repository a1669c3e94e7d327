//! The body of a request, opened anew for each attempt.

use bytes::Bytes;
use reqwest::Method;
use reqwest::header::HeaderValue;

use super::multipart::Form;
use super::progress::Progress;
use super::upload::Upload;
use crate::model::operation::Idempotency;

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
    /// The body for one more attempt, and its media type; nothing where it has to be opened first.
    pub(crate) fn ready(&self, method: &Method, progress: Option<&Progress>) -> Option<Ready> {
        let Some(progress) = progress else { return Some((None, None)) };
        match self {
            Self::Empty => {
                let announced = [Method::POST, Method::PUT, Method::PATCH].contains(method);
                Some((Some(progress.nothing(announced)), None))
            }
            Self::Whole(bytes, media_type) => {
                let content_type = HeaderValue::from_static(media_type);
                Some((Some(progress.whole(bytes.clone())), Some(content_type)))
            }
            Self::Upload(..) | Self::Form(_) => None,
        }
    }

    /// The body for one more attempt, opened, and its media type.
    pub(crate) async fn open(&self, progress: Option<&Progress>) -> Result<Ready, String> {
        let (chunks, length, content_type) = match self {
            Self::Empty | Self::Whole(..) => return Ok((None, None)),
            Self::Upload(upload, media_type) => {
                let (chunks, length) = upload.open().await?;
                let media_type = upload.content_type.as_deref().unwrap_or(media_type);
                (chunks, length, media_type.to_owned())
            }
            Self::Form(form) => {
                let form = form.open().await?;
                (form.chunks, form.length, form.content_type)
            }
        };
        let content_type = HeaderValue::try_from(content_type)
            .map_err(|_| "the media type holds a line break or a control character".to_owned())?;
        let body = progress.map(|progress| progress.chunks(chunks, length));
        Ok((body, Some(content_type)))
    }

    /// Whether it must be known how far the sending came: not where there is nothing to send and
    /// asking twice is harmless, which is most calls.
    pub(crate) fn is_watched(&self, method: &Method, idempotency: Idempotency) -> bool {
        let is_plain = [Method::GET, Method::HEAD, Method::OPTIONS].contains(method)
            && idempotency == Idempotency::Idempotent;
        !(is_plain && matches!(self, Self::Empty))
    }

    /// Whether the body is read piece by piece, and may take its time.
    pub(crate) fn is_streamed(&self) -> bool {
        matches!(self, Self::Upload(..) | Self::Form(_))
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

/// A body ready to be sent, and its media type.
pub(crate) type Ready = (Option<reqwest::Body>, Option<HeaderValue>);

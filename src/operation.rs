//! What the client knows of an operation before it is called: generated facts, read by the runtime.

/// One operation of the document: a method on a path, and how it may be treated.
///
/// The generated ones are in [`operations`](crate::operations).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Operation {
    /// The name of the client's method, such as `create_api_key`.
    pub id: &'static str,
    /// The HTTP method, in capitals.
    pub method: &'static str,
    /// The path with its parameters in braces, such as `/org/api_keys/{id}`.
    pub path: &'static str,
    /// When the call may be sent again after a failure.
    pub repeat: Repeat,
    /// Whether a successful answer holds a secret, so that no part of it may be quoted in an error.
    pub secret_answer: bool,
}

impl Operation {
    /// Whether a request of this method to this path is one of this operation.
    pub(crate) fn serves(&self, (method, path): (&str, &str)) -> bool {
        let (mut template, mut path) = (self.path.split('/'), path.split('/'));
        self.method == method
            && template
                .all(|wanted| path.next().is_some_and(|it| it == wanted || wanted.starts_with('{')))
            && path.next().is_none()
    }
}

/// When a call that failed may be sent again.
///
/// Written per operation by the generator, from the method and the overlay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Repeat {
    /// Sending it twice does no more than sending it once.
    Safe,
    /// Only where the server provably did nothing: not connected, or refused with 429.
    IfUnsent,
}

impl std::fmt::Display for Operation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

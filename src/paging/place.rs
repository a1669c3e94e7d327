//! Where a page begins, and what its headers say of the next.

use std::collections::HashSet;
use std::sync::Arc;

use reqwest::StatusCode;
use reqwest::header::HeaderMap;

use crate::error::{Error, ErrorKind, Scrubber};
use crate::model::target::Target;
use crate::request::{Call, push_encoded};
use crate::send::Sender;

/// How the pages of an operation follow each other.
#[derive(Debug)]
pub(crate) struct Paging {
    /// The header that is `true` while there is more to come.
    pub(crate) has_more: &'static str,
    /// The header that says where the next page begins.
    pub(crate) next: &'static str,
    /// The parameter that takes what that header says.
    pub(crate) parameter: &'static str,
    /// Whether that is a number, or a token that means nothing to the client.
    pub(crate) by_offset: bool,
    /// The parameter that says how much a page holds at most, and how much it does without.
    pub(crate) limit: Option<(&'static str, Option<u64>)>,
}

/// A page that has not been fetched.
#[derive(Clone)]
pub(crate) struct Place {
    pub(super) sender: Sender,
    pub(super) call: Call,
    pub(super) paging: &'static Paging,
    /// Where all pages before began. A server that names one of them again would be asked for ever.
    pub(super) seen: Option<Arc<HashSet<String>>>,
}

/// What comes after a page.
#[derive(Clone)]
pub(crate) enum Following {
    Nothing,
    Page(Box<Place>),
    /// More is promised, and nobody can tell where.
    Unknown(Misled),
}

/// A response whose headers lead nowhere.
#[derive(Clone)]
pub(crate) struct Misled {
    problem: String,
    target: Target,
    status: StatusCode,
    request_id: Option<String>,
}

impl Misled {
    pub(crate) fn error(self) -> Error {
        Error::new(ErrorKind::Paging, self.problem)
            .of(&self.target)
            .with_response(self.status, self.request_id)
    }
}

/// What the response with a page says, besides the page.
pub(crate) struct Said<'a> {
    pub(crate) status: StatusCode,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) request_id: &'a dyn Fn() -> Option<String>,
    /// How many items the page has, if it is a list.
    pub(crate) items: Option<usize>,
}

impl Place {
    /// The page that a caller asks for.
    pub(crate) fn new(sender: Sender, call: Call, paging: &'static Paging) -> Self {
        Self { sender, call, paging, seen: None }
    }

    /// What comes after this page.
    pub(crate) fn following(mut self, said: &Said<'_>) -> Following {
        match self.next(said) {
            Ok(None) => Following::Nothing,
            Ok(Some(next)) => {
                let mut encoded = String::new();
                push_encoded(&mut encoded, &next);
                let seen = Arc::make_mut(self.seen.get_or_insert_default());
                seen.extend(self.call.query.get(self.paging.parameter).map(ToOwned::to_owned));
                if seen.insert(encoded) {
                    self.call.query = self.call.query.with(self.paging.parameter, &next);
                    return Following::Page(Box::new(self));
                }
                let name = if self.paging.by_offset { "offset" } else { "token" };
                let shown = Scrubber::default().line(&next, 32);
                let problem = format!(
                    "more is promised, but the next {name} ({shown}) is one that a page before has begun at"
                );
                self.misled(problem, said)
            }
            Err(problem) => self.misled(problem, said),
        }
    }

    fn misled(&self, problem: String, said: &Said<'_>) -> Following {
        Following::Unknown(Misled {
            problem,
            target: self.call.target.clone(),
            status: said.status,
            request_id: (said.request_id)(),
        })
    }

    /// Where the next page begins, if there is one.
    fn next(&self, said: &Said<'_>) -> Result<Option<String>, String> {
        let Paging { has_more, next, by_offset, .. } = self.paging;
        let malformed = |name: &str, text: &str| {
            let text = Scrubber::default().line(text, 32);
            format!("the header `{name}` is {text:?}, which leads to no page")
        };
        match header(said.headers, has_more) {
            None => match said.items.filter(|items| self.is_full(*items)) {
                // What follows would be left out unseen.
                Some(items) => {
                    return Err(format!(
                        "the page is full ({items} items), and the header `{has_more}` that says whether there is more is missing"
                    ));
                }
                None => return Ok(None),
            },
            Some(more) if more.eq_ignore_ascii_case("false") => return Ok(None),
            Some(more) if more.eq_ignore_ascii_case("true") => {}
            Some(other) => return Err(malformed(has_more, &other)),
        }
        match header(said.headers, next) {
            None => Err(format!("more is promised, but the header `{next}` is missing")),
            Some(text) if text.is_empty() => Err(malformed(next, &text)),
            Some(text) if *by_offset => match text.parse::<u64>() {
                Ok(offset) => Ok(Some(offset.to_string())),
                Err(_) => Err(malformed(next, &text)),
            },
            Some(text) => Ok(Some(text)),
        }
    }

    /// Whether a page holds as many items as it was asked for at most.
    fn is_full(&self, items: usize) -> bool {
        let limit = self.paging.limit.and_then(|(name, usual)| {
            self.call.query.get(name).map_or(usual, |limit| limit.parse().ok())
        });
        limit.is_some_and(|limit| limit > 0 && u64::try_from(items).is_ok_and(|n| n >= limit))
    }
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    let value = headers.get(name)?;
    Some(String::from_utf8_lossy(value.as_bytes()).trim().to_owned())
}

//! Where a page begins, and what its headers say of the next.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use reqwest::StatusCode;
use reqwest::header::{HeaderMap, HeaderName};

use crate::error::{Error, ErrorKind, Scrubber};
use crate::model::target::Target;
use crate::request::{Call, push_encoded};
use crate::send::Sender;

/// How the pages of an operation follow each other.
#[derive(Debug)]
pub(crate) struct Paging {
    /// The header that is `true` while there is more to come.
    has_more: HeaderName,
    /// The header that says where the next page begins.
    next: HeaderName,
    /// The parameter that takes what that header says.
    parameter: &'static str,
    /// Whether that is a number, or a token that means nothing to the client.
    by_offset: bool,
    /// The parameter that says how much a page holds at most, and how much it does without.
    limit: Option<(&'static str, Option<u64>)>,
}

impl Paging {
    /// The names of the headers are in small letters.
    pub(crate) const fn new(
        has_more: &'static str,
        next: &'static str,
        parameter: &'static str,
        by_offset: bool,
        limit: Option<(&'static str, Option<u64>)>,
    ) -> Self {
        let has_more = HeaderName::from_static(has_more);
        Self { has_more, next: HeaderName::from_static(next), parameter, by_offset, limit }
    }
}

/// A page that has not been fetched.
#[derive(Clone)]
pub(crate) struct Place {
    pub(super) call: Call,
    pub(super) way: Way,
}

/// What the fetching of a page leaves as it is.
#[derive(Clone)]
pub(crate) struct Way {
    pub(super) sender: Sender,
    paging: &'static Paging,
    /// How many pages are before it.
    number: usize,
    begun: Option<Begun>,
}

/// Where pages have begun, and the number of each. A server that names the place of an earlier page
/// would be asked for ever; that of the same page is named when it is fetched once more.
type Begun = Arc<Mutex<HashMap<String, usize>>>;

/// What comes after a page.
#[derive(Clone)]
pub(crate) enum Following {
    Nothing,
    Page(Arc<After>),
    /// More is promised, and nobody can tell where.
    Unknown(Misled),
}

/// The place after another. Most are asked for one page only, so that it is not made before it is
/// wanted.
pub(crate) struct After {
    before: Place,
    /// Where it begins, encoded.
    next: String,
}

impl Following {
    /// The place, or why nobody can tell it; nothing after the last page.
    pub(super) fn place(&self) -> Option<Result<Place, Misled>> {
        match self {
            Self::Nothing => None,
            Self::Page(after) => Some(Ok(after.place())),
            Self::Unknown(misled) => Some(Err(misled.clone())),
        }
    }
}

impl After {
    fn place(&self) -> Place {
        let Place { mut call, mut way } = self.before.clone();
        let parameter = way.paging.parameter;
        let mut begun = lock(way.begun.get_or_insert_default());
        if let Some(own) = call.query.get(parameter) {
            begun.entry(own.to_owned()).or_insert(way.number);
        }
        way.number += 1;
        begun.entry(self.next.clone()).or_insert(way.number);
        drop(begun);
        call.query = call.query.with(parameter, &self.next);
        Place { call, way }
    }
}

fn lock(begun: &Begun) -> MutexGuard<'_, HashMap<String, usize>> {
    begun.lock().unwrap_or_else(PoisonError::into_inner)
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
        Self { call, way: Way { sender, paging, number: 0, begun: None } }
    }

    /// The number at which it begins, where pages begin at one.
    pub(super) fn offset(&self) -> Option<u64> {
        let Paging { by_offset, parameter, .. } = self.way.paging;
        let offset = by_offset.then(|| self.call.query.get(parameter).map_or(Ok(0), str::parse));
        offset?.ok()
    }

    /// Where a later page begins, if the list goes on evenly. It counts as begun only when the page
    /// before has named it.
    pub(super) fn further_by(&self, step: u64) -> Option<Self> {
        let offset = self.offset()?.checked_add(step)?;
        let Self { mut call, mut way } = self.clone();
        way.number += 1;
        call.query = call.query.with(way.paging.parameter, &offset.to_string());
        Some(Self { call, way })
    }

    /// What comes after this page.
    pub(crate) fn following(self, said: &Said<'_>) -> Following {
        match self.next(said) {
            Ok(None) => Following::Nothing,
            Ok(Some(next)) if self.has_begun_at(&next) => {
                let name = if self.way.paging.by_offset { "offset" } else { "token" };
                let shown = Scrubber::default().line(&next, 32);
                let problem = format!(
                    "more is promised, but the next {name} ({shown}) is one that a page before has begun at"
                );
                self.misled(problem, said)
            }
            Ok(Some(next)) => Following::Page(Arc::new(After { before: self, next })),
            Err(problem) => self.misled(problem, said),
        }
    }

    /// Whether this page or one before it began there.
    fn has_begun_at(&self, next: &str) -> bool {
        let Way { paging, number, begun, .. } = &self.way;
        self.call.query.get(paging.parameter) == Some(next)
            || begun.as_ref().is_some_and(|it| lock(it).get(next).is_some_and(|at| at <= number))
    }

    fn misled(&self, problem: String, said: &Said<'_>) -> Following {
        Following::Unknown(Misled {
            problem,
            target: self.call.target.clone(),
            status: said.status,
            request_id: (said.request_id)(),
        })
    }

    /// Where the next page begins, encoded, if there is one.
    fn next(&self, said: &Said<'_>) -> Result<Option<String>, String> {
        let Paging { has_more, next, by_offset, .. } = self.way.paging;
        let malformed = |name: &HeaderName, text: &str| {
            let (name, text) = (shown(name), Scrubber::default().line(text, 32));
            format!("the header `{name}` is {text:?}, which leads to no page")
        };
        match header(said.headers, has_more) {
            None => match said.items.filter(|items| self.is_full(*items)) {
                // What follows would be left out unseen.
                Some(items) => {
                    let has_more = shown(has_more);
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
            None => Err(format!("more is promised, but the header `{}` is missing", shown(next))),
            Some(text) if text.is_empty() => Err(malformed(next, &text)),
            Some(text) if *by_offset => {
                let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
                match is_number && text.parse::<u64>().is_ok() {
                    true => Ok(Some(text.into_owned())),
                    false => Err(malformed(next, &text)),
                }
            }
            Some(text) => {
                let mut encoded = String::with_capacity(text.len());
                push_encoded(&mut encoded, &*text);
                Ok(Some(encoded))
            }
        }
    }

    /// Whether a page holds as many items as it was asked for at most.
    fn is_full(&self, items: usize) -> bool {
        let limit = self.way.paging.limit.and_then(|(name, usual)| {
            self.call.query.get(name).map_or(usual, |limit| limit.parse().ok())
        });
        limit.is_some_and(|limit| limit > 0 && u64::try_from(items).is_ok_and(|n| n >= limit))
    }
}

/// A header's name as it is usually written: `X-Has-More`.
fn shown(name: &HeaderName) -> String {
    let capital = |part: &str| {
        let (first, rest) = part.split_at(part.len().min(1));
        first.to_ascii_uppercase() + rest
    };
    name.as_str().split('-').map(capital).collect::<Vec<_>>().join("-")
}

fn header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<Cow<'a, str>> {
    Some(String::from_utf8_lossy(headers.get(name)?.as_bytes().trim_ascii()))
}

//! Which page comes next: the one that the page before names. Where pages begin at offsets that grow
//! evenly, those after it are guessed and fetched at the same time; a wrong guess is dropped.

use std::collections::VecDeque;
use std::future::ready;
use std::pin::Pin;

use futures_util::StreamExt;
use futures_util::stream::FuturesOrdered;

use super::place::{Following, Misled, Place};
use crate::error::Result;

/// How many steps are alike before the next is guessed: so short lists cost no request more.
const ALIKE: usize = 3;

type Fetched<P> = Pin<Box<dyn Future<Output = Result<(P, Following)>> + Send>>;

/// The pages from a place on, in their order.
pub(super) struct Walk<P> {
    fetch: Box<dyn Fn(Place) -> Fetched<P> + Send>,
    /// The place that is known and not begun.
    next: Option<Result<Place, Misled>>,
    under_way: FuturesOrdered<Fetched<P>>,
    /// Where those begin; nothing for one that leads nowhere.
    places: VecDeque<Option<Place>>,
    /// How far the next page's offset is from the last one's, and how often in a row it was so.
    step: Option<u64>,
    alike: usize,
}

impl<P: Send + 'static> Walk<P> {
    pub(super) fn new<F>(first: Place, fetch: impl Fn(Place) -> F + Send + 'static) -> Self
    where
        F: Future<Output = Result<(P, Following)>> + Send + 'static,
    {
        Self {
            fetch: Box::new(move |place| Box::pin(fetch(place))),
            next: Some(Ok(first)),
            under_way: FuturesOrdered::new(),
            places: VecDeque::new(),
            step: None,
            alike: 0,
        }
    }

    /// How many pages are begun and have not arrived.
    pub(super) fn under_way(&self) -> usize {
        self.places.len()
    }

    /// Whether there is a page to begin now, be it one that is guessed.
    pub(super) fn may_begin(&self) -> bool {
        let guesses = self.alike >= ALIKE && matches!(self.places.back(), Some(Some(_)));
        self.next.is_some() || guesses
    }

    /// Begins the next page; nothing where there is none to begin now.
    pub(super) fn begin(&mut self) {
        let (place, fetched) = match self.next.take().or_else(|| self.guess().map(Ok)) {
            Some(Ok(place)) => (Some(place.clone()), (self.fetch)(place)),
            Some(Err(misled)) => (None, Box::pin(ready(Err(misled.error()))) as Fetched<P>),
            None => return,
        };
        self.places.push_back(place);
        self.under_way.push_back(fetched);
    }

    /// The page that was begun first; nothing where none is under way. Whoever stops waiting for it
    /// loses nothing.
    pub(super) async fn arrive(&mut self) -> Option<Result<P>> {
        let fetched = self.under_way.next().await?;
        let place = self.places.pop_front().flatten();
        Some(match fetched {
            Ok((page, following)) => {
                self.follow(place.as_ref(), &following);
                Ok(page)
            }
            Err(error) => {
                self.drop_guesses();
                Err(error)
            }
        })
    }

    fn guess(&self) -> Option<Place> {
        let last = self.places.back()?.as_ref()?;
        last.further_by(self.step.filter(|_| self.alike >= ALIKE)?)
    }

    /// Holds what a page says of the next one against what was guessed.
    fn follow(&mut self, place: Option<&Place>, following: &Following) {
        let next = following.place();
        let offset = |place: Option<&Place>| place.and_then(Place::offset);
        let at = offset(next.as_ref().and_then(|next| next.as_ref().ok()));
        let step = at.zip(offset(place)).and_then(|(at, from)| at.checked_sub(from));
        let step = step.filter(|step| *step > 0);
        self.alike = match step {
            Some(_) if step == self.step => self.alike + 1,
            Some(_) => 1,
            None => 0,
        };
        self.step = step;
        match self.places.front() {
            Some(guessed) if at.is_some() && offset(guessed.as_ref()) == at => {}
            _ => {
                self.drop_guesses();
                self.next = next;
            }
        }
    }

    fn drop_guesses(&mut self) {
        self.under_way = FuturesOrdered::new();
        self.places.clear();
    }
}

//! What the server shows of the key that is to be rotated, in one round trip.
//!
//! By its id everything is asked at once. Where only its store is known, two of the looks lack the id:
//! that at the key, and that for its markers. The first page of all keys, asked for beside the question
//! whose the plaintext is, stands for both: it has the key, as it would be shown by its id, and where it
//! is the only one the markers as well, and whatever else looks like the plaintext.
//!
//! Among more keys than a page holds it takes one round trip more, in which the id that the server has
//! named is looked for: nothing but the id or the plaintext finds one key among many. The server also
//! finds keys by the beginning of their masked form, but what a store holds is no text for a URL, which
//! is written into logs. Where the server does not say whose the plaintext is, all keys are listed twice
//! then.

use futures_util::future::{join, join4};

use super::checks::{unchanged, undecided};
use crate::helpers::api_keys::fits_mask;
use crate::rotation::api::{Api, Sight};
use crate::rotation::evidence::marker::Marker;
use crate::rotation::listing::FirstPage;
use crate::rotation::report::{Decision, RotationError};
use crate::types::ApiKey;
use crate::{Result, Secret};

/// What is seen of a key.
pub(super) struct Shown {
    pub(super) id: String,
    pub(super) key: Sight,
    /// Whether the server lets in what the store holds.
    pub(super) let_in: bool,
    /// The keys that bear a marker of it.
    pub(super) marked: Vec<ApiKey>,
    /// The caller's.
    pub(super) organization: Option<String>,
}

/// Who looks.
pub(super) struct Looks<'a> {
    api: &'a Api,
    /// Whoever has what the store holds, if that is not the caller's own key.
    holder: Option<Api>,
}

impl<'a> Looks<'a> {
    /// Looks as the caller, and with the `other` key that the store holds.
    pub(super) fn new(api: &'a Api, other: Option<&Secret>) -> Result<Self, RotationError> {
        let no_key = |error| {
            RotationError::unchanged(format!("what the store holds cannot be a key: {error}"))
        };
        let holder = other.map(|held| api.with_key(held)).transpose().map_err(no_key)?;
        Ok(Self { api, holder })
    }

    /// The key of this id.
    pub(super) async fn by_id(&self, id: String) -> Result<Shown> {
        let (api, start) = (self.api, Marker::start_for(&id));
        let (key, let_in, marked, caller) =
            join4(api.look(&id), self.tried(), api.beginning(&start), api.caller()).await;
        let (key, let_in, marked, caller) = (key?, let_in?, marked?, caller?);
        Ok(Shown { id, key, let_in, marked, organization: caller.organization })
    }

    /// The key with this plaintext.
    pub(super) async fn by_store(&self, held: &Secret) -> Result<Shown, RotationError> {
        let api = self.api;
        let holder = async {
            match &self.holder {
                Some(holder) => holder.caller().await.map(Some),
                None => Ok(None),
            }
        };
        let (page, let_in, caller, holder) =
            join4(api.first_page(), self.tried(), api.caller(), holder).await;
        let (page, let_in, caller, holder) = (page?, let_in?, caller?, holder?);
        // What the server says is certain; a masked form may be that of several.
        let told = holder.as_ref().unwrap_or(&caller).key_id.clone();
        let id = match told {
            Some(id) => id,
            None => self.by_mask(held, &page).await?,
        };
        let start = Marker::start_for(&id);
        let listed = page.keys.iter().find(|listed| listed.key.id == id);
        let key = async {
            match listed {
                Some(listed) => Ok(Sight::Present(listed.json.clone())),
                None => api.look(&id).await,
            }
        };
        let marked = async {
            if !page.is_all {
                return api.beginning(&start).await;
            }
            let keys = page.keys.iter().map(|listed| &listed.key);
            Ok(keys.filter(|key| key.name.starts_with(&start)).cloned().collect())
        };
        let (key, marked) = join(key, marked).await;
        let (key, marked) = (key?, marked?);
        Ok(Shown { id, key, let_in, marked, organization: caller.organization })
    }

    /// Whether the server lets in what the store holds.
    async fn tried(&self) -> Result<bool> {
        match &self.holder {
            Some(holder) => holder.is_let_in().await,
            None => Ok(true),
        }
    }

    /// The id of the only key with such a masked form.
    async fn by_mask(&self, held: &Secret, page: &FirstPage) -> Result<String, RotationError> {
        let all = match page.is_all {
            true => page.keys.iter().map(|listed| listed.key.clone()).collect(),
            false => self.api.all().await?,
        };
        let fits = all.iter().filter(|key| fits_mask(held.expose(), &key.masked_key));
        match fits.collect::<Vec<_>>()[..] {
            [key] => Ok(key.id.clone()),
            [] => unchanged("the store holds no key that this client's key can see"),
            ref fits => {
                let count = fits.len();
                let why = format!(
                    "{count} keys look like the one that the store holds: say which one by its id"
                );
                undecided(Decision::Key, why)
            }
        }
    }
}

//! The one function that deletes a key, and the proof that it wants.

use std::time::Duration;

use super::held::{Holds, StoreState};
use super::marker::Marker;
use super::sight::{confirmed, seen};
use crate::rotation::api::{Api, Json, Sight};
use crate::types::ApiKey;
use crate::{Error, Secret};

/// Why a key is to be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// It was made under a marker of ours, and nobody has its plaintext.
    Orphan,
    /// It is the replacement, which is being undone.
    Undone,
    /// It is the old key, which is being retired.
    Retired,
}

/// A key as the caller who deletes it has just read it.
pub(crate) struct Seen {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) masked: Option<String>,
}

impl Seen {
    /// From a response to a GET; `None` when it is none of a key.
    pub(crate) fn read(json: &Json) -> Option<Self> {
        let text = |field: &str| json.get(field)?.as_str().map(str::to_owned);
        Some(Self { id: text("id")?, name: text("name")?, masked: text("masked_key") })
    }

    /// From a listing.
    pub(crate) fn listed(key: &ApiKey) -> Self {
        let (id, name) = (key.id.clone(), key.name.clone());
        Self { id, name, masked: Some(key.masked_key.clone()) }
    }
}

/// What is known when a key is about to be deleted.
#[derive(Clone, Default)]
pub(crate) struct Known<'a> {
    pub(crate) old_id: &'a str,
    pub(crate) adopted_id: Option<&'a str>,
    /// Ids that are in use since earlier rotations, whatever their names.
    pub(crate) in_use: &'a [String],
    pub(crate) markers: &'a [Marker],
    /// The retirement has begun, and the journal says so.
    pub(crate) retiring: bool,
    /// The replacement was seen and let in just now.
    pub(crate) replaced: bool,
    pub(crate) store: StoreState,
    /// The name that the server's own rotation has given the replacement: it copies the old key's,
    /// which somebody may have changed. Only where the plaintext at hand fits the key.
    pub(crate) copied_name: Option<&'a str>,
    /// A person has said that the store holds a key that is neither.
    pub(crate) foreign_by_word: bool,
    /// What a store holds that is neither key.
    pub(crate) held: &'a [Secret],
}

impl Known<'_> {
    /// Whether this key has a place of its own, so that it is nobody's orphan.
    pub(crate) fn is_kept(&self, id: &str) -> bool {
        id == self.old_id
            || Some(id) == self.adopted_id
            || self.in_use.iter().any(|used| used == id)
    }
}

/// Why a key was not deleted.
pub(crate) enum DeleteError {
    /// There is no proof that it may be.
    Unproven(&'static str),
    Call(Error),
}

impl From<Error> for DeleteError {
    fn from(error: Error) -> Self {
        Self::Call(error)
    }
}

/// Deletes a key that may be deleted. That there is nothing to delete is believed when the server
/// says that it was deleted, or still says so at this moment: until then a replica may lag.
pub(crate) async fn delete(
    api: &Api,
    reason: Reason,
    key: &Seen,
    known: &Known<'_>,
    until: Duration,
) -> Result<(), DeleteError> {
    may_delete(reason, key, known).map_err(DeleteError::Unproven)?;
    let (mut looks, mut shown) = (0, false);
    loop {
        if api.delete(&key.id).await? {
            return Ok(());
        }
        match api.look(&key.id).await? {
            Sight::Deleted(_) => return Ok(()),
            Sight::Absent if api.effects.elapsed() >= until => {
                match confirmed(api, &key.id).await? {
                    Sight::Present(_) if !shown => shown = true,
                    Sight::Present(_) => return Err(contradiction()),
                    Sight::Absent | Sight::Deleted(_) => return Ok(()),
                }
                continue;
            }
            Sight::Present(_) if api.effects.elapsed() >= until => return Err(contradiction()),
            Sight::Present(_) | Sight::Absent => {}
        }
        let why = "for the server to find the key that is to be deleted";
        api.effects.wait_to_look(why, looks, until).await.map_err(Error::from)?;
        looks += 1;
    }
}

fn contradiction() -> DeleteError {
    DeleteError::Unproven("the server shows the key and does not find it when it is to be deleted")
}

/// Whether this key may be deleted for this reason, or why not.
pub(crate) fn may_delete(
    reason: Reason,
    key: &Seen,
    known: &Known<'_>,
) -> Result<(), &'static str> {
    let (id, adopted) = (key.id.as_str(), known.adopted_id);
    let marked = known.markers.iter().any(|marker| marker.is(&key.name));
    match reason {
        Reason::Retired => match () {
            () if id != known.old_id => Err("it is not the key that is being rotated"),
            () if !known.retiring => Err("its retirement has not begun"),
            () if adopted.is_none() => Err("nothing replaces it"),
            () if known.store != StoreState::Confirmed(Holds::New) => {
                Err("the store is not known to hold the new key")
            }
            () if !known.replaced => Err("the new key was not seen and let in just now"),
            () => Ok(()),
        },
        Reason::Undone => match () {
            () if id == known.old_id => Err("it is the old key"),
            () if Some(id) != adopted => Err("it is not the replacement"),
            () if !marked && known.copied_name != Some(&key.name) => {
                Err("it does not bear the marker under which it was made")
            }
            () if known.store.is_as_before() => Ok(()),
            () if known.foreign_by_word && known.store == StoreState::Confirmed(Holds::Foreign) => {
                Ok(())
            }
            () if known.store == StoreState::Confirmed(Holds::New) => Err("the store holds it"),
            () => Err("the store may hold it"),
        },
        Reason::Orphan => match () {
            () if known.is_kept(id) => Err("it is a key in use"),
            () if !marked => Err("its name is not a marker of this journal"),
            () if known.held.iter().any(|held| may_be(held, key.masked.as_deref())) => {
                Err("the store may hold it")
            }
            () => Ok(()),
        },
    }
}

/// Whether a plaintext of unknown identity can be that of a key with this masked form.
fn may_be(held: &Secret, masked: Option<&str>) -> bool {
    masked.is_none_or(|masked| crate::helpers::api_keys::fits_mask(held.expose(), masked))
}

/// Whether a key is gone, asked until this moment.
pub(crate) async fn is_gone(api: &Api, id: &str, until: Duration) -> Result<bool, Error> {
    Ok(!matches!(seen(api, id, until).await?, Sight::Present(_)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rotation::evidence::held::Which;

    fn key(id: &str, name: &str, masked: Option<&str>) -> Seen {
        Seen { id: id.into(), name: name.into(), masked: masked.map(str::to_owned) }
    }

    fn known<'a>(markers: &'a [Marker]) -> Known<'a> {
        Known { old_id: "old", adopted_id: Some("new"), markers, ..Known::default() }
    }

    fn states() -> Vec<StoreState> {
        let since = Duration::from_secs(9);
        let mut all = vec![StoreState::Untouched];
        for holds in [Holds::Old, Holds::New, Holds::Foreign, Holds::Debris] {
            all.push(StoreState::Confirmed(holds));
        }
        for wrote in [Which::Old, Which::New, Which::Nothing] {
            for bits in 0..4_u8 {
                let (acknowledged, mixed) = (bits & 1 != 0, bits & 2 != 0);
                let settled = false;
                all.push(StoreState::Unconfirmed { since, wrote, acknowledged, mixed, settled });
            }
        }
        all
    }

    /// Every combination of what can be known, for both keys that a workload may hold.
    #[test]
    fn a_key_that_the_store_may_hold_is_never_deleted() {
        let markers = [Marker::new("old").unwrap()];
        let (old, new) = (key("old", "ci", None), key("new", markers[0].as_str(), None));
        let mut allowed = 0;
        for store in states() {
            for bits in 0..8_u8 {
                let bit = |n: u8| bits & (1 << n) != 0;
                let known = Known {
                    store,
                    retiring: bit(0),
                    replaced: bit(1),
                    foreign_by_word: bit(2),
                    ..known(&markers)
                };
                let old = may_delete(Reason::Retired, &old, &known).is_ok();
                let new = may_delete(Reason::Undone, &new, &known).is_ok();
                if old {
                    assert!(known.retiring && known.replaced);
                    assert_eq!(store, StoreState::Confirmed(Holds::New));
                }
                if new {
                    let foreign = store == StoreState::Confirmed(Holds::Foreign);
                    assert!(store.is_as_before() || (foreign && known.foreign_by_word));
                }
                assert!(!(old && new), "both keys at once");
                allowed += usize::from(old) + usize::from(new);
            }
        }
        assert!(allowed > 0, "a guard that lets nothing pass is none");
    }

    #[test]
    fn a_replacement_without_its_marker_is_somebody_elses() {
        let markers = [Marker::new("old").unwrap()];
        let known = known(&markers);
        assert!(may_delete(Reason::Undone, &key("new", "prod", None), &known).is_err());
        assert!(may_delete(Reason::Undone, &key("new", markers[0].as_str(), None), &known).is_ok());
    }

    #[test]
    fn only_what_bears_a_marker_byte_for_byte_is_an_orphan() {
        let markers = [Marker::new("old").unwrap()];
        let name = markers[0].to_string();
        let in_use = ["used".to_owned()];
        let known = Known { in_use: &in_use, ..known(&markers) };
        let may = |id: &str, name: &str| {
            may_delete(Reason::Orphan, &key(id, name, Some("sk_1...2")), &known)
        };
        assert!(may("x", &name).is_ok());
        assert!(may("x", &name.to_lowercase()).is_err());
        assert!(may("x", "ci").is_err());
        assert!(may("old", &name).is_err(), "the server's rotation marks the old key");
        assert!(may("new", &name).is_err(), "the last rename may have failed");
        assert!(may("used", &name).is_err(), "so may that of the rotation before");
    }

    #[test]
    fn an_orphan_that_the_store_may_hold_stays() {
        let markers = [Marker::new("old").unwrap()];
        let held = Secret::from("sk_1234567890abcd");
        let known = Known { held: std::slice::from_ref(&held), ..known(&markers) };
        let name = markers[0].as_str();
        let may = |masked| may_delete(Reason::Orphan, &key("x", name, masked), &known);
        assert!(may(Some("sk_1234...abcd")).is_err());
        assert!(may(None).is_err());
        assert!(may(Some("sk_9999...abcd")).is_ok());
    }

    #[test]
    fn ids_are_not_mixed_up() {
        let store = StoreState::Confirmed(Holds::New);
        let known = Known { retiring: true, replaced: true, store, ..known(&[]) };
        assert!(may_delete(Reason::Retired, &key("new", "ci", None), &known).is_err());
        assert!(may_delete(Reason::Undone, &key("old", "ci", None), &known).is_err());
    }
}

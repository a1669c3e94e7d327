//! The one place that decides whether a key may be deleted. What a store may hold never is.

use super::marker::Marker;
use crate::Secret;

/// Why a key is to be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doomed {
    /// It was made under a marker of ours, and nobody has its plaintext.
    Orphan,
    /// It is the replacement, which is being undone.
    Replacement,
    /// It is the old key, which is being retired.
    Old,
}

/// What the store holds, as far as it is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Holds {
    /// It has not been looked at, or cannot be.
    #[default]
    Unknown,
    /// The old key.
    Old,
    /// The new key.
    New,
    /// Nothing at all.
    Nothing,
    /// Something that is neither.
    Other,
}

/// What is known when a key is about to be deleted.
#[derive(Default)]
pub(crate) struct Known<'a> {
    pub(crate) old_id: &'a str,
    pub(crate) adopted_id: Option<&'a str>,
    pub(crate) markers: &'a [Marker],
    /// The retirement has begun, and the journal says so.
    pub(crate) retiring: bool,
    pub(crate) holds: Holds,
    /// The content of a store that holds something which is neither key.
    pub(crate) held: Option<&'a Secret>,
    /// A write of the new key was begun.
    pub(crate) touched: bool,
    /// A write may still land, and the settle time has not passed since.
    pub(crate) late: bool,
    pub(crate) store_is_new: bool,
}

/// Whether this key may be deleted for this reason, or why not.
pub(crate) fn may_delete(
    doomed: Doomed,
    id: &str,
    name: &str,
    masked: Option<&str>,
    known: &Known<'_>,
) -> Result<(), &'static str> {
    let untouched = !known.touched && !known.late;
    match doomed {
        Doomed::Old => match () {
            () if id != known.old_id => Err("it is not the key that is being rotated"),
            () if !known.retiring => Err("its retirement has not begun"),
            () if known.adopted_id.is_none() => Err("nothing replaces it"),
            () if known.holds != Holds::New => Err("the store is not known to hold the new key"),
            () if known.late => Err("a late write to the store may bring it back"),
            () => Ok(()),
        },
        Doomed::Replacement => match () {
            () if id == known.old_id => Err("it is the old key"),
            () if Some(id) != known.adopted_id => Err("it is not the replacement"),
            () if known.holds == Holds::New => Err("the store holds it"),
            () if untouched => Ok(()),
            () if known.late => Err("a late write may still bring it into the store"),
            () if known.holds == Holds::Old => Ok(()),
            () if known.holds == Holds::Nothing && known.store_is_new => Ok(()),
            () => Err("the store may hold it"),
        },
        Doomed::Orphan => match () {
            () if id == known.old_id => Err("it is the old key"),
            () if Some(id) == known.adopted_id => Err("it is the key in use"),
            () if !known.markers.iter().any(|marker| marker.is(name)) => {
                Err("its name is not a marker of this journal")
            }
            () if known.held.is_some_and(|held| may_be(held, masked)) => {
                Err("the store may hold it")
            }
            () => Ok(()),
        },
    }
}

/// Whether a plaintext of unknown identity can be that of a key with this masked form.
fn may_be(held: &Secret, masked: Option<&str>) -> bool {
    masked.is_none_or(|masked| crate::api_keys::fits_mask(held.expose(), masked))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known<'a>(markers: &'a [Marker]) -> Known<'a> {
        Known {
            old_id: "old",
            adopted_id: Some("new"),
            markers,
            retiring: false,
            holds: Holds::Unknown,
            held: None,
            touched: false,
            late: false,
            store_is_new: false,
        }
    }

    /// Every combination of what can be known, for both keys that a workload may hold.
    #[test]
    fn a_key_that_the_store_may_hold_is_never_deleted() {
        let mut allowed = 0;
        for holds in [Holds::Unknown, Holds::Old, Holds::New, Holds::Nothing, Holds::Other] {
            for bits in 0..16_u8 {
                let bit = |n: u8| bits & (1 << n) != 0;
                let (retiring, touched, late, store_is_new) = (bit(0), bit(1), bit(2), bit(3));
                let known = Known { holds, retiring, touched, late, store_is_new, ..known(&[]) };
                let old = may_delete(Doomed::Old, "old", "ci", None, &known).is_ok();
                let new = may_delete(Doomed::Replacement, "new", "ci", None, &known).is_ok();
                if old {
                    assert!(retiring && holds == Holds::New && !late);
                }
                if new {
                    assert!(holds != Holds::New);
                    // Either nothing was ever written, or the store is known to hold something else.
                    assert!(!late && (!touched || matches!(holds, Holds::Old | Holds::Nothing)));
                }
                assert!(!(old && new), "both keys at once");
                allowed += usize::from(old) + usize::from(new);
            }
        }
        assert!(allowed > 0, "a guard that lets nothing pass is none");
    }

    #[test]
    fn only_what_bears_a_marker_byte_for_byte_is_an_orphan() {
        let markers = [Marker::new("old").unwrap()];
        let name = markers[0].to_string();
        let known = known(&markers);
        let may = |id: &str, name: &str| may_delete(Doomed::Orphan, id, name, None, &known);
        assert!(may("x", &name).is_ok());
        assert!(may("x", &name.to_lowercase()).is_err());
        assert!(may("x", "ci").is_err());
        assert!(may("old", &name).is_err(), "the server's rotation marks the old key");
        assert!(may("new", &name).is_err(), "the last rename may have failed");
    }

    #[test]
    fn an_orphan_that_the_store_may_hold_stays() {
        let markers = [Marker::new("old").unwrap()];
        let held = Secret::from("sk_1234567890abcd");
        let known = Known { held: Some(&held), holds: Holds::Other, ..known(&markers) };
        let name = markers[0].as_str();
        let may = |masked| may_delete(Doomed::Orphan, "x", name, masked, &known);
        assert!(may(Some("sk_1234...abcd")).is_err());
        assert!(may(None).is_err());
        assert!(may(Some("sk_9999...abcd")).is_ok());
    }

    #[test]
    fn ids_are_not_mixed_up() {
        let known = Known { retiring: true, holds: Holds::New, ..known(&[]) };
        assert!(may_delete(Doomed::Old, "new", "ci", None, &known).is_err());
        assert!(may_delete(Doomed::Replacement, "old", "ci", None, &known).is_err());
    }
}

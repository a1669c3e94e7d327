//! The lifetime to ask for, decided before anything is touched, and the one that came of it.

use chrono::{DateTime, TimeDelta, Utc};

use super::old_key::OldKey;
use super::record::{Ask, EndBefore, Lifetime, Retirement};
use crate::rotation::api::Api;
use crate::rotation::report::{Decision, RotationError};

/// The moments within one of the server's transactions differ by less.
const TOLERANCE: TimeDelta = TimeDelta::seconds(5);
/// How much shorter than asked a replacement may live: what passes between asking and creating.
const MOST_SHORTER: TimeDelta = TimeDelta::seconds(60);
/// What the API allows.
const LONGEST_DAYS: i64 = 3650;

/// What the caller wants, and what time it is by the server's clock.
#[derive(Clone, Debug)]
pub(crate) struct Wishes {
    pub(crate) lifetime: Lifetime,
    /// The old key's end before an earlier rotation had the server move it.
    pub(crate) end_before: Option<EndBefore>,
    pub(crate) retirement: Retirement,
    pub(crate) own: bool,
    pub(crate) now: DateTime<Utc>,
}

/// What has to be decided, and why.
type Undecided = (Decision, String);

/// The lifetime to ask for, and the longest that the new key may live. Where the old key's end may have
/// been moved by a grace period, the other keys of its name are looked at.
pub(crate) async fn ask(
    api: &Api,
    old: &OldKey,
    wishes: &Wishes,
) -> Result<(Ask, Option<TimeDelta>), RotationError> {
    let mut siblings = Vec::new();
    if may_be_shortened(old, wishes) {
        let keys = api.named(&old.name).await?;
        siblings = keys.iter().filter(|key| key.id != old.id).map(|key| key.created_at).collect();
    }
    lifetime(old, &siblings, wishes)
        .map_err(|(decision, why)| RotationError::undecided(decision, why))
}

fn lifetime(
    old: &OldKey,
    siblings: &[DateTime<Utc>],
    wishes: &Wishes,
) -> Result<(Ask, Option<TimeDelta>), Undecided> {
    let (ask, longest) = asked_for(old, siblings, wishes)?;
    let lives = match ask {
        Ask::Days(days) => TimeDelta::try_days(days),
        Ask::AsServerKnows => longest,
        _ => None,
    };
    // The server would reject it, after the old key was marked.
    if let (Retirement::Grace { days }, Some(lives)) = (wishes.retirement, lives)
        && TimeDelta::try_days(days).is_some_and(|grace| lives + TOLERANCE < grace)
    {
        let why = format!(
            "the new key would live for {} days, and so end before the old one, whose grace period is {days} days: make it live longer, or the grace period shorter",
            (lives + TOLERANCE).num_days()
        );
        return Err((Decision::GracePeriod, why));
    }
    Ok((ask, longest))
}

fn asked_for(
    old: &OldKey,
    siblings: &[DateTime<Utc>],
    wishes: &Wishes,
) -> Result<(Ask, Option<TimeDelta>), Undecided> {
    let server_side = matches!(wishes.retirement, Retirement::Grace { .. });
    let in_days = |why: &str| Err((Decision::LifetimeInDays, why.to_owned()));
    match wishes.lifetime {
        Lifetime::Never => Ok((Ask::Never, None)),
        Lifetime::Days(days) if (1..=LONGEST_DAYS).contains(&days) => Ok((Ask::Days(days), None)),
        Lifetime::Days(days) => Err((
            Decision::Lifetime,
            format!("a key can live for 1 to {LONGEST_DAYS} days, not for {days}"),
        )),
        Lifetime::Until(_) if server_side => in_days(
            "the server's own rotation cannot end a key at an exact time: ask for a lifetime in days, or for the old key to be deleted or kept",
        ),
        Lifetime::Until(end) if end <= wishes.now => {
            let why = "the new key would end in the past";
            Err((Decision::Lifetime, why.to_owned()))
        }
        Lifetime::Until(end) if wishes.own && old.expires_at.is_some_and(|old| end > old) => {
            in_days(
                "a key cannot make one that outlives it to an exact time: ask for a lifetime in days, or rotate it with another key",
            )
        }
        Lifetime::Until(end) => Ok((Ask::Until(end), None)),
        Lifetime::AsOld => as_old(old, siblings, wishes, server_side),
    }
}

/// Whether the old key's end may have been moved by a grace period: the keys of its name tell.
fn may_be_shortened(old: &OldKey, wishes: &Wishes) -> bool {
    let lived = old.expires_at.map(|end| end - old.created_at);
    wishes.lifetime == Lifetime::AsOld
        && wishes.end_before.is_none()
        && lived.is_some_and(|lived| days_to_ask_for(lived).is_none())
}

fn as_old(
    old: &OldKey,
    siblings: &[DateTime<Utc>],
    wishes: &Wishes,
    server_side: bool,
) -> Result<(Ask, Option<TimeDelta>), Undecided> {
    let unclear = |why: String| Err((Decision::Lifetime, why));
    const SAY: &str = "choose how long the new key lives (in days, until a time, or for ever)";
    let end = wishes.end_before.map_or(old.expires_at, |before| before.at);
    let Some(end) = end else { return Ok((Ask::Never, None)) };
    if end <= wishes.now {
        return unclear(format!("the old key has expired: {SAY}"));
    }
    let lived = end - old.created_at;
    if lived <= TimeDelta::zero() {
        return unclear(format!("the old key ends before it was created: {SAY}"));
    }
    if let Some(days) = days_to_ask_for(lived) {
        // Whether the server still knows it where it has moved the end is not left to it.
        let known = server_side && wishes.end_before.is_none();
        let ask = if known { Ask::AsServerKnows } else { Ask::Days(days) };
        return Ok((ask, Some(lived)));
    }
    // A grace period counts whole days from the creation of the key that took over.
    let shortened = siblings.iter().any(|made| {
        *made > old.created_at && whole_days(end - *made).is_some_and(|days| days >= 0)
    });
    if shortened && wishes.end_before.is_none() {
        return unclear(format!(
            "the old key's end seems to have been moved by a grace period, since a key of the same name was made whole days before it: {SAY}"
        ));
    }
    if server_side {
        return Ok((Ask::AsServerKnows, Some(lived)));
    }
    if wishes.own {
        return unclear(format!(
            "the old key's lifetime is not one of whole days, and a key cannot make one that outlives it to an exact time: {SAY}, or rotate it with another key"
        ));
    }
    Ok((Ask::For { milliseconds: lived.num_milliseconds() }, Some(lived)))
}

fn days_to_ask_for(lived: TimeDelta) -> Option<i64> {
    whole_days(lived).filter(|days| (1..=LONGEST_DAYS).contains(days))
}

fn whole_days(time: TimeDelta) -> Option<i64> {
    let days = (time + TimeDelta::hours(12)).num_days();
    let rest = time - TimeDelta::try_days(days)?;
    (rest.abs() <= TOLERANCE).then_some(days)
}

/// Whether a key lives as long as asked for, by the server's own times: not longer, and not more than
/// a minute shorter.
pub(crate) fn is_as_asked(
    ask: Ask,
    longest: Option<TimeDelta>,
    from: DateTime<Utc>,
    end: Option<DateTime<Utc>>,
) -> bool {
    let wanted = match ask {
        Ask::Never => None,
        Ask::Days(days) => TimeDelta::try_days(days),
        Ask::Until(end) => Some(end - from),
        Ask::For { milliseconds } => TimeDelta::try_milliseconds(milliseconds),
        Ask::AsServerKnows => longest,
    };
    match (wanted, end) {
        (None, None) => true,
        (Some(wanted), Some(end)) => {
            let lives = end - from;
            lives <= wanted + TOLERANCE && lives >= wanted - MOST_SHORTER
        }
        (None, Some(_)) | (Some(_), None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn old(expires_at: Option<&str>) -> OldKey {
        OldKey {
            id: "c1".into(),
            name: "ci".into(),
            masked: "sk_1234...abcd".into(),
            created_at: at("2026-01-01T10:00:00.123Z"),
            expires_at: expires_at.map(at),
            project_id: None,
            policy: None,
        }
    }

    fn wishes(lifetime: Lifetime) -> Wishes {
        Wishes {
            lifetime,
            end_before: None,
            retirement: Retirement::Delete,
            own: false,
            now: at("2026-01-10T00:00:00Z"),
        }
    }

    fn asked(expires_at: Option<&str>) -> Result<Ask, Undecided> {
        lifetime(&old(expires_at), &[], &wishes(Lifetime::AsOld)).map(|(ask, _)| ask)
    }

    #[test]
    fn the_lifetime_is_the_old_one() {
        assert_eq!(asked(None), Ok(Ask::Never));
        assert_eq!(asked(Some("2026-01-31T10:00:00.123Z")), Ok(Ask::Days(30)));
        assert_eq!(asked(Some("2026-01-31T10:00:01Z")), Ok(Ask::Days(30)));
        assert_eq!(
            asked(Some("2026-01-11T10:30:00.123Z")),
            Ok(Ask::For { milliseconds: (10 * 24 * 60 + 30) * 60_000 })
        );
    }

    #[test]
    fn an_expired_key_needs_the_lifetime_spelled_out() {
        assert!(asked(Some("2026-01-09T10:00:00Z")).unwrap_err().1.contains("choose how long"));
        let spelled = lifetime(&old(Some("2026-01-09T10:00:00Z")), &[], &wishes(Lifetime::Days(9)));
        assert_eq!(spelled, Ok((Ask::Days(9), None)));
    }

    #[test]
    fn an_end_moved_by_a_grace_period_needs_the_lifetime_spelled_out() {
        let old = old(Some("2026-01-16T08:00:00Z"));
        let sibling = at("2026-01-09T08:00:00Z");
        let error = lifetime(&old, &[sibling], &wishes(Lifetime::AsOld)).unwrap_err();
        assert!(error.1.contains("grace period"), "{error:?}");
        assert!(lifetime(&old, &[], &wishes(Lifetime::AsOld)).is_ok());
    }

    #[test]
    fn an_end_that_an_earlier_rotation_had_moved_is_not_counted() {
        let old = old(Some("2026-01-16T08:00:00Z"));
        let sibling = at("2026-01-09T08:00:00Z");
        for (before, retirement, asked) in [
            (None, Retirement::Delete, Ask::Never),
            (Some("2026-01-31T10:00:00.123Z"), Retirement::Delete, Ask::Days(30)),
            (Some("2026-01-31T10:00:00.123Z"), Retirement::Grace { days: 2 }, Ask::Days(30)),
            (Some("2026-01-31T22:30:00.123Z"), Retirement::Grace { days: 2 }, Ask::AsServerKnows),
        ] {
            let end_before = Some(EndBefore { at: before.map(at) });
            let wishes = Wishes { end_before, retirement, ..wishes(Lifetime::AsOld) };
            let ask = lifetime(&old, &[sibling], &wishes).unwrap();
            let lived = before.map(|before| at(before) - old.created_at);
            assert_eq!(ask, (asked, lived), "{before:?}");
        }
    }

    #[test]
    fn the_new_key_outlives_the_grace_period_of_the_old_one() {
        let grace =
            |days, lifetime| Wishes { retirement: Retirement::Grace { days }, ..wishes(lifetime) };
        let ten = old(Some("2026-01-11T10:00:00Z"));
        for (days, lifetime, fits) in [
            (7, Lifetime::Days(7), true),
            (8, Lifetime::Days(7), false),
            (10, Lifetime::AsOld, true),
            (11, Lifetime::AsOld, false),
            (3650, Lifetime::Never, true),
        ] {
            let asked = lifetime_of(&ten, &grace(days, lifetime));
            assert_eq!(asked.is_ok(), fits, "{days} {lifetime:?}: {asked:?}");
        }
        let (decision, why) = lifetime_of(&ten, &grace(8, Lifetime::Days(7))).unwrap_err();
        assert_eq!(decision, Decision::GracePeriod);
        assert!(why.contains("for 7 days") && why.contains("is 8 days"), "{why}");
    }

    fn lifetime_of(old: &OldKey, wishes: &Wishes) -> Result<(Ask, Option<TimeDelta>), Undecided> {
        lifetime(old, &[], wishes)
    }

    #[test]
    fn a_key_cannot_make_one_that_outlives_it() {
        let own = |lifetime: Lifetime| Wishes { own: true, ..wishes(lifetime) };
        let odd = old(Some("2026-01-11T10:30:00.123Z"));
        assert!(lifetime(&odd, &[], &own(Lifetime::AsOld)).is_err());
        assert!(lifetime(&odd, &[], &own(Lifetime::Until(at("2026-02-01T00:00:00Z")))).is_err());
        assert!(lifetime(&odd, &[], &own(Lifetime::Until(at("2026-01-11T00:00:00Z")))).is_ok());
        assert!(lifetime(&odd, &[], &own(Lifetime::Days(30))).is_ok());
    }

    #[test]
    fn what_cannot_be_asked_for_is_rejected() {
        for rejected in
            [Lifetime::Days(0), Lifetime::Days(3651), Lifetime::Until(at("2026-01-01T00:00:00Z"))]
        {
            assert!(lifetime(&old(None), &[], &wishes(rejected)).is_err(), "{rejected:?}");
        }
        let grace = Wishes {
            retirement: Retirement::Grace { days: 7 },
            ..wishes(Lifetime::Until(at("2027-01-01T00:00:00Z")))
        };
        assert!(lifetime(&old(None), &[], &grace).is_err());
    }

    #[test]
    fn a_replacement_is_neither_longer_nor_much_shorter() {
        let from = at("2026-01-01T10:00:00Z");
        let is = |ask, seconds: i64| {
            is_as_asked(ask, None, from, Some(from + TimeDelta::seconds(seconds)))
        };
        let hour = Ask::For { milliseconds: 3_600_000 };
        assert!(is(hour, 3600) && is(hour, 3540) && is(hour, 3605));
        assert!(!is(hour, 3606) && !is(hour, 3539));
        assert!(is(Ask::Days(1), 86_400) && !is(Ask::Days(1), 80_000));
        assert!(!is(Ask::Never, 3600) && is_as_asked(Ask::Never, None, from, None));
        assert!(!is_as_asked(hour, None, from, None));
    }
}

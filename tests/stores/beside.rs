//! Fields of one secret, each written by a rotation of its own at the same time: no write is lost, none
//! lands late, and what somebody else wrote into one's own field stays.

use std::sync::Arc;
use std::time::Duration;

use onkernel::Secret;
use onkernel::rotation::Store;
use serde_json::{Value, json};

use crate::fakes::kubernetes::Kubernetes;
use crate::fakes::vault::Vault;
use crate::fakes::{aws, kubernetes, vault};
use crate::support::{FOREIGN, NEW, OLD, OTHER};

/// What happens to the next write.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fate {
    /// Another field is written first.
    Beside,
    /// The field itself is.
    Foreign,
    /// It is done, and no response comes.
    Unheard,
    /// No response comes, and it is done only when the place is told so.
    Late,
}

/// A secret of several fields, behind a store for each.
pub(crate) trait Fields: Sync {
    fn open(&self, field: &str) -> Arc<dyn Store>;
    fn holds(&self, field: &str) -> Option<String>;
    fn fail(&self, fate: Fate);
    fn land(&self);
    /// How many writes were tried.
    fn writes(&self) -> usize;
}

/// The fields as somebody reads the secret.
fn all(key: &str) -> Value {
    json!({ "key": key, "other": OTHER })
}

impl Fields for Vault {
    fn open(&self, field: &str) -> Arc<dyn Store> {
        Arc::new(self.field(field).propagating(Duration::ZERO))
    }

    fn holds(&self, field: &str) -> Option<String> {
        Some(self.current()?[field].as_str()?.to_owned())
    }

    fn fail(&self, fate: Fate) {
        let fault = match fate {
            Fate::Beside => vault::Fault::Beside,
            Fate::Foreign => vault::Fault::Foreign(FOREIGN.into()),
            Fate::Unheard => vault::Fault::DropAfter,
            Fate::Late => vault::Fault::Late,
        };
        Self::fail(self, "POST", fault);
    }

    fn land(&self) {
        self.state().land();
    }

    fn writes(&self) -> usize {
        let is_it = |path: &str| path == "/v1/team/kv/data/ci";
        let received = self.http.received();
        received.iter().filter(|it| it.method == "POST" && is_it(&it.path)).count()
    }
}

impl Fields for aws::Aws {
    fn open(&self, field: &str) -> Arc<dyn Store> {
        Arc::new(self.store().field(field).propagating(Duration::ZERO))
    }

    fn holds(&self, field: &str) -> Option<String> {
        let value: Value = serde_json::from_str(&self.current()?).unwrap();
        Some(value[field].as_str()?.to_owned())
    }

    fn fail(&self, fate: Fate) {
        let fault = match fate {
            Fate::Beside => aws::Fault::Beside,
            Fate::Foreign => aws::Fault::Foreign(all(FOREIGN).to_string().leak()),
            Fate::Unheard => aws::Fault::DropAfter,
            Fate::Late => aws::Fault::Late,
        };
        Self::fail(self, "UpdateSecretVersionStage", fault);
    }

    fn land(&self) {
        self.state().land();
    }

    fn writes(&self) -> usize {
        self.calls("PutSecretValue")
    }
}

impl Fields for Kubernetes {
    fn open(&self, field: &str) -> Arc<dyn Store> {
        Arc::new(self.field(field))
    }

    fn holds(&self, field: &str) -> Option<String> {
        Self::holds(self, field)
    }

    fn fail(&self, fate: Fate) {
        let fault = match fate {
            Fate::Beside => kubernetes::Fault::Label,
            Fate::Foreign => kubernetes::Fault::Foreign(FOREIGN.into()),
            Fate::Unheard => kubernetes::Fault::DropAfter,
            Fate::Late => kubernetes::Fault::Late,
        };
        Self::fail(self, "PUT", fault);
    }

    fn land(&self) {
        self.state().land();
    }

    fn writes(&self) -> usize {
        self.http.received().iter().filter(|it| it.method == "PUT").count()
    }
}

/// Each kind of store, over a secret that holds the old key or none.
pub(crate) async fn places(key: Option<&str>) -> Vec<(&'static str, Box<dyn Fields>)> {
    let data = match key {
        Some(key) => all(key),
        None => json!({ "other": OTHER }),
    };
    let cluster = Kubernetes::holding(key.unwrap_or_default()).await;
    vec![
        ("vault", Box::new(Vault::holding(Some(data.clone())).await)),
        ("aws", Box::new(aws::Aws::holding(Some(&data.to_string())).await)),
        ("kubernetes", Box::new(cluster)),
    ]
}

async fn swap(store: &Arc<dyn Store>, from: &str, to: &str) -> bool {
    let (from, to) = (Secret::from(from), Secret::from(to));
    store.compare_and_swap(&from, &to).unwrap().await.unwrap()
}

#[tokio::test]
async fn a_write_is_made_again_over_what_changed_beside_it() {
    for fates in [
        &[Fate::Beside][..],
        &[Fate::Beside, Fate::Beside, Fate::Beside],
        // Done, lost, and followed by another field's.
        &[Fate::Unheard, Fate::Beside],
        &[Fate::Beside, Fate::Unheard],
        &[Fate::Late, Fate::Beside],
        &[Fate::Beside, Fate::Late, Fate::Beside, Fate::Unheard],
    ] {
        for (name, place) in places(Some(OLD)).await {
            fates.iter().for_each(|fate| place.fail(*fate));
            let store = place.open("key");
            assert!(swap(&store, OLD, NEW).await, "{name} {fates:?}");
            let held = [place.holds("key"), place.holds("other")];
            assert_eq!(held, [Some(NEW.into()), Some(OTHER.into())], "{name} {fates:?}");
            // Back again, and then what was late arrives.
            assert!(swap(&store, NEW, OLD).await, "{name} {fates:?}");
            place.land();
            assert_eq!(place.holds("key").as_deref(), Some(OLD), "{name} {fates:?}");
        }
    }
}

#[tokio::test]
async fn a_write_that_expects_nothing_is_too() {
    for (name, place) in places(None).await {
        let store = place.open("key");
        assert_eq!(store.read().await.unwrap(), None);
        place.fail(Fate::Beside);
        store.write(&Secret::from(NEW)).await.expect(name);
        assert_eq!(place.holds("key").as_deref(), Some(NEW), "{name}");
        place.fail(Fate::Beside);
        store.clear().await.expect(name);
        assert_eq!((place.holds("key"), place.holds("other")), (None, Some(OTHER.into())));
        // Also where the other field was written before.
        let (other, theirs) = (place.open("other"), Secret::from("theirs"));
        other.read().await.unwrap();
        other.write(&theirs).await.expect(name);
        store.write(&Secret::from(NEW)).await.expect(name);
        assert_eq!(place.holds("key").as_deref(), Some(NEW), "{name}");
        assert_eq!(place.holds("other").as_deref(), Some("theirs"), "{name}");
    }
}

#[tokio::test]
async fn what_somebody_else_wrote_into_the_field_itself_stays() {
    for fates in [&[Fate::Beside, Fate::Foreign][..], &[Fate::Late, Fate::Foreign]] {
        for (name, place) in places(Some(OLD)).await {
            fates.iter().for_each(|fate| place.fail(*fate));
            let (old, new) = (Secret::from(OLD), Secret::from(NEW));
            let store = place.open("key");
            let swapped = store.compare_and_swap(&old, &new).unwrap().await;
            assert!(!matches!(swapped, Ok(true)), "{name} {fates:?}");
            place.land();
            assert_eq!(place.holds("key").as_deref(), Some(FOREIGN), "{name} {fates:?}");
        }
        for (name, place) in places(None).await {
            let store = place.open("key");
            store.read().await.unwrap();
            fates.iter().for_each(|fate| place.fail(*fate));
            store.write(&Secret::from(NEW)).await.expect_err(name);
            place.land();
            assert_eq!(place.holds("key").as_deref(), Some(FOREIGN), "{name} {fates:?}");
        }
        // What was never read is held to what was there at first.
        for (name, place) in places(Some(OLD)).await {
            fates.iter().for_each(|fate| place.fail(*fate));
            place.open("key").write(&Secret::from(NEW)).await.expect_err(name);
            assert_eq!(place.holds("key").as_deref(), Some(FOREIGN), "{name} {fates:?}");
        }
    }
}

#[tokio::test]
async fn whoever_writes_without_end_ends_a_write_in_time() {
    let vault = Vault::holding(Some(all(OLD))).await;
    (0..99).for_each(|_| Vault::fail(&vault, "POST", vault::Fault::Beside));
    let store = vault.store().timeout(Duration::from_secs(1));
    let error = crate::support::swap(&store, OLD, NEW).await.unwrap_err();
    assert!(error.to_string().contains("is written again and again"), "{error}");
    assert!(!error.outcome_unknown() && Fields::writes(&vault) < 9, "{error}");
    assert_eq!(vault.holds("key").as_deref(), Some(OLD));
}

#[tokio::test]
async fn many_fields_are_written_at_once() {
    for (name, place) in places(Some(OLD)).await {
        let many = 12;
        let write = async |n: usize| {
            let store = place.open(&format!("key{n}"));
            store.read().await.unwrap();
            store.write(&Secret::from(format!("first{n}"))).await.unwrap();
            assert!(swap(&store, &format!("first{n}"), &format!("second{n}")).await, "{name}");
        };
        futures_util::future::join_all((0..many).map(write)).await;
        for n in 0..many {
            let held = place.holds(&format!("key{n}"));
            assert_eq!(held, Some(format!("second{n}")), "{name}");
        }
        assert_eq!(
            (place.holds("key"), place.holds("other")),
            (Some(OLD.into()), Some(OTHER.into()))
        );
        assert!(place.writes() > 2 * many, "{name}: they have met");
    }
}

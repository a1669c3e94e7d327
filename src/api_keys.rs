//! Short forms for what is done with API keys every day, each a thin layer on a generated call.

use std::future::Future;

use chrono::{DateTime, TimeDelta, Utc};
use futures_core::Stream;
use futures_util::{TryStreamExt, future};

use crate::builder::CreateApiKey;
use crate::types::{ApiKey, ApiKeyPolicy};
use crate::{Client, Nullable, Result};

/// The page size of listings that want every key: the largest that the operation allows.
const PAGE: i64 = 100;

mod sealed {
    pub trait Sealed {}
    impl Sealed for crate::Client {}
    impl Sealed for crate::builder::CreateApiKey {}
}

/// Says what key to create in the words of the guide.
///
/// ```no_run
/// use onkernel::prelude::*;
///
/// # async fn example(client: Client) -> onkernel::Result<()> {
/// let created =
///     client.create_api_key().named("ci").for_days(30).in_project("proj_abc123").send().await?;
/// # Ok(())
/// # }
/// ```
pub trait CreateApiKeyExt: sealed::Sealed + Sized {
    /// The key's name, 1 to 255 characters. Names need not be unique.
    #[must_use]
    fn named(self, name: impl Into<String>) -> Self;

    /// The key expires after this many days, 1 to 3650.
    #[must_use]
    fn for_days(self, days: i64) -> Self;

    /// The key expires at this time: in the future, and no later than the key that makes it.
    #[must_use]
    fn until(self, time: DateTime<Utc>) -> Self;

    /// The key never expires, said explicitly.
    #[must_use]
    fn forever(self) -> Self;

    /// The key can access this project only. Without it, it can access the whole organization,
    /// unless the calling key is itself confined to a project.
    #[must_use]
    fn in_project(self, project_id: impl Into<String>) -> Self;

    /// The key can do what the policy lists and nothing else.
    #[must_use]
    fn restricted_to(self, policy: ApiKeyPolicy) -> Self;
}

impl CreateApiKeyExt for CreateApiKey {
    fn named(self, name: impl Into<String>) -> Self {
        let name = name.into();
        self.body_map(|body| body.name(name))
    }

    fn for_days(self, days: i64) -> Self {
        self.body_map(|body| body.days_to_expire(days))
    }

    fn until(self, time: DateTime<Utc>) -> Self {
        self.body_map(|body| body.expires_at(time))
    }

    fn forever(self) -> Self {
        self.body_map(|body| body.days_to_expire(Nullable::Null))
    }

    fn in_project(self, project_id: impl Into<String>) -> Self {
        let project_id = project_id.into();
        self.body_map(|body| body.project_id(project_id))
    }

    fn restricted_to(self, policy: ApiKeyPolicy) -> Self {
        self.body_map(|body| body.policy(policy))
    }
}

/// Finds keys.
///
/// Listing is by offset: while keys come and go, one may be seen twice and another be missed.
///
/// ```no_run
/// use chrono::TimeDelta;
/// use onkernel::prelude::*;
///
/// # async fn example(client: Client) -> onkernel::Result<()> {
/// for key in client.api_keys_expiring_within(TimeDelta::days(14)).await? {
///     println!("{} ({}) expires {:?}", key.name, key.masked_key, key.expires_at);
/// }
/// # Ok(())
/// # }
/// ```
pub trait ApiKeysExt: sealed::Sealed {
    /// Every key that is not deleted, expired ones included, a page of 100 in memory at a time.
    ///
    /// # Errors
    /// The first page that fails ends the stream with its error.
    fn all_api_keys(&self) -> impl Stream<Item = Result<ApiKey>> + Send + Unpin + 'static;

    /// The keys of exactly this name, byte for byte; the server's own filter ignores case and
    /// accents.
    ///
    /// # Errors
    /// As [`Client::list_api_keys`].
    fn api_keys_named(&self, name: &str) -> impl Future<Output = Result<Vec<ApiKey>>> + Send;

    /// The keys that were created longer ago than `age`, by this machine's clock.
    ///
    /// # Errors
    /// As [`Client::list_api_keys`].
    fn api_keys_older_than(
        &self,
        age: TimeDelta,
    ) -> impl Future<Output = Result<Vec<ApiKey>>> + Send;

    /// The keys that still work and will not when `within` has passed, by this machine's clock.
    ///
    /// # Errors
    /// As [`Client::list_api_keys`].
    fn api_keys_expiring_within(
        &self,
        within: TimeDelta,
    ) -> impl Future<Output = Result<Vec<ApiKey>>> + Send;

    /// The listed keys whose masked form fits the key that this client uses: which of them am I?
    ///
    /// Nothing in the API says which key a call used, and masked forms may be equal. One answer is
    /// as good as certain; several cannot be told apart; none means that the key may not see
    /// itself.
    ///
    /// # Errors
    /// As [`Client::list_api_keys`], and when the client's key cannot be read.
    fn matching_api_keys(&self) -> impl Future<Output = Result<Vec<ApiKey>>> + Send;
}

impl ApiKeysExt for Client {
    fn all_api_keys(&self) -> impl Stream<Item = Result<ApiKey>> + Send + Unpin + 'static {
        self.list_api_keys().limit(PAGE).stream()
    }

    async fn api_keys_named(&self, name: &str) -> Result<Vec<ApiKey>> {
        let listed = self.list_api_keys().limit(PAGE).name(name).stream();
        only(listed, |key| key.name == name).await
    }

    async fn api_keys_older_than(&self, age: TimeDelta) -> Result<Vec<ApiKey>> {
        let before = Utc::now().checked_sub_signed(age).unwrap_or(DateTime::<Utc>::MIN_UTC);
        only(self.all_api_keys(), |key| key.created_at < before).await
    }

    async fn api_keys_expiring_within(&self, within: TimeDelta) -> Result<Vec<ApiKey>> {
        let now = Utc::now();
        let end = now.checked_add_signed(within).unwrap_or(DateTime::<Utc>::MAX_UTC);
        only(self.all_api_keys(), |key| {
            key.expires_at.is_some_and(|expires| now < expires && expires <= end)
        })
        .await
    }

    async fn matching_api_keys(&self) -> Result<Vec<ApiKey>> {
        let own = self.api_key().await?;
        only(self.all_api_keys(), |key| fits_mask(own.expose(), &key.masked_key)).await
    }
}

async fn only(
    keys: impl Stream<Item = Result<ApiKey>> + Send,
    wanted: impl Fn(&ApiKey) -> bool + Send + Sync,
) -> Result<Vec<ApiKey>> {
    keys.try_filter(|key| future::ready(wanted(key))).try_collect().await
}

/// Whether a masked form such as `sk_1234...abcd` can be this plaintext's.
fn fits_mask(plaintext: &str, masked: &str) -> bool {
    match masked.split_once("...") {
        Some((head, tail)) => {
            !(head.is_empty() && tail.is_empty())
                && plaintext.len() >= head.len() + tail.len()
                && plaintext.starts_with(head)
                && plaintext.ends_with(tail)
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::fits_mask;

    #[test]
    fn a_mask_fits_by_its_ends() {
        assert!(fits_mask("sk_1234567890abcd", "sk_1234...abcd"));
        assert!(!fits_mask("sk_1234567890abcd", "sk_1234...abce"));
        assert!(!fits_mask("sk_123bcd", "sk_123...3bcd"), "the ends may not overlap");
        assert!(!fits_mask("sk_1234567890abcd", "..."));
        assert!(!fits_mask("sk_1234567890abcd", "sk_1234567890abcd"));
    }
}

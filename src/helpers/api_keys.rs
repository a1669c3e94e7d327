//! What is asked of API keys every day and is more than one call.

use std::future::Future;

use chrono::{DateTime, TimeDelta, Utc};
use futures_core::Stream;
use futures_util::{TryStreamExt, future};

use crate::resources::api_keys::ApiKeys;
use crate::types::{ApiKey, AuthContext};
use crate::{Items, Result};

/// The page size of listings that want every key: the largest that the operation allows.
const PAGE: i64 = 100;

mod sealed {
    pub trait Sealed {}
    impl Sealed for crate::resources::api_keys::ApiKeys {}
}

/// Finds keys.
///
/// Listing is by offset: while keys come and go, one may be seen twice and another be missed.
///
/// ```no_run
/// use onkernel::chrono::TimeDelta;
/// use onkernel::prelude::*;
///
/// # async fn example(kernel: Client) -> onkernel::Result<()> {
/// for key in kernel.api_keys().expiring_within(TimeDelta::days(14)).await? {
///     println!("{} ({}) expires {:?}", key.name, key.masked_key, key.expires_at);
/// }
/// # Ok(())
/// # }
/// ```
pub trait ApiKeysExt: sealed::Sealed {
    /// The keys of exactly this name, byte for byte; the server's own filter ignores case and
    /// accents.
    ///
    /// # Errors
    /// As [`ApiKeys::list`].
    fn named(&self, name: &str) -> impl Future<Output = Result<Vec<ApiKey>>> + Send;

    /// The keys that were created longer ago than `age`, by this machine's clock.
    ///
    /// # Errors
    /// As [`ApiKeys::list`].
    fn older_than(&self, age: TimeDelta) -> impl Future<Output = Result<Vec<ApiKey>>> + Send;

    /// The keys that still work and will not when `within` has passed, by this machine's clock.
    ///
    /// # Errors
    /// As [`ApiKeys::list`].
    fn expiring_within(
        &self,
        within: TimeDelta,
    ) -> impl Future<Output = Result<Vec<ApiKey>>> + Send;

    /// The key that this client uses: which one am I?
    ///
    /// The service says it exactly. Where it does not, or not to this key (404, 403), the keys are
    /// listed whose masked form fits.
    ///
    /// # Errors
    /// As [`ApiKeys::list`], and when the client's key cannot be read.
    fn current(&self) -> impl Future<Output = Result<Current>> + Send;
}

/// The key that a client uses, or those that it may be: see [`ApiKeysExt::current`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Current {
    /// What the service says of the caller: its credential, organization and scope. Nothing where it
    /// does not say it, or not to this key.
    pub context: Option<AuthContext>,
    /// With a context, the one key, or none where it may not see itself or the credential is no key.
    /// Without, those whose masked form fits: several cannot be told apart.
    pub candidates: Vec<ApiKey>,
}

impl Current {
    /// Whether the service said which key it is. Otherwise masked forms fit, and they may be equal.
    pub fn is_exact(&self) -> bool {
        self.context.is_some()
    }

    /// The id of the key, unless several fit, or none; or the credential is no key.
    pub fn id(&self) -> Option<&str> {
        match (&self.context, &self.candidates[..]) {
            (Some(context), _) => context.authentication.credential_id.as_deref(),
            (None, [key]) => Some(&key.id),
            (None, _) => None,
        }
    }
}

impl ApiKeysExt for ApiKeys {
    async fn named(&self, name: &str) -> Result<Vec<ApiKey>> {
        let listed = self.list().limit(PAGE).name(name).items();
        only(listed, |key| key.name == name).await
    }

    async fn older_than(&self, age: TimeDelta) -> Result<Vec<ApiKey>> {
        let before = Utc::now().checked_sub_signed(age).unwrap_or(DateTime::<Utc>::MIN_UTC);
        only(all(self), |key| key.created_at < before).await
    }

    async fn expiring_within(&self, within: TimeDelta) -> Result<Vec<ApiKey>> {
        let now = Utc::now();
        let end = now.checked_add_signed(within).unwrap_or(DateTime::<Utc>::MAX_UTC);
        only(all(self), |key| key.expires_at.is_some_and(|expires| now < expires && expires <= end))
            .await
    }

    async fn current(&self) -> Result<Current> {
        let Some(context) = allowed(self.client.auth().context().get().send().await)? else {
            let own = self.client.api_key().await?;
            let fits = |key: &ApiKey| fits_mask(own.expose(), &key.masked_key);
            return Ok(Current { context: None, candidates: only(all(self), fits).await? });
        };
        let key = match &context.authentication.credential_id {
            Some(id) => allowed(self.get(id).send().await)?,
            None => None,
        };
        Ok(Current { context: Some(context), candidates: key.into_iter().collect() })
    }
}

/// A response, unless the service has none for this caller.
fn allowed<T>(response: Result<T>) -> Result<Option<T>> {
    match response {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.is_not_found() || error.is_forbidden() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Every key that is not deleted, expired ones included.
fn all(keys: &ApiKeys) -> Items<ApiKey> {
    keys.list().limit(PAGE).items()
}

async fn only(
    keys: impl Stream<Item = Result<ApiKey>> + Send,
    wanted: impl Fn(&ApiKey) -> bool + Send + Sync,
) -> Result<Vec<ApiKey>> {
    keys.try_filter(|key| future::ready(wanted(key))).try_collect().await
}

/// Whether a masked form such as `sk_1234...abcd` can be this plaintext's.
pub(crate) fn fits_mask(plaintext: &str, masked: &str) -> bool {
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

//! What is asked of API keys every day and is more than one call.

use std::future::Future;

use chrono::{DateTime, TimeDelta, Utc};
use futures_core::Stream;
use futures_util::{TryStreamExt, future};

use crate::resources::api_keys::ApiKeys;
use crate::types::ApiKey;
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
/// use chrono::TimeDelta;
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
    /// The service says it exactly, and then it is the only one; a credential that is no key is
    /// none. Where the service does not say it, or not to this key (404, 403), these are all listed
    /// keys whose masked form fits: one is as good as certain, several cannot be told apart, none
    /// means that the key may not see itself.
    ///
    /// # Errors
    /// As [`ApiKeys::list`], and when the client's key cannot be read.
    fn current(&self) -> impl Future<Output = Result<Vec<ApiKey>>> + Send;
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

    async fn current(&self) -> Result<Vec<ApiKey>> {
        match self.client.auth().context().get().send().await {
            Ok(context) => {
                let Some(id) = context.authentication.credential_id else { return Ok(Vec::new()) };
                match self.get(id).send().await {
                    Ok(key) => return Ok(vec![key]),
                    Err(error) if error.is_not_found() || error.is_forbidden() => {}
                    Err(error) => return Err(error),
                }
            }
            Err(error) if error.is_not_found() || error.is_forbidden() => {}
            Err(error) => return Err(error),
        }
        let own = self.client.api_key().await?;
        only(all(self), |key| fits_mask(own.expose(), &key.masked_key)).await
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

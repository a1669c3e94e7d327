//! What takes more than one call: traits that extend resources, each behind the feature of its
//! resource.

#[cfg(feature = "api-keys")]
pub(crate) mod api_keys;
#[cfg(feature = "browsers")]
pub(crate) mod browsers;
#[cfg(feature = "deployments")]
pub(crate) mod deployments;
#[cfg(any(feature = "deployments", feature = "invocations"))]
pub(crate) mod following;
#[cfg(feature = "invocations")]
pub(crate) mod invocations;

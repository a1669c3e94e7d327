//! What AWS sends.

use serde::Deserialize;

/// One step of the rotation of one secret. Whatever else AWS sends is of no use here.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Event {
    /// The secret's ARN.
    pub(crate) secret_id: String,
    /// The id of the version that is to become the current one.
    pub(crate) client_request_token: String,
    pub(crate) step: String,
}

//! An API-keys server of your own, in your process: for tests and demonstrations, with no account
//! and no network.
//!
//! It listens on a port of the loopback interface and behaves as the API does: keys have scopes,
//! lifetimes and policies, are deleted softly, and are shown in plaintext once. Its clock can be
//! moved, its keys can be looked at, and it can be told to fail, to lag behind its own changes or to
//! lie: see [`Fault`]. It shares no code
//! with the client, so that a mistake in one shows against the other.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use onkernel::chrono::TimeDelta;
//! use onkernel::testing::{Fault, NewKey, Server};
//!
//! let server = Server::start().await?;
//! let key = server.add_key(NewKey::named("ci").days(30));
//! assert!(server.authenticates(key.plaintext()));
//!
//! server.advance(TimeDelta::days(30));
//! assert!(!server.authenticates(key.plaintext()));
//!
//! // The next response to a POST is lost, after the effect.
//! server.faults().add(Fault::drop_connection().method("POST").after().times(1));
//! // ... run your code against `server.url()` with `server.bootstrap_key()` ...
//! assert!(server.log().is_empty());
//! server.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! # What it does where the API's description leaves it open
//!
//! - A request belongs to the project of its key, or to the one that `X-Kernel-Project` (by id or
//!   name) or `X-Kernel-Project-Id` (by id) names: keys of others are not found (404). Two headers
//!   that name different projects are 400. Inside a project, creating with no `project_id` makes a
//!   key of that project; an org-wide one (`null`) or another project's is 404.
//! - A key with a policy may ask `GET /auth/context`, and nothing about keys: see [`Policy`].
//! - The server's own rotation copies the policy. It is 400 where the new key, however its lifetime
//!   is come by, would expire before the grace period of the old one is over.
//! - Listing by `expires_at` puts keys that never expire after all others, and keys that are equal
//!   in the order of their creation (turned around in descending order). `include_deleted=true`
//!   means `status=all`. A limit outside of 1 to 100 is 400, as is a parameter given twice.
//! - Rotation with `days_to_expire: null` makes a key that never expires; left out, the new key
//!   gets the lifetime that the old one was made with.
//! - Unknown fields and parameters are ignored; a body that is not `application/json` is 400, one
//!   of more than 1 MiB is 413.

mod api;
mod builder;
mod clock;
mod core;
mod faults;
mod http;
mod log;
mod reply;
mod request;
mod response;
mod server;
mod state;
mod world;

pub use self::api::AuthContext;
pub use self::builder::Builder;
pub use self::faults::{Fault, Faults, FaultsError, RetryAfter, Which};
pub use self::log::{Effect, LogEntry};
pub use self::server::Server;
pub use self::state::{Change, Creator, KeyRecord, Lag, NewKey, Policy, Statement};

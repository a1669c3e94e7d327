//! A server of your own, in your process: for tests and demonstrations, with no account and no
//! network.
//!
//! It listens on a port of the loopback interface and takes every operation that the document
//! describes. It shares no code with the client, so that a mistake in one shows against the other.
//!
//! # Keys
//!
//! With keys it behaves as the API does: they have scopes, lifetimes and policies, are deleted softly,
//! and are shown in plaintext once. Its clock can be moved, its keys can be looked at, and it can be
//! told to fail, to lag behind its own changes or to lie: see [`Fault`].
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
//! # Everything else
//!
//! All other operations keep no state. A request is held against the document, and rejected with the reason
//! where it does not keep to it. The response is the first success that the document has, with a value
//! for every field: what the request said of a field of that name, such as the name of what is created or
//! the id in the path, and else one that is made up, the same on every run. Listings have three
//! things on two pages, streams an event of each kind. What was just made has not begun, and what is
//! looked at has come to a good end: a deployment runs, an invocation has succeeded. [`Server::respond`]
//! orders another response, and [`Server::received`] shows what came in.
//!
//! ```
//! # #[cfg(not(feature = "browsers"))]
//! # fn main() {}
//! # #[cfg(feature = "browsers")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use onkernel::Client;
//! use onkernel::serde_json::json;
//! use onkernel::testing::{Server, Stub};
//!
//! let server = Server::start().await?;
//! let kernel = Client::builder().api_key(server.bootstrap_key()).base_url(server.url()).build()?;
//!
//! let browser = kernel.browsers().create().name("mine").send().await?;
//! assert_eq!(browser.name.as_deref(), Some("mine"));
//!
//! server.respond("browsers.playwright.execute", Stub::merge(json!({ "result": 2 })))?;
//! let run = kernel.browsers().playwright().execute(&browser.session_id, "return 1 + 1").send().await?;
//! assert_eq!(run.result, Some(json!(2)));
//! assert_eq!(server.received("browsers.playwright.execute")[0].body["code"], "return 1 + 1");
//!
//! let mut events = kernel.browsers().telemetry().stream(&browser.session_id).events().await?;
//! while let Some(event) = events.next().await {
//!     println!("{:?}", event?);
//! }
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
//! - Unknown fields and parameters are ignored, unless the document closes an object. A body of another
//!   media type is 400 for keys and 415 elsewhere. JSON of more than 16 MiB is 413; files may be of any
//!   size, and of each the first 64 KiB are kept.
//! - A stream of events goes on after `Last-Event-ID`, and begins at `since` where its events have a
//!   `timestamp`.
//! - The `base_url` of a session leads to this server. There, with the token of `cdp_ws_url` in `jwt` and
//!   no API key (400), are the operations of its machine: `computer`, `curl`, `fs`, `playwright`,
//!   `process`, and the streams of `logs` and `telemetry`. To play a machine that is gone, order a
//!   [`Fault`] for the path `/vm/**`.
//! - Policies are kept and shown. No operation but those on keys asks for them.

mod api;
mod builder;
mod clock;
mod contract;
mod core;
mod faults;
mod http;
mod log;
mod merge;
mod record;
mod reply;
mod request;
mod response;
mod server;
mod state;
mod stub;
mod stub_file;
mod world;

pub use self::api::AuthContext;
pub use self::builder::Builder;
pub use self::faults::{Fault, Faults, FaultsError, RetryAfter, Which};
pub use self::log::{Effect, LogEntry, Received};
pub use self::record::Recorded;
pub use self::server::Server;
pub use self::state::{Change, Creator, KeyRecord, Lag, NewKey, Policy, Statement};
pub use self::stub::{Stub, UnknownOperation};
pub use self::stub_file::StubsError;

//! A browser session that ends when what was done with it does.

use reqwest::StatusCode;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tracing::Instrument;

use crate::resources::browsers::{Browsers, Create};
use crate::types::Browser;
use crate::{Error, Result};

mod sealed {
    pub trait Sealed {}
    impl Sealed for crate::resources::browsers::Browsers {}
}

/// Uses browsers and leaves none behind.
pub trait BrowsersExt: sealed::Sealed {
    /// Starts a browser session as the call describes it, does the work, and deletes the session
    /// when that is done, whatever came of it.
    ///
    /// ```no_run
    /// use onkernel::prelude::*;
    ///
    /// # async fn example(kernel: Client) -> onkernel::Result<()> {
    /// let browsers = kernel.browsers();
    /// let work = |browser: onkernel::types::Browser| async move {
    ///     let code = "await page.goto('https://example.com'); return page.title()";
    ///     browsers.playwright().execute(browser.session_id, code).send().await
    /// };
    /// let call = kernel.browsers().create().headless(true);
    /// let title = kernel.browsers().with_session(call, work).await?.into_result()?;
    /// println!("{:?}", title.result);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # When the future is dropped, or the work panics
    /// The session is deleted all the same, also one that is being started just then: by a task of the
    /// runtime, for a drop cannot wait. A program that ends, and the runtime with it, before that
    /// task is done leaves the session to end by itself, when it has been idle for
    /// [`timeout_seconds`](Create::timeout_seconds). So let Ctrl-C end the work and not the
    /// program:
    ///
    /// ```no_run
    /// use onkernel::prelude::*;
    ///
    /// # async fn scrape(kernel: Client, id: String) -> onkernel::Result<String> { Ok(id) }
    /// # async fn example(kernel: Client) -> onkernel::Result<()> {
    /// let work = |browser: onkernel::types::Browser| {
    ///     let scraping = scrape(kernel.clone(), browser.session_id);
    ///     async {
    ///         tokio::select! {
    ///             scraped = scraping => Some(scraped),
    ///             _ = tokio::signal::ctrl_c() => None,
    ///         }
    ///     }
    /// };
    /// let end = kernel.browsers().with_session(kernel.browsers().create(), work).await?;
    /// // Here the session has been deleted, or `end.deleted` says why not.
    /// end.deleted?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The session could not be started. What the work returned, an error of its own
    /// included, and whether the session was deleted is in [`SessionEnd`].
    fn with_session<F, W>(
        &self,
        call: Create,
        work: F,
    ) -> impl Future<Output = Result<SessionEnd<W::Output>>>
    where
        F: FnOnce(Browser) -> W,
        W: Future;
}

/// What came of a session: see [`with_session`](BrowsersExt::with_session).
#[derive(Debug)]
#[must_use = "the work's own errors are in it"]
#[non_exhaustive]
pub struct SessionEnd<T> {
    /// What the work returned.
    pub result: T,
    /// Whether the session was deleted; also if it had ended before.
    pub deleted: Result<()>,
}

impl<T, E: From<Error>> SessionEnd<Result<T, E>> {
    /// The work's result. Of two errors its own goes first: the session that could not be deleted
    /// ends by itself when it has been idle for long enough.
    ///
    /// # Errors
    /// The work failed, or the session could not be deleted.
    pub fn into_result(self) -> Result<T, E> {
        let value = self.result?;
        self.deleted?;
        Ok(value)
    }
}

impl BrowsersExt for Browsers {
    async fn with_session<F, W>(&self, call: Create, work: F) -> Result<SessionEnd<W::Output>>
    where
        F: FnOnce(Browser) -> W,
        W: Future,
    {
        let (session, browser) = start(call).await?;
        let result = work(browser).await;
        Ok(SessionEnd { result, deleted: session.end().await })
    }
}

/// Starts a session in a task of its own, which learns its id even if nobody waits for it any more.
async fn start(call: Create) -> Result<(Session, Browser)> {
    // Whoever starts it can delete it; another client may be of another organization.
    let browsers = call.client_.browsers();
    let runtime = Handle::try_current().map_err(|error| Error::configuration(error.to_string()))?;
    let (give, take) = oneshot::channel();
    let tasks = runtime.clone();
    let starting = async move {
        let started = call.send().await.map(|browser| {
            let id = browser.session_id.clone();
            (Session { browsers, id, tasks, ended: false }, browser)
        });
        // If nobody takes it, it is dropped here, and the session ends.
        drop(give.send(started));
    };
    runtime.spawn(starting.in_current_span());
    let stopped = |_| Error::configuration("the runtime stopped while a browser was being started");
    take.await.map_err(stopped)?
}

/// A session, deleted when this is dropped.
struct Session {
    browsers: Browsers,
    id: String,
    tasks: Handle,
    ended: bool,
}

impl Session {
    /// Deletes the session. A future that is dropped meanwhile leaves it to the drop.
    async fn end(mut self) -> Result<()> {
        let deleted = delete(&self.browsers, &self.id).await;
        self.ended = true;
        deleted
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        let (browsers, id) = (self.browsers.clone(), std::mem::take(&mut self.id));
        let deleting = async move {
            if let Err(error) = delete(&browsers, &id).await {
                tracing::warn!(session = id, %error, "a browser session could not be deleted");
            }
        };
        drop(self.tasks.spawn(deleting.in_current_span()));
    }
}

/// Deletes a session that may have ended by itself.
async fn delete(browsers: &Browsers, id: &str) -> Result<()> {
    match browsers.delete(id).send().await {
        Err(error) if error.is_not_found() || error.status() == Some(StatusCode::GONE) => Ok(()),
        deleted => deleted,
    }
}

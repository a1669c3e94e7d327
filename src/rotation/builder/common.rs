//! The settings that a rotation and its resumption share.

macro_rules! common_settings {
    () => {
        /// Where the rotation writes down what it is about to do: the path of a file, or a journal
        /// that is kept [elsewhere](crate::rotation::JournalAt). Required: without it a crash could
        /// leave keys that nobody finds. A file must be on a disk that survives one.
        pub fn journal(mut self, at: impl Into<JournalAt>) -> Self {
            self.given.common.journal = Some(at.into());
            self
        }

        /// How the workload takes up what the store holds: a restart, a reload, a rollout. It is
        /// called again with [`DeployTarget::Old`](crate::rotation::DeployTarget::Old) when the
        /// rotation is undone, and may be called twice
        /// for the same key.
        pub fn deploy<F, Fut, E>(mut self, hook: F) -> Self
        where
            F: Fn(crate::rotation::settings::DeployTarget) -> Fut + Send + Sync + 'static,
            Fut: Future<Output = Result<(), E>> + Send + 'static,
            E: Into<HookError>,
        {
            self.given.common.deploy = Some(Arc::new(move |target| {
                let done = hook(target);
                Box::pin(async { done.await.map_err(Into::into) })
            }));
            self
        }

        /// How to see that the workload has the new key. The hook gets a client that uses the new
        /// key. In any case the server is asked whether it lets the new key in.
        pub fn verify<F, Fut, E>(mut self, hook: F) -> Self
        where
            F: Fn(Client) -> Fut + Send + Sync + 'static,
            Fut: Future<Output = Result<(), E>> + Send + 'static,
            E: Into<HookError>,
        {
            self.given.common.verify = Some(Arc::new(move |client| {
                let done = hook(client);
                Box::pin(async { done.await.map_err(Into::into) })
            }));
            self
        }

        /// How long both keys work between verification and retirement (60 s).
        pub fn overlap(mut self, time: Duration) -> Self {
            self.given.common.overlap = time;
            self
        }

        /// How long each hook may take (10 minutes). One that takes longer is dropped, and has
        /// failed.
        pub fn hook_timeout(mut self, time: Duration) -> Self {
            self.given.common.hook_timeout = time;
            self
        }

        /// How long what has happened on the server may stay unseen, and a request whose outcome
        /// is unknown may still take effect: without this 30 s, and never less than twice the
        /// client's timeout. That a key is not there is believed only after this time.
        pub fn settle_time(mut self, time: Duration) -> Self {
            self.given.common.settle = Some(time);
            self
        }

        /// The time until the old key's retirement must have begun; after it the rotation is
        /// undone. Undoing takes the time that it needs.
        pub fn deadline(mut self, time: Duration) -> Self {
            self.given.common.deadline = Some(time);
            self
        }

        /// Ends at the next safe point once a stop is requested: see [`Stop`].
        pub fn stop_on(mut self, stop: &Stop) -> Self {
            self.given.common.stop = stop.clone();
            self
        }

        /// Everything that happens is reported to this, as it happens.
        pub fn on_event(mut self, listener: impl Fn(&Event) + Send + Sync + 'static) -> Self {
            self.given.common.listeners.push(Arc::new(listener));
            self
        }

        /// Everything that happens, as a stream. It ends with the rotation.
        pub fn events(self) -> (Self, Events) {
            let (sender, events) = Events::new();
            // Nobody may be listening any more.
            (self.on_event(move |event| drop(sender.send(event.clone()))), events)
        }

        /// Takes the time from elsewhere: for tests.
        pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
            self.given.common.clock = Arc::new(clock);
            self
        }

        #[doc(hidden)]
        pub fn probe(mut self, probe: Arc<dyn Probe>) -> Self {
            self.given.common.probe = Some(probe);
            self
        }
    };
}

pub(crate) use common_settings;

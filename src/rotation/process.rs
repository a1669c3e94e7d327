//! A child process and everything that it starts, killed together.

use std::io;

use tokio::process::{Child, Command};

/// A child in a process group of its own, which is killed when this is dropped before
/// [`ended`](Self::ended).
pub(super) struct Group {
    child: Child,
    running: bool,
}

impl Group {
    pub(super) fn spawn(mut command: Command) -> io::Result<Self> {
        #[cfg(unix)]
        command.process_group(0);
        command.kill_on_drop(true);
        Ok(Self { child: command.spawn()?, running: true })
    }

    pub(super) fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// The child has ended by itself: nothing is left to kill.
    pub(super) fn ended(&mut self) {
        self.running = false;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if !self.running {
            return;
        }
        // The child has not been waited for, so its id, which is the group's, is still its own.
        #[cfg(unix)]
        if let Some(id) = self.child.id().and_then(|id| i32::try_from(id).ok())
            && let Some(group) = rustix::process::Pid::from_raw(id)
        {
            // It may have ended in this instant, which is what was wanted.
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
}

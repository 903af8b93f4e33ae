//! What the process is told from outside: SIGTERM and SIGINT end it, SIGUSR1 asks for a new key.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::error::StartError;

/// Signals that are caught from now on.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    new_key: Signal,
}

impl Signals {
    /// Begins to catch them.
    pub(crate) fn catch() -> Result<Self, StartError> {
        let catch = |kind| signal(kind).map_err(StartError::Runtime);
        Ok(Self {
            terminate: catch(SignalKind::terminate())?,
            interrupt: catch(SignalKind::interrupt())?,
            new_key: catch(SignalKind::user_defined1())?,
        })
    }

    /// Returns when the process is to end; until then, calls `new_key` for each request for a key.
    pub(crate) async fn wait_for_shutdown(&mut self, new_key: impl Fn()) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = self.new_key.recv() => new_key(),
            }
        }
    }
}

//! What the process is told from outside: SIGTERM and SIGINT end it, SIGUSR1 asks for a new key.

use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::context::Context;
use crate::error::StartError;

/// Returns when the process is to end.
pub(crate) async fn wait(context: Arc<Context>, stop: CancellationToken) -> Result<(), StartError> {
    let mut terminate = signal(SignalKind::terminate()).map_err(StartError::Runtime)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(StartError::Runtime)?;
    let mut new_key = signal(SignalKind::user_defined1()).map_err(StartError::Runtime)?;
    loop {
        tokio::select! {
            _ = terminate.recv() => return Ok(()),
            _ = interrupt.recv() => return Ok(()),
            () = stop.cancelled() => return Ok(()),
            _ = new_key.recv() => context.keys.ask_for_new_key(),
        }
    }
}

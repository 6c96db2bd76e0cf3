//! Signals: Ctrl-C (SIGINT) and SIGTERM ask to stop, SIGHUP is said to have been heard and is not
//! deadly: terminals send it when they close, and there is nothing to load anew.

use std::io;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that the program listens to.
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Signals {
    /// Begins to listen; none is lost from here on.
    ///
    /// # Errors
    /// The system does not let us.
    pub fn listen() -> io::Result<Signals> {
        Ok(Signals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Waits until somebody asks to stop.
    ///
    /// Cancel-safe: a signal that came is not lost, the next call sees it.
    pub async fn stop(&mut self) {
        loop {
            tokio::select! {
                _ = self.interrupt.recv() => return,
                _ = self.terminate.recv() => return,
                _ = self.hangup.recv() => tracing::info!("hangup ignored"),
            }
        }
    }
}

//! The handle by which a program starts and stops a broker.

use crate::control;
use crate::options::BrokerOptions;
use crate::start::{StartError, Started};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::thread::JoinHandle;
use thiserror::Error;
use tokio::sync::oneshot;

/// A broker did not stop as it should. What it had acknowledged is safe all the same: the next
/// start recovers as after a crash.
#[derive(Debug, Error)]
pub enum StopError {
    /// A folder could not be closed cleanly.
    #[error("the logs could not be closed cleanly: {0}")]
    Close(#[from] headwater_log::FolderError),
    /// A thread of the broker has panicked, which is a bug.
    #[error("a thread of the broker has panicked")]
    Panicked,
    /// It could not go on and has stopped by itself.
    #[error("the broker could not go on: {cause}")]
    Died {
        /// Why.
        cause: String,
    },
}

/// A running broker. Dropping it stops it as well, without waiting and without telling of errors.
#[derive(Debug)]
pub struct Broker {
    started: Started,
    stop: Option<oneshot::Sender<()>>,
    ended: Option<oneshot::Receiver<Result<(), StopError>>>,
    control: Option<JoinHandle<()>>,
}

impl Broker {
    /// Starts a broker and waits until it serves.
    ///
    /// Safe to drop: a broker that was starting then stops again.
    ///
    /// # Errors
    /// When it cannot serve; each error says what is in the way.
    pub async fn start(options: impl Into<BrokerOptions>) -> Result<Self, StartError> {
        let options = options.into();
        let (ready, is_ready) = oneshot::channel();
        let (stop, stopped) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        let control = std::thread::Builder::new()
            .name("headwater-control".to_owned())
            .spawn(move || control::run(options, ready, stopped, end))
            .map_err(StartError::Thread)?;
        let started = is_ready.await.map_err(|_| StartError::Panicked)??;
        Ok(Self { started, stop: Some(stop), ended: Some(ended), control: Some(control) })
    }

    /// Where clients find it: `host:port` of the first listener.
    pub fn bootstrap(&self) -> String {
        self.started.addresses.first().map(|(_, address)| address.to_string()).unwrap_or_default()
    }

    /// Every listener's name with the address it is bound to.
    pub fn addresses(&self) -> &[(String, SocketAddr)] {
        &self.started.addresses
    }

    /// Where metrics and health are served, if they are.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.started.metrics
    }

    /// The log folders in use.
    pub fn log_dirs(&self) -> &[PathBuf] {
        &self.started.log_dirs
    }

    /// The cluster's id.
    pub fn cluster_id(&self) -> &str {
        &self.started.cluster_id
    }

    /// Waits until the broker has stopped by itself, which it does only when it cannot go on: its
    /// metadata cannot be kept any more, or one of its threads has ended. For ever, if all is well.
    ///
    /// Cancel-safe.
    pub async fn stopped_by_itself(&mut self) -> StopError {
        let Some(ended) = &mut self.ended else { return std::future::pending().await };
        let outcome = ended.await;
        self.ended = None;
        outcome.unwrap_or(Ok(())).err().unwrap_or(StopError::Panicked)
    }

    /// Stops the broker: no more requests, answers that are ready are sent, everything is synced
    /// and the next start finds all as it was.
    ///
    /// Not cancel-safe in so far as a drop does not stop the stopping.
    ///
    /// # Errors
    /// When not everything could be closed cleanly.
    pub async fn shutdown(mut self) -> Result<(), StopError> {
        self.stop.take();
        let outcome = match self.ended.take() {
            Some(ended) => ended.await.unwrap_or(Err(StopError::Panicked)),
            None => Ok(()),
        };
        if let Some(control) = self.control.take()
            && control.join().is_err()
        {
            return Err(StopError::Panicked);
        }
        outcome
    }
}

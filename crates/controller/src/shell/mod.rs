//! The thread that joins core and storage.

#[cfg(test)]
mod crash_tests;
mod handle;
mod runner;
#[cfg(test)]
mod tests;

pub use handle::{Answer, ControllerHandle, OnCommitted};
pub use runner::{ControllerOptions, StartError};

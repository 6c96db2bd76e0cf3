//! Behaviour of logs and log folders, on disks in memory and on real files.

mod append;
mod common;
mod failures;
mod folder;
mod idempotence;
mod kafka;
mod model;
mod recovery;
mod retention;
mod transactions;

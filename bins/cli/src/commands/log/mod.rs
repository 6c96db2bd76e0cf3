//! `headwater log`: looks into log files, proves and mends them; needs no broker.
//!
//! `dump` and `verify` never write, and work beside a broker that runs. The others need the log
//! folder for themselves and take its lock; they say what they would do before they do it.

mod adopt;
mod batches;
mod dump;
mod entry;
mod files;
mod indexes;
mod offline;
mod progress;
mod recover;
mod repair;
mod sink;
mod verify;

use crate::arguments::Global;
use crate::exit::Failures;
use clap::Subcommand;

/// What to do with log files.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show what is in log files, and whether it is sound
    Dump(dump::Dump),
    /// Prove that logs are what they should be; changes nothing
    Verify(verify::Verify),
    /// Take damage out of logs and make anew what can be told from them
    Repair(repair::Repair),
    /// Do what an unclean start would do, without a broker
    Recover(recover::Recover),
    /// Take partitions into a broker's log folder that Apache Kafka wrote, or that were moved aside
    Adopt(adopt::Adopt),
}

/// Carries out one of them.
///
/// # Errors
/// All that went wrong.
pub fn run(global: &Global, command: Command) -> Result<(), Failures> {
    match command {
        Command::Dump(command) => command.run(global.output),
        Command::Verify(command) => command.run(global.output),
        Command::Repair(command) => command.run(global.output),
        Command::Recover(command) => command.run(global.output),
        Command::Adopt(command) => command.run(global.output),
    }
}

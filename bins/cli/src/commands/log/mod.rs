//! `headwater log`: needs no broker, and never writes to the files it reads.

mod batches;
mod dump;
mod entry;
mod files;
mod indexes;
mod sink;

use crate::arguments::Global;
use crate::exit::Failures;
use clap::Subcommand;

/// What to do with log files.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show what is in log files, and whether it is sound
    Dump(dump::Dump),
}

/// Carries out one of them.
///
/// # Errors
/// All that went wrong.
pub fn run(global: &Global, command: Command) -> Result<(), Failures> {
    match command {
        Command::Dump(command) => command.run(global.output),
    }
}

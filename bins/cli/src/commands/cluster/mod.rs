//! `headwater cluster`.

mod describe;

use crate::arguments::Global;
use crate::connect::with_admin;
use crate::exit::Failures;
use clap::Subcommand;

/// What to do with the cluster.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Describe the cluster: its id, brokers and features
    Describe(describe::Describe),
}

/// Carries out one of them.
///
/// # Errors
/// All that went wrong.
pub fn run(global: &Global, command: Command) -> Result<(), Failures> {
    let format = global.output;
    with_admin(global, |admin| async move {
        match command {
            Command::Describe(command) => command.run(&admin, format).await,
        }
    })
}

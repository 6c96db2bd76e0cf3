//! `headwater topic`.

mod alter;
mod assignment;
mod create;
mod delete;
mod describe;
mod list;

use crate::arguments::Global;
use crate::connect::with_admin;
use crate::exit::Failures;
use clap::Subcommand;

/// What to do with topics.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Create topics
    Create(create::Create),
    /// List the topics
    List(list::List),
    /// Describe topics: partitions, leaders, replicas, overridden configs
    Describe(describe::Describe),
    /// Add partitions to topics
    Alter(alter::Alter),
    /// Delete topics with all their records; asks nothing
    Delete(delete::Delete),
}

/// Carries out one of them.
///
/// # Errors
/// All that went wrong.
pub fn run(global: &Global, command: Command) -> Result<(), Failures> {
    let format = global.output;
    with_admin(global, |admin| async move {
        match command {
            Command::Create(command) => command.run(&admin, format).await,
            Command::List(command) => command.run(&admin, format).await,
            Command::Describe(command) => command.run(&admin, format).await,
            Command::Alter(command) => command.run(&admin, format).await,
            Command::Delete(command) => command.run(&admin, format).await,
        }
    })
}

//! One folder a noun, one file a command.

pub mod cluster;
pub mod config;
pub mod log;
pub mod topic;

use crate::arguments::{Arguments, Command};
use crate::exit::Failures;

/// Carries out what the command line asks for.
///
/// # Errors
/// All that went wrong; results that were there are printed already.
pub fn run(arguments: Arguments) -> Result<(), Failures> {
    let global = &arguments.global;
    match arguments.command {
        Command::Topic(command) => topic::run(global, command),
        Command::Config(command) => config::run(global, command),
        Command::Cluster(command) => cluster::run(global, command),
        Command::Log(command) => log::run(global, command),
    }
}

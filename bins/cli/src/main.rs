//! The headwater command line: topics, configs, cluster and log files of any Kafka cluster.
//!
//! Start reading at [`arguments`], the table of contents; each command is one file under
//! [`commands`]. A command prints its result to standard output, as a table or as JSON, and
//! whatever went wrong to standard error; [`exit`] says which exit code that makes.

mod arguments;
mod commands;
mod connect;
mod exit;
mod output;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = match arguments::Arguments::try_parse() {
        Ok(arguments) => arguments,
        // Help and version are asked for, and go to standard output with success.
        Err(error) => {
            let usage = error.use_stderr();
            // Nobody is left to tell when that fails.
            let _ = error.print();
            return if usage { exit::USAGE.into() } else { exit::OK.into() };
        }
    };
    match commands::run(arguments) {
        Ok(()) => exit::OK.into(),
        Err(failures) => failures.report(),
    }
}

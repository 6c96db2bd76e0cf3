//! The Headwater broker as a program: reads its configuration, starts the broker, waits for a
//! signal, stops.
//!
//! What it says to its user (where it listens, where it stores, what to try next) goes to standard
//! output; its log goes to standard error. [`Outcome`] lists how it can end.

#![allow(clippy::print_stderr, reason = "a program tells its user what went wrong")]

mod advice;
mod arguments;
mod configuration;
mod greeting;
mod logging;
mod open_files;
mod signals;
mod systemd;

use arguments::Arguments;
use clap::Parser;
use headwater_broker::{Broker, BrokerOptions, ServerConfig};
use std::process::ExitCode;
use std::sync::Arc;

/// How the program ends; the number is the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// It was asked to stop, and everything was closed cleanly.
    Stopped = 0,
    /// It stopped, but not everything was closed cleanly; the next start recovers.
    UncleanStop = 1,
    /// The command line or the configuration is wrong.
    BadConfiguration = 2,
    /// The broker could not be started: a port, a folder, the system.
    CannotStart = 3,
    /// It could not go on and has stopped by itself; the next start recovers.
    Died = 4,
    /// It was asked to stop a second time and did not wait; the next start recovers.
    Hurried = 130,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> ExitCode {
        ExitCode::from(outcome as u8)
    }
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        // Help and version are asked for, and go to standard output with success.
        Err(error) => {
            // Nobody is left to tell when that fails.
            let _ = error.print();
            let outcome =
                if error.use_stderr() { Outcome::BadConfiguration } else { Outcome::Stopped };
            return outcome.into();
        }
    };
    match run(&arguments) {
        Ok(outcome) => outcome.into(),
        Err(failure) => {
            eprintln!("headwater-broker: {}", failure.text);
            failure.outcome.into()
        }
    }
}

/// An end that the user must be told the reason of.
struct Failure {
    outcome: Outcome,
    text: String,
}

impl Failure {
    fn new(outcome: Outcome, text: impl std::fmt::Display) -> Failure {
        Failure { outcome, text: text.to_string() }
    }
}

fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let bad = |text: String| Failure::new(Outcome::BadConfiguration, text);
    let log_level = logging::start(&arguments.log_level).map_err(bad)?;
    let server = configuration::load(arguments).map_err(bad)?;
    for warning in configuration::summarize(&server.warnings) {
        tracing::warn!("{warning}");
    }
    if arguments.check {
        greeting::checked(&server);
        return Ok(Outcome::Stopped);
    }
    open_files::raise_limit();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| {
        Failure::new(Outcome::CannotStart, format!("the system refuses to run us: {error}"))
    })?;
    runtime.block_on(serve(server, log_level))
}

async fn serve(server: ServerConfig, log_level: logging::Level) -> Result<Outcome, Failure> {
    // Before the broker starts, so that a signal during the start is not lost.
    let mut signals = signals::Signals::listen().map_err(|error| {
        Failure::new(Outcome::CannotStart, format!("signals cannot be received: {error}"))
    })?;
    let node_id = server.node_id;
    let mut options = BrokerOptions::from(server);
    options.set_log_level = Some(Arc::new(move |level| log_level.set(level)));
    let starting = Broker::start(options);
    let mut broker = tokio::select! {
        started = starting => started.map_err(|error| {
            Failure::new(Outcome::CannotStart, advice::with_remedy(&error))
        })?,
        () = signals.stop() => return Ok(Outcome::Stopped),
    };
    greeting::started(&broker, node_id);
    systemd::notify("READY=1");

    tokio::select! {
        () = signals.stop() => {}
        error = broker.stopped_by_itself() => {
            systemd::notify("STOPPING=1");
            return Err(Failure::new(
                Outcome::Died,
                format!("{error}; what was acknowledged is safe, the next start recovers the rest"),
            ));
        }
    }
    tracing::info!("stopping; once more to stop at once");
    systemd::notify("STOPPING=1");
    tokio::select! {
        stopped = broker.shutdown() => match stopped {
            Ok(()) => {
                tracing::info!("stopped");
                Ok(Outcome::Stopped)
            }
            Err(error) => Err(Failure::new(
                Outcome::UncleanStop,
                format!("{error}; what was acknowledged is safe, the next start recovers the rest"),
            )),
        },
        () = signals.stop() => Err(Failure::new(
            Outcome::Hurried,
            "stopped at once; what was acknowledged is safe, the next start recovers the rest",
        )),
    }
}

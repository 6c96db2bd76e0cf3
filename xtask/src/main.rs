//! Chores of the project: `cargo xtask <chore>`; without one, the list.
//!
//! A chore is a module with one `run`. Chores start other programs and wait for them; they are
//! the only code here that may print, and they never end up in a library.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "chores talk to a person")]

mod arguments;
mod bench;
mod brokers;
mod chaos;
mod ci;
mod codegen;
mod codegen_grpc;
mod commands;
mod crash;
mod fuzz;
mod interop;
mod tidy;

use anyhow::Result;
use arguments::Arguments;
use std::process::ExitCode;

const HELP: &str = "\
cargo xtask CHORE [OPTIONS]

  codegen [--check]     write the code generated from proto/ (--check: fail where it is stale)
  tidy                  the style test: layering, banned calls, headers, manifests, licences
  interop [--bounded]   foreign clients against the broker; --help says more
  bench                 what the same work costs ours and Apache Kafka; --help says more
  crash                 power cuts, failing syncs and flipped bits on the log; --help says more
  chaos --single        a broker under real clients' load, killed again and again; --help says more
  fuzz [--seconds 60]   every fuzz target for a while (--target NAME: one)
  ci                    everything a change must pass but the foreign clients
";

fn main() -> ExitCode {
    let mut arguments = Arguments::from_environment();
    match run(&mut arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &mut Arguments) -> Result<()> {
    let Some(chore) = arguments.next_word() else {
        print!("{HELP}");
        return Ok(());
    };
    match chore.as_str() {
        "codegen" => {
            let check = arguments.flag("--check");
            arguments.finish()?;
            generate(check)
        }
        "tidy" => {
            arguments.finish()?;
            tidy::run()
        }
        "ci" => {
            arguments.finish()?;
            ci::run()
        }
        "bench" => bench::run(arguments),
        "chaos" => chaos::run(arguments),
        "crash" => crash::run(arguments),
        "fuzz" => fuzz::run(arguments),
        "interop" => interop::run(arguments),
        "help" | "--help" | "-h" => {
            print!("{HELP}");
            Ok(())
        }
        other => anyhow::bail!("no chore `{other}`\n\n{HELP}"),
    }
}

/// Everything that is generated and committed.
fn generate(check: bool) -> Result<()> {
    codegen::run(check)?;
    codegen_grpc::run(check)?;
    if check {
        // The configuration reference is compared by a test of the crate that it is made from.
        return Ok(());
    }
    let page = "the_reference_page_is_fresh";
    let mut command =
        commands::cargo(&["test", "--quiet", "-p", "headwater-metadata", "--lib", page])?;
    commands::run(command.env("HEADWATER_UPDATE_DOCS", "1"))
}

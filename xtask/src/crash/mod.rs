//! `cargo xtask crash`: power cuts, failing syncs and flipped bits against the log's storage, by
//! the million; `--mutants`: whether that would notice if the log's order of steps were wrong.
//!
//! The work is done by `crates/log/tests/crash`; here it is built in release and run.

mod mutants;

use crate::arguments::Arguments;
use crate::commands;
use anyhow::Result;

const HELP: &str = "\
cargo xtask crash [OPTIONS]

  --seconds 300      how long crash states are tried
  --protocol NAME    only that one
  --seed S           only that run of each protocol
  --flips 100000     bits that are flipped afterwards
  --operations 10000 file operations of the run of which every sync fails once
  --mutants          takes one sync or one order after the other out of a copy of the log, and
                     demands that each is noticed
  --only NAME        only the mutants whose name contains this
  --mutant-seconds 20  how long crash states of a mutant are tried at most
";

/// Runs it.
///
/// # Errors
///
/// Something was lost, or a mutant was not noticed.
pub fn run(arguments: &mut Arguments) -> Result<()> {
    if arguments.flag("--help") {
        print!("{HELP}");
        return Ok(());
    }
    if arguments.flag("--mutants") {
        let only = arguments.value("--only")?;
        let seconds = arguments.value("--mutant-seconds")?.map_or(Ok(20), |text| text.parse())?;
        arguments.finish()?;
        return mutants::run(only.as_deref(), seconds);
    }
    let seconds: u64 = arguments.value("--seconds")?.map_or(Ok(300), |text| text.parse())?;
    let flips: u64 = arguments.value("--flips")?.map_or(Ok(100_000), |text| text.parse())?;
    let operations: u64 =
        arguments.value("--operations")?.map_or(Ok(10_000), |text| text.parse())?;
    let protocol = arguments.value("--protocol")?;
    let seed = arguments.value("--seed")?;
    arguments.finish()?;
    let mut crashes = vec!["--seconds".to_owned(), seconds.to_string()];
    for (name, value) in [("--protocol", &protocol), ("--seed", &seed)] {
        crashes.extend(value.iter().flat_map(|value| [name.to_owned(), value.clone()]));
    }
    test(&crashes)?;
    if protocol.is_none() && seed.is_none() {
        test(&["--failing-syncs".to_owned(), operations.to_string()])?;
        test(&["--flips".to_owned(), flips.to_string()])?;
    }
    Ok(())
}

fn test(words: &[String]) -> Result<()> {
    let mut command = commands::cargo(&[
        "test",
        "--release",
        "--locked",
        "--quiet",
        "--package",
        "headwater-log",
        "--test",
        "crash",
        "--",
    ])?;
    commands::run(command.args(words))
}

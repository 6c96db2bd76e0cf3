//! `cargo xtask chaos`: a real broker under real clients' load, killed at random moments.
//!
//! What the clients were told is kept, and compared with what other clients read afterwards
//! ([`checker`]). A kill leaves what the process had written with the operating system, so this
//! proves nothing about syncs: `cargo xtask crash` does.

mod chapters;
mod checker;
mod clients;
mod dump;
mod random;
mod run;
mod tally;
mod victim;

use crate::arguments::Arguments;
use crate::brokers;
use anyhow::{Result, bail};
use clients::Programs;
use run::{Length, Run};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use victim::Victim;

const HELP: &str = "\
cargo xtask chaos --single [OPTIONS]

  --single         one broker, killed with SIGKILL while librdkafka (idempotent) and rskafka write
  --rounds 20      kills; a release run is 200
  --minutes M      as many as fit into so many minutes, instead
  --seed S         draws the moments and the kinds of topics (default: from the clock)
  --partitions P   of every topic that is loaded, instead of 1 to 300
  --dump           Apache Kafka's own kafka-dump-log over the folder at the end
  --broker PATH    our broker's binary (default: built in release mode)
  --port N         first port to try (default 19860)
";

/// Runs it.
///
/// # Errors
///
/// Something acknowledged is not as it was told, or broker or clients did not do their part.
pub fn run(arguments: &mut Arguments) -> Result<()> {
    if arguments.flag("--help") {
        print!("{HELP}");
        return Ok(());
    }
    if !arguments.flag("--single") {
        bail!("say `--single`\n\n{HELP}");
    }
    let rounds = arguments.value("--rounds")?.map_or(Ok(20), |text| text.parse())?;
    let minutes: Option<u64> =
        arguments.value("--minutes")?.map(|text| text.parse()).transpose()?;
    let seed = arguments.value("--seed")?.map(|text| text.parse()).transpose()?;
    let partitions: Option<i32> =
        arguments.value("--partitions")?.map(|text| text.parse()).transpose()?;
    let with_dump = arguments.flag("--dump");
    let binary = arguments.value("--broker")?;
    let port = arguments.value("--port")?.map_or(Ok(19860), |port| port.parse())?;
    arguments.finish()?;
    let binary = match binary {
        Some(path) => Path::new(&path).canonicalize()?,
        None => brokers::built("headwater-broker")?,
    };
    let length = |began: Instant| match minutes {
        Some(minutes) => Length::Until(began + Duration::from_secs(60 * minutes)),
        None => Length::Rounds(rounds),
    };
    let seed = seed.unwrap_or_else(seed_from_clock);
    play(&Plan { binary, port, seed, partitions, with_dump }, length)
}

struct Plan {
    binary: PathBuf,
    port: u16,
    seed: u64,
    partitions: Option<i32>,
    with_dump: bool,
}

/// The part of it that the gate runs: every kind of topic, each with its kill.
///
/// # Errors
///
/// As [`run()`].
pub fn bounded(binary: &Path, port: u16) -> Result<()> {
    let plan = Plan {
        binary: binary.to_owned(),
        port,
        seed: seed_from_clock(),
        partitions: None,
        with_dump: false,
    };
    play(&plan, |_| Length::Rounds(10))
}

fn play(plan: &Plan, length: impl FnOnce(Instant) -> Length) -> Result<()> {
    let folder = tempfile::Builder::new().prefix("headwater-chaos-").tempdir()?;
    let programs = Programs::build(&clients::complaints(folder.path())?)?;
    let victim = Victim::new(&plan.binary, brokers::free_port(plan.port)?, folder.path());
    let data = victim.data();
    println!("seed {}, in {}", plan.seed, folder.path().display());
    let began = Instant::now();
    let mut run = Run::new(victim, programs, plan.seed, length(began), plan.partitions);
    let outcome =
        run.play().and_then(|()| if plan.with_dump { dump::check(&data) } else { Ok(()) });
    println!("\nseed {}: {}\n{} s", plan.seed, run.tally, began.elapsed().as_secs());
    // The broker ends with the run; the folder may stay.
    let rounds = run.tally.rounds;
    drop(run);
    outcome.map_err(|error| {
        let kept = folder.keep();
        error.context(format!(
            "chaos: round {rounds}, seed {}; the folder is kept: {}",
            plan.seed,
            kept.display()
        ))
    })
}

fn seed_from_clock() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_millis() as u64)
}

//! `cargo xtask bench`: what the same work costs ours and Apache Kafka, in one run, as a table for
//! `docs/performance.md`.
//!
//! Nothing about time is asserted anywhere: figures are for reading, on the machine they were
//! taken on. The figure of a cell is the broker's own CPU time, which repeats on a busy machine far
//! better than the clock does.

mod first_produce;

use crate::arguments::Arguments;
use crate::brokers::{self, Broker, Kind, Setting};
use crate::commands;
use anyhow::{Context, Result, bail};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const HELP: &str = "\
cargo xtask bench [OPTIONS]

  --cells A,B     cells of the comparison (default: all)
  --pairs N       pairs a cell (default 3)
  --scale F       multiplies the amount of data (default 1.0)
  --warm S        seconds of load before measuring (default 30)
  --skip-kafka    only ours: start, memory
  --broker PATH   our broker's binary (default: built in release mode)
  --port N        first port to try (default 19800)
";

/// Kafka answers from the page cache; so does ours here, for a like-for-like comparison.
const LIKE_KAFKA: &[Setting<'static>] = &[("num.partitions", "4"), ("durability", "replicated")];

/// Starts of which the median is given.
const STARTS: usize = 9;

/// Measures and prints.
///
/// # Errors
///
/// A broker or the comparison fails.
pub fn run(arguments: &mut Arguments) -> Result<()> {
    if arguments.flag("--help") {
        print!("{HELP}");
        return Ok(());
    }
    let mut words = Vec::new();
    for name in ["--cells", "--pairs", "--scale", "--warm"] {
        if let Some(value) = arguments.value(name)? {
            words.extend([name.to_owned(), value]);
        }
    }
    let skip_kafka = arguments.flag("--skip-kafka");
    let port: u16 = arguments.value("--port")?.map_or(Ok(19800), |port| port.parse())?;
    let binary = match arguments.value("--broker")? {
        Some(path) => Path::new(&path).canonicalize()?,
        None => brokers::built("headwater-broker")?,
    };
    arguments.finish()?;

    let size = std::fs::metadata(&binary)?.len();
    println!("\n| what | ours |\n| --- | --- |");
    println!("| binary | {:.1} MB |", size as f64 / 1e6);
    for (what, prepared) in [("a new folder", false), ("its folder again", true)] {
        let mut times = Vec::new();
        for _ in 0..STARTS {
            times.push(start_to_first_acknowledged(&binary, port, prepared)?);
        }
        times.sort();
        let median = times.get(STARTS / 2).context("starts were timed")?;
        println!(
            "| start to first acknowledged record, {what} | {:.1} ms |",
            median.as_secs_f64() * 1e3
        );
    }
    let ours = Broker::start(&Kind::Headwater(binary), port, LIKE_KAFKA)?;
    // Memory of a broker that has nothing to do: wait until starting is over.
    std::thread::park_timeout(Duration::from_secs(3));
    println!("| resident when idle | {} MB |", ours.memory_mb("VmRSS").unwrap_or(0));
    if !skip_kafka {
        compare(&ours, port, &words)?;
    }
    let ending = ours.stop()?;
    println!("\nours: at most {} MB resident", ending.resident_mb.unwrap_or(0));
    match ending.complaint {
        Some(complaint) => bail!(complaint),
        None => Ok(()),
    }
}

/// From the process's start to the acknowledgement of one record of a new topic.
fn start_to_first_acknowledged(binary: &Path, port: u16, prepared: bool) -> Result<Duration> {
    let folder = tempfile::tempdir()?;
    let port = brokers::free_port(port)?;
    let mut took = Duration::ZERO;
    for _ in 0..if prepared { 2 } else { 1 } {
        let mut command = brokers::headwater_command(binary, port, folder.path(), &[]);
        command.current_dir(folder.path());
        let began = Instant::now();
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let produced = first_produce::produce_one(port, "first", Duration::from_secs(20));
        took = began.elapsed();
        brokers::terminate(child.id())?;
        child.wait()?;
        produced?;
    }
    Ok(took)
}

fn compare(ours: &Broker, port: u16, words: &[String]) -> Result<()> {
    let suites = brokers::suites()?;
    let tool = suites.join("side-by-side");
    if !tool.is_file() {
        bail!("no side-by-side in {} (HEADWATER_SUITES names the folder)", suites.display());
    }
    let kafka = Broker::start(
        &Kind::Kafka(suites.join("apache-kafka")),
        port.saturating_add(50),
        &[("num.partitions", "4")],
    )?;
    println!("| Apache Kafka, resident when idle | {} MB |", kafka.memory_mb("VmRSS").unwrap_or(0));
    let mut command = Command::new(tool);
    for (name, broker) in [("ours", ours), ("kafka", &kafka)] {
        let pid = broker.pid().context("a running broker")?;
        command.arg("--broker").arg(format!("{name}={}:{pid}", broker.bootstrap()));
    }
    command.args(words).stdin(Stdio::null()).stdout(Stdio::piped());
    println!("\n+ {}\n", commands::show(&command));
    let mut child = command.spawn().context("starting the comparison")?;
    let output = child.stdout.take().context("the output is piped")?;
    println!("| cell | unit | ours | Apache Kafka | ratio |\n| --- | --- | --- | --- | --- |");
    let mut notes = Vec::new();
    for line in BufReader::new(output).lines() {
        let line = line?;
        match row(&line) {
            Some(row) => println!("{row}"),
            None => notes.push(line),
        }
    }
    println!("\n{}", notes.join("\n"));
    let status = child.wait()?;
    kafka.stop()?;
    if status.success() { Ok(()) } else { bail!("the comparison: {status}") }
}

/// A line of the comparison as a line of a table; none when it is something else.
fn row(line: &str) -> Option<String> {
    let (cell, rest) = line.split_once(' ')?;
    let (unit, rest) = rest.trim_start().split_once("  ours ")?;
    let (ours, rest) = rest.split_once("  kafka ")?;
    let (kafka, ratio) = rest.split_once("  ratio ").unwrap_or((rest, "-"));
    let columns = [cell, unit, ours, kafka, ratio].map(str::trim);
    Some(format!("| {} |", columns.join(" | ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_comparison_become_rows() {
        let line = "produce-1m     CPU-s/GB    ours     0.402 (0.401..0.410)  kafka     1.250 \
                    (1.20..1.31)  ratio 0.322 (0.31..0.33)";
        let wanted = "| produce-1m | CPU-s/GB | 0.402 (0.401..0.410) | 1.250 (1.20..1.31) | 0.322 \
                      (0.31..0.33) |";
        assert_eq!(row(line).as_deref(), Some(wanted));
        assert_eq!(row("ours: resident 12 MB at the start"), None);
        assert_eq!(row("    ours ack_ms (last pair): p50 0.31"), None);
    }
}

//! The command line's shape: its table of contents.

use crate::commands::{cluster, config, log, topic};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::time::Duration;

/// Topics, configs, cluster and log files of any Kafka cluster.
#[derive(Debug, Parser)]
#[command(
    name = "headwater",
    version,
    arg_required_else_help = true,
    after_help = "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 no broker reached or none answered in time."
)]
pub struct Arguments {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Clone, Debug, Args)]
pub struct Global {
    /// Where to find the cluster: HOST:PORT of any broker, several with commas
    #[arg(
        long,
        short = 'b',
        global = true,
        value_name = "HOST:PORT",
        env = "HEADWATER_BOOTSTRAP_SERVER",
        default_value = "127.0.0.1:9092"
    )]
    pub bootstrap_server: String,

    /// How results are printed
    #[arg(long, short, global = true, value_enum, value_name = "FORMAT", default_value = "table")]
    pub output: Format,

    /// How long the command may take, e.g. 500ms, 30s or 2m
    #[arg(
        long,
        global = true,
        value_name = "TIME",
        value_parser = parse_duration,
        default_value = "30s"
    )]
    pub timeout: Duration,
}

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Columns for people
    Table,
    /// One JSON document for programs
    Json,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Create, list, describe, alter and delete topics
    #[command(subcommand)]
    Topic(topic::Command),
    /// Describe and alter configs of topics, brokers, the cluster and groups
    #[command(subcommand)]
    Config(config::Command),
    /// Describe the cluster
    #[command(subcommand)]
    Cluster(cluster::Command),
    /// Look into log files; needs no broker
    #[command(subcommand)]
    Log(log::Command),
}

/// Reads `500ms`, `30s`, `2m`; a bare number counts seconds.
fn parse_duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let unit = text.strip_prefix(digits).unwrap_or_default();
    let number: u64 = digits.parse().map_err(|_| "not a number with a unit".to_owned())?;
    let ms_each = match unit {
        "ms" => 1,
        "" | "s" => 1_000,
        "m" => 60_000,
        _ => return Err(format!("{unit:?} is no unit; use ms, s or m")),
    };
    match number.checked_mul(ms_each) {
        Some(ms) if (1..=u64::from(u32::MAX)).contains(&ms) => Ok(Duration::from_millis(ms)),
        _ => Err("must be longer than nothing and shorter than 50 days".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn times_have_units_and_bounds() {
        let ms = |text| parse_duration(text).map(|time| time.as_millis());
        assert_eq!(ms("30"), Ok(30_000));
        assert_eq!(ms("30s"), Ok(30_000));
        assert_eq!(ms("1ms"), Ok(1));
        assert_eq!(ms("2m"), Ok(120_000));
        for text in ["", "s", "-1s", "1.5s", "1h", "0", "99999999999999999999", "5000000000ms"] {
            assert!(ms(text).is_err(), "{text}");
        }
    }
}

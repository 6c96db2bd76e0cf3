//! The command line.

use clap::Parser;
use clap::builder::FalseyValueParser;
use std::path::PathBuf;

const AFTER_HELP: &str = "\
Settings have Kafka's names and are taken, the strongest first, from --set, from the environment
(HEADWATER_LOG_DIRS is log.dirs), from the file, from the defaults. All of them are explained in
docs/configuration.md.

Examples:
  headwater-broker
  headwater-broker --set listeners=PLAINTEXT://127.0.0.1:19092 --set log.dirs=/var/lib/headwater
  headwater-broker --config server.properties --check

Exit codes: 0 stopped cleanly; 1 stopped, but not cleanly; 2 wrong command line or configuration;
3 could not start; 4 could not go on and stopped by itself; 130 stopped at once on a second signal.";

/// A Kafka-compatible broker.
#[derive(Debug, Parser)]
#[command(name = "headwater-broker", version, about, after_help = AFTER_HELP)]
pub struct Arguments {
    /// Configuration file: TOML where its name ends in .toml, else a server.properties
    #[arg(long, value_name = "FILE", env = "HEADWATER_CONFIG")]
    pub config: Option<PathBuf>,

    /// Set one configuration key, stronger than file and environment; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,

    /// Refuse unknown configuration keys instead of warning of them
    #[arg(long, env = "HEADWATER_STRICT", value_parser = FalseyValueParser::new())]
    pub strict: bool,

    /// Check the configuration, strictly, and exit
    #[arg(long)]
    pub check: bool,

    /// What to log to standard error: off, error, warn, info, debug, trace; for single parts as in
    /// info,headwater_node=debug
    #[arg(long, value_name = "LEVEL", default_value = "info", env = "HEADWATER_LOG_LEVEL")]
    pub log_level: String,
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
    fn settings_may_be_repeated() {
        let line = ["x", "--set", "a=1", "--set", "b=2=3", "--config", "f", "--check"];
        let arguments = Arguments::try_parse_from(line).unwrap();
        assert_eq!(arguments.set, ["a=1", "b=2=3"]);
        assert_eq!(arguments.config, Some("f".into()));
        assert!(arguments.check && !arguments.strict);
        assert!(Arguments::try_parse_from(["x", "--nonsense"]).is_err());
        assert!(Arguments::try_parse_from(["x", "stray"]).is_err());
    }
}

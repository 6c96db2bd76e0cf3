//! `headwater config`.

mod alter;
mod describe;

use crate::arguments::Global;
use crate::connect::with_admin;
use crate::exit::Failures;
use clap::{Args, Subcommand};
use headwater_client::core::admin::{ConfigResource, ConfigResourceKind};
use headwater_types::BrokerId;

/// What to do with configs.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Describe configs; by default those that differ from Kafka's defaults
    Describe(describe::Describe),
    /// Set, delete, append to and subtract from configs
    Alter(alter::Alter),
}

/// Whose configs: at least one of these.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub struct Whose {
    /// A topic; may be given several times
    #[arg(long, short, value_name = "NAME")]
    topic: Vec<String>,

    /// A broker; may be given several times
    #[arg(long, value_name = "ID", value_parser = clap::value_parser!(i32).range(0..))]
    broker: Vec<i32>,

    /// What holds for every broker that has no value of its own
    #[arg(long)]
    cluster: bool,

    /// A group; may be given several times
    #[arg(long, value_name = "ID")]
    group: Vec<String>,
}

impl Whose {
    /// In the protocol's terms.
    fn resources(&self) -> Vec<ConfigResource> {
        let topics = self.topic.iter().map(ConfigResource::topic);
        let brokers = self.broker.iter().map(|&id| ConfigResource::broker(BrokerId(id)));
        let groups = self
            .group
            .iter()
            .map(|name| ConfigResource { kind: ConfigResourceKind::Group, name: name.clone() });
        let cluster = self.cluster.then(ConfigResource::cluster_default);
        topics.chain(brokers).chain(cluster).chain(groups).collect()
    }
}

/// A thing that has configs, as JSON names it.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Resource {
    /// `topic`, `broker`, `cluster` or `group`.
    #[serde(rename = "type")]
    kind: String,
    /// Its name or id; null for the cluster's default.
    name: Option<String>,
}

impl From<&ConfigResource> for Resource {
    fn from(resource: &ConfigResource) -> Self {
        if *resource == ConfigResource::cluster_default() {
            return Self { kind: "cluster".to_owned(), name: None };
        }
        Self { kind: resource.kind.to_string(), name: Some(resource.name.clone()) }
    }
}

/// Carries out one of them.
///
/// # Errors
/// All that went wrong.
pub fn run(global: &Global, command: Command) -> Result<(), Failures> {
    let format = global.output;
    match command {
        Command::Describe(command) => {
            with_admin(global, |admin| async move { command.run(&admin, format).await })
        }
        Command::Alter(command) => {
            let call = command.call()?;
            with_admin(global, |admin| async move { alter::run(&admin, call, format).await })
        }
    }
}

/// Reads `NAME=VALUE`; the value may be empty and hold further `=`.
pub fn parse_pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok((name.trim().to_owned(), value.to_owned()))
        }
        _ => Err("must be NAME=VALUE".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_may_be_empty_and_hold_equals_signs() {
        let pair = |name: &str, value: &str| Ok((name.to_owned(), value.to_owned()));
        assert_eq!(parse_pair("a=b=c"), pair("a", "b=c"));
        assert_eq!(parse_pair(" a="), pair("a", ""));
        assert!(parse_pair("a").is_err());
        assert!(parse_pair("=b").is_err());
    }
}

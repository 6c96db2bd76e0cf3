//! `headwater topic create`.

use super::assignment::Assignment;
use crate::arguments::Format;
use crate::commands::config::parse_pair;
use crate::exit::{Failure, Failures};
use crate::output::{JsonError, Table, print};
use clap::Args;
use headwater_client::AdminClient;
use headwater_client::core::AdminError;
use headwater_client::core::admin::{CreateTopics, CreatedTopic, NewTopic};
use headwater_types::ErrorCode;
use serde::Serialize;

/// Creates topics.
#[derive(Debug, Args)]
pub struct Create {
    /// The topics' names
    #[arg(required = true, value_name = "TOPIC")]
    topics: Vec<String>,

    /// How many partitions; by default what the cluster says
    #[arg(long, short, value_name = "COUNT", value_parser = clap::value_parser!(i32).range(1..))]
    partitions: Option<i32>,

    /// How many replicas of each partition; by default what the cluster says
    #[arg(long, short, value_name = "COUNT", value_parser = clap::value_parser!(i16).range(1..))]
    replication_factor: Option<i16>,

    /// Which brokers hold which partition: 1:2,2:3 for two partitions of two replicas
    #[arg(long, value_name = "BROKERS", conflicts_with_all = ["partitions", "replication_factor"])]
    assignment: Option<Assignment>,

    /// A config that differs from the cluster's default; may be given several times
    #[arg(long, short, value_name = "NAME=VALUE", value_parser = parse_pair)]
    config: Vec<(String, String)>,

    /// Be content with a topic that exists already
    #[arg(long)]
    if_not_exists: bool,

    /// Check everything, create nothing
    #[arg(long)]
    validate_only: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    validate_only: bool,
    topics: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    name: String,
    created: bool,
    id: Option<String>,
    partitions: Option<i32>,
    replication_factor: Option<i16>,
    error: Option<JsonError>,
}

impl Create {
    pub async fn run(self, admin: &AdminClient, format: Format) -> Result<(), Failures> {
        let new = NewTopic {
            partitions: self.partitions,
            replication_factor: self.replication_factor,
            assignment: self
                .assignment
                .map(|assignment| (0..).zip(assignment.0).collect())
                .unwrap_or_default(),
            configs: self.config.into_iter().collect(),
        };
        let call = CreateTopics {
            topics: self.topics.into_iter().map(|topic| (topic, new.clone())).collect(),
            validate_only: self.validate_only,
            ..Default::default()
        };
        let mut failures = Vec::new();
        let mut report = Report { validate_only: self.validate_only, topics: Vec::new() };
        for (name, outcome) in admin.create_topics(call).await {
            let row = match outcome {
                Ok(created) => Row::created(name, &created, !self.validate_only),
                Err(error) if self.if_not_exists && exists(&error) => Row::untouched(name, None),
                Err(error) => {
                    let row = Row::untouched(name, Some(JsonError::from(&error)));
                    failures.push(Failure::from(error));
                    row
                }
            };
            report.topics.push(row);
        }
        print(format, &report, table)?;
        Failures::check(failures)
    }
}

fn exists(error: &AdminError) -> bool {
    error.error_code() == Some(ErrorCode::TopicAlreadyExists)
}

impl Row {
    fn created(name: String, topic: &CreatedTopic, created: bool) -> Self {
        Self {
            name,
            created,
            // A topic that was only checked has no id to be found by.
            id: (created && !topic.id.is_zero()).then(|| topic.id.to_string()),
            partitions: topic.partitions,
            replication_factor: topic.replication_factor,
            error: None,
        }
    }

    fn untouched(name: String, error: Option<JsonError>) -> Self {
        Self { name, created: false, id: None, partitions: None, replication_factor: None, error }
    }

    fn status(&self, validate_only: bool) -> &'static str {
        match (&self.error, self.created) {
            (Some(_), _) => "failed",
            (None, true) => "created",
            (None, false) if validate_only => "valid",
            (None, false) => "exists",
        }
    }
}

fn table(report: &Report, out: &mut dyn std::io::Write) -> std::io::Result<()> {
    let mut table = Table::new(["TOPIC", "STATUS", ">PARTITIONS", ">REPLICAS", "ID"]);
    let number = |number: Option<String>| number.unwrap_or_default();
    for row in &report.topics {
        table.row([
            row.name.clone(),
            row.status(report.validate_only).to_owned(),
            number(row.partitions.map(|count| count.to_string())),
            number(row.replication_factor.map(|count| count.to_string())),
            row.id.clone().unwrap_or_default(),
        ]);
    }
    table.write(out)
}

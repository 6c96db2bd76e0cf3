//! `headwater topic alter`.

use super::assignment::Assignment;
use crate::arguments::Format;
use crate::exit::{Failure, Failures};
use crate::output::{JsonError, Table, print};
use clap::Args;
use headwater_client::AdminClient;
use headwater_client::core::admin::{CreatePartitions, MorePartitions};
use serde::Serialize;

/// Adds partitions to topics.
#[derive(Debug, Args)]
pub struct Alter {
    /// The topics' names
    #[arg(required = true, value_name = "TOPIC")]
    topics: Vec<String>,

    /// How many partitions each shall have, those that exist included
    #[arg(long, short, value_name = "COUNT", value_parser = clap::value_parser!(i32).range(1..))]
    partitions: i32,

    /// Which brokers hold each new partition: 1:2,2:3 for two new ones of two replicas
    #[arg(long, value_name = "BROKERS")]
    assignment: Option<Assignment>,

    /// Check everything, change nothing
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
    partitions: i32,
    altered: bool,
    error: Option<JsonError>,
}

impl Alter {
    pub async fn run(self, admin: &AdminClient, format: Format) -> Result<(), Failures> {
        let more = MorePartitions {
            total: self.partitions,
            assignment: self.assignment.map(|assignment| assignment.0),
        };
        let call = CreatePartitions {
            topics: self.topics.into_iter().map(|topic| (topic, more.clone())).collect(),
            validate_only: self.validate_only,
            ..Default::default()
        };
        let mut failures = Vec::new();
        let mut report = Report { validate_only: self.validate_only, topics: Vec::new() };
        for (name, outcome) in admin.create_partitions(call).await {
            report.topics.push(Row {
                name,
                partitions: self.partitions,
                altered: outcome.is_ok() && !self.validate_only,
                error: outcome.as_ref().err().map(JsonError::from),
            });
            failures.extend(outcome.err().map(Failure::from));
        }
        print(format, &report, table)?;
        Failures::check(failures)
    }
}

fn table(report: &Report, out: &mut dyn std::io::Write) -> std::io::Result<()> {
    let mut table = Table::new(["TOPIC", "STATUS", ">PARTITIONS"]);
    for row in &report.topics {
        let status = match (&row.error, row.altered) {
            (Some(_), _) => "failed",
            (None, true) => "altered",
            (None, false) => "valid",
        };
        table.row([row.name.clone(), status.to_owned(), row.partitions.to_string()]);
    }
    table.write(out)
}

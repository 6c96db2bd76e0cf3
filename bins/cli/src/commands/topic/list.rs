//! `headwater topic list`.

use crate::arguments::Format;
use crate::exit::Failures;
use crate::output::{Table, print};
use clap::Args;
use headwater_client::AdminClient;
use serde::Serialize;

/// Lists the topics.
#[derive(Debug, Args)]
pub struct List {
    /// Also those that belong to the brokers, e.g. __consumer_offsets
    #[arg(long)]
    internal: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    topics: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    name: String,
    id: Option<String>,
    internal: bool,
    partitions: usize,
    replication_factor: usize,
}

impl List {
    pub async fn run(self, admin: &AdminClient, format: Format) -> Result<(), Failures> {
        let topics = admin
            .list_topics()
            .await?
            .into_iter()
            .filter(|topic| self.internal || !topic.internal)
            .map(|topic| Row {
                id: (!topic.id.is_zero()).then(|| topic.id.to_string()),
                name: topic.name,
                internal: topic.internal,
                partitions: topic.partitions,
                replication_factor: topic.replication_factor,
            })
            .collect();
        print(format, &Report { topics }, table)
    }
}

fn table(report: &Report, out: &mut dyn std::io::Write) -> std::io::Result<()> {
    let mut table = Table::new(["TOPIC", ">PARTITIONS", ">REPLICAS", "ID"]);
    for row in &report.topics {
        table.row([
            row.name.clone(),
            row.partitions.to_string(),
            row.replication_factor.to_string(),
            row.id.clone().unwrap_or_default(),
        ]);
    }
    table.write(out)
}

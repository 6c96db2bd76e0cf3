//! `headwater topic delete`.

use crate::arguments::Format;
use crate::exit::{Failure, Failures};
use crate::output::{JsonError, Table, print};
use clap::Args;
use headwater_client::AdminClient;
use headwater_client::core::AdminError;
use headwater_client::core::admin::{DeleteTopics, TopicKey};
use headwater_types::{ErrorCode, TopicId};
use serde::Serialize;

/// Deletes topics.
#[derive(Debug, Args)]
pub struct Delete {
    /// The topics' names
    #[arg(required_unless_present = "id", value_name = "TOPIC")]
    topics: Vec<String>,

    /// A topic's id instead: never hits a topic created anew under the same name
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    id: Vec<TopicId>,

    /// Be content with a topic that does not exist
    #[arg(long)]
    if_exists: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    topics: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    name: Option<String>,
    id: Option<String>,
    deleted: bool,
    error: Option<JsonError>,
}

impl Delete {
    pub async fn run(self, admin: &AdminClient, format: Format) -> Result<(), Failures> {
        let names = self.topics.into_iter().map(TopicKey::Name);
        let ids = self.id.into_iter().map(TopicKey::Id);
        let call = DeleteTopics { topics: names.chain(ids).collect(), ..Default::default() };
        let mut failures = Vec::new();
        let mut report = Report { topics: Vec::new() };
        for (key, outcome) in admin.delete_topics(call).await {
            let mut row = Row { name: None, id: None, deleted: outcome.is_ok(), error: None };
            match key {
                TopicKey::Name(name) => row.name = Some(name),
                TopicKey::Id(id) => row.id = Some(id.to_string()),
            }
            if let Err(error) = outcome
                && !(self.if_exists && absent(&error))
            {
                row.error = Some(JsonError::from(&error));
                failures.push(Failure::from(error));
            }
            report.topics.push(row);
        }
        print(format, &report, table)?;
        Failures::check(failures)
    }
}

fn absent(error: &AdminError) -> bool {
    let code = error.error_code();
    matches!(code, Some(ErrorCode::UnknownTopicOrPartition | ErrorCode::UnknownTopicId))
}

fn table(report: &Report, out: &mut dyn std::io::Write) -> std::io::Result<()> {
    let mut table = Table::new(["TOPIC", "STATUS"]);
    for row in &report.topics {
        let status = match (&row.error, row.deleted) {
            (Some(_), _) => "failed",
            (None, true) => "deleted",
            (None, false) => "absent",
        };
        let name = row.name.as_ref().or(row.id.as_ref()).cloned();
        table.row([name.unwrap_or_default(), status.to_owned()]);
    }
    table.write(out)
}

//! `headwater config describe`.

use super::{Resource, Whose};
use crate::arguments::Format;
use crate::exit::{Failure, Failures};
use crate::output::{JsonError, Table, print, printable};
use clap::Args;
use headwater_client::AdminClient;
use headwater_client::core::admin::{ConfigEntry, ConfigResource, ConfigSource, DescribeConfigs};
use serde::Serialize;
use std::io::{self, Write};

/// Describes configs.
#[derive(Debug, Args)]
pub struct Describe {
    #[command(flatten)]
    whose: Whose,

    /// Only these; may be given several times
    #[arg(value_name = "CONFIG")]
    configs: Vec<String>,

    /// Also those that have their default
    #[arg(long)]
    all: bool,

    /// Also where else each value could come from
    #[arg(long)]
    synonyms: bool,

    /// Also what each config does
    #[arg(long)]
    documentation: bool,
}

#[derive(Debug, Default, Serialize)]
struct Report {
    resources: Vec<Described>,
}

#[derive(Debug, Serialize)]
struct Described {
    #[serde(flatten)]
    resource: Resource,
    configs: Vec<Config>,
    error: Option<JsonError>,
    #[serde(skip)]
    title: String,
}

#[derive(Debug, Serialize)]
struct Config {
    name: String,
    value: Option<String>,
    source: String,
    #[serde(rename = "type")]
    kind: String,
    read_only: bool,
    sensitive: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    synonyms: Vec<Synonym>,
    #[serde(skip_serializing_if = "Option::is_none")]
    documentation: Option<String>,
}

#[derive(Debug, Serialize)]
struct Synonym {
    name: String,
    value: Option<String>,
    source: String,
}

impl Describe {
    pub async fn run(self, admin: &AdminClient, format: Format) -> Result<(), Failures> {
        let names = (!self.configs.is_empty()).then(|| self.configs.clone());
        let resources = self.whose.resources();
        let call = DescribeConfigs {
            resources: resources.into_iter().map(|each| (each, names.clone())).collect(),
            synonyms: self.synonyms,
            documentation: self.documentation,
        };
        let mut failures = Vec::new();
        let mut report = Report::default();
        for (resource, outcome) in admin.describe_configs(call).await {
            if let Ok(entries) = &outcome {
                failures.extend(self.not_found(&resource, entries));
            }
            report.resources.push(Described {
                resource: Resource::from(&resource),
                error: outcome.as_ref().err().map(JsonError::from),
                configs: match &outcome {
                    Ok(entries) => {
                        entries.iter().filter(|entry| self.wants(entry)).map(config).collect()
                    }
                    Err(_) => Vec::new(),
                },
                title: resource.to_string(),
            });
            failures.extend(outcome.err().map(Failure::from));
        }
        print(format, &report, |report, out| {
            report.resources.iter().try_for_each(|described| table(described, out))
        })?;
        Failures::check(failures)
    }

    /// A config that is asked for by name is shown whatever its value is.
    fn wants(&self, entry: &ConfigEntry) -> bool {
        self.all || !self.configs.is_empty() || entry.source != ConfigSource::Default
    }

    fn not_found(&self, resource: &ConfigResource, entries: &[ConfigEntry]) -> Vec<Failure> {
        let absent = self.configs.iter().filter(|name| {
            // Brokers know some configs by several names.
            !entries.iter().any(|entry| entry.name == **name)
        });
        absent
            .map(|name| {
                Failure::failed(format!("{resource}: there is no config {name}"))
                    .with_remedy("`headwater config describe --all` lists every config")
            })
            .collect()
    }
}

fn config(entry: &ConfigEntry) -> Config {
    Config {
        name: entry.name.clone(),
        value: entry.value.clone(),
        source: entry.source.to_string(),
        kind: entry.kind.to_string(),
        read_only: entry.read_only,
        sensitive: entry.sensitive,
        synonyms: entry
            .synonyms
            .iter()
            .map(|synonym| Synonym {
                name: synonym.name.clone(),
                value: synonym.value.clone(),
                source: synonym.source.to_string(),
            })
            .collect(),
        documentation: entry.documentation.clone(),
    }
}

fn table(described: &Described, out: &mut dyn Write) -> io::Result<()> {
    // What went wrong stands on standard error.
    if described.error.is_some() {
        return Ok(());
    }
    writeln!(out, "{}", described.title)?;
    let mut table = Table::new(["CONFIG", "VALUE", "SOURCE", "TYPE", "NOTES"]).indented(2);
    for config in &described.configs {
        table.row([
            config.name.clone(),
            shown(config.value.as_deref(), config.sensitive),
            config.source.clone(),
            config.kind.clone(),
            if config.read_only { "read-only".to_owned() } else { String::new() },
        ]);
        for synonym in &config.synonyms {
            let value = shown(synonym.value.as_deref(), config.sensitive);
            table.row([
                format!("  from {}", synonym.name),
                value,
                synonym.source.clone(),
                String::new(),
                String::new(),
            ]);
        }
    }
    table.write(out)?;
    let documented = described
        .configs
        .iter()
        .filter_map(|config| Some((&config.name, config.documentation.as_ref()?)));
    for (name, documentation) in documented {
        writeln!(out, "\n  {}\n    {}", printable(name), printable(documentation))?;
    }
    writeln!(out)
}

fn shown(value: Option<&str>, sensitive: bool) -> String {
    match value {
        Some("") => "\"\"".to_owned(),
        Some(value) => value.to_owned(),
        None if sensitive => "(hidden)".to_owned(),
        None => "(none)".to_owned(),
    }
}

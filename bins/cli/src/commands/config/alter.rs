//! `headwater config alter`.

use super::{Resource, Whose, parse_pair};
use crate::arguments::Format;
use crate::exit::{Failure, Failures};
use crate::output::{JsonError, Table, print};
use clap::Args;
use headwater_client::AdminClient;
use headwater_client::core::admin::{AlterConfigs, ConfigChange, ConfigOperation};
use serde::Serialize;
use std::collections::BTreeSet;

/// Alters configs.
#[derive(Debug, Args)]
pub struct Alter {
    #[command(flatten)]
    whose: Whose,
    #[command(flatten)]
    changes: Changes,

    /// Check everything, change nothing
    #[arg(long)]
    validate_only: bool,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
struct Changes {
    /// Give a config this value; may be given several times
    #[arg(long, short, value_name = "NAME=VALUE", value_parser = parse_pair)]
    set: Vec<(String, String)>,

    /// Take a config's value away, so that what lies beneath shows
    #[arg(long, short, value_name = "NAME")]
    delete: Vec<String>,

    /// Add items to a config's list
    #[arg(long, value_name = "NAME=ITEMS", value_parser = parse_pair)]
    append: Vec<(String, String)>,

    /// Take items out of a config's list
    #[arg(long, value_name = "NAME=ITEMS", value_parser = parse_pair)]
    subtract: Vec<(String, String)>,
}

#[derive(Debug, Serialize)]
struct Report {
    validate_only: bool,
    resources: Vec<Altered>,
}

#[derive(Debug, Serialize)]
struct Altered {
    #[serde(flatten)]
    resource: Resource,
    altered: bool,
    error: Option<JsonError>,
    #[serde(skip)]
    title: String,
}

impl Alter {
    /// The call, once the command line is found to make sense.
    ///
    /// # Errors
    /// When one config is to be changed twice: brokers refuse that in their own ways.
    pub fn call(&self) -> Result<AlterConfigs, Failures> {
        let changes = self.changes.list();
        let mut names = BTreeSet::new();
        if let Some(twice) = changes.iter().find(|change| !names.insert(change.name.as_str())) {
            let text = format!("{} is changed twice; change it once", twice.name);
            return Err(Failure::usage(text).into());
        }
        let resources = self.whose.resources().into_iter();
        Ok(AlterConfigs {
            resources: resources.map(|resource| (resource, changes.clone())).collect(),
            validate_only: self.validate_only,
        })
    }
}

impl Changes {
    fn list(&self) -> Vec<ConfigChange> {
        fn each<'a>(
            pairs: &'a [(String, String)],
            operation: fn(String) -> ConfigOperation,
        ) -> impl Iterator<Item = ConfigChange> + 'a {
            pairs.iter().map(move |(name, value)| ConfigChange {
                name: name.clone(),
                operation: operation(value.clone()),
            })
        }
        let deleted = self
            .delete
            .iter()
            .map(|name| ConfigChange { name: name.clone(), operation: ConfigOperation::Delete });
        each(&self.set, ConfigOperation::Set)
            .chain(deleted)
            .chain(each(&self.append, ConfigOperation::Append))
            .chain(each(&self.subtract, ConfigOperation::Subtract))
            .collect()
    }
}

/// Carries the call out.
///
/// # Errors
/// All that went wrong.
pub async fn run(admin: &AdminClient, call: AlterConfigs, format: Format) -> Result<(), Failures> {
    let validate_only = call.validate_only;
    let mut failures = Vec::new();
    let mut report = Report { validate_only, resources: Vec::new() };
    for (resource, outcome) in admin.alter_configs(call).await {
        report.resources.push(Altered {
            resource: Resource::from(&resource),
            altered: outcome.is_ok() && !validate_only,
            error: outcome.as_ref().err().map(JsonError::from),
            title: resource.to_string(),
        });
        failures.extend(outcome.err().map(Failure::from));
    }
    print(format, &report, table)?;
    Failures::check(failures)
}

fn table(report: &Report, out: &mut dyn std::io::Write) -> std::io::Result<()> {
    let mut table = Table::new(["WHOSE", "STATUS"]);
    for altered in &report.resources {
        let status = match (&altered.error, altered.altered) {
            (Some(_), _) => "failed",
            (None, true) => "altered",
            (None, false) => "valid",
        };
        table.row([altered.title.clone(), status.to_owned()]);
    }
    table.write(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::{Arguments, Command};
    use clap::Parser;

    fn parse(arguments: &str) -> Result<AlterConfigs, String> {
        let words = ["headwater", "config", "alter"].into_iter().chain(arguments.split(' '));
        let parsed = Arguments::try_parse_from(words).map_err(|error| error.to_string())?;
        let Command::Config(super::super::Command::Alter(alter)) = parsed.command else {
            panic!("another command");
        };
        alter.call().map_err(|failures| format!("{failures:?}"))
    }

    #[test]
    fn changes_apply_to_everything_named() {
        let call = parse(
            "--topic a --broker 1 --cluster --set x=1 --delete y --append l=p,q --subtract m=r",
        )
        .unwrap();
        let names: Vec<String> = call.resources.keys().map(ToString::to_string).collect();
        assert_eq!(names, ["topic a", "cluster default", "broker 1"]);
        for changes in call.resources.values() {
            let operations: Vec<_> =
                changes.iter().map(|change| (change.name.as_str(), &change.operation)).collect();
            let text = str::to_owned;
            assert_eq!(
                operations,
                [
                    ("x", &ConfigOperation::Set(text("1"))),
                    ("y", &ConfigOperation::Delete),
                    ("l", &ConfigOperation::Append(text("p,q"))),
                    ("m", &ConfigOperation::Subtract(text("r"))),
                ]
            );
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused_before_anything_is_sent() {
        assert!(parse("--topic a").unwrap_err().contains("--set"), "no change");
        assert!(parse("--set x=1").unwrap_err().contains("--topic"), "nothing to change");
        assert!(parse("--topic a --set x").unwrap_err().contains("NAME=VALUE"));
        assert!(parse("--topic a --set x=1 --delete x").unwrap_err().contains("twice"));
        assert!(parse("--broker -1 --set x=1").is_err());
    }
}

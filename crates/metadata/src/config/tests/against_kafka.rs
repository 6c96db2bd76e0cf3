//! The table holds what Kafka has: every name, with its type, default and update mode.

use crate::config::{ConfigSpec, ConfigTable, DefaultValue, UpdateMode, reference_markdown};
use std::collections::BTreeMap;
use std::path::Path;

const FACTS: &str = include_str!("../fixtures/kafka-4.3.1.txt");

/// Where Headwater's defaults differ on purpose.
const OUR_DEFAULTS: &[(&str, &str)] =
    &[("listeners", "PLAINTEXT://127.0.0.1:9092"), ("node.id", "1")];

fn row_of(resource: &str, spec: &ConfigSpec) -> String {
    let default = match spec.default {
        DefaultValue::Required => "<none>",
        DefaultValue::Null => "<null>",
        DefaultValue::Text(text) => text,
    };
    let changes = match (resource, spec.update) {
        ("broker", UpdateMode::ReadOnly) => "read-only",
        ("broker", UpdateMode::PerBroker) => "per-broker",
        ("broker", UpdateMode::ClusterWide) => "cluster-wide",
        _ => "always",
    };
    format!("{resource}|{}|{}|{default}|{changes}", spec.name, spec.kind.name())
}

#[test]
fn the_table_holds_what_kafka_has() {
    let table = ConfigTable::get();
    let resources: [(&str, Vec<&ConfigSpec>); 4] = [
        ("topic", table.topics().collect()),
        ("broker", table.brokers().collect()),
        ("group", table.groups().collect()),
        ("client-metrics", table.client_metrics_all().collect()),
    ];
    let ours: BTreeMap<(&str, &str), String> = resources
        .iter()
        .flat_map(|(resource, specs)| specs.iter().map(move |spec| (*resource, *spec)))
        .filter(|(_, spec)| !spec.own)
        .map(|(resource, spec)| ((resource, spec.name), row_of(resource, spec)))
        .collect();
    let mut kafkas = 0;
    for fact in FACTS.lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<&str> = fact.split('|').collect();
        let (resource, name) = (fields[0], fields[1]);
        let expected =
            match OUR_DEFAULTS.iter().find(|(our, _)| resource == "broker" && *our == name) {
                Some((_, default)) => {
                    fact.replace(&format!("|{}|", fields[3]), &format!("|{default}|"))
                }
                None => fact.to_owned(),
            };
        assert_eq!(ours.get(&(resource, name)), Some(&expected));
        kafkas += 1;
    }
    assert_eq!(ours.len(), kafkas, "nothing but Kafka's rows and our own");
    assert_eq!(kafkas, 34 + 363 + 17 + 3);
}

#[test]
fn every_default_passes_its_own_check() {
    let table = ConfigTable::get();
    let all = table.topics().chain(table.brokers()).chain(table.groups());
    for spec in all.chain(table.client_metrics_all()) {
        if let Some(default) = spec.default_text() {
            let value = spec.parse(default).unwrap_or_else(|e| panic!("{}: {e}", spec.name));
            assert_eq!(value.to_text(), default, "{}", spec.name);
        }
    }
}

#[test]
fn every_config_is_explained_in_one_line() {
    let table = ConfigTable::get();
    let all = table.topics().chain(table.brokers()).chain(table.groups());
    for spec in all.chain(table.client_metrics_all()) {
        assert!(spec.doc.ends_with('.'), "{}: {:?}", spec.name, spec.doc);
        assert!(!spec.doc.contains(['\n', '|']), "{}", spec.name);
    }
}

/// Set `HEADWATER_UPDATE_DOCS` to write the page instead of comparing it.
#[test]
fn the_reference_page_is_fresh() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
    let fresh = reference_markdown();
    if std::env::var_os("HEADWATER_UPDATE_DOCS").is_some() {
        std::fs::write(&page, &fresh).unwrap();
    }
    // A published crate comes without the workspace's docs.
    if let Ok(text) = std::fs::read_to_string(&page) {
        assert!(text == fresh, "docs/configuration.md is stale: run `cargo xtask codegen`");
    }
}

//! `meta.properties`: whose folder it is.

use headwater_types::{BrokerId, DirectoryId};
use std::collections::BTreeMap;

/// What the file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MetaProperties {
    pub node: BrokerId,
    pub cluster_id: Option<String>,
    pub directory_id: Option<DirectoryId>,
}

/// The newest version of the file that is understood.
const VERSION: i32 = 1;

impl MetaProperties {
    /// Reads the file's text; the error says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let properties = parse_properties(text);
        let number = |name: &str| -> Result<Option<i32>, String> {
            let Some(value) = properties.get(name) else { return Ok(None) };
            value.parse().map(Some).map_err(|_| format!("{name}={value} is no number"))
        };
        match number("version")? {
            Some(0 | VERSION) => {}
            Some(other) => return Err(format!("version {other} is newer than this program")),
            None => return Err(String::from("it has no version")),
        }
        // Version 0 says `broker.id`.
        let node = number("node.id")?.or(number("broker.id")?);
        let directory_id = match properties.get("directory.id") {
            Some(text) => Some(text.parse().map_err(|error| format!("directory.id: {error}"))?),
            None => None,
        };
        Ok(Self {
            node: BrokerId(node.ok_or("it has no node.id")?),
            cluster_id: properties.get("cluster.id").cloned(),
            directory_id,
        })
    }

    /// The file's text.
    pub fn to_text(&self) -> String {
        let mut text = format!("#\nnode.id={}\n", self.node);
        if let Some(id) = self.directory_id {
            text.push_str(&format!("directory.id={id}\n"));
        }
        text.push_str(&format!("version={VERSION}\n"));
        if let Some(id) = &self.cluster_id {
            text.push_str(&format!("cluster.id={id}\n"));
        }
        text
    }
}

/// The part of Java's properties format that Kafka's own files use.
fn parse_properties(text: &str) -> BTreeMap<String, String> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.starts_with(['#', '!']))
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.trim().to_owned(), value.trim().replace('\\', "")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KAFKA: &str = "#\n#Tue Nov 24 15:04:21 UTC 2026\nnode.id=1\n\
                         directory.id=H8cCfd10ZKM2Pyx7Fgk1RQ\nversion=1\n\
                         cluster.id=kafka-cluster-0\n";

    #[test]
    fn a_file_of_kafka_is_read_and_ours_reads_back() {
        let properties = MetaProperties::parse(KAFKA).unwrap();
        assert_eq!(properties.node, BrokerId(1));
        assert_eq!(properties.cluster_id.as_deref(), Some("kafka-cluster-0"));
        assert_eq!(properties.directory_id.unwrap().to_string(), "H8cCfd10ZKM2Pyx7Fgk1RQ");
        assert_eq!(MetaProperties::parse(&properties.to_text()), Ok(properties));
    }

    #[test]
    fn what_is_newer_or_makes_no_sense_is_refused() {
        for (text, problem) in [
            ("node.id=1\nversion=2\n", "newer"),
            ("node.id=1\n", "no version"),
            ("version=1\n", "no node.id"),
            ("version=1\nnode.id=x\n", "no number"),
            ("version=1\nnode.id=1\ndirectory.id=short\n", "directory.id"),
        ] {
            assert!(MetaProperties::parse(text).unwrap_err().contains(problem), "{text:?}");
        }
    }
}

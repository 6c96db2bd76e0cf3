//! The names of partition folders, and the file in them that says which topic it is.

use headwater_types::{PartitionIndex, TopicId, Uuid};

/// Longest name that file systems take.
const NAME_BYTES_MAX: usize = 255;
/// Ends the name of a folder that is on its way out.
const DELETE: &str = "-delete";
/// Ends the name of a copy that is on its way here from another log folder.
const FUTURE: &str = "-future";
/// Ends the name of a folder that was in the way of another topic's partition.
const STRAY: &str = "-stray";

/// What the name of a folder says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FolderName {
    /// A partition.
    Partition { topic: String, partition: PartitionIndex },
    /// On its way out.
    Deleted,
    /// None of ours, a stray, or a replica that is being moved.
    Other,
}

impl FolderName {
    pub fn parse(name: &str) -> Self {
        if name.ends_with(DELETE) && name.contains('.') {
            return Self::Deleted;
        }
        let Some((topic, partition)) = name.rsplit_once('-') else { return Self::Other };
        let digits = !partition.is_empty() && partition.bytes().all(|byte| byte.is_ascii_digit());
        match partition.parse().ok().filter(|_| digits && !topic.is_empty()) {
            Some(partition) => {
                Self::Partition { topic: topic.to_owned(), partition: PartitionIndex(partition) }
            }
            None => Self::Other,
        }
    }
}

/// The name that a partition's folder gets when it is deleted.
pub(crate) fn deleted_name(topic: &str, partition: PartitionIndex, unique: Uuid) -> String {
    name_aside(topic, partition, unique, DELETE)
}

/// The name that a folder gets whose topic is not known to be deleted, when another topic needs its
/// name.
pub(crate) fn stray_name(topic: &str, partition: PartitionIndex, unique: Uuid) -> String {
    name_aside(topic, partition, unique, STRAY)
}

/// The name of a copy of a partition that is not a replica yet.
pub(crate) fn future_name(topic: &str, partition: PartitionIndex, unique: Uuid) -> String {
    name_aside(topic, partition, unique, FUTURE)
}

/// The name under which such a copy is put away; `None` where the name is none of those.
pub(crate) fn deleted_name_of_future(name: &str) -> Option<String> {
    let (partition, unique) = name.strip_suffix(FUTURE)?.rsplit_once('.')?;
    let is_unique = unique.len() == 32 && unique.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_unique.then(|| format!("{partition}.{unique}{DELETE}"))
}

fn name_aside(topic: &str, partition: PartitionIndex, unique: Uuid, why: &str) -> String {
    let unique = u128::from_be_bytes(unique.0);
    let suffix = format!("-{partition}.{unique:032x}{why}");
    let room = NAME_BYTES_MAX.saturating_sub(suffix.len());
    // Topic names are ASCII.
    let prefix: String = topic.chars().take(room).collect();
    prefix + &suffix
}

/// Reads `partition.metadata`.
pub(crate) fn parse_partition_metadata(bytes: &[u8]) -> Result<TopicId, String> {
    let text = str::from_utf8(bytes).map_err(|_| String::from("it is no text"))?;
    let mut version = None;
    let mut topic_id = None;
    for line in text.lines().filter(|line| !line.is_empty()) {
        match line.split_once(':').map(|(name, value)| (name.trim(), value.trim())) {
            Some(("version", value)) => version = Some(value),
            Some(("topic_id", value)) => topic_id = Some(value),
            _ => return Err(format!("the line {line:?} makes no sense")),
        }
    }
    if version != Some("0") {
        return Err(format!("version {:?} is not known", version.unwrap_or_default()));
    }
    topic_id.ok_or("it has no topic_id")?.parse().map_err(|error| format!("topic_id: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folder_names_are_told_apart() {
        let partition = |topic: &str, partition| FolderName::Partition {
            topic: topic.to_owned(),
            partition: PartitionIndex(partition),
        };
        assert_eq!(FolderName::parse("orders-3"), partition("orders", 3));
        assert_eq!(FolderName::parse("or-ders.x-0"), partition("or-ders.x", 0));
        let deleted = deleted_name("orders", PartitionIndex(3), Uuid([1; 16]));
        assert_eq!(deleted, "orders-3.01010101010101010101010101010101-delete");
        assert_eq!(FolderName::parse(&deleted), FolderName::Deleted);
        let stray = stray_name("orders", PartitionIndex(3), Uuid([1; 16]));
        assert_eq!(stray, "orders-3.01010101010101010101010101010101-stray");
        assert_eq!(FolderName::parse(&stray), FolderName::Other);
        for name in ["orders", "orders-", "-1", "orders-x", "orders-+1", "o-1.abc-future"] {
            assert_eq!(FolderName::parse(name), FolderName::Other, "{name}");
        }
        let future = future_name("orders", PartitionIndex(3), Uuid([1; 16]));
        assert_eq!(future, "orders-3.01010101010101010101010101010101-future");
        assert_eq!(FolderName::parse(&future), FolderName::Other);
        assert_eq!(deleted_name_of_future(&future), Some(deleted));
        assert_eq!(deleted_name_of_future("o-1.abc-future"), None, "none of ours, nor Kafka's");
        assert_eq!(deleted_name_of_future("orders-3"), None);
        let long = deleted_name(&"t".repeat(249), PartitionIndex(12), Uuid([1; 16]));
        assert_eq!(long.len(), NAME_BYTES_MAX);
        assert_eq!(FolderName::parse(&long), FolderName::Deleted);
    }

    #[test]
    fn partition_metadata_is_read_or_refused() {
        let id = parse_partition_metadata(b"version: 0\ntopic_id: L_hNNmmaS8ypLe2LBXZNOQ");
        assert_eq!(id.unwrap().to_string(), "L_hNNmmaS8ypLe2LBXZNOQ");
        for bytes in [
            b"".as_slice(),
            b"version: 1\ntopic_id: L_hNNmmaS8ypLe2LBXZNOQ",
            b"version: 0",
            b"\xff",
        ] {
            assert!(parse_partition_metadata(bytes).is_err());
        }
    }
}

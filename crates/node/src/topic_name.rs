//! What a topic may be called, and which topics are the broker's own.

use headwater_metadata::limits::TOPIC_NAME_CHARS_MAX;

/// Topics that the broker keeps for itself; clients read them but do not write.
pub const INTERNAL_TOPICS: [&str; 3] =
    ["__consumer_offsets", "__transaction_state", "__share_group_state"];

/// The metadata log's name; no topic may take it.
pub const METADATA_TOPIC: &str = "__cluster_metadata";

/// Whether a name follows Kafka's rule: 1 to 249 of letters, digits, `.`, `_`, `-`, and neither
/// `.` nor `..`.
pub fn is_valid_topic_name(name: &str) -> bool {
    (1..=TOPIC_NAME_CHARS_MAX).contains(&name.len())
        && name != "."
        && name != ".."
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

/// Whether a topic is one of the broker's own.
pub fn is_internal(name: &str) -> bool {
    INTERNAL_TOPICS.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_kafkas_rule() {
        for good in ["a", "A-b_c.9", "...", &"x".repeat(249)] {
            assert!(is_valid_topic_name(good), "{good}");
        }
        for bad in ["", ".", "..", "a/b", "a b", "é", "a\0", &"x".repeat(250)] {
            assert!(!is_valid_topic_name(bad), "{bad}");
        }
    }
}

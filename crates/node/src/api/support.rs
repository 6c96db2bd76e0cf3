//! What the admin APIs have in common: bounds, what a command came to, and Kafka's words.

use crate::authorizer::{Operation, Resource};
use crate::call::Call;
use crate::outbox::Wake;
use crate::partition::Partition;
use headwater_metadata::command::{CommandError, CommandReply};
use headwater_metadata::limits;
use headwater_protocol::wire::Str;
use headwater_types::ErrorCode;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Kafka's text for a topic or partition that is not here.
pub(super) const NOT_HOSTED: Str =
    Str::from_static("This server does not host this topic-partition.");
/// Kafka's text for a topic id that is not here.
pub(super) const ID_NOT_HOSTED: Str = Str::from_static("This server does not host this topic ID.");
/// Kafka's text for a topic that the sender may not touch.
pub(super) const TOPIC_NOT_ALLOWED: Str = Str::from_static("Topic authorization failed.");
/// Kafka's text for a group that the sender may not touch.
pub(super) const GROUP_NOT_ALLOWED: Str = Str::from_static("Group authorization failed.");
/// Kafka's text for what the sender may not do to the cluster.
pub(super) const CLUSTER_NOT_ALLOWED: Str = Str::from_static("Cluster authorization failed.");

/// A code and the words that go with it on the wire.
pub(super) type Refusal = (ErrorCode, Option<Str>);

/// How many items of a request are answered. One that names more is refused as a whole, and the
/// refusal is told of this many: nobody but an attacker sends such a one, and the answer must not
/// cost more memory the more absurd the request is.
pub(super) const ANSWERED_MAX: usize = limits::ITEMS_PER_COMMAND_MAX;

/// Why a request that is to become one command is refused before anything is looked at.
pub(super) fn refusal_at_once(items: usize, timeout_ms: i32) -> Option<Refusal> {
    if let Some(refusal) = refusal_of_size(items) {
        return Some(refusal);
    }
    // As in Kafka: the deadline has passed before the controller comes to it.
    (timeout_ms <= 0).then_some((ErrorCode::RequestTimedOut, None))
}

/// Why a request is refused that names more than a command may.
pub(super) fn refusal_of_size(items: usize) -> Option<Refusal> {
    (items > ANSWERED_MAX).then(|| {
        let text = "Unable to perform excessively large batch operation.";
        (ErrorCode::PolicyViolation, Some(Str::from_static(text)))
    })
}

/// An error of the controller, as it goes on the wire.
pub(super) fn refusal_of(error: CommandError) -> Refusal {
    (error.code, error.message.map(Str::from))
}

/// The outcome of an item: code and words.
pub(super) fn told<T>(outcome: Result<T, CommandError>) -> Refusal {
    match outcome {
        Ok(_) => (ErrorCode::None, None),
        Err(error) => refusal_of(error),
    }
}

/// What the controller made of a command; `pick` takes out what its reply must hold.
pub(super) fn outcome<T>(
    wake: Wake,
    pick: impl FnOnce(CommandReply) -> Option<T>,
) -> Result<T, CommandError> {
    match wake {
        Wake::Command(Ok(reply)) => {
            pick(reply).ok_or(CommandError::bare(ErrorCode::UnknownServerError))
        }
        Wake::Command(Err(error)) => Err(error),
        Wake::Deadline => Err(CommandError::bare(ErrorCode::RequestTimedOut)),
        Wake::Reached | Wake::Job(_) => Err(CommandError::bare(ErrorCode::UnknownServerError)),
    }
}

/// What comes more than once.
pub(super) fn repeated<T: Ord + Clone>(items: impl Iterator<Item = T>) -> BTreeSet<T> {
    let mut seen = BTreeSet::new();
    let mut twice = BTreeSet::new();
    for item in items {
        if !seen.insert(item.clone()) {
            twice.insert(item);
        }
    }
    twice
}

/// Until when the controller must have answered a request that names no time of its own.
pub(super) fn controller_deadline(call: &Call<'_>) -> Option<u64> {
    let wait_ms = i64::try_from(call.view.settings.request_timeout_ms).unwrap_or(i64::MAX);
    Some(call.now.deadline_after(wait_ms))
}

impl Call<'_> {
    /// Those of the named partitions that are held here and whose log is still to be opened.
    pub(super) fn unopened<'n>(
        &self,
        named: impl Iterator<Item = (&'n str, i32)>,
    ) -> Vec<Arc<Partition>> {
        let image = &self.view.image;
        named
            .filter_map(|(topic, index)| self.view.partition(image.topic_id(topic)?, index))
            .filter(|partition| partition.needs_opening())
            .map(Arc::clone)
            .collect()
    }

    /// Whether the sender may do `operation` to the cluster as a whole.
    pub(super) fn allows_on_cluster(&self, operation: Operation) -> bool {
        self.allows(operation, Resource::Cluster)
    }

    /// Whether the sender may do `operation` to a topic.
    pub(super) fn allows_on_topic(&self, operation: Operation, topic: &str) -> bool {
        self.allows(operation, Resource::Topic(topic))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_items_than_a_command_takes_are_refused() {
        assert_eq!(refusal_of_size(ANSWERED_MAX), None);
        let refusal = refusal_of_size(ANSWERED_MAX + 1).map(|(code, _)| code);
        assert_eq!(refusal, Some(ErrorCode::PolicyViolation));
    }

    #[test]
    fn no_time_at_all_is_over_at_once() {
        assert_eq!(refusal_at_once(1, 1), None);
        for timeout_ms in [0, -1] {
            assert_eq!(refusal_at_once(1, timeout_ms), Some((ErrorCode::RequestTimedOut, None)));
        }
    }

    #[test]
    fn what_comes_three_times_is_repeated_once() {
        let twice: Vec<_> = repeated([1, 2, 1, 3, 1].into_iter()).into_iter().collect();
        assert_eq!(twice, [1]);
    }
}

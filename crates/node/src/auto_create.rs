//! Topics that come into being because somebody asked for them.
//!
//! As in Kafka with KRaft, the request that asks is answered "unknown topic" and the client asks
//! again; by then the controller has created it.

use crate::authorizer::{Operation, Resource};
use crate::call::Call;
use headwater_metadata::command::{Command, CreateTopics, NewTopic};
use headwater_protocol::wire::Str;

/// Topics that one request may bring into being; the rest is left to the client's next try.
const CREATED_AT_ONCE_MAX: usize = 1000;

/// Asks the controller for topics that were asked for by name and are missing, where the broker's
/// configuration allows it. Names are known to be valid.
pub(crate) fn create(call: &mut Call<'_>, missing: Vec<Str>) {
    if missing.is_empty() || !call.view.settings.auto_create_topics_enable {
        return;
    }
    let topics: Vec<_> = missing
        .into_iter()
        .filter(|name| {
            call.allows(Operation::Create, Resource::Cluster)
                || call.allows(Operation::Create, Resource::Topic(name))
        })
        .take(CREATED_AT_ONCE_MAX)
        .map(|name| NewTopic { name: name.to_string(), ..NewTopic::default() })
        .collect();
    if !topics.is_empty() {
        call.command_and_forget(Command::CreateTopics(CreateTopics {
            topics,
            validate_only: false,
        }));
    }
}

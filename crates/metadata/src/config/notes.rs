//! What a user should know about a setting that a broker can still be started with.

use super::sources::Place;
use super::spec::Status;
use super::suggest::nearest;
use super::table::ConfigTable;
use std::fmt;

/// Something odd about a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// No config has that name.
    Unknown {
        /// The name.
        name: String,
        /// Where it was given.
        place: Place,
        /// The name that was probably meant.
        nearest: Option<&'static str>,
    },
    /// It steers something that Headwater does not have.
    Inapplicable {
        /// The name.
        name: String,
        /// Where it was given.
        place: Place,
    },
    /// It will take effect in a later version.
    NotYet {
        /// The name.
        name: String,
        /// Where it was given.
        place: Place,
    },
    /// Kafka 4 no longer has it.
    Removed {
        /// The name.
        name: String,
        /// Where it was given.
        place: Place,
        /// What to do instead.
        instead: &'static str,
    },
    /// Nothing answers on a controller's listener until clusters work.
    ControllerListener {
        /// The listener.
        listener: String,
        /// Where it was given.
        place: Place,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Warning::Unknown { name, place, nearest: Some(nearest) } => {
                write!(f, "{place}: unknown configuration key {name}; did you mean {nearest}?")
            }
            Warning::Unknown { name, place, nearest: None } => {
                write!(f, "{place}: unknown configuration key {name}")
            }
            Warning::Inapplicable { name, place } => {
                write!(f, "{place}: {name} has no effect in Headwater")
            }
            Warning::NotYet { name, place } => {
                write!(f, "{place}: {name} has no effect yet")
            }
            Warning::Removed { name, place, instead } => {
                write!(f, "{place}: {name} is no longer part of Kafka and has no effect; {instead}")
            }
            Warning::ControllerListener { listener, place } => write!(
                f,
                "{place}: nothing listens on {listener} yet: one node needs no controller listener"
            ),
        }
    }
}

/// Names that older Kafka files hold, and what to do about them.
const REMOVED: &[(&str, &str)] = &[
    ("zookeeper.", "Headwater needs no ZooKeeper, delete the line"),
    ("broker.id.generation.enable", "set node.id"),
    ("control.plane.listener.name", "delete the line"),
    ("inter.broker.protocol.version", "delete the line"),
    ("log.message.format.version", "delete the line"),
    ("log.message.downconversion.enable", "delete the line"),
    (
        "log.message.timestamp.difference.max.ms",
        "use log.message.timestamp.before.max.ms and log.message.timestamp.after.max.ms",
    ),
    ("offsets.commit.required.acks", "delete the line"),
    ("password.encoder.", "delete the line"),
    ("reserved.broker.max.id", "delete the line"),
];

/// Names that parts of Kafka outside its table of broker configs read.
const ELSEWHERE: &[&str] = &["allow.everyone.if.no.acl.found", "super.users"];

/// Beginnings of names whose rest the user chooses.
const OPEN_ENDED: &[&str] = &["listener.name.", "config.providers.", "rlmm.config.", "rsm.config."];

/// What to say about a setting, if anything.
pub(super) fn note(name: &str, place: &Place) -> Option<Warning> {
    let (name, place) = (name.to_owned(), place.clone());
    if let Some(spec) = ConfigTable::get().broker(&name) {
        return match spec.status {
            Status::Works => None,
            Status::Later => Some(Warning::NotYet { name, place }),
            Status::Inapplicable => Some(Warning::Inapplicable { name, place }),
        };
    }
    let removed = REMOVED.iter().find(|(old, _)| match old.strip_suffix('.') {
        Some(_) => name.starts_with(old),
        None => name == *old,
    });
    if let Some((_, instead)) = removed {
        return Some(Warning::Removed { name, place, instead });
    }
    if ELSEWHERE.contains(&name.as_str()) || OPEN_ENDED.iter().any(|open| name.starts_with(open)) {
        return Some(Warning::NotYet { name, place });
    }
    let known = ConfigTable::get().brokers().map(|spec| spec.name);
    let nearest = nearest(&name, known);
    Some(Warning::Unknown { name, place, nearest })
}

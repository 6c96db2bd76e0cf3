//! Who must get a request.

use headwater_types::BrokerId;
use std::fmt;

/// What a request needs of the broker that gets it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Destination {
    /// Any broker answers.
    AnyBroker,
    /// The controller, or who answers for it: a KRaft broker forwards.
    Controller,
    /// This broker and no other.
    Broker(BrokerId),
    /// The leader of a partition.
    Leader {
        /// The topic's name.
        topic: String,
        /// The partition in it.
        partition: i32,
    },
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AnyBroker => f.write_str("any broker"),
            Self::Controller => f.write_str("the controller"),
            Self::Broker(id) => write!(f, "broker {id}"),
            Self::Leader { topic, partition } => write!(f, "the leader of {topic}-{partition}"),
        }
    }
}

/// A destination in terms of today's cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Route {
    /// Whoever is connected already, or any known or bootstrap address.
    AnyBroker,
    /// This broker.
    Broker(BrokerId),
}

/// Why a destination is nobody in today's cluster.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unroutable {
    /// No broker is known at all.
    #[error("no broker is known")]
    NoBroker,
    /// No broker answers for the controller.
    #[error("the cluster has no controller at the moment")]
    NoController,
    /// The broker is not in the cluster.
    #[error("broker {broker} is not in the cluster")]
    UnknownBroker {
        /// Its id.
        broker: BrokerId,
    },
    /// The cluster has no such topic.
    #[error("topic {topic} does not exist")]
    UnknownTopic {
        /// Its name.
        topic: String,
    },
    /// The topic has no such partition.
    #[error("topic {topic} has no partition {partition}")]
    UnknownPartition {
        /// The topic's name.
        topic: String,
        /// The partition asked for.
        partition: i32,
    },
    /// The partition has no leader at the moment.
    #[error("partition {topic}-{partition} has no leader at the moment")]
    NoLeader {
        /// The topic's name.
        topic: String,
        /// The partition in it.
        partition: i32,
    },
}

impl Unroutable {
    /// What a person can do about it.
    pub fn remedy(&self) -> Option<&'static str> {
        match self {
            Self::NoBroker => Some("name a reachable bootstrap server"),
            Self::NoController => Some("wait until the controllers have elected one"),
            Self::UnknownBroker { .. } => Some("`headwater cluster describe` lists the brokers"),
            Self::UnknownTopic { .. } => Some("`headwater topic list` shows which topics exist"),
            Self::UnknownPartition { .. } => {
                Some("`headwater topic describe` lists its partitions")
            }
            Self::NoLeader { .. } => Some("start a broker that holds one of its in-sync replicas"),
        }
    }
}

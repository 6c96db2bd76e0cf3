//! Configuration: the one table of all configs, and everything that is derived from it.
//!
//! Why it exists: a broker's settings come from a file, the environment and the command line; a
//! topic's come from its own overrides over the cluster's over the broker's. Kafka's clients read
//! all of that back through DescribeConfigs, with types, sources and synonyms, and alter it with
//! rules and error texts of their own. One table ([`ConfigTable`]) says what there is; this module
//! checks, resolves, describes and documents by it, and does no I/O.
//!
//! Start reading at [`ServerConfig`] (what a broker is started with), [`TopicConfig`] and
//! [`BrokerConfig`] (what is in force), [`describe_topic`] (what clients are told), and
//! [`validate_topic_configs`] (what clients may set).

mod broker;
mod describe;
mod groups;
mod layers;
mod listeners;
mod notes;
mod problem;
mod properties;
mod reference;
mod rules;
mod server;
mod sources;
mod spec;
mod suggest;
mod table;
#[cfg(test)]
mod tests;
mod topic;

pub use broker::BrokerConfig;
pub use describe::{
    ConfigSource, DescribedConfig, Synonym, describe_broker, describe_client_metrics,
    describe_cluster_default, describe_group, describe_topic,
};
pub use layers::{Layers, Overrides};
pub use listeners::{Listener, ListenerError, SecurityProtocol};
pub use notes::Warning;
pub use problem::ConfigProblem;
pub use reference::reference_markdown;
pub use rules::{
    BrokerScope, validate_broker_configs, validate_topic_config, validate_topic_configs,
};
pub use server::{MetricsListener, Role, ServerConfig, ServerConfigBuilder, ServerConfigError};
pub use sources::{Place, SourceError};
pub use spec::{
    Check, ConfigSpec, ConfigType, DefaultValue, Importance, Status, UpdateMode, Value,
};
pub use table::ConfigTable;
pub use topic::{
    CleanupPolicy, CompressionType, Durability, RecordValidation, TimestampType, TopicConfig,
};

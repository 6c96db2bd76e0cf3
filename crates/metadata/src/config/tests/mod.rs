//! Tests of configuration as a whole, against facts read from Apache Kafka 4.3.1.

mod against_kafka;
mod anything;
mod describe;
mod listeners;
mod resolve;
mod rules;
mod server;

use super::{Layers, Overrides, ServerConfig};

/// Overrides from pairs.
fn overrides(pairs: &[(&str, &str)]) -> Overrides {
    pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
}

/// A server with these settings on the command line.
fn server(pairs: &[(&str, &str)]) -> ServerConfig {
    let builder = pairs.iter().fold(ServerConfig::builder(), |b, (name, value)| b.set(name, value));
    builder.build().unwrap()
}

/// The three layers of a broker, to be borrowed from.
struct Broker {
    server: ServerConfig,
    cluster_default: Overrides,
    broker: Overrides,
}

impl Broker {
    fn new(settings: &[(&str, &str)]) -> Broker {
        Broker {
            server: server(settings),
            cluster_default: Overrides::new(),
            broker: Overrides::new(),
        }
    }

    fn cluster(mut self, pairs: &[(&str, &str)]) -> Broker {
        self.cluster_default = overrides(pairs);
        self
    }

    fn own(mut self, pairs: &[(&str, &str)]) -> Broker {
        self.broker = overrides(pairs);
        self
    }

    fn layers(&self) -> Layers<'_> {
        Layers {
            server: &self.server,
            cluster_default: &self.cluster_default,
            broker: &self.broker,
        }
    }
}

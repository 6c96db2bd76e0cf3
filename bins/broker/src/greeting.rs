//! What the program tells its user on standard output.

use headwater_broker::{Broker, ServerConfig};
use std::fmt::Write as _;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// After the start: where it listens, where it stores, what to try next.
pub fn started(broker: &Broker, node_id: impl std::fmt::Display) {
    let facts = Facts {
        node_id: node_id.to_string(),
        cluster_id: broker.cluster_id(),
        addresses: broker.addresses(),
        metrics: broker.metrics_address(),
        folders: broker.log_dirs(),
    };
    say(&facts.text());
}

/// After `--check`.
pub fn checked(server: &ServerConfig) {
    let mut text = String::from("The configuration is good.\n");
    for listener in &server.listeners {
        let _ = writeln!(text, "  listens on   {listener}");
    }
    for folder in &server.log_dirs {
        let _ = writeln!(text, "  stores in    {}", absolute(folder).display());
    }
    say(&text);
}

/// Somebody may have closed our output, which is no reason to stop.
fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes());
    let _ = out.flush();
}

/// Where the command line looks when it is not told.
const CLI_DEFAULT: &str = "127.0.0.1:9092";

struct Facts<'a> {
    node_id: String,
    cluster_id: &'a str,
    addresses: &'a [(String, SocketAddr)],
    metrics: Option<SocketAddr>,
    folders: &'a [PathBuf],
}

impl Facts<'_> {
    fn text(&self) -> String {
        let version = env!("CARGO_PKG_VERSION");
        let mut text =
            format!("Headwater {version}, node {} of cluster {}\n", self.node_id, self.cluster_id);
        for (name, address) in self.addresses {
            let _ = writeln!(text, "  listens on   {name}://{address}");
        }
        for folder in self.folders {
            let _ = writeln!(text, "  stores in    {}", absolute(folder).display());
        }
        if let Some(address) = self.metrics {
            let _ = writeln!(text, "  metrics at   http://{}/metrics", reachable(address));
        }
        if let Some((_, address)) = self.addresses.first() {
            let address = reachable(*address);
            text.push_str("Try: headwater topic create hello");
            if address != CLI_DEFAULT {
                let _ = write!(text, " --bootstrap-server {address}");
            }
            text.push('\n');
        }
        text.push_str("Stop with Ctrl-C.\n");
        text
    }
}

fn absolute(folder: &Path) -> PathBuf {
    std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned())
}

/// Where this machine reaches a listener; one on all interfaces is reached on this machine.
fn reachable(address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        return format!("localhost:{}", address.port());
    }
    address.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greeting_says_all_that_is_needed() {
        let addresses = [
            ("PLAINTEXT".to_owned(), "0.0.0.0:19092".parse().unwrap()),
            ("B".to_owned(), "[::1]:19093".parse().unwrap()),
        ];
        let facts = Facts {
            node_id: "1".to_owned(),
            cluster_id: "abc",
            addresses: &addresses,
            metrics: Some("127.0.0.1:9404".parse().unwrap()),
            folders: &[PathBuf::from("/data/a"), PathBuf::from("/data/b")],
        };
        let text = facts.text();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines.get(1..),
            Some(
                &[
                    "  listens on   PLAINTEXT://0.0.0.0:19092",
                    "  listens on   B://[::1]:19093",
                    "  stores in    /data/a",
                    "  stores in    /data/b",
                    "  metrics at   http://127.0.0.1:9404/metrics",
                    "Try: headwater topic create hello --bootstrap-server localhost:19092",
                    "Stop with Ctrl-C.",
                ][..]
            )
        );
        assert!(text.starts_with("Headwater ") && text.contains(", node 1 of cluster abc\n"));
    }
}

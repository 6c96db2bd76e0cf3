//! Who may know whom. The arrows are the house's plan; a new one is its own commit with its
//! reason, and a line here.

use super::Finding;
use super::packages::{Kind, Package};

/// Each crate and the crates of ours that it may depend on. What a test needs is not asked about.
const EDGES: [(&str, &[&str]); 12] = [
    ("headwater-types", &[]),
    ("headwater-protocol", &["types"]),
    ("headwater-log", &["protocol", "types"]),
    ("headwater-metadata", &["protocol", "types"]),
    ("headwater-replication", &["protocol", "types"]),
    ("headwater-client", &["protocol", "types"]),
    ("headwater-controller", &["log", "metadata", "protocol", "types"]),
    ("headwater-node", &["client", "log", "metadata", "protocol", "replication", "types"]),
    (
        "headwater-broker",
        &["client", "controller", "log", "metadata", "node", "protocol", "replication", "types"],
    ),
    ("headwater-server", &["broker", "metadata", "types"]),
    ("headwater-cli", &["client", "controller", "log", "metadata", "protocol", "types"]),
    (
        "headwater-benches",
        &["broker", "client", "log", "metadata", "node", "protocol", "replication", "types"],
    ),
];

/// Crates whose time, chance and wakefulness come from outside: what they list in `Cargo.toml`
/// cannot bring any of the three.
const PURE: [&str; 6] = [
    "headwater-types",
    "headwater-protocol",
    "headwater-log",
    "headwater-metadata",
    "headwater-replication",
    "headwater-node",
];

/// Crates with a core and a shell: the shell's needs sit behind a feature.
const FEATURED: [&str; 1] = ["headwater-client"];

const IMPURE: [&str; 17] = [
    "async-std",
    "chrono",
    "crossbeam-channel",
    "fastrand",
    "futures",
    "getrandom",
    "hyper",
    "libc",
    "mio",
    "polling",
    "rand",
    "reqwest",
    "smol",
    "socket2",
    "time",
    "tokio",
    "tonic",
];

/// Findings about what one package of ours depends on.
pub fn check(package: &Package) -> Vec<Finding> {
    let mut findings = Vec::new();
    let place = format!("{}/Cargo.toml", package.folder);
    let allowed = EDGES.iter().find(|(name, _)| *name == package.name).map(|(_, allowed)| *allowed);
    for dependency in package.dependencies.iter().filter(|one| one.kind == Kind::Normal) {
        if let Some(short) = dependency.name.strip_prefix("headwater-") {
            match allowed {
                None => findings.push(Finding::new(
                    &place,
                    format!("`{}` has no place in the layering table", package.name),
                )),
                Some(allowed) if !allowed.contains(&short) => findings.push(Finding::new(
                    &place,
                    format!("`{}` may not know `{}`", package.name, dependency.name),
                )),
                Some(_) => {}
            }
        }
        let impure = IMPURE.contains(&dependency.name.as_str());
        if impure && PURE.contains(&package.name.as_str()) {
            findings.push(Finding::new(
                &place,
                format!(
                    "`{}` is a core: `{}` has no place in it; time, seeds and completions are inputs",
                    package.name, dependency.name
                ),
            ));
        } else if impure && !dependency.optional && FEATURED.contains(&package.name.as_str()) {
            findings.push(Finding::new(
                &place,
                format!("`{}` must be optional: only the shell may need it", dependency.name),
            ));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::packages::Dependency;
    use super::super::sample_package;
    use super::*;

    fn with(name: &str, kind: Kind, optional: bool, dependency: &str) -> Vec<Finding> {
        let mut package = sample_package(name, "crates/x");
        package.dependencies.push(Dependency { name: dependency.to_owned(), kind, optional });
        check(&package)
    }

    #[test]
    fn arrows_point_one_way() {
        assert_eq!(with("headwater-node", Kind::Normal, false, "headwater-log"), []);
        let findings = with("headwater-log", Kind::Normal, false, "headwater-node");
        assert_eq!(findings.len(), 1);
        assert!(findings[0].message.contains("may not know `headwater-node`"));
        assert_eq!(with("headwater-log", Kind::Development, false, "headwater-node"), []);
    }

    #[test]
    fn a_new_crate_needs_its_line_in_the_table() {
        let findings = with("headwater-sql", Kind::Normal, false, "headwater-types");
        assert!(findings[0].message.contains("no place in the layering table"));
    }

    #[test]
    fn a_core_lists_nothing_that_ticks_or_rolls_dice() {
        assert_eq!(with("headwater-node", Kind::Normal, false, "bytes"), []);
        assert_eq!(with("headwater-node", Kind::Normal, true, "tokio").len(), 1);
        assert_eq!(with("headwater-metadata", Kind::Normal, false, "rand").len(), 1);
        assert_eq!(with("headwater-node", Kind::Development, false, "tokio"), []);
        assert_eq!(with("headwater-broker", Kind::Normal, false, "tokio"), []);
    }

    #[test]
    fn the_shell_of_a_client_is_optional() {
        assert_eq!(with("headwater-client", Kind::Normal, true, "tokio"), []);
        assert_eq!(with("headwater-client", Kind::Normal, false, "tokio").len(), 1);
    }
}

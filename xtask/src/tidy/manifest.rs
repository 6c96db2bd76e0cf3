//! What a package says of itself: complete for a registry, and under the house's lints.

use super::Finding;
use super::packages::Package;

/// Findings about one package of ours.
pub fn check(package: &Package) -> Vec<Finding> {
    let place = format!("{}/Cargo.toml", package.folder);
    let mut missing = Vec::new();
    if package.description.as_deref().is_none_or(|text| text.trim().is_empty()) {
        missing.push("`description`: one sentence of what it is for");
    }
    if package.license.is_none() {
        missing.push("`license.workspace = true`");
    }
    if !package.manifest.replace(' ', "").contains("[lints]\nworkspace=true") {
        missing.push("`[lints] workspace = true`");
    }
    if package.published {
        if package.repository.is_none() {
            missing.push("`repository.workspace = true`");
        }
        if package.library && !package.crate_docs.contains("//! ```") {
            missing.push("an example in the crate's own documentation (lib.rs)");
        }
    }
    missing.into_iter().map(|what| Finding::new(&place, format!("missing {what}"))).collect()
}

#[cfg(test)]
mod tests {
    use super::super::sample_package;
    use super::*;

    #[test]
    fn a_complete_package_passes() {
        assert_eq!(check(&sample_package("headwater-log", "crates/log")), []);
    }

    #[test]
    fn everything_that_a_registry_asks_for_is_missed() {
        let mut package = sample_package("headwater-log", "crates/log");
        package.description = Some(" ".to_owned());
        package.license = None;
        package.repository = None;
        package.manifest.clear();
        package.crate_docs = "//! Something.\n".to_owned();
        assert_eq!(check(&package).len(), 5);
    }

    #[test]
    fn what_stays_at_home_needs_less() {
        let mut package = sample_package("xtask", "xtask");
        package.published = false;
        package.repository = None;
        package.crate_docs.clear();
        assert_eq!(check(&package), []);
    }
}

//! The style test: what the house says about its own source, checked.
//!
//! A rule is a function from what it looks at (one source file, one package, the list of what is
//! built) to findings. Nothing here reads a file but [`run`], so each rule is tested with a good
//! and a bad sample.

mod layering;
mod manifest;
mod packages;
mod source;
mod supply;

use crate::commands;
use anyhow::{Context, Result, bail};
use source::SourceFile;
use std::path::{Path, PathBuf};
use std::process::Command;

/// One thing that breaks a rule, as a person should read it.
#[derive(Debug, PartialEq, Eq)]
pub struct Finding {
    /// The file or package, from the workspace's root.
    place: String,
    /// What is wrong and what to do instead.
    message: String,
}

impl Finding {
    fn new(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self { place: place.into(), message: message.into() }
    }
}

/// Checks the whole workspace and prints what it finds.
///
/// # Errors
///
/// Something breaks a rule, or a file cannot be read.
pub fn run() -> Result<()> {
    let root = commands::root()?;
    let own = packages::own(&commands::metadata(false)?, &root)?;
    let mut findings = Vec::new();
    for package in &own {
        findings.extend(layering::check(package));
        findings.extend(manifest::check(package));
    }
    let mut files = 0;
    for path in sources(&root)? {
        let text = std::fs::read_to_string(root.join(&path))
            .with_context(|| format!("reading {}", path.display()))?;
        findings.extend(source::check(&SourceFile::new(&path.to_string_lossy(), &text)));
        files += 1;
    }
    let policy = supply::Policy::parse(&std::fs::read_to_string(root.join("deny.toml"))?)?;
    let built = packages::all(&commands::metadata(true)?)?;
    findings.extend(built.iter().flat_map(|package| policy.check(package)));

    for finding in &findings {
        println!("{}: {}", finding.place, finding.message);
    }
    if !findings.is_empty() {
        bail!("tidy: {} findings", findings.len());
    }
    println!("  {files} files, {} packages of our own, {} built", own.len(), built.len());
    Ok(())
}

/// The Rust files that git knows or would take up, but for the fuzz targets' build.
fn sources(root: &Path) -> Result<Vec<PathBuf>> {
    let output = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard", "--", "*.rs"])
        .current_dir(root)
        .output()
        .context("starting `git ls-files`")?;
    if !output.status.success() {
        bail!("`git ls-files` failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let listed = String::from_utf8(output.stdout)?;
    Ok(listed.lines().map(PathBuf::from).filter(|path| root.join(path).is_file()).collect())
}

#[cfg(test)]
fn sample_package(name: &str, folder: &str) -> packages::Package {
    packages::Package {
        name: name.to_owned(),
        folder: folder.to_owned(),
        library: true,
        published: true,
        description: Some("Something".to_owned()),
        license: Some("Apache-2.0".to_owned()),
        repository: Some("https://example.org/headwater".to_owned()),
        source: None,
        dependencies: Vec::new(),
        manifest: "[lints]\nworkspace = true\n".to_owned(),
        crate_docs: "//! Something.\n//!\n//! ```\n//! ```\n".to_owned(),
    }
}

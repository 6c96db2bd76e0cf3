//! Packages as `cargo metadata` describes them, cut down to what the rules look at.

use anyhow::{Context, Result};
use serde_json::Value;
use std::path::Path;

/// One package.
#[derive(Debug, Clone)]
pub struct Package {
    pub name: String,
    /// From the workspace's root; empty for a foreign package.
    pub folder: String,
    /// Whether it has a library.
    pub library: bool,
    /// Whether it may go to a registry.
    pub published: bool,
    pub description: Option<String>,
    pub license: Option<String>,
    pub repository: Option<String>,
    /// The registry or repository it came from; none for our own.
    pub source: Option<String>,
    pub dependencies: Vec<Dependency>,
    /// The text of its `Cargo.toml`; empty for a foreign package.
    pub manifest: String,
    /// The text of its `lib.rs` or `main.rs`; empty for a foreign package.
    pub crate_docs: String,
}

/// One line of a package's dependencies.
#[derive(Debug, Clone)]
pub struct Dependency {
    pub name: String,
    pub kind: Kind,
    pub optional: bool,
}

/// When a dependency is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Normal,
    Build,
    Development,
}

/// The workspace's own packages, with their manifests' text.
///
/// # Errors
///
/// The description lacks a field that cargo always writes, or a manifest cannot be read.
pub fn own(metadata: &Value, root: &Path) -> Result<Vec<Package>> {
    let mut own = Vec::new();
    for (value, mut package) in parsed(metadata)? {
        let path = Path::new(text(value, "manifest_path")?);
        let folder = path.parent().context("a manifest lies in a folder")?;
        package.folder = folder.strip_prefix(root)?.to_string_lossy().into_owned();
        package.manifest = std::fs::read_to_string(path)?;
        let first = value.pointer("/targets/0/src_path").and_then(Value::as_str);
        let library = targets(value).find(|(kinds, _)| is_library(kinds)).map(|(_, path)| path);
        if let Some(path) = library.or(first) {
            package.crate_docs = std::fs::read_to_string(path)?;
        }
        own.push(package);
    }
    Ok(own)
}

/// Everything that is built, ours and others'.
///
/// # Errors
///
/// The description lacks a field that cargo always writes.
pub fn all(metadata: &Value) -> Result<Vec<Package>> {
    Ok(parsed(metadata)?.into_iter().map(|(_, package)| package).collect())
}

fn parsed(metadata: &Value) -> Result<Vec<(&Value, Package)>> {
    let packages = metadata.get("packages").and_then(Value::as_array);
    let packages = packages.context("`cargo metadata` lists no packages")?;
    packages.iter().map(|value| Ok((value, parse(value)?))).collect()
}

fn parse(value: &Value) -> Result<Package> {
    let dependencies = value.get("dependencies").and_then(Value::as_array);
    Ok(Package {
        name: text(value, "name")?.to_owned(),
        folder: String::new(),
        library: targets(value).any(|(kinds, _)| is_library(&kinds)),
        published: value.get("publish").and_then(Value::as_array).is_none_or(|to| !to.is_empty()),
        description: optional(value, "description"),
        license: optional(value, "license"),
        repository: optional(value, "repository"),
        source: optional(value, "source"),
        dependencies: dependencies
            .context("a package lists its dependencies")?
            .iter()
            .map(dependency)
            .collect::<Result<_>>()?,
        manifest: String::new(),
        crate_docs: String::new(),
    })
}

fn dependency(value: &Value) -> Result<Dependency> {
    Ok(Dependency {
        name: text(value, "name")?.to_owned(),
        kind: match value.get("kind").and_then(Value::as_str) {
            Some("dev") => Kind::Development,
            Some("build") => Kind::Build,
            _ => Kind::Normal,
        },
        optional: value.get("optional").and_then(Value::as_bool).unwrap_or(false),
    })
}

/// Each target's kinds and the file it starts in.
fn targets(value: &Value) -> impl Iterator<Item = (Vec<&str>, &str)> {
    value.get("targets").and_then(Value::as_array).into_iter().flatten().filter_map(|target| {
        let kinds = target.get("kind")?.as_array()?.iter().filter_map(Value::as_str).collect();
        Some((kinds, target.get("src_path")?.as_str()?))
    })
}

fn is_library(kinds: &[&str]) -> bool {
    kinds.iter().any(|kind| matches!(*kind, "lib" | "rlib" | "proc-macro"))
}

fn text<'a>(value: &'a Value, key: &str) -> Result<&'a str> {
    value.get(key).and_then(Value::as_str).with_context(|| format!("no `{key}` in a package"))
}

fn optional(value: &Value, key: &str) -> Option<String> {
    value.get(key).and_then(Value::as_str).map(str::to_owned)
}

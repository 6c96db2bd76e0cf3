//! Turns `proto/kafka/*.kafka` into the Rust that `protocol` commits.
//!
//! `parse` reads the notation into the model of `spec`, `emit` writes structs and their codec.
//! The notation says what is on the wire and nothing else; how to read and write it in few lines
//! lies in the helpers of `headwater_protocol::wire`, so that generated files stay small.

mod emit;
mod names;
mod parse;
mod spec;

use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Writes the generated files, or with `check` fails where one of them is not up to date.
///
/// # Errors
///
/// A file of the notation has an error, a file cannot be read or written, or (with `check`) is
/// stale.
pub fn run(check: bool) -> Result<()> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = here.parent().context("xtask lies in the workspace")?;
    let wanted = format_all(root, &generate(&root.join("proto/kafka"))?)?;
    let folder = root.join("crates/protocol/src/messages");
    std::fs::create_dir_all(&folder)?;

    let mut stale = Vec::new();
    for path in rust_files(&folder)? {
        let name = file_name(&path);
        if !wanted.contains_key(&name) {
            stale.push(name);
            if !check {
                std::fs::remove_file(&path)?;
            }
        }
    }
    for (name, text) in &wanted {
        let path = folder.join(name);
        if std::fs::read_to_string(&path).is_ok_and(|current| current == *text) {
            continue;
        }
        stale.push(name.clone());
        if !check {
            std::fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
        }
    }
    if check && !stale.is_empty() {
        bail!("{} in {}: run `cargo xtask codegen`", stale.join(", "), folder.display());
    }
    Ok(())
}

/// The files to write, by name, not yet formatted.
fn generate(notation: &Path) -> Result<BTreeMap<String, String>> {
    let mut specs = Vec::new();
    let mut paths: Vec<PathBuf> = std::fs::read_dir(notation)
        .with_context(|| format!("listing {}", notation.display()))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    paths.sort();
    for path in paths {
        if path.extension().is_some_and(|ending| ending == "kafka") {
            let text = std::fs::read_to_string(&path)?;
            let module = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let spec = parse::spec(module, &text)
                .with_context(|| format!("reading {}", path.display()))?;
            specs.push(spec);
        }
    }
    let mut files = BTreeMap::new();
    for spec in &specs {
        let text = emit::module(spec).with_context(|| format!("generating {}.rs", spec.module))?;
        files.insert(format!("{}.rs", spec.module), text);
    }
    files.insert("api_key.rs".to_owned(), emit::api_key(&specs));
    files.insert("mod.rs".to_owned(), emit::module_list(&specs));
    Ok(files)
}

/// Formats the files with the workspace's rustfmt in one go.
fn format_all(root: &Path, files: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>> {
    let scratch = tempfile::tempdir()?;
    for (name, text) in files {
        std::fs::write(scratch.path().join(name), text)?;
    }
    let status = Command::new("rustfmt")
        .args(["--edition", "2024", "--config-path"])
        .arg(root)
        .arg(scratch.path().join("mod.rs"))
        .status()
        .context("starting rustfmt")?;
    if !status.success() {
        bail!("rustfmt refused the generated code");
    }
    rust_files(scratch.path())?
        .into_iter()
        .map(|path| Ok((file_name(&path), std::fs::read_to_string(&path)?)))
        .collect()
}

fn rust_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "rs") {
            paths.push(path);
        }
    }
    Ok(paths)
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

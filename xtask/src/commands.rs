//! Starting other programs, and where things lie.

use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// The folder that holds the workspace's `Cargo.toml`.
pub fn root() -> Result<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    Ok(here.parent().context("xtask lies in the workspace")?.to_path_buf())
}

/// `cargo`, as the one that runs this chore, in the workspace's root.
pub fn cargo(arguments: &[&str]) -> Result<Command> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root()?);
    Ok(command)
}

/// Prints the command, runs it with this process's output, and fails when it fails.
///
/// # Errors
///
/// The program does not start, or ends with anything but success.
pub fn run(command: &mut Command) -> Result<()> {
    let shown = show(command);
    println!("+ {shown}");
    let began = Instant::now();
    let status = command.status().with_context(|| format!("starting `{shown}`"))?;
    if !status.success() {
        bail!("`{shown}`: {status}");
    }
    println!("  {} s", began.elapsed().as_secs());
    Ok(())
}

/// The command as a person would type it.
pub fn show(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let mut text =
        program.file_name().unwrap_or(command.get_program()).to_string_lossy().into_owned();
    for argument in command.get_args() {
        text.push(' ');
        text.push_str(&argument.to_string_lossy());
    }
    text
}

/// What `cargo metadata` says; with `dependencies` of everything that is built, else of the
/// workspace's own packages.
///
/// # Errors
///
/// Cargo fails, or says something that is no JSON.
pub fn metadata(dependencies: bool) -> Result<Value> {
    let mut command = cargo(&["metadata", "--format-version", "1", "--locked"])?;
    if !dependencies {
        command.arg("--no-deps");
    }
    let output = command.output().context("starting `cargo metadata`")?;
    if !output.status.success() {
        bail!("`cargo metadata` failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    serde_json::from_slice(&output.stdout).context("reading what `cargo metadata` printed")
}

/// Where cargo puts what it builds.
///
/// # Errors
///
/// As [`metadata`].
pub fn target_folder() -> Result<PathBuf> {
    let metadata = metadata(false)?;
    let folder = metadata.get("target_directory").and_then(Value::as_str);
    Ok(folder.context("`cargo metadata` names no target directory")?.into())
}

/// Whether the program answers from `PATH`.
pub fn on_path(program: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
    })
}

/// Whether this run is the gate's, where nothing may be left out.
pub fn under_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| value == "true" || value == "1")
}

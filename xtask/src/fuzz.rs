//! `cargo xtask fuzz`: every fuzz target for a while, on the stable toolchain.

use crate::arguments::Arguments;
use crate::commands;
use anyhow::{Context, Result, bail};
use std::process::Command;

/// Runs each target in `fuzz/` for `--seconds` (60), or the one that `--target` names.
///
/// # Errors
///
/// cargo-fuzz is missing, or a target found something.
pub fn run(arguments: &mut Arguments) -> Result<()> {
    let seconds: u32 = arguments.value("--seconds")?.map_or(Ok(60), |text| text.parse())?;
    let only = arguments.value("--target")?;
    arguments.finish()?;
    let root = commands::root()?;
    if !root.join("fuzz/Cargo.toml").is_file() {
        bail!("there is no fuzz/ folder");
    }
    let listed = fuzz(&["list"])?.output().context("starting cargo fuzz")?;
    if !listed.status.success() {
        bail!("cargo-fuzz is missing: `cargo install cargo-fuzz --locked` brings it");
    }
    let listed = String::from_utf8(listed.stdout)?;
    let targets: Vec<&str> = listed
        .split_whitespace()
        .filter(|target| only.as_deref().is_none_or(|only| only == *target))
        .collect();
    if targets.is_empty() {
        bail!("no fuzz target{}", only.map(|only| format!(" `{only}`")).unwrap_or_default());
    }
    let mut failed = Vec::new();
    for target in &targets {
        // Without a sanitizer no nightly compiler is needed; the code under test forbids `unsafe`.
        let limit = format!("-max_total_time={seconds}");
        let mut command = fuzz(&["run", "--sanitizer", "none", target, "--"])?;
        command.args([&limit, "-rss_limit_mb=2048", "-timeout=20"]);
        if let Err(error) = commands::run(&mut command) {
            println!("{error:#}");
            failed.push(*target);
        }
    }
    println!("{} passed, {} failed", targets.len() - failed.len(), failed.len());
    if failed.is_empty() { Ok(()) } else { bail!("fuzz: {} failed", failed.join(", ")) }
}

fn fuzz(words: &[&str]) -> Result<Command> {
    let mut command = commands::cargo(&["fuzz"])?;
    command.args(words);
    Ok(command)
}

//! The gate: what every change must pass, but for the foreign clients (`cargo xtask interop`).
//!
//! `.ci/run` installs what the steps need and calls this; a person can call it as it is.

use crate::{commands, generate, tidy};
use anyhow::Result;

/// Runs every step and stops at the first that fails.
///
/// # Errors
///
/// A step failed.
pub fn run() -> Result<()> {
    commands::run(&mut commands::cargo(&["fmt", "--all", "--check"])?)?;
    println!("+ cargo xtask tidy");
    tidy::run()?;
    println!("+ cargo xtask codegen --check");
    generate(true)?;
    commands::run(&mut commands::cargo(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--locked",
        "--",
        "-D",
        "warnings",
    ])?)?;
    commands::run(&mut commands::cargo(&["test", "--workspace", "--locked"])?)?;
    commands::run(
        commands::cargo(&["doc", "--workspace", "--no-deps", "--locked", "--quiet"])?
            .env("RUSTDOCFLAGS", "-D warnings"),
    )?;
    // Whether each library's package is complete; what it holds was built by the steps above.
    commands::run(&mut commands::cargo(&[
        "package",
        "--workspace",
        "--no-verify",
        "--allow-dirty",
        "--quiet",
    ])?)
}

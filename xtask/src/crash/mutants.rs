//! Whether the crash tests would notice: in a copy of the workspace one sync after the other is
//! taken out, or two steps are exchanged, and the tests must fail each time.
//!
//! The list is `xtask/crash/mutants.toml`. The code itself has no hooks for this: a mutant is a
//! piece of its text and another one in its place, and a text that is not there (any more) exactly
//! once is an error, so that the list keeps up with the code.

use crate::commands;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;
use toml::Value;

/// Where the list is.
const LIST: &str = "xtask/crash/mutants.toml";

/// One change that must be noticed.
struct Mutant {
    name: String,
    file: String,
    find: String,
    replace: String,
    /// The protocol that is likely to notice, which is tried first.
    protocol: String,
}

/// Tries every mutant whose name contains `only`.
///
/// # Errors
///
/// One was not noticed, cannot be applied or does not compile, or the tests fail without any.
pub fn run(only: Option<&str>, seconds: u64) -> Result<()> {
    let root = commands::root()?;
    let mutants: Vec<Mutant> = list(&root.join(LIST))?
        .into_iter()
        .filter(|mutant| only.is_none_or(|only| mutant.name.contains(only)))
        .collect();
    let copy = Copy::make(&root)?;
    println!("{} mutants in {}", mutants.len(), copy.source.display());
    if let Some(found) = copy.hunt(None, seconds)? {
        bail!("the tests fail without any change: {found}");
    }
    let mut missed = Vec::new();
    for mutant in &mutants {
        let began = Instant::now();
        let verdict = copy.with(mutant, || match copy.hunt(Some(&mutant.protocol), seconds)? {
            Some(found) => Ok(Some(found)),
            None => copy.hunt(None, seconds),
        });
        let took = began.elapsed().as_secs();
        match verdict {
            Ok(Some(found)) => println!("noticed  {} ({took} s): {found}", mutant.name),
            Ok(None) => {
                println!("MISSED   {} ({took} s)", mutant.name);
                missed.push(mutant.name.as_str());
            }
            Err(error) => {
                println!("BROKEN   {error:#}");
                missed.push(mutant.name.as_str());
            }
        }
    }
    println!("{} of {} mutants were noticed", mutants.len() - missed.len(), mutants.len());
    if missed.is_empty() { Ok(()) } else { bail!("not noticed: {}", missed.join(", ")) }
}

fn list(path: &Path) -> Result<Vec<Mutant>> {
    let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    let value: Value = toml::from_str(&text).with_context(|| format!("in {}", path.display()))?;
    let entries = value.get("mutant").and_then(Value::as_array).context("no [[mutant]]")?;
    entries
        .iter()
        .map(|entry| {
            let field = |name: &str| -> Result<String> {
                let value = entry.get(name).and_then(Value::as_str);
                Ok(value
                    .with_context(|| format!("a mutant without `{name}`: {entry:?}"))?
                    .to_owned())
            };
            Ok(Mutant {
                name: field("name")?,
                file: field("file")?,
                find: field("find")?,
                replace: field("replace")?,
                protocol: field("protocol")?,
            })
        })
        .collect()
}

/// The workspace's sources in another place.
struct Copy {
    source: PathBuf,
    build: PathBuf,
}

impl Copy {
    fn make(root: &Path) -> Result<Self> {
        let base = commands::target_folder()?.join("crash-mutants");
        let copy = Self { source: base.join("source"), build: base.join("build") };
        let listed = Command::new("git")
            .args(["ls-files", "--cached", "--others", "--exclude-standard"])
            .current_dir(root)
            .output()
            .context("starting git")?;
        for name in String::from_utf8(listed.stdout)?.lines() {
            let (from, to) = (root.join(name), copy.source.join(name));
            if !from.is_file() {
                continue;
            }
            let text = fs::read(&from)?;
            // What is as it was is not built anew.
            if fs::read(&to).is_ok_and(|there| there == text) {
                continue;
            }
            fs::create_dir_all(to.parent().context("a file lies in a folder")?)?;
            fs::write(&to, text)?;
        }
        Ok(copy)
    }

    /// Does something while a mutant is in the sources.
    fn with<T>(&self, mutant: &Mutant, act: impl FnOnce() -> Result<T>) -> Result<T> {
        let path = self.source.join(&mutant.file);
        let text = fs::read_to_string(&path).with_context(|| format!("reading {}", mutant.file))?;
        match text.matches(&mutant.find).count() {
            1 => {}
            count => bail!("{}: its text is {count} times in {}", mutant.name, mutant.file),
        }
        fs::write(&path, text.replacen(&mutant.find, &mutant.replace, 1))?;
        let outcome = act().with_context(|| mutant.name.clone());
        fs::write(&path, text)?;
        outcome
    }

    /// What the tests find, if anything.
    fn hunt(&self, protocol: Option<&str>, seconds: u64) -> Result<Option<String>> {
        let mut build = self.cargo(&["--no-run"])?;
        let built = build.output().context("starting cargo")?;
        if !built.status.success() {
            bail!("it does not compile: {}", String::from_utf8_lossy(&built.stderr));
        }
        let seconds = seconds.to_string();
        let mut hunt = self.cargo(&["--", "--hunt", "--seconds", &seconds])?;
        hunt.args(protocol.iter().flat_map(|name| ["--protocol", name]));
        let output = hunt.output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() {
            return Ok(None);
        }
        let found = text.lines().find(|line| line.starts_with("FAILED"));
        let found = found.with_context(|| format!("the tests ended without a word: {text}"))?;
        Ok(Some(found.chars().take(120).collect()))
    }

    fn cargo(&self, words: &[&str]) -> Result<Command> {
        let mut command = commands::cargo(&["test", "--release", "--locked", "--quiet"])?;
        command.args(["--package", "headwater-log", "--test", "crash"]).args(words);
        command.current_dir(&self.source).env("CARGO_TARGET_DIR", &self.build);
        // Quick to build, and quick enough.
        for (name, value) in
            [("LTO", "off"), ("CODEGEN_UNITS", "16"), ("INCREMENTAL", "true"), ("OPT_LEVEL", "1")]
        {
            command.env(format!("CARGO_PROFILE_RELEASE_{name}"), value);
        }
        Ok(command)
    }
}

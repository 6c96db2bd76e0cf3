//! Apache Kafka's own tool over what a run left behind.

use crate::brokers;
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Files given to one run of the tool.
const FILES_AT_ONCE: usize = 200;

/// Has `kafka-dump-log` look at every segment and index below a stopped broker's folder.
///
/// # Errors
///
/// The tool is not there, fails, or complains.
pub fn check(data: &Path) -> Result<()> {
    let tool = brokers::suites()?.join("apache-kafka");
    if !tool.is_file() {
        bail!("no Apache Kafka (HEADWATER_SUITES names the folder)");
    }
    let mut files = Vec::new();
    for folder in std::fs::read_dir(data)? {
        let folder = folder?;
        let name = folder.file_name();
        let is_partition =
            folder.file_type()?.is_dir() && !name.to_string_lossy().ends_with("-delete");
        // The metadata log's records are ours, and Kafka's tool would read them as Kafka's.
        if is_partition && !name.to_string_lossy().starts_with("__cluster_metadata") {
            for file in std::fs::read_dir(folder.path())? {
                files.push(file?.path());
            }
        }
    }
    files.sort();
    let mut looked_at = 0;
    for (extension, words) in [
        ("log", &[][..]),
        ("index", &["--index-sanity-check"][..]),
        ("timeindex", &["--index-sanity-check"][..]),
    ] {
        let kind: Vec<&PathBuf> = files
            .iter()
            .filter(|file| file.extension().is_some_and(|is| is == extension))
            .collect();
        for some in kind.chunks(FILES_AT_ONCE) {
            looked_at += some.len();
            look(&tool, some, words)?;
        }
    }
    println!("kafka-dump-log looked at {looked_at} files and found nothing wrong");
    Ok(())
}

fn look(tool: &Path, files: &[&PathBuf], words: &[&str]) -> Result<()> {
    let names: Vec<_> = files.iter().map(|file| file.display().to_string()).collect();
    let mut command = Command::new(tool);
    command.args(["tool", "kafka-dump-log", "--files", &names.join(",")]).args(words);
    let output = command.output().context("starting kafka-dump-log")?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let complaint = said.lines().find(|line| {
        [
            "isvalid: false",
            "ismatch",
            "xception",
            "ailed",
            "orrupt",
            "on-consecutive",
            "out of order",
        ]
        .iter()
        .any(|word| line.contains(word))
    });
    match complaint {
        Some(line) => bail!("kafka-dump-log: {line}"),
        None if !output.status.success() => bail!("kafka-dump-log: {}", output.status),
        None => Ok(()),
    }
}

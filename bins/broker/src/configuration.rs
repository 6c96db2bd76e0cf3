//! From the command line, the environment and a file to a checked configuration.

use crate::arguments::Arguments;
use headwater_metadata::config::{ServerConfig, Warning};
use std::fs;
use std::path::Path;

/// Reads and checks everything.
///
/// # Errors
/// What is wrong, and where, for the user.
pub fn load(arguments: &Arguments) -> Result<ServerConfig, String> {
    let mut builder = ServerConfig::builder().environment(environment());
    if let Some(path) = &arguments.config {
        let text = read(path)?;
        let name = path.display().to_string();
        builder = builder.file(&name, &text).map_err(|error| error.to_string())?;
    }
    for assignment in &arguments.set {
        builder = builder.assignment(assignment).map_err(|error| error.to_string())?;
    }
    let strict = arguments.strict || arguments.check;
    builder.strict(strict).build().map_err(|error| error.to_string())
}

fn read(path: &Path) -> Result<String, String> {
    let shown = path.display();
    let bytes = fs::read(path)
        .map_err(|error| format!("the configuration file {shown} cannot be read: {error}"))?;
    // Java reads such files as Latin-1; ours are UTF-8, and what is not is most likely the former.
    Ok(String::from_utf8(bytes)
        .unwrap_or_else(|error| error.as_bytes().iter().map(|&byte| char::from(byte)).collect()))
}

/// The variables that can be settings; those that are not Unicode cannot.
fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

/// The warnings as few lines: what has no effect is named once for all.
pub fn summarize(warnings: &[Warning]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut no_effect = Vec::new();
    let mut not_yet = Vec::new();
    for warning in warnings {
        match warning {
            Warning::Inapplicable { name, .. } => no_effect.push(name.as_str()),
            Warning::NotYet { name, .. } => not_yet.push(name.as_str()),
            Warning::Unknown { .. }
            | Warning::Removed { .. }
            | Warning::ControllerListener { .. } => lines.push(warning.to_string()),
        }
    }
    if !no_effect.is_empty() {
        lines.push(format!("without effect in Headwater: {}", no_effect.join(", ")));
    }
    if !not_yet.is_empty() {
        lines.push(format!("without effect so far: {}", not_yet.join(", ")));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_without_effect_are_gathered() {
        let text = "num.io.threads=1\nnum.network.threads=1\nreplica.fetch.max.bytes=1\nlog.dris=x";
        let config = ServerConfig::builder().properties("f", text).unwrap().build().unwrap();
        assert_eq!(
            summarize(&config.warnings),
            [
                "f:4: unknown configuration key log.dris; did you mean log.dirs?",
                "without effect in Headwater: num.io.threads, num.network.threads",
                "without effect so far: replica.fetch.max.bytes",
            ]
        );
        assert!(summarize(&[]).is_empty());
    }

    #[test]
    fn a_file_that_is_not_unicode_is_read_as_latin_1() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("server.properties");
        fs::write(&file, b"broker.rack=M\xfcnchen\n").unwrap();
        assert_eq!(read(&file).unwrap(), "broker.rack=München\n");
        let missing = read(&folder.path().join("none")).unwrap_err();
        assert!(missing.contains("cannot be read"), "{missing}");
    }
}

//! Where settings come from: a properties or TOML text, environment variables, `KEY=VALUE`.
//!
//! Each source gives names and texts; which names exist and what texts they take is not known here.

use super::properties;
use std::fmt;

/// Where one setting was found; shown in every warning and error about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A file, and the line in it where the format tells.
    File {
        /// The file's name as the user gave it.
        file: String,
        /// Counted from 1.
        line: Option<usize>,
    },
    /// An environment variable.
    Environment {
        /// Its name.
        variable: String,
    },
    /// `--set`.
    CommandLine,
    /// The program that embeds the broker.
    Program,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::File { file, line: Some(line) } => write!(f, "{file}:{line}"),
            Place::File { file, line: None } => f.write_str(file),
            Place::Environment { variable } => write!(f, "environment variable {variable}"),
            Place::CommandLine => f.write_str("--set"),
            Place::Program => f.write_str("program"),
        }
    }
}

/// One setting as a source gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Setting {
    pub name: String,
    pub value: String,
    pub place: Place,
}

/// Why a source cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// `\u` without four hexadecimal digits.
    #[error("{place}: malformed \\uxxxx encoding (write \\\\ for a backslash)")]
    Escape {
        /// Where.
        place: Place,
    },
    /// Not TOML.
    #[error("{file}: {what}")]
    Toml {
        /// The file.
        file: String,
        /// What the parser says, with the line.
        what: String,
    },
    /// A TOML value that no config can hold.
    #[error(
        "{file}: {name} holds {what}; expected a text, a number, true, false, or a list of them"
    )]
    TomlValue {
        /// The file.
        file: String,
        /// The setting's name.
        name: String,
        /// What it holds.
        what: &'static str,
    },
    /// `--set` without `=`.
    #[error("--set {text}: expected KEY=VALUE, e.g. --set log.dirs=/var/lib/headwater")]
    NoEquals {
        /// What was given.
        text: String,
    },
}

/// Reads a properties text.
pub(super) fn from_properties(file: &str, text: &str) -> Result<Vec<Setting>, SourceError> {
    let place = |line| Place::File { file: file.to_owned(), line: Some(line) };
    let entries =
        properties::parse(text).map_err(|bad| SourceError::Escape { place: place(bad.line) })?;
    Ok(entries
        .into_iter()
        .map(|entry| Setting { name: entry.key, value: entry.value, place: place(entry.line) })
        .collect())
}

/// Reads a TOML text: keys may be dotted or nested in tables, lists become comma-separated texts.
pub(super) fn from_toml(file: &str, text: &str) -> Result<Vec<Setting>, SourceError> {
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| SourceError::Toml {
        file: file.to_owned(),
        what: toml_message(text, &error),
    })?;
    let mut settings = Vec::new();
    flatten(file, "", &table, &mut settings)?;
    Ok(settings)
}

/// One line: where, and what. The parser's own text draws the source over several.
fn toml_message(text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start));
    let line = before.map_or(1, |before| before.matches('\n').count() + 1);
    format!("line {line}: {}", error.message().replace('\n', ", "))
}

fn flatten(
    file: &str,
    prefix: &str,
    table: &toml::Table,
    out: &mut Vec<Setting>,
) -> Result<(), SourceError> {
    for (key, value) in table {
        let name = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        if let toml::Value::Table(inner) = value {
            // TOML bounds the depth of its own tables.
            flatten(file, &name, inner, out)?;
            continue;
        }
        let value = match value {
            toml::Value::Array(parts) => parts
                .iter()
                .map(|part| scalar(file, &name, part))
                .collect::<Result<Vec<String>, SourceError>>()?
                .join(","),
            single => scalar(file, &name, single)?,
        };
        let place = Place::File { file: file.to_owned(), line: None };
        out.push(Setting { name, value, place });
    }
    Ok(())
}

fn scalar(file: &str, name: &str, value: &toml::Value) -> Result<String, SourceError> {
    let what = match value {
        toml::Value::String(text) => return Ok(text.clone()),
        toml::Value::Integer(n) => return Ok(n.to_string()),
        toml::Value::Float(n) => return Ok(n.to_string()),
        toml::Value::Boolean(b) => return Ok(b.to_string()),
        toml::Value::Datetime(_) => "a date",
        toml::Value::Array(_) => "a list in a list",
        toml::Value::Table(_) => "a table in a list",
    };
    Err(SourceError::TomlValue { file: file.to_owned(), name: name.to_owned(), what })
}

/// What the environment's variables begin with.
pub(super) const ENVIRONMENT_PREFIX: &str = "HEADWATER_";

/// Variables with the prefix that are no settings: they steer the programs around the broker.
const ENVIRONMENT_RESERVED: &[&str] = &[
    "HEADWATER_BOOTSTRAP_SERVER",
    "HEADWATER_CONFIG",
    "HEADWATER_LOG_LEVEL",
    "HEADWATER_STRICT",
    "HEADWATER_UPDATE_DOCS",
];

/// Picks the settings out of the environment: `HEADWATER_LOG_DIRS` is `log.dirs`. One underscore
/// is a dot, two are an underscore, three are a hyphen.
pub(super) fn from_environment(
    variables: impl IntoIterator<Item = (String, String)>,
) -> Vec<Setting> {
    let mut settings: Vec<Setting> = variables
        .into_iter()
        .filter(|(variable, _)| !ENVIRONMENT_RESERVED.contains(&variable.as_str()))
        .filter(|(variable, _)| !is_of_kubernetes(variable))
        .filter_map(|(variable, value)| {
            let rest = variable.strip_prefix(ENVIRONMENT_PREFIX)?;
            let name = name_of_variable(rest);
            Some(Setting { name, value, place: Place::Environment { variable } })
        })
        .collect();
    settings.sort_by(|a, b| a.name.cmp(&b.name));
    settings
}

/// Kubernetes gives every container such variables about a service that is called `headwater` or
/// `headwater-something`; no config has such a name.
fn is_of_kubernetes(variable: &str) -> bool {
    let port = |after: &str| after.is_empty() || after.starts_with(|c: char| c.is_ascii_digit());
    variable.contains("_SERVICE_HOST")
        || variable.contains("_SERVICE_PORT")
        || variable.ends_with("_PORT")
        || variable.split("_PORT_").skip(1).any(port)
}

fn name_of_variable(rest: &str) -> String {
    // No config name has a control character, so one can stand in for what is decided already.
    rest.to_ascii_lowercase()
        .replace("___", "-")
        .replace("__", "\u{1}")
        .replace('_', ".")
        .replace('\u{1}', "_")
}

/// Reads `KEY=VALUE`.
pub(super) fn from_assignment(text: &str) -> Result<Setting, SourceError> {
    let (name, value) =
        text.split_once('=').ok_or_else(|| SourceError::NoEquals { text: text.to_owned() })?;
    let (name, value) = (name.trim().to_owned(), value.to_owned());
    if name.is_empty() {
        return Err(SourceError::NoEquals { text: text.to_owned() });
    }
    Ok(Setting { name, value, place: Place::CommandLine })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(settings: Vec<Setting>) -> Vec<(String, String)> {
        settings.into_iter().map(|s| (s.name, s.value)).collect()
    }

    fn toml_pairs(text: &str) -> Vec<(String, String)> {
        let mut all = pairs(from_toml("t.toml", text).unwrap());
        all.sort();
        all
    }

    #[test]
    fn toml_keys_may_be_dotted_nested_or_quoted() {
        let expected = [("log.dirs".into(), "/a,/b".into()), ("num.partitions".into(), "4".into())];
        for text in [
            "num.partitions = 4\nlog.dirs = ['/a', '/b']",
            "\"num.partitions\" = \"4\"\n\"log.dirs\" = \"/a,/b\"",
            "[num]\npartitions = 4\n[log]\ndirs = '/a,/b'",
        ] {
            assert_eq!(toml_pairs(text), expected, "{text}");
        }
        assert_eq!(
            toml_pairs("a.b = true\nc = 0.5"),
            [("a.b".into(), "true".into()), ("c".into(), "0.5".into())]
        );
    }

    #[test]
    fn toml_errors_name_the_line_and_the_key() {
        let error = from_toml("t.toml", "a = 1\nb =\n").unwrap_err().to_string();
        assert!(error.starts_with("t.toml: line 2: "), "{error}");
        assert!(!error.contains('\n'), "{error}");
        let error = from_toml("t.toml", "a.b = 2020-01-01").unwrap_err().to_string();
        assert!(error.starts_with("t.toml: a.b holds a date; expected"), "{error}");
        assert!(from_toml("t.toml", "a = [[1]]").is_err());
        assert!(from_toml("t.toml", "a = [{b = 1}]").is_err());
    }

    #[test]
    fn variables_are_names_in_capitals_with_underscores() {
        let given = [
            ("HEADWATER_LOG_DIRS", "/a"),
            ("HEADWATER_CONFIG", "x"),
            ("HEADWATER_LOG_LEVEL", "debug"),
            ("HEADWATER_LISTENER_NAME_A__B___C_SSL_KEY", "k"),
            ("PATH", "/bin"),
            ("HEADWATER_SERVICE_HOST", "10.0.0.1"),
            ("HEADWATER_SERVICE_PORT_KAFKA", "9092"),
            ("HEADWATER_PORT", "tcp://10.0.0.1:9092"),
            ("HEADWATER_BROKER_PORT_9092_TCP_ADDR", "10.0.0.1"),
        ];
        let variables = given.map(|(k, v)| (k.to_owned(), v.to_owned()));
        assert_eq!(
            pairs(from_environment(variables)),
            [
                ("listener.name.a_b-c.ssl.key".to_owned(), "k".to_owned()),
                ("log.dirs".to_owned(), "/a".to_owned())
            ]
        );
    }

    #[test]
    fn assignments_split_at_the_first_equals() {
        let ok = |text| from_assignment(text).map(|s| (s.name, s.value)).unwrap();
        assert_eq!(ok("a=b"), ("a".into(), "b".into()));
        assert_eq!(ok("a=b=c"), ("a".into(), "b=c".into()));
        assert_eq!(ok("a="), ("a".into(), "".into()));
        for bad in ["a", "", "=b", " =b"] {
            assert!(from_assignment(bad).is_err(), "{bad:?}");
        }
    }
}

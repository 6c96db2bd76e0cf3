//! What the table says about one config, and the check of a value against it.
//!
//! The texts of [`ConfigProblem`] are those that Apache Kafka 4.3.1 answers with: people's scripts
//! and client suites compare them. Start reading at [`ConfigSpec::parse`].

use super::ConfigProblem;
use std::collections::BTreeSet;

/// The type of a config's value, as DescribeConfigs reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigType {
    /// `true` or `false`.
    Boolean,
    /// Any text.
    String,
    /// A 32-bit integer.
    Int,
    /// A 16-bit integer.
    Short,
    /// A 64-bit integer.
    Long,
    /// A floating-point number.
    Double,
    /// Texts separated by commas.
    List,
    /// The name of a Java class; kept as text, never loaded.
    Class,
    /// A text that is never shown.
    Password,
}

impl ConfigType {
    /// The number in DescribeConfigs responses.
    pub const fn code(self) -> i8 {
        match self {
            ConfigType::Boolean => 1,
            ConfigType::String => 2,
            ConfigType::Int => 3,
            ConfigType::Short => 4,
            ConfigType::Long => 5,
            ConfigType::Double => 6,
            ConfigType::List => 7,
            ConfigType::Class => 8,
            ConfigType::Password => 9,
        }
    }

    /// Kafka's name of the type, e.g. `LONG`.
    pub const fn name(self) -> &'static str {
        match self {
            ConfigType::Boolean => "BOOLEAN",
            ConfigType::String => "STRING",
            ConfigType::Int => "INT",
            ConfigType::Short => "SHORT",
            ConfigType::Long => "LONG",
            ConfigType::Double => "DOUBLE",
            ConfigType::List => "LIST",
            ConfigType::Class => "CLASS",
            ConfigType::Password => "PASSWORD",
        }
    }
}

/// What holds where nobody sets a config.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefaultValue {
    /// Nothing, and Kafka demands a value in the file. Headwater never does: see the config's doc.
    Required,
    /// Nothing.
    Null,
    /// This text.
    Text(&'static str),
}

/// What a value must satisfy beyond its type.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Check {
    /// Nothing more.
    Any,
    /// Not below.
    AtLeast(i64),
    /// Not below and not above.
    Between(i64, i64),
    /// 1 to 9, or -1 for the codec's own default.
    GzipLevel,
    /// Not below and not above, for fractions.
    Ratio(f64, f64),
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// One of these texts, upper or lower case.
    OneOfAnyCase(&'static [&'static str]),
    /// A list of some of these texts.
    SomeOf(&'static [&'static str]),
    /// A list of one or more of these texts.
    AtLeastOneOf(&'static [&'static str]),
    /// A list with at least one part.
    NonEmptyList,
    /// A text with at least one character.
    NonEmpty,
    /// `partition:broker` pairs, or `*`.
    ThrottledReplicas,
    /// `latest`, `earliest` or `by_duration:` with an ISO 8601 duration.
    ShareOffsetReset,
}

/// How much a config matters, in Kafka's judgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Importance {
    /// Look at it before production.
    High,
    /// Worth knowing.
    Medium,
    /// Seldom touched.
    Low,
}

/// Whether a broker config can change while brokers run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpdateMode {
    /// Only from file, environment or command line.
    ReadOnly,
    /// While running, for one broker.
    PerBroker,
    /// While running, for one broker or for all at once.
    ClusterWide,
}

/// How far Headwater honours a config.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It takes effect.
    Works,
    /// Accepted, checked, stored and reported; it takes effect when the part it steers is built.
    Later,
    /// Accepted, checked and reported; it steers something that Headwater does not have.
    Inapplicable,
}

/// One config of the table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConfigSpec {
    /// Its name, e.g. `retention.ms`.
    pub name: &'static str,
    /// The type of its value.
    pub kind: ConfigType,
    /// What holds where nobody sets it.
    pub default: DefaultValue,
    /// What a value must satisfy.
    pub check: Check,
    /// How much it matters.
    pub importance: Importance,
    /// Whether it can change while brokers run; topic and group configs always can.
    pub update: UpdateMode,
    /// How far Headwater honours it.
    pub status: Status,
    /// Not shown by DescribeConfigs unless somebody set it.
    pub internal: bool,
    /// Headwater's own: Kafka does not know it.
    pub own: bool,
    /// What it does, in one line.
    pub doc: &'static str,
}

/// A value after its type was checked.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A truth value.
    Bool(bool),
    /// An integer of any width.
    Int(i64),
    /// A fraction.
    Double(f64),
    /// The parts of a list.
    List(Vec<String>),
    /// Anything else.
    Text(String),
}

impl ConfigSpec {
    /// The default's text, where there is one.
    pub const fn default_text(&self) -> Option<&'static str> {
        match self.default {
            DefaultValue::Text(text) => Some(text),
            DefaultValue::Required | DefaultValue::Null => None,
        }
    }

    /// Whether the value is hidden from DescribeConfigs and logs.
    pub const fn sensitive(&self) -> bool {
        matches!(self.kind, ConfigType::Password)
    }

    /// Checks a text against type and range.
    ///
    /// # Errors
    /// What is wrong, in Kafka's words, for whoever sent the value.
    pub fn parse(&self, text: &str) -> Result<Value, ConfigProblem> {
        let value = self.parse_type(text)?;
        self.check_value(&value)?;
        Ok(value)
    }

    fn parse_type(&self, text: &str) -> Result<Value, ConfigProblem> {
        let trimmed = text.trim();
        let number = |parsed: Option<i64>| match parsed {
            Some(n) => Ok(Value::Int(n)),
            None => Err(self.invalid(text, &format!("Not a number of type {}", self.kind.name()))),
        };
        match self.kind {
            ConfigType::Boolean if trimmed.eq_ignore_ascii_case("true") => Ok(Value::Bool(true)),
            ConfigType::Boolean if trimmed.eq_ignore_ascii_case("false") => Ok(Value::Bool(false)),
            ConfigType::Boolean => {
                Err(self.invalid(text, "Expected value to be either true or false"))
            }
            ConfigType::Int => number(trimmed.parse::<i32>().ok().map(i64::from)),
            ConfigType::Short => number(trimmed.parse::<i16>().ok().map(i64::from)),
            ConfigType::Long => number(trimmed.parse::<i64>().ok()),
            ConfigType::Double => match parse_double(trimmed) {
                Some(n) => Ok(Value::Double(n)),
                None => Err(self.invalid(text, "Not a number of type DOUBLE")),
            },
            ConfigType::List => Ok(Value::List(distinct(split_list(trimmed)))),
            ConfigType::String | ConfigType::Class | ConfigType::Password => {
                Ok(Value::Text(trimmed.to_owned()))
            }
        }
    }

    fn check_value(&self, value: &Value) -> Result<(), ConfigProblem> {
        match value {
            Value::Bool(_) => Ok(()),
            Value::Int(n) => self.check_int(*n),
            Value::Double(n) => self.check_double(*n),
            Value::List(parts) => self.check_list(parts),
            Value::Text(text) => self.check_text(text),
        }
    }

    fn check_int(&self, n: i64) -> Result<(), ConfigProblem> {
        match self.check {
            Check::AtLeast(least) | Check::Between(least, _) if n < least => {
                Err(self.invalid(n, &format!("Value must be at least {least}")))
            }
            Check::Between(_, most) if n > most => {
                Err(self.invalid(n, &format!("Value must be no more than {most}")))
            }
            Check::GzipLevel if n != -1 && !(1..=9).contains(&n) => {
                Err(self.invalid(n, "Value must be between 1 and 9 or equal to -1"))
            }
            _ => Ok(()),
        }
    }

    fn check_double(&self, n: f64) -> Result<(), ConfigProblem> {
        match self.check {
            Check::Ratio(least, _) if n < least => {
                Err(self.invalid(java_double(n), &format!("Value must be at least {least}")))
            }
            Check::Ratio(_, most) if n > most => {
                Err(self.invalid(java_double(n), &format!("Value must be no more than {most}")))
            }
            _ => Ok(()),
        }
    }

    fn check_list(&self, parts: &[String]) -> Result<(), ConfigProblem> {
        if self.check == Check::ThrottledReplicas {
            return self.check_throttled(parts);
        }
        let valid = match self.check {
            Check::NonEmptyList if parts.is_empty() => Some("any non-empty value".to_owned()),
            Check::AtLeastOneOf(valid) if parts.is_empty() => {
                Some(format!("[{}]", valid.join(", ")))
            }
            _ => None,
        };
        if let Some(valid) = valid {
            return Err(ConfigProblem::invalid(format!(
                "Configuration '{}' must not be empty. Valid values include: {valid}",
                self.name
            )));
        }
        for part in parts {
            match self.check {
                _ if part.is_empty() => {
                    return Err(ConfigProblem::invalid(format!(
                        "Configuration '{}' values must not be empty.",
                        self.name
                    )));
                }
                Check::SomeOf(valid) | Check::AtLeastOneOf(valid)
                    if !valid.contains(&part.as_str()) =>
                {
                    return Err(self.not_one_of(part, valid));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn check_throttled(&self, parts: &[String]) -> Result<(), ConfigProblem> {
        let all = matches!(parts, [one] if one == "*");
        let is_number = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
        let is_pair =
            |part: &String| part.split_once(':').is_some_and(|(p, b)| is_number(p) && is_number(b));
        if all || parts.iter().all(is_pair) {
            return Ok(());
        }
        let why = format!(
            "{} must be the literal '*' or a list of replicas in the following format: \
             [partitionId]:[brokerId],[partitionId]:[brokerId],...",
            self.name
        );
        Err(self.invalid(format!("[{}]", parts.join(", ")), &why))
    }

    fn check_text(&self, text: &str) -> Result<(), ConfigProblem> {
        match self.check {
            Check::OneOf(valid) if !valid.contains(&text) => Err(self.not_one_of(text, valid)),
            Check::OneOfAnyCase(valid) if !valid.iter().any(|v| v.eq_ignore_ascii_case(text)) => {
                let why = format!("String must be one of (case insensitive): {}", valid.join(", "));
                Err(self.invalid(text, &why))
            }
            Check::NonEmpty if text.is_empty() => {
                Err(self.invalid(text, "String must be non-empty"))
            }
            Check::ShareOffsetReset if !is_share_offset_reset(text) => {
                let why = format!(
                    "Invalid value `{text}` for configuration {}. The value must be either \
                     'earliest', 'latest' or of the format 'by_duration:<PnDTnHnMn.nS>'.",
                    self.name
                );
                Err(self.invalid(text, &why))
            }
            _ => Ok(()),
        }
    }

    fn not_one_of(&self, value: &str, valid: &[&str]) -> ConfigProblem {
        self.invalid(value, &format!("String must be one of: {}", valid.join(", ")))
    }

    fn invalid(&self, value: impl std::fmt::Display, why: &str) -> ConfigProblem {
        ConfigProblem::invalid_value(self.name, value, why)
    }
}

impl Value {
    /// The text that DescribeConfigs shows.
    pub fn to_text(&self) -> String {
        match self {
            Value::Bool(b) => b.to_string(),
            Value::Int(n) => n.to_string(),
            Value::Double(n) => java_double(*n),
            Value::List(parts) => parts.join(","),
            Value::Text(text) => text.clone(),
        }
    }
}

/// Splits a list as Kafka does: commas with white space around them, nothing for an empty text.
pub(super) fn split_list(text: &str) -> Vec<String> {
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return Vec::new();
    }
    trimmed.split(',').map(|part| part.trim().to_owned()).collect()
}

/// Keeps the first of several equal parts; Kafka lets repetitions pass.
fn distinct(parts: Vec<String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    parts.into_iter().filter(|part| seen.insert(part.clone())).collect()
}

/// A fraction as Java reads it: `NaN` and `Infinity` only in that spelling.
fn parse_double(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let spelled = matches!(unsigned, "NaN" | "Infinity");
    if !spelled && unsigned.chars().any(|c| c.is_ascii_alphabetic() && !matches!(c, 'e' | 'E')) {
        return None;
    }
    text.parse().ok()
}

/// A fraction as Java prints it: at least one digit after the point, and an exponent from ten
/// million on and below a thousandth.
fn java_double(n: f64) -> String {
    let size = n.abs();
    if n.is_nan() {
        return "NaN".to_owned();
    }
    if n.is_infinite() {
        return if n > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    if n == 0.0 || (1e-3..1e7).contains(&size) {
        return format!("{n:?}");
    }
    let scientific = format!("{n:E}");
    match scientific.split_once('E') {
        Some((digits, exponent)) if !digits.contains('.') => format!("{digits}.0E{exponent}"),
        _ => scientific,
    }
}

fn is_share_offset_reset(text: &str) -> bool {
    let name = text.to_ascii_lowercase();
    match name.strip_prefix("by_duration:") {
        Some(duration) => is_positive_duration(duration),
        None => name == "latest" || name == "earliest",
    }
}

/// `PnDTnHnMn.nS`, with at least one part and no sign.
fn is_positive_duration(text: &str) -> bool {
    let Some(rest) = text.to_ascii_uppercase().strip_prefix('P').map(str::to_owned) else {
        return false;
    };
    let (days, time) = match rest.split_once('T') {
        Some((days, time)) => (days.to_owned(), Some(time.to_owned())),
        None => (rest, None),
    };
    let days_fit =
        days.is_empty() || days.strip_suffix('D').is_some_and(|n| n.parse::<u32>().is_ok());
    let time_fits = match &time {
        None => !days.is_empty(),
        Some(time) => takes_units(time),
    };
    days_fit && time_fits
}

/// Hours, minutes and seconds in that order, at least one of them.
fn takes_units(time: &str) -> bool {
    let mut rest = time;
    for unit in ['H', 'M', 'S'] {
        let Some((number, after)) = rest.split_once(unit) else { continue };
        let whole = match (unit, number.split_once('.')) {
            ('S', Some((whole, fraction))) => {
                if fraction.len() > 9 || !fraction.chars().all(|c| c.is_ascii_digit()) {
                    return false;
                }
                whole
            }
            _ => number,
        };
        if whole.parse::<u32>().is_err() {
            return false;
        }
        rest = after;
    }
    rest.is_empty() && !time.is_empty()
}

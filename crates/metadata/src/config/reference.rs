//! The reference page, written from the table.

use super::spec::{Check, ConfigSpec, DefaultValue, Status, UpdateMode};
use super::table::{BROKER_AREAS, ConfigTable};
use super::topic::broker_names;
use std::fmt::Write;

const INTRODUCTION: &str = "\
# Configuration

This page is generated from the table of configs (`cargo xtask codegen` writes it anew).

## How to set things

Everything has a default: `headwater-broker` without a file and without options is a working
broker. What it can be told, the strongest first:

| where | example |
|---|---|
| command line | `--set num.partitions=4`, as often as needed |
| environment | `HEADWATER_NUM_PARTITIONS=4` |
| file | `--config server.properties` or `--config headwater.toml` |
| default | see the tables below |

A properties file follows Java's rules, so Kafka's own `server.properties` can be taken as it is. In
a TOML file names may be dotted or nested, and lists may be lists:

```toml
listeners = [\"PLAINTEXT://127.0.0.1:9092\"]
log.dirs = [\"/var/lib/headwater\"]

[num]
partitions = 4
```

(TOML cannot hold a name that is also the beginning of another one unless one of them is quoted:
write `\"log.dir.failure.timeout.ms\" = 30000` beside `log.dir`.)

An environment variable is a config's name in capitals after `HEADWATER_`, with an underscore for
each dot: `HEADWATER_LOG_DIRS` is `log.dirs`. Two underscores are an underscore, three are a hyphen.

An unknown name gets a warning with the name that was probably meant; with `--strict` or `--check`
it is an error. `--check` looks at everything and exits.

Configs of topics, groups and client-metrics subscriptions, and the broker configs marked *while
running*, are changed with `kafka-configs`, `headwater config alter` or any other admin client.

## What the columns mean

**Changes**: *at start* (from file, environment or command line), *while running* (for all brokers or
one), or *while running, one broker*.

**Status**: *works*; *later* (accepted, checked and reported, but the part it steers is still to be
built); *n/a* (accepted, checked and reported so that Kafka's files and tools work, but Headwater has
nothing that it could steer). Setting one of the latter two gets a warning.
";

/// The text of `docs/configuration.md`.
pub fn reference_markdown() -> String {
    let mut page = INTRODUCTION.to_owned();
    let table = ConfigTable::get();
    page.push_str(
        "\n## Topics\n\nWhat a topic does not set, it inherits from the broker config named.\n\n",
    );
    page.push_str("| name | type | default | valid | inherits | status | what it does |\n");
    page.push_str("|---|---|---|---|---|---|---|\n");
    for spec in table.topics() {
        let inherits: Vec<String> =
            broker_names(spec.name).iter().map(|broker| code(broker.name)).collect();
        row(
            &mut page,
            spec,
            &[kind(spec), default(spec), valid(spec), inherits.join(", "), status(spec)],
        );
    }
    page.push_str("\n## Brokers\n");
    for (area, rows) in BROKER_AREAS {
        let _ = write!(page, "\n### {area}\n\n");
        page.push_str("| name | type | default | valid | changes | status | what it does |\n");
        page.push_str("|---|---|---|---|---|---|---|\n");
        for spec in *rows {
            row(
                &mut page,
                spec,
                &[kind(spec), default(spec), valid(spec), changes(spec), status(spec)],
            );
        }
    }
    let others = [
        ("Groups", table.groups().collect::<Vec<_>>()),
        ("Client metrics", table.client_metrics_all().collect()),
    ];
    for (heading, specs) in others {
        let _ = write!(page, "\n## {heading}\n\n");
        page.push_str("| name | type | default | valid | status | what it does |\n");
        page.push_str("|---|---|---|---|---|---|\n");
        for spec in specs {
            row(&mut page, spec, &[kind(spec), default(spec), valid(spec), status(spec)]);
        }
    }
    page
}

fn row(page: &mut String, spec: &ConfigSpec, cells: &[String]) {
    let own = if spec.own { " (Headwater's own)" } else { "" };
    let cells = cells.join(" | ");
    let _ = writeln!(page, "| {}{own} | {cells} | {} |", code(spec.name), spec.doc);
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

fn kind(spec: &ConfigSpec) -> String {
    spec.kind.name().to_ascii_lowercase()
}

fn default(spec: &ConfigSpec) -> String {
    match spec.default {
        DefaultValue::Required | DefaultValue::Null => String::new(),
        DefaultValue::Text("") => "empty".to_owned(),
        DefaultValue::Text(text) => code(text),
    }
}

fn valid(spec: &ConfigSpec) -> String {
    let any_of = |words: &[&str]| words.iter().map(|w| code(w)).collect::<Vec<_>>().join(", ");
    match spec.check {
        Check::Any => String::new(),
        Check::AtLeast(least) => format!("{least} or more"),
        Check::Between(least, most) => format!("{least} to {most}"),
        Check::GzipLevel => "1 to 9, or -1".to_owned(),
        Check::Ratio(least, most) => format!("{least} to {most}"),
        Check::OneOf(words) | Check::OneOfAnyCase(words) => any_of(words),
        Check::SomeOf(words) => format!("any of {}", any_of(words)),
        Check::AtLeastOneOf(words) => format!("some of {}", any_of(words)),
        Check::NonEmptyList => "not empty".to_owned(),
        Check::NonEmpty => "not empty".to_owned(),
        Check::ThrottledReplicas => "`partition:broker,...` or `*`".to_owned(),
        Check::ShareOffsetReset => "`latest`, `earliest`, `by_duration:PT1H`".to_owned(),
    }
}

fn changes(spec: &ConfigSpec) -> String {
    match spec.update {
        UpdateMode::ReadOnly => "at start",
        UpdateMode::PerBroker => "while running, one broker",
        UpdateMode::ClusterWide => "while running",
    }
    .to_owned()
}

fn status(spec: &ConfigSpec) -> String {
    match spec.status {
        Status::Works => "works",
        Status::Later => "later",
        Status::Inapplicable => "n/a",
    }
    .to_owned()
}

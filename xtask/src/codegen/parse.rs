//! Reads the notation that `proto/kafka/README.md` describes.

use super::spec::{Field, Kind, MessageSpec, Spec, Struct, Versions};
use anyhow::{Context, Result, bail, ensure};
use std::iter::Peekable;

/// A line that says something: its number, depth and words.
struct Line<'a> {
    number: usize,
    depth: usize,
    words: Vec<&'a str>,
}

/// Reads a file.
pub(super) fn spec(module: String, text: &str) -> Result<Spec> {
    let mut lines = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let words: Vec<&str> = line.split_whitespace().collect();
        if words.is_empty() || line.starts_with('#') {
            continue;
        }
        let indent = line.len() - line.trim_start().len();
        ensure!(indent.is_multiple_of(2), "line {}: an odd indent", number + 1);
        lines.push(Line { number: number + 1, depth: indent / 2, words });
    }
    let mut lines = lines.into_iter().peekable();
    let mut spec = Spec { module, api: None, messages: Vec::new(), shared: Vec::new() };
    while let Some(line) = lines.next() {
        ensure!(line.depth == 0, "line {}: indented without a parent", line.number);
        block(&mut spec, &line, &mut lines).with_context(|| format!("line {}", line.number))?;
    }
    Ok(spec)
}

fn block<'a>(
    spec: &mut Spec,
    line: &Line<'a>,
    lines: &mut Peekable<impl Iterator<Item = Line<'a>>>,
) -> Result<()> {
    match line.words.as_slice() {
        ["api", number, name] => spec.api = Some((number.parse()?, (*name).to_owned())),
        ["struct", name] => {
            let versions = all_versions(spec)?;
            let fields = fields(versions, 1, lines)?;
            spec.shared.push(Struct { name: (*name).to_owned(), versions, fields });
        }
        [kind @ ("request" | "response"), versions, flexible @ ..] => {
            let (_, api) = spec.api.as_ref().context("`api` must come first")?;
            let name = format!("{api}{}", if *kind == "request" { "Request" } else { "Response" });
            message(spec, name, versions, flexible, lines)?;
        }
        ["data", name, versions, flexible @ ..] => {
            message(spec, (*name).to_owned(), versions, flexible, lines)?;
        }
        _ => bail!("neither api, request, response, data nor struct"),
    }
    Ok(())
}

fn message<'a>(
    spec: &mut Spec,
    name: String,
    versions: &str,
    flexible: &[&str],
    lines: &mut Peekable<impl Iterator<Item = Line<'a>>>,
) -> Result<()> {
    let (first, last) = versions.split_once('-').context("versions are spelled first-last")?;
    let versions = Versions { first: first.parse()?, last: last.parse()? };
    let flexible_from = match flexible {
        ["flexible", from] => Some(from.trim_end_matches('+').parse()?),
        ["never", "flexible"] => None,
        _ => bail!("`flexible N+` or `never flexible` must follow the versions"),
    };
    let fields = fields(versions, 1, lines)?;
    let body = Struct { name, versions, fields };
    spec.messages.push(MessageSpec { versions, flexible_from, body });
    Ok(())
}

/// From the first to the last version of the file's messages.
fn all_versions(spec: &Spec) -> Result<Versions> {
    let all = spec.messages.iter().map(|message| message.versions);
    all.reduce(|a, b| Versions { first: a.first.min(b.first), last: a.last.max(b.last) })
        .context("structs come after the messages")
}

/// The fields at `depth`, with the structs that are defined inside of them.
fn fields<'a>(
    parent: Versions,
    depth: usize,
    lines: &mut Peekable<impl Iterator<Item = Line<'a>>>,
) -> Result<Vec<Field>> {
    let mut all = Vec::new();
    while let Some(line) = lines.next_if(|line| line.depth == depth) {
        let mut field = field(&line, parent).with_context(|| format!("line {}", line.number))?;
        if lines.peek().is_some_and(|next| next.depth > depth) {
            let Kind::Struct(name) = element(&field.kind).clone() else {
                bail!("line {}: fields below a field that is no struct", line.number);
            };
            let fields = fields(field.versions, depth + 1, lines)?;
            field.inline = Some(Struct { name, versions: field.versions, fields });
        }
        all.push(field);
    }
    Ok(all)
}

fn element(kind: &Kind) -> &Kind {
    match kind {
        Kind::Array(inner) => inner,
        other => other,
    }
}

/// `Name type[?] [versions] [nullable versions] [tag N] [= default] [ignorable]`
fn field(line: &Line<'_>, parent: Versions) -> Result<Field> {
    let mut words = line.words.iter().copied().peekable();
    let name = words.next().context("a name")?.to_owned();
    let spelled = words.next().context("a type")?;
    let bare = spelled.trim_end_matches('?');
    let versions = match words.next_if(|word| word.starts_with(|c: char| c.is_ascii_digit())) {
        Some(word) => version_range(word, parent)?,
        None => parent,
    };
    let mut field = Field {
        name,
        kind: kind(bare)?,
        versions,
        nullable: (bare != spelled).then_some(versions),
        tag: None,
        default: None,
        ignorable: false,
        inline: None,
    };
    while let Some(word) = words.next() {
        let mut next = || words.next().with_context(|| format!("something after `{word}`"));
        match word {
            "nullable" => field.nullable = Some(version_range(next()?, versions)?),
            "tag" => field.tag = Some(next()?.parse()?),
            "=" => field.default = Some(next()?.to_owned()),
            "ignorable" => field.ignorable = true,
            other => bail!("`{other}` means nothing here"),
        }
    }
    Ok(field)
}

fn version_range(word: &str, parent: Versions) -> Result<Versions> {
    let range = match word.strip_suffix('+') {
        Some(first) => Versions { first: first.parse()?, last: parent.last },
        None => {
            let (first, last) = word.split_once('-').context("versions are N+ or N-M")?;
            Versions { first: first.parse()?, last: last.parse()? }
        }
    };
    ensure!(parent.covers(range), "versions {word} go beyond those of the struct");
    Ok(range)
}

fn kind(word: &str) -> Result<Kind> {
    if let Some(inner) = word.strip_prefix("[]") {
        return Ok(Kind::Array(Box::new(kind(inner)?)));
    }
    Ok(match word {
        "bool" => Kind::Bool,
        "int8" => Kind::Int8,
        "int16" => Kind::Int16,
        "uint16" => Kind::Uint16,
        "int32" => Kind::Int32,
        "uint32" => Kind::Uint32,
        "int64" => Kind::Int64,
        "float64" => Kind::Float64,
        "uuid" => Kind::Uuid,
        "string" => Kind::String,
        "bytes" => Kind::Bytes,
        "records" => Kind::Records,
        name if name.starts_with(char::is_uppercase) => Kind::Struct(name.to_owned()),
        other => bail!("no type `{other}`"),
    })
}

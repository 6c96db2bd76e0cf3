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

#[cfg(test)]
mod tests {
    use super::super::emit;
    use super::*;

    const EXAMPLE: &str = "\
# A comment.
api 99 Example

request 1-4 flexible 3+
  Name string? nullable 2+ = null ignorable
  Count int32 2-3 = -1
  Parts []Part
    Id uuid
    Extra string 3+ tag 0

response 1-4 flexible 3+
  Part Part 2+

struct Other
  Value int64
";

    fn parse(text: &str) -> Result<Spec> {
        spec("example".to_owned(), text)
    }

    #[test]
    fn fields_have_what_their_line_says() {
        let spec = parse(EXAMPLE).unwrap();
        assert_eq!(spec.api, Some((99, "Example".to_owned())));
        let request = &spec.messages[0];
        assert_eq!(request.body.name, "ExampleRequest");
        assert_eq!(request.flexible_from, Some(3));
        let [name, count, parts] = &request.body.fields[..] else { panic!() };
        assert_eq!(name.nullable, Some(Versions { first: 2, last: 4 }));
        assert_eq!((name.default.as_deref(), name.ignorable), (Some("null"), true));
        assert_eq!(count.versions, Versions { first: 2, last: 3 });
        assert_eq!(parts.kind, Kind::Array(Box::new(Kind::Struct("Part".to_owned()))));
        let part = parts.inline.as_ref().unwrap();
        assert_eq!(part.versions, Versions { first: 1, last: 4 });
        assert_eq!(part.fields[1].tag, Some(0));
        assert_eq!(spec.shared[0].name, "Other");
    }

    #[test]
    fn code_tests_versions_only_where_they_matter() {
        let code = emit::module(&parse(EXAMPLE).unwrap()).unwrap();
        for wanted in [
            "message!(ExampleRequest, 1..=4, Some(3), Example => ExampleResponse);",
            "if v >= 2 { r.nullable_string()? } else { Some(r.string()?) }",
            "if (2..=3).contains(&v) { r.i32()? } else { -1 }",
            "absent(self.count == -1, \"Count\", v)?;",
            "parts: r.structs(v)?",
            // Classic 1 and 2 have an id of 16 bytes, flexible ones a byte for tags besides.
            "const BYTES_MIN: usize = 16;",
            "0 => it.extra = r.string()?,",
        ] {
            assert!(code.contains(wanted), "{wanted}\n\nin\n\n{code}");
        }
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        let with = |line: &str| {
            let text = format!("api 1 X\nrequest 0-2 never flexible\n{line}\n");
            format!("{:#}", parse(&text).unwrap_err())
        };
        for (line, wanted) in [
            ("  Name text", "no type `text`"),
            ("  Name string 1-3", "go beyond those of the struct"),
            ("  Name string sometimes", "`sometimes` means nothing here"),
            ("  Name string tag", "something after `tag`"),
            ("  Name string\n    Inner int8", "fields below a field that is no struct"),
            (" Name string", "odd indent"),
            ("enum Colour", "neither api, request, response, data nor struct"),
        ] {
            let error = with(line);
            assert!(error.contains(wanted), "{error}");
            assert!(error.contains("line "), "{error}");
        }
    }
}

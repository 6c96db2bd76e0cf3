//! What foreign code may enter the build: `deny.toml`'s licences, bans and sources, checked
//! against what cargo really resolves. `cargo deny` reads the same file and knows advisories too.

use super::Finding;
use super::packages::Package;
use anyhow::{Context, Result};
use toml::Table;

/// The part of `deny.toml` that is checked here.
#[derive(Debug)]
pub struct Policy {
    licences: Vec<String>,
    banned: Vec<(String, String)>,
    registries: Vec<String>,
}

impl Policy {
    /// Reads a `deny.toml`.
    ///
    /// # Errors
    ///
    /// It is no TOML, or one of the lists is missing.
    pub fn parse(text: &str) -> Result<Self> {
        let table: Table = text.parse().context("reading deny.toml")?;
        let banned = list(&table, "bans", "deny")?.iter().filter_map(|entry| {
            let reason = entry.get("reason").and_then(toml::Value::as_str).unwrap_or("banned");
            Some((entry.get("name")?.as_str()?.to_owned(), reason.to_owned()))
        });
        Ok(Self {
            licences: strings(&table, "licenses", "allow")?,
            banned: banned.collect(),
            registries: strings(&table, "sources", "allow-registry")?,
        })
    }

    /// Findings about one package that is built.
    pub fn check(&self, package: &Package) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut find = |message: String| findings.push(Finding::new(&package.name, message));
        match package.license.as_deref() {
            None => find("states no licence".to_owned()),
            Some(expression) => match allowed(expression, &self.licences) {
                Some(true) => {}
                Some(false) => find(format!("its licence `{expression}` is not in deny.toml")),
                None => find(format!("its licence `{expression}` cannot be read")),
            },
        }
        if let Some((_, reason)) = self.banned.iter().find(|(name, _)| *name == package.name) {
            find(format!("is banned: {reason}"));
        }
        if let Some(source) = package.source.as_deref() {
            let registry = source.strip_prefix("registry+").unwrap_or(source);
            if !self.registries.iter().any(|known| known == registry) {
                find(format!("comes from `{source}`, which deny.toml does not list"));
            }
        }
        findings
    }
}

fn list<'a>(table: &'a Table, section: &str, key: &str) -> Result<&'a Vec<toml::Value>> {
    let found = table.get(section).and_then(|section| section.get(key));
    found.and_then(toml::Value::as_array).with_context(|| format!("deny.toml: no {section}.{key}"))
}

fn strings(table: &Table, section: &str, key: &str) -> Result<Vec<String>> {
    let values = list(table, section, key)?.iter();
    Ok(values.filter_map(|value| value.as_str().map(str::to_owned)).collect())
}

/// Whether an SPDX expression can be met with the licences listed; none when it is no expression.
/// `/` is what older manifests write for OR.
fn allowed(expression: &str, licences: &[String]) -> Option<bool> {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    let result = any_of(&mut rest, licences)?;
    rest.is_empty().then_some(result)
}

fn any_of(words: &mut &[&str], licences: &[String]) -> Option<bool> {
    let mut result = all_of(words, licences)?;
    while let Some((&"OR", rest)) = words.split_first() {
        *words = rest;
        result |= all_of(words, licences)?;
    }
    Some(result)
}

fn all_of(words: &mut &[&str], licences: &[String]) -> Option<bool> {
    let mut result = one(words, licences)?;
    while let Some((&"AND", rest)) = words.split_first() {
        *words = rest;
        result &= one(words, licences)?;
    }
    Some(result)
}

fn one(words: &mut &[&str], licences: &[String]) -> Option<bool> {
    let (&first, rest) = words.split_first()?;
    *words = rest;
    if first == "(" {
        let inside = any_of(words, licences)?;
        let (&close, rest) = words.split_first()?;
        *words = rest;
        return (close == ")").then_some(inside);
    }
    if matches!(first, ")" | "OR" | "AND" | "WITH") {
        return None;
    }
    let mut name = first.to_owned();
    if let Some((&"WITH", rest)) = words.split_first() {
        let (&exception, rest) = rest.split_first()?;
        *words = rest;
        name = format!("{first} WITH {exception}");
    }
    Some(licences.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::super::sample_package;
    use super::*;

    fn policy() -> Policy {
        let text = r#"
            [licenses]
            allow = ["MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception"]
            [bans]
            deny = [{ name = "openssl-sys", reason = "no headers" }]
            [sources]
            allow-registry = ["https://example.org/index"]
        "#;
        Policy::parse(text).unwrap()
    }

    fn findings(change: impl FnOnce(&mut Package)) -> Vec<String> {
        let mut package = sample_package("foreign", "");
        package.source = Some("registry+https://example.org/index".to_owned());
        change(&mut package);
        policy().check(&package).into_iter().map(|finding| finding.message).collect()
    }

    #[test]
    fn licences_are_read_as_expressions() {
        for good in [
            "MIT",
            "GPL-3.0 OR MIT",
            "MIT/Apache-2.0",
            "(MIT OR GPL-3.0) AND Apache-2.0",
            "Apache-2.0 WITH LLVM-exception OR GPL-3.0",
        ] {
            assert_eq!(findings(|package| package.license = Some(good.to_owned())), [""; 0]);
        }
        for bad in ["GPL-3.0", "MIT AND GPL-3.0", "MIT OR", "(MIT", "MIT WITH Bison-exception", ""]
        {
            assert_eq!(
                findings(|package| package.license = Some(bad.to_owned())).len(),
                1,
                "{bad}"
            );
        }
        assert_eq!(findings(|package| package.license = None), ["states no licence"]);
    }

    #[test]
    fn bans_and_sources_are_kept() {
        assert!(findings(|package| package.name = "openssl-sys".to_owned())[0].contains("banned"));
        let git = "git+https://example.org/fork#1".to_owned();
        assert!(findings(|package| package.source = Some(git))[0].contains("does not list"));
        assert_eq!(findings(|package| package.source = None), [""; 0], "our own");
    }
}

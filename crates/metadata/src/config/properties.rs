//! Reads the text of a Java properties file, by Java's rules.
//!
//! `#` and `!` begin comment lines; `=`, `:` or white space ends a key; a backslash at the end of a
//! line joins it with the next, whose leading white space is dropped; `\n`, `\t`, `\r`, `\f`,
//! `\uXXXX` and `\` before any other character are escapes, in keys too. Values keep their trailing
//! white space here; a config's type trims it later.

use std::iter::Peekable;
use std::str::Chars;

/// One entry of a file: where it begins, counted from 1, its key and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub line: usize,
    pub key: String,
    pub value: String,
}

/// What Java refuses too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BadEscape {
    pub line: usize,
}

/// Every entry in order; a key that stands twice is there twice, and the later one counts.
pub(super) fn parse(text: &str) -> Result<Vec<Entry>, BadEscape> {
    let mut entries = Vec::new();
    // A byte-order mark is not part of the first key.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (line, content) in logical_lines(text) {
        let bad = || BadEscape { line };
        let mut chars = content.chars().peekable();
        let key = take_key(&mut chars).ok_or_else(bad)?;
        skip_blanks(&mut chars);
        if chars.next_if(|c| matches!(c, '=' | ':')).is_some() {
            skip_blanks(&mut chars);
        }
        let value = take_rest(&mut chars).ok_or_else(bad)?;
        entries.push(Entry { line, key, value });
    }
    Ok(entries)
}

/// Joins continued lines and drops blank and comment lines; escapes are still in the text.
fn logical_lines(text: &str) -> Vec<(usize, String)> {
    let mut out = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (index, natural) in split_lines(text).into_iter().enumerate() {
        let stripped = natural.trim_start_matches(is_blank);
        // As long as it is empty, a continued line may still turn out to be a comment.
        let begun = open.take().filter(|(_, content): &(usize, String)| !content.is_empty());
        let (start, mut content) = match begun {
            // Comments and blank lines mean nothing special inside a continuation.
            Some(begun) => begun,
            None if stripped.is_empty() || stripped.starts_with(['#', '!']) => continue,
            None => (index + 1, String::new()),
        };
        let backslashes = stripped.chars().rev().take_while(|c| *c == '\\').count();
        if backslashes % 2 == 1 {
            content.push_str(stripped.strip_suffix('\\').unwrap_or(stripped));
            open = Some((start, content));
        } else {
            content.push_str(stripped);
            out.push((start, content));
        }
    }
    out.extend(open.filter(|(_, content)| !content.is_empty()));
    out
}

/// Lines end with `\n`, `\r` or `\r\n`.
fn split_lines(text: &str) -> Vec<&str> {
    text.split('\n').flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r')).collect()
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\u{c}')
}

fn skip_blanks(chars: &mut Peekable<Chars<'_>>) {
    while chars.next_if(|c| is_blank(*c)).is_some() {}
}

fn take_key(chars: &mut Peekable<Chars<'_>>) -> Option<String> {
    let mut key = String::new();
    while let Some(c) = chars.next_if(|c| !is_blank(*c) && !matches!(c, '=' | ':')) {
        key.push(if c == '\\' { escaped(chars)? } else { c });
    }
    Some(key)
}

fn take_rest(chars: &mut Peekable<Chars<'_>>) -> Option<String> {
    let mut value = String::new();
    while let Some(c) = chars.next() {
        value.push(if c == '\\' { escaped(chars)? } else { c });
    }
    Some(value)
}

/// The character that a backslash and what follows stand for. Half a surrogate pair, which Java
/// would keep, becomes the replacement character: our texts are Unicode.
fn escaped(chars: &mut Peekable<Chars<'_>>) -> Option<char> {
    Some(match chars.next() {
        Some('n') => '\n',
        Some('t') => '\t',
        Some('r') => '\r',
        Some('f') => '\u{c}',
        Some('u') => {
            let high = hex4(chars)?;
            if !(0xD800..0xDC00).contains(&high) {
                return Some(char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            let mut ahead = chars.clone();
            let low = match (ahead.next(), ahead.next()) {
                (Some('\\'), Some('u')) => hex4(&mut ahead)?,
                _ => return Some(char::REPLACEMENT_CHARACTER),
            };
            if !(0xDC00..0xE000).contains(&low) {
                return Some(char::REPLACEMENT_CHARACTER);
            }
            *chars = ahead;
            let code = 0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00);
            char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
        }
        Some(other) => other,
        // A backslash at the very end of the file.
        None => '\\',
    })
}

fn hex4(chars: &mut Peekable<Chars<'_>>) -> Option<u32> {
    let mut code = 0;
    for _ in 0..4 {
        code = code * 16 + chars.next()?.to_digit(16)?;
    }
    Some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Vec<(String, String)> {
        parse(text).unwrap().into_iter().map(|e| (e.key, e.value)).collect()
    }

    fn one(text: &str) -> (String, String) {
        let mut all = pairs(text);
        assert_eq!(all.len(), 1, "{text:?} gave {all:?}");
        all.remove(0)
    }

    #[test]
    fn every_separator_ends_a_key() {
        for text in ["a=b", "a:b", "a b", "a\tb", "a = b", "a : b", "  a=b", "a  =  b", "a\u{c}b"] {
            assert_eq!(one(text), ("a".into(), "b".into()), "{text:?}");
        }
    }

    #[test]
    fn only_the_first_separator_counts() {
        assert_eq!(one("a==b"), ("a".into(), "=b".into()));
        assert_eq!(one("a = = b"), ("a".into(), "= b".into()));
        assert_eq!(
            one("listeners=A://h:1,B://h:2"),
            ("listeners".into(), "A://h:1,B://h:2".into())
        );
        assert_eq!(one("a b=c"), ("a".into(), "b=c".into()));
    }

    #[test]
    fn keys_without_value_and_values_without_key() {
        assert_eq!(one("a"), ("a".into(), "".into()));
        assert_eq!(one("a="), ("a".into(), "".into()));
        assert_eq!(one("=b"), ("".into(), "b".into()));
    }

    #[test]
    fn comments_and_blank_lines_are_skipped() {
        assert_eq!(pairs("# x=1\n  ! y=2\n\n \t \nz=3 # kept"), [("z".into(), "3 # kept".into())]);
        assert_eq!(one("# ends with a backslash \\\na=b"), ("a".into(), "b".into()));
    }

    #[test]
    fn a_backslash_at_the_end_joins_lines() {
        assert_eq!(one("a=b,\\\n    c,\\\n\td"), ("a".into(), "b,c,d".into()));
        assert_eq!(one("a=b\\\n# not a comment"), ("a".into(), "b# not a comment".into()));
        assert_eq!(one("a=b\\\\"), ("a".into(), "b\\".into()), "an escaped backslash does not");
        assert_eq!(one("a=b\\\\\\\nc"), ("a".into(), "b\\c".into()));
        assert_eq!(one("ke\\\n  y=v"), ("key".into(), "v".into()));
        assert_eq!(one("a=b\\"), ("a".into(), "b".into()), "nothing follows");
        assert_eq!(one("\\\n# still a comment\na=b"), ("a".into(), "b".into()));
        assert_eq!(pairs("\\\n\n\\"), []);
    }

    #[test]
    fn escapes_work_in_keys_and_values() {
        assert_eq!(one(r"a\ b\=c\:d = e\tf\nA\q"), ("a b=c:d".into(), "e\tf\nAq".into()));
        assert_eq!(one(r"a=\u00e9\ud83d\ude00"), ("a".into(), "é😀".into()));
        assert_eq!(one(r"a=\ud83dx"), ("a".into(), "\u{fffd}x".into()));
        assert_eq!(one(r"path=C:\\data"), ("path".into(), r"C:\data".into()));
        assert_eq!(parse("ok=1\na=\\u00g1"), Err(BadEscape { line: 2 }));
        assert_eq!(parse("a=\\u12"), Err(BadEscape { line: 1 }));
    }

    #[test]
    fn all_line_ends_and_trailing_space() {
        assert_eq!(
            pairs("a=1\r\nb=2\rc=3\n"),
            [("a".into(), "1".into()), ("b".into(), "2".into()), ("c".into(), "3".into())]
        );
        assert_eq!(one("a=b  "), ("a".into(), "b  ".into()));
        assert_eq!(one("\u{feff}a=b"), ("a".into(), "b".into()));
    }

    #[test]
    fn entries_know_where_they_begin() {
        let lines: Vec<usize> =
            parse("#\na=1\\\n2\n\nb=3").unwrap().into_iter().map(|e| e.line).collect();
        assert_eq!(lines, [2, 5]);
    }
}

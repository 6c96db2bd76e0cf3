//! Results for people and for programs.

use crate::arguments::Format;
use crate::exit::Failures;
use headwater_client::core::{AdminError, Disposition};
use serde::Serialize;
use std::io::{self, Write};

/// Prints a result: as one JSON document, or as `table` writes it.
///
/// # Errors
/// When standard output cannot be written.
pub fn print<T: Serialize>(
    format: Format,
    result: &T,
    table: impl FnOnce(&T, &mut dyn Write) -> io::Result<()>,
) -> Result<(), Failures> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    match format {
        Format::Json => {
            serde_json::to_writer_pretty(&mut out, result).map_err(io::Error::from)?;
            writeln!(out)?;
        }
        Format::Table => table(result, &mut out)?,
    }
    out.flush()?;
    Ok(())
}

/// An error as programs read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct JsonError {
    /// Kafka's name of the error, where a broker sent one.
    pub code: Option<&'static str>,
    /// The whole text.
    pub message: String,
    /// Whether trying again can help.
    pub retriable: bool,
}

impl From<&AdminError> for JsonError {
    fn from(error: &AdminError) -> Self {
        Self {
            code: error.error_code().map(headwater_types::ErrorCode::name),
            message: error.to_string(),
            retriable: error.disposition() == Disposition::Retriable,
        }
    }
}

/// Rows under headings, each column as wide as its widest cell.
#[derive(Debug)]
pub struct Table {
    headings: Vec<&'static str>,
    rows: Vec<Vec<String>>,
    indent: usize,
}

impl Table {
    /// An empty table. A heading that begins with `>` aligns its column to the right.
    pub fn new(headings: impl Into<Vec<&'static str>>) -> Self {
        Self { headings: headings.into(), rows: Vec::new(), indent: 0 }
    }

    /// Moves the table to the right.
    pub fn indented(mut self, indent: usize) -> Self {
        self.indent = indent;
        self
    }

    /// Adds a row. An empty cell shows as `-`, so that columns can be cut by spaces.
    /// What moves a terminal's cursor is escaped.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        let shown = |cell: String| match cell.as_str() {
            "" => "-".to_owned(),
            cell => printable(cell),
        };
        self.rows.push(cells.into_iter().map(shown).collect());
    }

    /// Writes headings and rows.
    ///
    /// # Errors
    /// When `out` cannot be written.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let right = |heading: &str| heading.starts_with('>');
        let title = |heading: &&'static str| heading.trim_start_matches('>').to_owned();
        let titles: Vec<String> = self.headings.iter().map(title).collect();
        let widths: Vec<usize> = titles
            .iter()
            .enumerate()
            .map(|(column, title)| {
                let cells = self.rows.iter().filter_map(|row| row.get(column));
                cells.chain([title]).map(|cell| cell.chars().count()).max().unwrap_or(0)
            })
            .collect();
        for row in std::iter::once(&titles).chain(&self.rows) {
            let mut line = " ".repeat(self.indent);
            for ((cell, &width), heading) in row.iter().zip(&widths).zip(&self.headings) {
                let space = " ".repeat(width.saturating_sub(cell.chars().count()));
                let (before, after) = if right(heading) { (&*space, "") } else { ("", &*space) };
                line.extend([before, cell, after, "  "]);
            }
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// A text of somebody else's as a terminal may get it: control characters are spelled out, since
/// a terminal would obey them.
pub fn printable(text: &str) -> String {
    let spelled = |letter: char| match letter.is_control() {
        true => letter.escape_default().to_string(),
        false => letter.to_string(),
    };
    text.chars().map(spelled).collect()
}

/// Numbers with commas.
pub fn joined<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(["NAME", ">COUNT", "LAST"]).indented(2);
        table.row(["a-long-name".to_owned(), "7".to_owned(), String::new()]);
        table.row(["ö".to_owned(), "1234567".to_owned(), "x".to_owned()]);
        let mut out = Vec::new();
        table.write(&mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let expected = "  NAME           COUNT  LAST
  a-long-name        7  -
  ö            1234567  x
";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_terminal_is_not_given_orders() {
        let mut table = Table::new(["NAME"]);
        table.row(["a\u{1b}[2Jb\nü".to_owned()]);
        let mut out = Vec::new();
        table.write(&mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "NAME\na\\u{1b}[2Jb\\nü\n");
    }

    #[test]
    fn an_empty_table_still_says_what_it_would_hold() {
        let mut out = Vec::new();
        Table::new(["NAME", ">N"]).write(&mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "NAME  N\n");
    }
}

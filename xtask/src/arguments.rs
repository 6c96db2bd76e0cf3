//! The command line of a chore: a word, then options. Small on purpose, so that `cargo xtask`
//! compiles in seconds.

use anyhow::{Result, bail};

/// What is left of the command line.
pub struct Arguments {
    words: Vec<String>,
}

impl Arguments {
    /// The process's own arguments, without the program's name.
    pub fn from_environment() -> Self {
        Self { words: std::env::args().skip(1).collect() }
    }

    #[cfg(test)]
    fn of(words: &[&str]) -> Self {
        Self { words: words.iter().map(|word| (*word).to_owned()).collect() }
    }

    /// Takes the first word, whatever it is.
    pub fn next_word(&mut self) -> Option<String> {
        if self.words.is_empty() { None } else { Some(self.words.remove(0)) }
    }

    /// Takes an option without a value; true when it was there.
    pub fn flag(&mut self, name: &str) -> bool {
        let before = self.words.len();
        self.words.retain(|word| word != name);
        self.words.len() != before
    }

    /// Takes an option with a value, given as `--name value` or `--name=value`.
    ///
    /// # Errors
    ///
    /// The option stands last and has no value.
    pub fn value(&mut self, name: &str) -> Result<Option<String>> {
        let joined = format!("{name}=");
        if let Some(at) = self.words.iter().position(|word| word.starts_with(&joined)) {
            let word = self.words.remove(at);
            return Ok(word.strip_prefix(&joined).map(str::to_owned));
        }
        let Some(at) = self.words.iter().position(|word| word == name) else {
            return Ok(None);
        };
        self.words.remove(at);
        if at >= self.words.len() {
            bail!("{name} wants a value");
        }
        Ok(Some(self.words.remove(at)))
    }

    /// Fails when something is left that nobody asked for.
    ///
    /// # Errors
    ///
    /// An argument was not taken.
    pub fn finish(&self) -> Result<()> {
        match self.words.first() {
            None => Ok(()),
            Some(word) => bail!("unexpected argument `{word}`"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_taken_in_any_order_and_what_is_left_is_an_error() {
        let mut arguments =
            Arguments::of(&["interop", "--only=kcat", "--bounded", "--x", "1", "y"]);
        assert_eq!(arguments.next_word().as_deref(), Some("interop"));
        assert!(arguments.flag("--bounded"));
        assert!(!arguments.flag("--bounded"));
        assert_eq!(arguments.value("--only").unwrap().as_deref(), Some("kcat"));
        assert_eq!(arguments.value("--x").unwrap().as_deref(), Some("1"));
        assert_eq!(arguments.value("--none").unwrap(), None);
        assert!(arguments.finish().unwrap_err().to_string().contains("`y`"));
    }

    #[test]
    fn an_option_without_its_value_is_an_error() {
        assert!(Arguments::of(&["--only"]).value("--only").is_err());
    }
}

//! What went wrong, in words and as an exit code that a script can trust.

use crate::output::printable;
use headwater_client::core::AdminError;
use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;

/// Everything was done.
pub const OK: u8 = 0;
/// Something was refused, not found or not understood.
pub const FAILED: u8 = 1;
/// The command line is wrong; nothing was tried.
pub const USAGE: u8 = 2;
/// No broker could be reached, or none answered in time.
pub const UNREACHABLE: u8 = 3;

/// Failures that are told one by one.
const LINES_MAX: usize = 20;

/// One thing that went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    code: u8,
    text: String,
    remedy: Option<String>,
}

impl Failure {
    /// Something failed for a reason of its own.
    pub fn failed(text: impl fmt::Display) -> Self {
        Self { code: FAILED, text: text.to_string(), remedy: None }
    }

    /// The command line asks for something that makes no sense.
    pub fn usage(text: impl fmt::Display) -> Self {
        Self { code: USAGE, text: text.to_string(), remedy: None }
    }

    /// Adds what a person can do about it.
    pub fn with_remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<AdminError> for Failure {
    fn from(error: AdminError) -> Self {
        Self {
            code: if error.is_unreachable() { UNREACHABLE } else { FAILED },
            text: error.to_string(),
            remedy: error.remedy().map(str::to_owned),
        }
    }
}

/// All that went wrong in one command.
#[derive(Debug, PartialEq, Eq)]
pub enum Failures {
    /// Each of these.
    Each(Vec<Failure>),
    /// Whoever read our output has gone, as in `| head`: nothing to report, nobody to tell.
    OutputClosed,
    /// What was found is told already, and the command promises an exit code for it.
    Told(u8),
}

impl From<Failure> for Failures {
    fn from(failure: Failure) -> Self {
        Self::Each(vec![failure])
    }
}

impl From<AdminError> for Failures {
    fn from(error: AdminError) -> Self {
        Failure::from(error).into()
    }
}

impl From<io::Error> for Failures {
    /// An error of standard output; other I/O errors are told apart where they happen.
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Self::OutputClosed
        } else {
            Failure::failed(format!("cannot write to standard output: {error}")).into()
        }
    }
}

impl Failures {
    /// Success when nothing went wrong.
    ///
    /// # Errors
    /// All of `failures`, if there are any.
    pub fn check(failures: Vec<Failure>) -> Result<(), Failures> {
        if failures.is_empty() { Ok(()) } else { Err(Self::Each(failures)) }
    }

    /// Tells the user and gives the exit code.
    pub fn report(self) -> ExitCode {
        let code = self.code();
        if let Self::Each(failures) = &self {
            // Ten topics that failed for one reason need not say it ten times.
            let mut told: Vec<&str> = Vec::new();
            let mut stderr = io::stderr().lock();
            let mut said: Vec<&str> = Vec::new();
            for text in failures.iter().map(|failure| failure.text.as_str()) {
                if said.len() < LINES_MAX && !said.contains(&text) {
                    let _ = writeln!(stderr, "headwater: {}", printable(text));
                    said.push(text);
                }
            }
            let unsaid = failures.iter().filter(|failure| !said.contains(&failure.text.as_str()));
            match unsaid.count() {
                0 => {}
                more => {
                    let _ = writeln!(stderr, "headwater: ... and {more} more failures");
                }
            }
            for remedy in failures.iter().filter_map(|failure| failure.remedy.as_deref()) {
                if !told.contains(&remedy) {
                    let _ = writeln!(stderr, "  help: {remedy}");
                    told.push(remedy);
                }
            }
        }
        code.into()
    }

    /// The exit code: unreachable only when nothing else went wrong.
    fn code(&self) -> u8 {
        match self {
            Self::OutputClosed => OK,
            Self::Told(code) => *code,
            Self::Each(failures) => {
                let all = |code| failures.iter().all(|failure| failure.code == code);
                if all(UNREACHABLE) {
                    UNREACHABLE
                } else if all(USAGE) {
                    USAGE
                } else {
                    FAILED
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use headwater_client::core::CallError;

    #[test]
    fn the_code_says_what_kind_of_failure_it_was() {
        let unreachable = || {
            let error = CallError::NoBootstrap { reasons: "refused".to_owned() };
            Failure::from(AdminError::from(error))
        };
        let failed = || Failure::failed("no");
        assert_eq!(Failures::Each(vec![unreachable(), unreachable()]).code(), UNREACHABLE);
        assert_eq!(Failures::Each(vec![unreachable(), failed()]).code(), FAILED);
        assert_eq!(Failures::from(Failure::usage("what")).code(), USAGE);
        assert_eq!(Failures::OutputClosed.code(), OK);
        assert_eq!(Failures::check(Vec::new()), Ok(()));
    }

    #[test]
    fn a_closed_pipe_is_no_failure_and_a_full_disk_is() {
        assert_eq!(
            Failures::from(io::Error::from(io::ErrorKind::BrokenPipe)),
            Failures::OutputClosed
        );
        assert_eq!(Failures::from(io::Error::from(io::ErrorKind::StorageFull)).code(), FAILED);
    }
}

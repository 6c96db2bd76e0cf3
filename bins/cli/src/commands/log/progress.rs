//! A bar for work that takes long, where a person watches.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// Nothing is shown of work that is done sooner.
const QUIET: Duration = Duration::from_millis(500);
/// How often the bar is drawn anew.
const INTERVAL: Duration = Duration::from_millis(100);
const WIDTH: u64 = 30;

/// How far something is.
#[derive(Debug)]
pub struct Progress {
    what: &'static str,
    total_bytes: u64,
    done_bytes: u64,
    began: Instant,
    drawn: Option<Instant>,
    watched: bool,
}

impl Progress {
    /// Work on so many bytes begins.
    pub fn new(what: &'static str, total_bytes: u64) -> Self {
        Self {
            what,
            total_bytes,
            done_bytes: 0,
            began: Instant::now(),
            drawn: None,
            watched: io::stderr().is_terminal(),
        }
    }

    /// More of them are done.
    pub fn add(&mut self, bytes: u64) {
        self.done_bytes = self.done_bytes.saturating_add(bytes);
        let due = self.drawn.map_or(self.began + QUIET, |drawn| drawn + INTERVAL);
        if self.watched && Instant::now() >= due {
            self.drawn = Some(Instant::now());
            let line = self.line();
            // Nobody is left to tell when that fails.
            let _ = write!(io::stderr(), "\r{line}\x1b[K");
        }
    }

    fn line(&self) -> String {
        let done = self.done_bytes.min(self.total_bytes);
        let share = |of: u64| done.saturating_mul(of) / self.total_bytes.max(1);
        let full = usize::try_from(share(WIDTH)).unwrap_or(0);
        let bar: String = "#".repeat(full) + &"-".repeat(WIDTH as usize - full);
        format!(
            "{} [{bar}] {:>3}%  {} of {}",
            self.what,
            share(100),
            shown_bytes(done),
            shown_bytes(self.total_bytes)
        )
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.drawn.is_some() {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

/// A size for people.
pub fn shown_bytes(bytes: u64) -> String {
    let mut size = bytes as f64;
    for unit in ["bytes", "KiB", "MiB", "GiB"] {
        if size < 1024.0 {
            return match unit {
                "bytes" => format!("{bytes} bytes"),
                unit => format!("{size:.1} {unit}"),
            };
        }
        size /= 1024.0;
    }
    format!("{size:.1} TiB")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_grows_with_the_work() {
        let mut progress = Progress::new("checking", 2048);
        progress.add(512);
        assert_eq!(
            progress.line(),
            "checking [#######-----------------------]  25%  512 bytes of 2.0 KiB"
        );
        progress.add(5000);
        assert!(progress.line().contains("100%"), "a file may grow meanwhile");
        assert!(Progress::new("checking", 0).line().contains("0 bytes of 0 bytes"));
    }
}

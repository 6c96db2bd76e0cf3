//! The log on standard error, with a level that can change while the program runs.

use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::reload;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Registry, fmt};

/// Changes the level.
pub struct Level(reload::Handle<Targets, Registry>);

impl Level {
    /// Takes a level for everything, or for single parts as in `info,headwater_node=debug`.
    ///
    /// # Errors
    /// The text is no such thing.
    pub fn set(&self, level: &str) -> Result<(), String> {
        let targets = parse(level)?;
        self.0.reload(targets).map_err(|error| error.to_string())
    }
}

/// Begins to log.
///
/// # Errors
/// The level is none.
pub fn start(level: &str) -> Result<Level, String> {
    let (filter, handle) = reload::Layer::new(parse(level)?);
    let lines = fmt::layer().with_writer(std::io::stderr).with_ansi(false);
    let installed = tracing_subscriber::registry().with(filter).with(lines).try_init();
    installed.map_err(|error| error.to_string())?;
    Ok(Level(handle))
}

fn parse(level: &str) -> Result<Targets, String> {
    level.trim().parse().map_err(|_| {
        format!(
            "{level:?} is no log level: expected off, error, warn, info, debug or trace, or \
             single parts as in info,headwater_node=debug"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing::Level;

    #[test]
    fn levels_are_for_everything_or_for_parts() {
        let all = parse("warn").unwrap();
        assert!(all.would_enable("headwater_node", &Level::WARN));
        assert!(!all.would_enable("headwater_node", &Level::INFO));
        let parts = parse("error,headwater_node=debug").unwrap();
        assert!(parts.would_enable("headwater_node", &Level::DEBUG));
        assert!(!parts.would_enable("headwater_log", &Level::WARN));
        assert!(parse("off").is_ok());
        assert!(parse("headwater_node=loud").unwrap_err().contains("is no log level"));
    }
}

//! The broker that is killed: one folder, one port, one process after the other.

use crate::brokers::{self, Setting};
use anyhow::{Context, Result, bail};
use std::fs::OpenOptions;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// How long it may take to listen, and to stop.
const PATIENCE: Duration = Duration::from_secs(60);

/// What makes a short run see what takes days elsewhere.
const SETTINGS: [Setting<'static>; 6] = [
    ("auto.create.topics.enable", "false"),
    // Retention and checkpoints: half a minute after the start nobody is there any more.
    ("log.initial.task.delay.ms", "20"),
    ("log.retention.check.interval.ms", "100"),
    ("log.flush.offset.checkpoint.interval.ms", "100"),
    ("log.flush.start.offset.checkpoint.interval.ms", "100"),
    ("log.segment.delete.delay.ms", "200"),
];

pub struct Victim {
    binary: PathBuf,
    port: u16,
    folder: PathBuf,
    child: Option<Child>,
}

impl Victim {
    pub fn new(binary: &Path, port: u16, folder: &Path) -> Self {
        Self { binary: binary.to_owned(), port, folder: folder.to_owned(), child: None }
    }

    pub fn bootstrap(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Where it writes what it has to say.
    pub fn log(&self) -> PathBuf {
        self.folder.join("broker.log")
    }

    /// Starts it, without waiting for anything.
    pub fn spawn(&mut self) -> Result<()> {
        let log = OpenOptions::new().create(true).append(true).open(self.log())?;
        let mut command =
            brokers::headwater_command(&self.binary, self.port, &self.folder, &SETTINGS);
        command.current_dir(&self.folder).stdin(Stdio::null());
        command.stdout(log.try_clone()?).stderr(log);
        let child = command.spawn();
        self.child = Some(child.with_context(|| format!("starting {}", self.binary.display()))?);
        Ok(())
    }

    /// Waits until it listens, and says when it did.
    pub fn listening(&mut self) -> Result<Instant> {
        let deadline = Instant::now() + PATIENCE;
        // Nothing tells of a listener but a connection that works.
        let (_never, pause) = channel::<()>();
        loop {
            if TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return Ok(Instant::now());
            }
            let child = self.child.as_mut().context("no broker was started")?;
            if let Some(status) = child.try_wait()? {
                bail!("the broker ended by itself: {status}; see {}", self.log().display());
            }
            if Instant::now() > deadline {
                bail!("the broker does not listen; see {}", self.log().display());
            }
            let _: Result<(), RecvTimeoutError> = pause.recv_timeout(Duration::from_millis(1));
        }
    }

    /// SIGKILL; it must have been alive until then.
    pub fn kill(&mut self) -> Result<Instant> {
        let mut child = self.child.take().context("no broker to kill")?;
        if let Some(status) = child.try_wait()? {
            bail!("the broker ended by itself: {status}; see {}", self.log().display());
        }
        child.kill()?;
        let killed = Instant::now();
        child.wait()?;
        Ok(killed)
    }

    /// SIGTERM; it must end well.
    pub fn stop(&mut self) -> Result<()> {
        let mut child = self.child.take().context("no broker to stop")?;
        brokers::terminate(child.id())?;
        let (_never, pause) = channel::<()>();
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break status;
            }
            if Instant::now() > deadline {
                child.kill()?;
                child.wait()?;
                bail!("the broker did not stop within a minute");
            }
            let _: Result<(), RecvTimeoutError> = pause.recv_timeout(Duration::from_millis(20));
        };
        if !status.success() {
            bail!("the broker stopped with {status}; see {}", self.log().display());
        }
        Ok(())
    }

    /// The first line in which it says that it panicked.
    pub fn panicked(&self) -> Result<Option<String>> {
        let said = std::fs::read_to_string(self.log()).unwrap_or_default();
        Ok(said.lines().find(|line| line.contains("panicked at")).map(str::to_owned))
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

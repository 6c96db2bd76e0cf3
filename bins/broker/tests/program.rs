//! The program as its user meets it: options, exit codes, what it prints, how it stops.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests")]

use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

/// The program with no setting from outside, logging nothing, in this folder.
fn program(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_headwater-broker"));
    command.env_clear().env("HEADWATER_LOG_LEVEL", "off").current_dir(folder);
    command
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    program(folder).args(arguments).output().unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A program that serves, and what it said so far.
struct Running {
    child: Child,
    greeting: String,
}

/// Settings for a broker beside others: free ports.
const FREE_PORTS: &[&str] =
    &["--set", "listeners=PLAINTEXT://127.0.0.1:0", "--set", "metrics.listener="];

fn start(command: &mut Command) -> Running {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.as_mut().unwrap());
    let mut greeting = String::new();
    while lines.read_line(&mut greeting).unwrap() > 0 && !greeting.contains("Stop with") {}
    assert!(greeting.contains("Stop with"), "{greeting}{}", {
        let mut said = String::new();
        child.stderr.as_mut().unwrap().read_to_string(&mut said).unwrap();
        said
    });
    Running { child, greeting }
}

impl Running {
    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    fn stop(mut self, signal: Signal) -> Option<i32> {
        self.signal(signal);
        self.child.wait().unwrap().code()
    }
}

/// A test that fails leaves no broker behind.
impl Drop for Running {
    fn drop(&mut self) {
        // It has ended already where the test went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn help_and_version_are_answers() {
    let folder = tempfile::tempdir().unwrap();
    let version = run(folder.path(), &["--version"]);
    assert_eq!(code(&version), 0);
    assert!(stdout(&version).starts_with("headwater-broker "), "{}", stdout(&version));
    let help = run(folder.path(), &["--help"]);
    assert_eq!(code(&help), 0);
    for option in ["--config", "--set", "--strict", "--check", "--log-level", "Exit codes"] {
        assert!(stdout(&help).contains(option), "{option}");
    }
    let wrong = run(folder.path(), &["--nonsense"]);
    assert_eq!(code(&wrong), 2);
    assert!(stderr(&wrong).contains("--nonsense"));
}

#[test]
fn check_looks_at_everything_and_starts_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("server.properties");
    std::fs::write(&file, "log.dirs=data\nlisteners=PLAINTEXT://:9192\n").unwrap();
    let good = run(folder.path(), &["--config", "server.properties", "--check"]);
    assert_eq!(code(&good), 0, "{}", stderr(&good));
    assert!(stdout(&good).contains("PLAINTEXT://:9192"), "{}", stdout(&good));
    assert!(!folder.path().join("data").exists(), "nothing is made");

    std::fs::write(&file, "num.partition=4\n").unwrap();
    let unknown = run(folder.path(), &["--config", "server.properties", "--check"]);
    assert_eq!(code(&unknown), 2);
    assert_eq!(
        stderr(&unknown),
        "headwater-broker: server.properties:1: unknown configuration key num.partition; did you \
         mean num.partitions?\n"
    );
}

#[test]
fn a_wrong_configuration_is_said_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, expected) in [
        (["--config", "none.properties"], "none.properties cannot be read: "),
        (["--set", "nonsense"], "--set nonsense: expected KEY=VALUE"),
        (["--set", "num.partitions=x"], "--set: Invalid value x for configuration num.partitions"),
        (["--set", "listeners=SSL://h:1"], "SSL, which is not yet supported"),
        (["--log-level", "a=loud"], "is no log level"),
    ] {
        let output = run(folder.path(), &arguments);
        assert_eq!(code(&output), 2, "{arguments:?}");
        let said = stderr(&output);
        assert!(said.contains(expected), "{arguments:?} gave {said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
    let strict = run(folder.path(), &["--strict", "--set", "nope=1"]);
    assert_eq!(code(&strict), 2);
    let by_variable = program(folder.path()).env("HEADWATER_NUM_PARTITIONS", "0").output().unwrap();
    assert_eq!(code(&by_variable), 2);
    assert!(stderr(&by_variable).contains("environment variable HEADWATER_NUM_PARTITIONS"));
}

#[test]
fn it_says_where_it_is_and_stops_when_asked() {
    let folder = tempfile::tempdir().unwrap();
    for signal in [Signal::TERM, Signal::INT] {
        let running = start(program(folder.path()).args(FREE_PORTS));
        let greeting = running.greeting.clone();
        assert!(greeting.contains("listens on   PLAINTEXT://127.0.0.1:"), "{greeting}");
        assert!(!greeting.contains("127.0.0.1:0\n"), "the port that was bound: {greeting}");
        assert!(greeting.contains("headwater-data"), "{greeting}");
        assert!(greeting.contains("Try: headwater topic create"), "{greeting}");
        running.signal(Signal::HUP);
        assert_eq!(running.stop(signal), Some(0), "a second start finds all as it was");
    }
}

#[test]
fn systemd_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let socket = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
    let running = start(program(folder.path()).args(FREE_PORTS).env("NOTIFY_SOCKET", &path));
    let told = || {
        let mut buffer = [0; 32];
        let length = socket.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    };
    assert_eq!(told(), "READY=1");
    assert_eq!(running.stop(Signal::TERM), Some(0));
    assert_eq!(told(), "STOPPING=1");
}

#[test]
fn a_port_in_use_is_explained() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let listeners = format!("listeners=PLAINTEXT://{}", taken.local_addr().unwrap());
    let output = run(folder.path(), &["--set", &listeners, "--set", "metrics.listener="]);
    assert_eq!(code(&output), 3);
    let said = stderr(&output);
    assert!(said.contains("another program has that port"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
}

#[test]
fn folders_that_cannot_be_used_are_explained() {
    let folder = tempfile::tempdir().unwrap();
    let running = start(program(folder.path()).args(FREE_PORTS));
    let second = run(folder.path(), FREE_PORTS);
    assert_eq!(code(&second), 3);
    assert!(stderr(&second).contains("in use by another broker"), "{}", stderr(&second));
    assert_eq!(running.stop(Signal::TERM), Some(0), "the first one is not harmed");

    let other_node = run(folder.path(), &[FREE_PORTS, &["--set", "node.id=2"]].concat());
    assert_eq!(code(&other_node), 3);
    assert!(stderr(&other_node).contains("--set node.id="), "{}", stderr(&other_node));

    let newer = folder.path().join("newer");
    std::fs::create_dir(&newer).unwrap();
    std::fs::write(newer.join("meta.properties"), "version=7\ncluster.id=x\nnode.id=1\n").unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    for (log_dirs, expected) in [("newer", "a newer one)"), ("file", "log.dirs names folders")] {
        let log_dirs = format!("log.dirs={log_dirs}");
        let output = run(folder.path(), &[FREE_PORTS, &["--set", &log_dirs]].concat());
        assert_eq!(code(&output), 3, "{log_dirs}");
        let said = stderr(&output);
        assert!(said.contains(expected), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}

/// CreateTopics version 2, length prefix included.
fn create_topic(name: &str) -> Vec<u8> {
    let length = u16::try_from(name.len()).unwrap().to_be_bytes();
    let body = [
        &[0, 19, 0, 2, 0, 0, 0, 7, 0xff, 0xff][..],
        // One topic of one partition on one broker, nothing assigned, nothing configured.
        &[0, 0, 0, 1],
        &length,
        name.as_bytes(),
        &[0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0],
        // A minute, and really.
        &60_000i32.to_be_bytes(),
        &[0],
    ]
    .concat();
    [&u32::try_from(body.len()).unwrap().to_be_bytes()[..], &body].concat()
}

#[test]
fn a_broker_that_cannot_keep_its_metadata_says_so_and_ends() {
    let folder = tempfile::tempdir().unwrap();
    // A new segment of the metadata's log after each command.
    let snapshots = ["--set", "metadata.log.max.record.bytes.between.snapshots=1"];
    let mut running = start(program(folder.path()).args(FREE_PORTS).args(snapshots));
    let listens = running.greeting.lines().find(|line| line.contains("listens on")).unwrap();
    let address = listens.rsplit("//").next().unwrap().trim().to_owned();
    let data = folder.path().join("headwater-data");
    std::fs::rename(data.join("__cluster_metadata-0"), data.join("gone")).unwrap();
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    for name in ["a", "b", "c"] {
        // The last of them may find nobody any more.
        let _ = stream.write_all(&create_topic(name));
    }
    assert_eq!(running.child.wait().unwrap().code(), Some(4));
    let mut said = String::new();
    running.child.stderr.as_mut().unwrap().read_to_string(&mut said).unwrap();
    assert!(said.contains("the metadata cannot be kept"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
}

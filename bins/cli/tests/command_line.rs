//! The program as a script sees it: exit codes, standard output and standard error.

// A test that meets what it does not expect ends there.
#![allow(clippy::unwrap_used)]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;

fn headwater(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_headwater"));
    command.args(arguments).env_remove("HEADWATER_BOOTSTRAP_SERVER").stdin(Stdio::null());
    command
}

fn run(arguments: &[&str]) -> Output {
    headwater(arguments).output().unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A port where nobody listens.
fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn help_and_version_are_asked_for() {
    for arguments in [&["--help"][..], &["--version"], &["topic", "create", "--help"]] {
        let output = run(arguments);
        assert_eq!(code(&output), 0, "{arguments:?}");
        assert!(!output.stdout.is_empty() && output.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn a_wrong_command_line_is_told_from_a_failure() {
    let wrong = [
        &[][..],
        &["topics"],
        &["topic", "create"],
        &["topic", "create", "a", "--partitions", "0"],
        &["topic", "create", "a", "--partitions", "2", "--assignment", "1,2"],
        &["topic", "create", "a", "--config", "retention.ms"],
        &["topic", "alter", "a"],
        &["topic", "delete"],
        &["topic", "list", "--timeout", "0"],
        &["topic", "list", "-o", "yaml"],
        &["topic", "list", "-b", ":9092"],
        &["topic", "list", "-b", ""],
        &["config", "describe"],
        &["config", "alter", "--topic", "a"],
        &["config", "alter", "--topic", "a", "--set", "x=1", "--delete", "x"],
    ];
    for arguments in wrong {
        let output = run(arguments);
        assert_eq!(code(&output), 2, "{arguments:?}: {}", stderr(&output));
        assert!(output.stdout.is_empty(), "{arguments:?}");
        assert!(!output.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn nobody_listens() {
    let address = format!("127.0.0.1:{}", closed_port());
    for arguments in [
        &["topic", "list"][..],
        &["topic", "describe"],
        &["topic", "describe", "a"],
        &["topic", "create", "a"],
        &["topic", "alter", "a", "-p", "3"],
        &["topic", "delete", "a"],
        &["config", "describe", "--topic", "a"],
        &["config", "alter", "--topic", "a", "--set", "x=1"],
        &["cluster", "describe"],
    ] {
        let output = run(&[arguments, &["--bootstrap-server", &address]].concat());
        assert_eq!(code(&output), 3, "{arguments:?}: {}", stderr(&output));
        let text = stderr(&output);
        assert!(text.contains(&address), "{arguments:?}: {text}");
        assert!(text.contains("help: start the broker"), "{arguments:?}: {text}");
    }
}

#[test]
fn the_bootstrap_server_may_come_from_the_environment() {
    let address = format!("127.0.0.1:{}", closed_port());
    let output =
        headwater(&["topic", "list"]).env("HEADWATER_BOOTSTRAP_SERVER", &address).output().unwrap();
    assert_eq!(code(&output), 3);
    assert!(stderr(&output).contains(&address), "{}", stderr(&output));
}

#[test]
fn a_server_that_accepts_and_says_nothing_costs_the_timeout_and_no_more() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (done, wait) = mpsc::channel::<()>();
    let server = std::thread::spawn(move || {
        let accepted = listener.accept().unwrap();
        // Held open until the program has ended.
        let _ = wait.recv();
        drop(accepted);
    });
    let output = run(&["topic", "list", "-b", &address, "--timeout", "200ms"]);
    drop(done);
    server.join().unwrap();
    assert_eq!(code(&output), 3, "{}", stderr(&output));
}

#[test]
fn a_web_server_is_no_broker() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 8];
        stream.read_exact(&mut request).unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
    });
    let output = run(&["topic", "list", "-b", &address]);
    server.join().unwrap();
    assert_eq!(code(&output), 1, "{}", stderr(&output));
    assert!(stderr(&output).contains("PLAINTEXT listener"), "{}", stderr(&output));
}

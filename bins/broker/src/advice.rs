//! One line for each way a start can fail: what is in the way, and what to do about it.

use std::error::Error;
use std::io;

/// The error with its causes, and the remedy where we know one.
pub fn with_remedy(error: &(dyn Error + 'static)) -> String {
    let chain: Vec<&(dyn Error + 'static)> =
        std::iter::successors(Some(error), |&error| error.source()).collect();
    let mut text = String::new();
    for error in &chain {
        let part = error.to_string();
        // Many errors already tell their cause.
        if !text.contains(&part) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&part);
        }
    }
    let text = text.replace('\n', " ");
    match remedy(&text, &chain) {
        Some(remedy) => format!("{text} ({remedy})"),
        None => text,
    }
}

fn remedy(text: &str, chain: &[&(dyn Error + 'static)]) -> Option<&'static str> {
    let kind = chain
        .iter()
        .find_map(|error| error.downcast_ref::<io::Error>())
        .map(io::Error::kind)
        .or_else(|| told_kind(text));
    let listening = text.contains("cannot listen");
    match kind {
        Some(io::ErrorKind::AddrInUse) if text.contains("metrics") => Some(
            "another program has that port: take another one with --set \
             metrics.listener=127.0.0.1:19404, or none with --set metrics.listener=",
        ),
        Some(io::ErrorKind::AddrInUse) => Some(
            "another program has that port: stop it, or take another one with --set \
             listeners=PLAINTEXT://127.0.0.1:19092",
        ),
        Some(io::ErrorKind::PermissionDenied) if listening => {
            Some("ports below 1024 need privileges: take a higher one")
        }
        Some(io::ErrorKind::AddrNotAvailable) => {
            Some("no interface of this machine has that address: correct listeners")
        }
        _ if listening && text.contains("lookup") => {
            Some("this machine does not know that name: write an address into listeners")
        }
        Some(io::ErrorKind::PermissionDenied) => {
            Some("give this user the folder, or take another one with --set log.dirs=FOLDER")
        }
        Some(io::ErrorKind::StorageFull) => {
            Some("make room, or take another folder with --set log.dirs=FOLDER")
        }
        Some(io::ErrorKind::ReadOnlyFilesystem) => {
            Some("take a folder that can be written to with --set log.dirs=FOLDER")
        }
        Some(io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory) => {
            Some("that is a file; log.dirs names folders")
        }
        _ if text.contains("in use by another") => Some(
            "a folder belongs to one running broker: stop the other one, or take another folder \
             with --set log.dirs=FOLDER",
        ),
        _ if text.contains("newer") => Some("start the version that wrote it, or a newer one"),
        _ if text.contains("belongs to node") => Some(
            "start that node with --set node.id=NUMBER, or take another folder with --set \
             log.dirs=FOLDER",
        ),
        _ if text.contains("belong to different clusters") => {
            Some("give log.dirs only folders of one cluster")
        }
        _ => None,
    }
}

/// The kind of an error of the system's that an error of ours has told in words only.
fn told_kind(text: &str) -> Option<io::ErrorKind> {
    let number = text.split_once("(os error ")?.1.split_once(')')?.0.parse().ok()?;
    Some(io::Error::from_raw_os_error(number).kind())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt;

    #[derive(Debug)]
    struct Outer(&'static str, Option<io::Error>);

    impl fmt::Display for Outer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Outer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_ref().map(|error| error as &(dyn Error + 'static))
        }
    }

    #[test]
    fn causes_are_told_once_and_remedies_follow() {
        let port = Outer("cannot listen on 127.0.0.1:9092", Some(io::ErrorKind::AddrInUse.into()));
        let text = with_remedy(&port);
        assert!(text.starts_with("cannot listen on 127.0.0.1:9092: "), "{text}");
        assert!(text.contains("--set listeners="), "{text}");
        let metrics = Outer(
            "cannot listen on 127.0.0.1:9404 (metrics)",
            Some(io::ErrorKind::AddrInUse.into()),
        );
        assert!(with_remedy(&metrics).contains("--set metrics.listener="));
        let denied = Outer("open /data/x", Some(io::ErrorKind::PermissionDenied.into()));
        assert!(with_remedy(&denied).contains("--set log.dirs="), "{}", with_remedy(&denied));
        let in_words = Outer("cannot create /data: Permission denied (os error 13)", None);
        assert!(with_remedy(&in_words).contains("--set log.dirs="));
        let node = Outer("/data/meta.properties: it belongs to node 5, not 1", None);
        assert!(with_remedy(&node).contains("--set node.id="));
        let locked = Outer("the log folder /data is in use by another broker", None);
        assert!(with_remedy(&locked).contains("stop the other one"));
        let newer = Outer("/data/meta.properties: written by a newer version", None);
        assert!(with_remedy(&newer).contains("a newer one)"));
        let other = Outer("no idea\nat all", None);
        assert_eq!(with_remedy(&other), "no idea at all");
    }
}

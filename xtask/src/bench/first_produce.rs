//! The smallest producer there is: one record to a new topic, over one connection, by hand.
//!
//! It measures how long a broker takes from its start to the first acknowledged record. A client
//! library would add its own waits; and the project's own codec would make a chore that writes
//! that codec depend on it.

use anyhow::{Context, Result, bail};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

const METADATA: (i16, i16) = (3, 4);
const PRODUCE: (i16, i16) = (0, 3);
/// Not there yet, or not led yet: ask again.
const RETRY: [i16; 3] = [3, 5, 6];

/// Connects, lets the topic be created, produces one record with acks=1, and returns when it is
/// acknowledged. Asks again at once whatever is not ready.
///
/// # Errors
///
/// It takes over `patience`, or the broker refuses.
pub fn produce_one(port: u16, topic: &str, patience: Duration) -> Result<()> {
    let deadline = Instant::now() + patience;
    let mut stream = loop {
        match TcpStream::connect(("127.0.0.1", port)) {
            Ok(stream) => break stream,
            Err(_) if Instant::now() < deadline => std::thread::yield_now(),
            Err(error) => return Err(error).context("connecting"),
        }
    };
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(patience))?;
    loop {
        // One topic, created when it is not there.
        let mut body = 1_i32.to_be_bytes().to_vec();
        text(&mut body, topic);
        body.push(1);
        call(&mut stream, METADATA, &body)?;

        let answer = call(&mut stream, PRODUCE, &produce_body(topic))?;
        // Topics, name, partitions, index, then the error.
        let at = 4 + 2 + topic.len() + 4 + 4;
        let code = answer.get(at..at + 2).and_then(|bytes| bytes.try_into().ok());
        match i16::from_be_bytes(code.context("an answer to produce")?) {
            0 => return Ok(()),
            code if RETRY.contains(&code) && Instant::now() < deadline => {}
            code => bail!("produce was answered with error {code}"),
        }
    }
}

fn call(stream: &mut TcpStream, (key, version): (i16, i16), body: &[u8]) -> Result<Vec<u8>> {
    let mut frame = Vec::new();
    frame.extend(key.to_be_bytes());
    frame.extend(version.to_be_bytes());
    frame.extend(7_i32.to_be_bytes());
    text(&mut frame, "bench");
    frame.extend(body);
    let length = i32::try_from(frame.len())?;
    stream.write_all(&[&length.to_be_bytes(), frame.as_slice()].concat())?;
    let mut prefix = [0; 4];
    stream.read_exact(&mut prefix)?;
    let mut answer = vec![0; usize::try_from(i32::from_be_bytes(prefix))?];
    stream.read_exact(&mut answer)?;
    // The correlation id comes first.
    Ok(answer.split_off(4.min(answer.len())))
}

fn produce_body(topic: &str) -> Vec<u8> {
    let mut body = Vec::new();
    body.extend((-1_i16).to_be_bytes()); // no transaction
    body.extend(1_i16.to_be_bytes()); // acks
    body.extend(10_000_i32.to_be_bytes()); // timeout
    body.extend(1_i32.to_be_bytes()); // topics
    text(&mut body, topic);
    body.extend(1_i32.to_be_bytes()); // partitions
    body.extend(0_i32.to_be_bytes()); // index
    let batch = batch();
    body.extend(u32::try_from(batch.len()).unwrap_or(0).to_be_bytes());
    body.extend(batch);
    body
}

/// A batch of one record, `first`, of format 2.
fn batch() -> Vec<u8> {
    // Length, attributes, timestamp and offset deltas, no key, a value of 5 bytes, no headers; all
    // numbers zigzag.
    let record = [&[22, 0, 0, 0, 1, 10][..], b"first", &[0]].concat();
    let mut checked = Vec::new();
    checked.extend(0_i16.to_be_bytes()); // attributes
    checked.extend(0_i32.to_be_bytes()); // last offset delta
    checked.extend(1_700_000_000_000_i64.to_be_bytes()); // first timestamp
    checked.extend(1_700_000_000_000_i64.to_be_bytes()); // last timestamp
    checked.extend((-1_i64).to_be_bytes()); // producer id
    checked.extend((-1_i16).to_be_bytes()); // producer epoch
    checked.extend((-1_i32).to_be_bytes()); // sequence
    checked.extend(1_i32.to_be_bytes()); // records
    checked.extend(record);
    let mut batch = Vec::new();
    batch.extend(0_i64.to_be_bytes()); // base offset
    let rest = 4 + 1 + 4 + checked.len();
    batch.extend(u32::try_from(rest).unwrap_or(0).to_be_bytes());
    batch.extend((-1_i32).to_be_bytes()); // leader epoch
    batch.push(2);
    batch.extend(crc32c(&checked).to_be_bytes());
    batch.extend(checked);
    batch
}

fn text(out: &mut Vec<u8>, text: &str) {
    out.extend(u16::try_from(text.len()).unwrap_or(0).to_be_bytes());
    out.extend(text.as_bytes());
}

/// Bit by bit: it is used on a hundred bytes.
fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 { (crc >> 1) ^ 0x82F6_3B78 } else { crc >> 1 }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_castagnolis() {
        assert_eq!(crc32c(b"123456789"), 0xE306_9283);
    }

    #[test]
    fn the_batch_states_its_own_length() {
        let batch = batch();
        let stated = u32::from_be_bytes(batch[8..12].try_into().unwrap());
        assert_eq!(stated as usize + 12, batch.len());
        assert_eq!(batch[61], 22, "a record of 11 bytes");
        assert_eq!(batch.len(), 61 + 1 + 11);
    }
}

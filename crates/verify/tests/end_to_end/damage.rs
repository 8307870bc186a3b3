//! Files of the store that are not as they were written.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use verify::process::{Options, Ports, Server};

use crate::support::{Device, device, seqs, server};

/// The newest journal.
fn journal(data: &Path) -> PathBuf {
    let files = fs::read_dir(data.join("store").join("engine")).unwrap();
    let numbered = files.filter_map(|file| {
        let path = file.unwrap().path();
        let number: u64 = path.file_name()?.to_str()?.strip_suffix(".jnl")?.parse().ok()?;
        Some((number, path))
    });
    numbered.max().expect("a store has a journal").1
}

fn bytes(server: &Server) -> u64 {
    fs::metadata(journal(server.data())).unwrap().len()
}

/// A server that was killed after so many messages.
async fn killed(messages: usize) -> (Server, Device, Device) {
    let mut server = server(&[]).await;
    let (ada, bob) = (device(&server, "ada").await, device(&server, "bob").await);
    for number in 0..messages {
        ada.post(ada.with(&bob), &format!("{number}")).await;
    }
    server.kill().await.unwrap();
    (server, ada, bob)
}

async fn opens_with(server: &mut Server, ada: &Device, bob: &Device, messages: u64) {
    server.verify().await.unwrap();
    server.restart(Ports::Same).await.unwrap();
    let conversation = ada.with(bob);
    assert_eq!(seqs(&bob.history(conversation).await), (1..=messages).collect::<Vec<_>>());
    assert_eq!(ada.post(conversation, "and on").await.seq, messages + 1);
    server.kill().await.unwrap();
}

#[tokio::test]
async fn a_torn_last_record_keeps_a_server_from_starting_or_loses_those_before_it() {
    let (mut server, ada, bob) = killed(5).await;
    let whole = fs::read(journal(server.data())).unwrap();
    // What a batch begins with, its first byte, zeros of a file that grew, and what is nothing at all.
    let ends: [&[u8]; 4] = [&whole[..20], &whole[..1], &[0; 4_096], b"\xff\xfenothing that was ever written"];
    for (said, end) in (5..).zip(ends) {
        let mut file = OpenOptions::new().append(true).open(journal(server.data())).unwrap();
        file.write_all(end).unwrap();
        drop(file);
        opens_with(&mut server, &ada, &bob, said).await;
    }
}

#[tokio::test]
async fn a_record_that_was_cut_short_takes_others_with_it() {
    for cut in [1, 5, 40] {
        let (mut server, ada, bob) = killed(3).await;
        server.restart(Ports::Same).await.unwrap();
        let before = bytes(&server);
        ada.post(ada.with(&bob), "in the making").await;
        server.kill().await.unwrap();
        assert!(bytes(&server) > before + cut, "the store appends to its newest journal");
        let file = OpenOptions::new().write(true).open(journal(server.data())).unwrap();
        let length = bytes(&server);
        file.set_len(length - cut).unwrap();
        let log = {
            server.restart(Ports::Same).await.unwrap();
            server.log()
        };
        assert!(log.contains("torn last record"), "it says what it forgets: {log}");
        let kept = seqs(&bob.history(ada.with(&bob)).await);
        assert!(kept == [1, 2, 3] || kept == [1, 2, 3, 4], "{kept:?}");
        server.kill().await.unwrap();
        server.verify().await.unwrap();
    }
}

#[tokio::test]
async fn damage_in_what_was_acked_is_taken_for_a_torn_end() {
    let (server, ..) = killed(20).await;
    let path = journal(server.data());
    let whole = fs::read(&path).unwrap();
    for text in ["{\"text\":\"3\"}", "{\"text\":\"11\"}"] {
        let at = whole
            .windows(text.len())
            .position(|window| window == text.as_bytes())
            .expect("texts are stored as they are");
        let mut damaged = whole.clone();
        damaged[at + 9] ^= 1;
        fs::write(&path, &damaged).unwrap();
        let log = Options::cheap().data(server.data()).refused().await.unwrap();
        for words in ["is damaged", &path.file_name().unwrap().display().to_string(), "backup"] {
            assert!(log.contains(words), "{words}: {log}");
        }
        assert!(server.verify().await.unwrap_err().to_string().contains("is damaged"));
        assert_eq!(fs::read(&path).unwrap(), damaged, "nothing was changed");
    }
    fs::write(&path, &whole).unwrap();
    server.verify().await.unwrap();
}

/// The number of a batch stands before what its checksum covers. A higher one makes its rows newer than those of every batch
/// after it, heads of logs among them.
#[tokio::test]
async fn a_batch_whose_number_is_damaged_hides_what_was_acked_after_it() {
    const END: &[u8] = b"FJL\x03";
    let (server, ..) = killed(20).await;
    let path = journal(server.data());
    let mut damaged = fs::read(&path).unwrap();
    let middle = damaged.len() / 2;
    let end = damaged[middle..].windows(END.len()).position(|window| window == END).expect("a batch ends");
    // A batch begins with a tag and how many rows it has, which is five bytes; then comes its number.
    damaged[middle + end + END.len() + 5 + 2] ^= 1;
    fs::write(&path, &damaged).unwrap();
    let log = Options::cheap().data(server.data()).refused().await.unwrap();
    assert!(log.contains("is damaged"), "{log}");
}

#[tokio::test]
async fn a_file_that_is_missing_is_taken_for_a_new_store() {
    let (server, ..) = killed(5).await;
    let engine = server.data().join("store").join("engine");
    for name in ["FORMAT", "version", "keyspaces/0/current"] {
        let (path, aside) = (engine.join(name), server.data().join("aside"));
        fs::rename(&path, &aside).unwrap();
        let log = Options::cheap().data(server.data()).refused().await.unwrap();
        assert!(log.contains("is damaged") && log.contains(name), "{name}: {log}");
        fs::rename(&aside, &path).unwrap();
    }
    let format = engine.join("FORMAT");
    let text = fs::read_to_string(&format).unwrap();
    fs::write(&format, text.replace("format 1", "format 99")).unwrap();
    let log = Options::cheap().data(server.data()).refused().await.unwrap();
    assert!(log.contains("newer program"), "{log}");
    fs::write(&format, text).unwrap();
    server.verify().await.unwrap();
}

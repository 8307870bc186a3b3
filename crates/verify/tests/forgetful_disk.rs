//! What was not fsynced is forgotten at a kill, and what was fsynced is kept.
//!
//! The program that is killed is this test itself, run once more with a scene to play (see `scene`).

#![allow(clippy::unwrap_used)]

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, IoSlice, Lines, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::thread;

use tempfile::TempDir;
use verify::forgetful_disk::{ForgetfulDisk, Forgotten};

const SCENE: &str = "FORGETFUL_TEST_SCENE";
const FOLDER: &str = "FORGETFUL_TEST_FOLDER";

// ---- the stage ----

struct Stage {
    disk: ForgetfulDisk,
    folder: TempDir,
}

/// A program that plays a scene.
struct Actor {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Stage {
    fn new() -> Self {
        let disk = ForgetfulDisk::build(Path::new(env!("CARGO_TARGET_TMPDIR"))).unwrap();
        let folder = TempDir::new().unwrap();
        fs::create_dir(folder.path().join("data")).unwrap();
        Self { disk, folder }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A file that was there, durably, before the program began.
    fn with(self, name: &str, contents: &[u8]) -> Self {
        fs::write(self.data().join(name), contents).unwrap();
        self
    }

    fn command(&self, scene: &str) -> Command {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["scene", "--exact", "--nocapture"]).env(SCENE, scene).env(FOLDER, self.data());
        command
    }

    fn start(&self, mut command: Command) -> Actor {
        self.disk.env(&mut command, &self.data()).unwrap();
        Actor::start(command)
    }

    /// Plays a scene up to its end, and kills the program there.
    fn play(&self, scene: &str) {
        self.start(self.command(scene)).until("ready").kill();
    }

    fn forget(&self) -> Forgotten {
        self.disk.forget(&self.data()).unwrap()
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.data().join(name)).unwrap()
    }
}

impl Actor {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    fn until(mut self, wanted: &str) -> Self {
        let mut heard = Vec::new();
        for line in self.lines.by_ref() {
            heard.push(line.unwrap());
            if heard.last().unwrap() == wanted {
                return self;
            }
        }
        panic!("the program ended before it said {wanted}: {heard:#?}");
    }

    /// Kills the program, and gives what else it had said.
    fn kill(mut self) -> Vec<String> {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.lines.map_while(Result::ok).collect()
    }
}

// ---- the scenes, played in the program that is killed ----

fn say(line: &str) {
    // One write for a line: scenes speak from several threads.
    std::io::stdout().write_all(format!("{line}\n").as_bytes()).unwrap();
    std::io::stdout().flush().unwrap();
}

fn append(path: &Path, bytes: &[u8]) -> File {
    let mut file = OpenOptions::new().append(true).create(true).open(path).unwrap();
    file.write_all(bytes).unwrap();
    file
}

/// Not a test by itself: what the program does when it is run once more.
#[test]
fn scene() {
    let Ok(scene) = std::env::var(SCENE) else { return };
    let folder = PathBuf::from(std::env::var(FOLDER).unwrap());
    let a = folder.join("a");
    let edit = || OpenOptions::new().read(true).write(true).open(&a).unwrap();
    match scene.as_str() {
        "append" => {
            append(&a, b"synced").sync_all().unwrap();
            append(&a, b" lost");
        }
        "overwrite" => {
            let mut file = edit();
            file.write_all_at(b"KEPT", 0).unwrap();
            file.sync_data().unwrap();
            file.write_all_at(&[b'x'; 70_000], 8).unwrap();
            file.seek(SeekFrom::Start(2)).unwrap();
            let _count = file.write_vectored(&[IoSlice::new(b"y"), IoSlice::new(b"z")]).unwrap();
        }
        "truncate" => {
            let file = edit();
            file.set_len(10).unwrap();
            file.set_len(50_000).unwrap();
            file.write_all_at(b"new", 20).unwrap();
        }
        "truncate synced" => {
            edit().set_len(3).unwrap();
            File::open(&a).unwrap().sync_all().unwrap();
            append(&a, b"lost");
        }
        "rewrite" => fs::write(&a, b"short").unwrap(),
        "names" => {
            fs::write(folder.join("made"), b"never synced").unwrap();
            fs::write(folder.join("new"), b"never synced").unwrap();
            fs::rename(folder.join("new"), &a).unwrap();
            let synced = append(&folder.join("new"), b"synced");
            synced.sync_all().unwrap();
            fs::rename(folder.join("new"), folder.join("renamed")).unwrap();
            append(&folder.join("b"), b"changed, then gone");
            fs::remove_file(folder.join("b")).unwrap();
            // What comes next may get the inode that `b` had, and must not get what was noted of it.
            fs::write(folder.join("c"), b"never synced").unwrap();
        }
        "copy" => {
            fs::copy(&a, folder.join("copy")).unwrap();
            fs::copy(&a, folder.join("copy synced")).unwrap();
            File::open(folder.join("copy synced")).unwrap().sync_all().unwrap();
        }
        "late" => {
            let file = Arc::new(append(&a, b"early"));
            let syncing = thread::spawn({
                let file = file.clone();
                move || file.sync_all().unwrap()
            });
            let sync = |what| folder.with_file_name(format!("data.sync-{what}"));
            while !sync("began").exists() {
                thread::yield_now();
            }
            append(&a, b" late");
            file.write_all_at(b"", 0).unwrap();
            File::create(sync("goes-on")).unwrap();
            syncing.join().unwrap();
        }
        "many" => many(&a),
        _ => panic!("there is no scene {scene}"),
    }
    say("ready");
    loop {
        thread::park();
    }
}

const WRITERS: u64 = 4;
const SLOT_BYTES: u64 = 4096;

/// Four threads overwrite a slot each with a growing number, fsync now and then, and say what is durable; a fifth does
/// the same with a file that it appends to.
fn many(slots: &Path) {
    let log = slots.with_file_name("log");
    for writer in 0..WRITERS {
        let file = OpenOptions::new().write(true).open(slots).unwrap();
        thread::spawn(move || {
            for number in 1_u64.. {
                file.write_all_at(&number.to_le_bytes().repeat(512), writer * SLOT_BYTES).unwrap();
                if number % 7 == writer {
                    file.sync_data().unwrap();
                    say(&format!("durable {writer} {number}"));
                }
            }
        });
    }
    thread::spawn(move || {
        for number in 1_u64.. {
            let file = append(&log, &number.to_le_bytes());
            if number % 5 == 0 {
                file.sync_all().unwrap();
                say(&format!("durable {WRITERS} {number}"));
            }
        }
    });
}

// ---- the tests ----

#[test]
fn without_the_disk_a_kill_forgets_nothing() {
    let stage = Stage::new();
    Actor::start(stage.command("append")).until("ready").kill();
    assert_eq!(stage.read("a"), b"synced lost");
}

#[test]
fn what_was_appended_is_forgotten() {
    let stage = Stage::new();
    stage.play("append");
    assert_eq!(stage.read("a"), b"synced lost", "it is taken back after the kill, not by it");
    assert_eq!(stage.forget(), Forgotten { files: 1, changes: 1 });
    assert_eq!(stage.read("a"), b"synced");
    assert_eq!(stage.forget(), Forgotten::default());
}

#[test]
fn what_was_overwritten_comes_back() {
    let old: Vec<u8> = (0..100_000_u32).map(|n| b'a' + (n % 26) as u8).collect();
    let stage = Stage::new().with("a", &old);
    stage.play("overwrite");
    assert_ne!(stage.read("a")[4..], old[4..]);
    stage.forget();
    assert!(stage.read("a") == [b"KEPT", &old[4..]].concat());
}

#[test]
fn what_was_cut_off_comes_back() {
    let mut old = vec![0; 100_000];
    old[40_000..40_003].copy_from_slice(b"old");
    let stage = Stage::new().with("a", &old);
    stage.play("truncate");
    stage.forget();
    assert!(stage.read("a") == old);
}

#[test]
fn a_cut_that_was_synced_through_another_descriptor_is_kept() {
    let stage = Stage::new().with("a", b"abcdef");
    stage.play("truncate synced");
    stage.forget();
    assert_eq!(stage.read("a"), b"abc");
}

#[test]
fn a_file_written_anew_has_its_old_contents_back() {
    let stage = Stage::new().with("a", b"a long story");
    stage.play("rewrite");
    assert_eq!(stage.read("a"), b"short");
    stage.forget();
    assert_eq!(stage.read("a"), b"a long story");
}

#[test]
fn names_stay_and_contents_do_not() {
    let stage = Stage::new().with("a", b"replaced").with("b", b"removed");
    stage.play("names");
    stage.forget();
    assert_eq!(stage.read("made"), b"");
    assert_eq!(stage.read("a"), b"", "renamed into its place before it was fsynced");
    assert_eq!(stage.read("renamed"), b"synced");
    assert_eq!(stage.read("c"), b"");
    assert!(!stage.data().join("b").exists());
}

#[test]
fn a_copy_counts_like_any_write() {
    let stage = Stage::new().with("a", &[b'a'; 100_000]);
    stage.play("copy");
    assert_eq!(stage.read("copy").len(), 100_000);
    stage.forget();
    assert_eq!(stage.read("copy"), b"");
    assert!(stage.read("copy synced") == [b'a'; 100_000]);
}

#[test]
fn what_is_written_while_an_fsync_runs_is_forgotten() {
    let mut stage = Stage::new();
    stage.disk = stage.disk.with_held_sync();
    stage.play("late");
    assert_eq!(stage.read("a"), b"early late");
    stage.forget();
    assert_eq!(stage.read("a"), b"early");
}

#[test]
fn a_program_that_starts_again_goes_on_with_what_was_not_synced() {
    let stage = Stage::new().with("a", b"old");
    stage.play("rewrite");
    stage.play("rewrite");
    stage.forget();
    assert_eq!(stage.read("a"), b"old");

    // What an earlier run left is durable once a later one fsyncs the file.
    stage.play("rewrite");
    stage.play("append");
    stage.forget();
    assert_eq!(stage.read("a"), b"shortsynced");
}

#[test]
fn a_torn_note_is_of_a_change_that_never_happened() {
    let stage = Stage::new().with("a", b"old");
    stage.play("rewrite");
    let logs = stage.folder.path().join("data.undo");
    let log = fs::read_dir(logs).unwrap().next().unwrap().unwrap().path();
    append(&log, &fs::read(&log).unwrap()[16..30]);
    stage.play("rewrite");
    append(&log, &fs::read(&log).unwrap()[16..30]);
    stage.forget();
    assert_eq!(stage.read("a"), b"old");
}

#[test]
fn many_threads_keep_what_they_synced_and_no_more() {
    let mut changes = 0;
    for _kill in 0..5 {
        let stage = Stage::new().with("a", &vec![0; (WRITERS * SLOT_BYTES) as usize]);
        let mut actor = stage.start(stage.command("many"));
        let mut said: Vec<String> = actor.lines.by_ref().take(300).map(Result::unwrap).collect();
        said.extend(actor.kill());
        changes += stage.forget().changes;

        let mut durable = [0; WRITERS as usize + 1];
        for line in &said {
            if let Some((writer, number)) =
                line.strip_prefix("durable ").and_then(|rest| rest.split_once(' '))
            {
                durable[writer.parse::<usize>().unwrap()] = number.parse::<u64>().unwrap();
            }
        }
        assert!(durable.iter().all(|number| *number > 0), "{durable:?}");
        let slots = File::open(stage.data().join("a")).unwrap();
        for writer in 0..WRITERS {
            let mut slot = [0; SLOT_BYTES as usize];
            slots.read_exact_at(&mut slot, writer * SLOT_BYTES).unwrap();
            let number = numbers(&slot)[0];
            assert!(numbers(&slot).iter().all(|other| *other == number), "slot {writer} is torn");
            assert!(number >= durable[writer as usize], "slot {writer} lost {durable:?}, has {number}");
        }
        let mut log = Vec::new();
        File::open(stage.data().join("log")).unwrap().read_to_end(&mut log).unwrap();
        let log = numbers(&log);
        assert!(log.iter().copied().eq(1..=log.len() as u64), "the log has holes");
        assert!(log.len() as u64 >= durable[WRITERS as usize], "the log lost {durable:?}, has {}", log.len());
    }
    assert!(changes > 0, "nothing was ever taken back: the disk is not in use");
}

fn numbers(bytes: &[u8]) -> Vec<u64> {
    bytes.chunks_exact(8).map(|eight| u64::from_le_bytes(eight.try_into().unwrap())).collect()
}

#[test]
fn calls_that_rust_does_not_make_are_undone_or_refused() {
    let stage = Stage::new().with("a", &[b'a'; 4096]);
    let probe = stage.folder.path().join("probe");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("forgetful-disk/probe.c");
    let built = Command::new("cc").arg(source).arg("-o").arg(&probe).status().unwrap();
    assert!(built.success());
    let mut command = Command::new(probe);
    command.arg("a").current_dir(stage.data());
    stage.start(command).until("ready").kill();
    assert_eq!(stage.read("a").len(), 50);
    stage.forget();
    assert!(stage.read("a") == [b'a'; 4096]);
}

//! The machine: how many files may be open, whether the clock can be, and how long the disk takes to keep something.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use rustix::process::{Resource, getrlimit};

use super::Finding;
use crate::config::Config;
use crate::stores;

/// Files that are open beside connections: tables of the store, journals, listeners.
const FILES_BESIDE: u64 = 1_024;

pub(super) fn files(config: &Config, holder: Option<&str>) -> Finding {
    let of_server = holder.and_then(|holder| holder.strip_prefix("process "));
    let limit = of_server.and_then(limit_of).or_else(|| getrlimit(Resource::Nofile).current);
    judge_files(limit, config.gateway.connections_max as u64)
}

/// The limit that a running process has. Linux tells.
fn limit_of(process: &str) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{process}/limits")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

fn judge_files(limit: Option<u64>, connections: u64) -> Finding {
    let (about, needed) = ("open files", connections + FILES_BESIDE);
    match limit {
        Some(limit) if limit < needed => Finding::warn(
            about,
            format!("{limit} may be open, but {connections} connections are let in and want {needed}"),
            format!("ulimit -n {needed} (systemd: LimitNOFILE={needed}), or lower gateway.connections_max"),
        ),
        Some(limit) => Finding::ok(about, format!("{limit} may be open")),
        None => Finding::ok(about, "there is no limit"),
    }
}

/// 2024-01-01: this program is younger.
const BORN: Duration = Duration::from_secs(1_704_067_200);

/// A clock may step back by as much without harm to tokens and client ids.
const STEP: Duration = Duration::from_secs(60);

pub(super) fn clock(data: &Path) -> Finding {
    judge_clock(SystemTime::now(), newest(&stores::folder(data).join("engine")))
}

/// When a file of the store was last written.
fn newest(folder: &Path) -> Option<SystemTime> {
    let files = fs::read_dir(folder).ok()?;
    files.filter_map(|file| file.ok()?.metadata().ok()?.modified().ok()).max()
}

fn judge_clock(now: SystemTime, written: Option<SystemTime>) -> Finding {
    let (about, mend) = ("clock", "timedatectl set-ntp true");
    if now < SystemTime::UNIX_EPOCH + BORN {
        return Finding::fail(about, "it says a time before this program was written", mend);
    }
    match written.and_then(|written| written.duration_since(now).ok()) {
        Some(ahead) if ahead > STEP => Finding::fail(
            about,
            format!("it is {} s behind the time at which the store was last written", ahead.as_secs()),
            mend,
        ),
        _ => Finding::ok(about, "it is after everything that is stored"),
    }
}

/// Writes that are timed.
const WRITES: usize = 16;

/// Bytes of each.
const WRITE_BYTES: usize = 4 << 10;

pub(super) fn disk(data: &Path) -> Finding {
    if !data.is_dir() {
        return Finding::ok("disk", "not timed: the data folder is not there yet");
    }
    match time_writes(data) {
        Ok(times) => judge_disk(times),
        Err(error) => Finding::fail(
            "disk",
            format!("what is written cannot be made durable: {error}"),
            "look at the kernel's log (dmesg) for what the disk says",
        ),
    }
}

fn time_writes(data: &Path) -> std::io::Result<Vec<Duration>> {
    let path = data.join(format!(".doctor-disk-{}", std::process::id()));
    let timed = || {
        let mut file = File::create(&path)?;
        let mut times = vec![];
        for _ in 0..WRITES {
            let begun = Instant::now();
            file.write_all(&[0x55; WRITE_BYTES])?;
            file.sync_data()?;
            times.push(begun.elapsed());
        }
        Ok(times)
    };
    let times = timed();
    fs::remove_file(&path)?;
    times
}

/// A message is acknowledged after one such write, shared with those that came meanwhile.
fn judge_disk(mut times: Vec<Duration>) -> Finding {
    times.sort_unstable();
    let ms = |time: &Duration| time.as_secs_f64() * 1_000.0;
    let (middle, longest) = (times.get(times.len() / 2).map_or(0.0, ms), times.last().map_or(0.0, ms));
    let what = format!("a write is durable after {middle:.1} ms, {longest:.1} ms at the longest");
    if middle > 20.0 {
        Finding::warn(
            "disk",
            format!("{what}: every message waits for that"),
            "put the data folder on an SSD that is this machine's own",
        )
    } else {
        Finding::ok("disk", what)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;

    #[test]
    fn connections_that_find_no_file_descriptor_are_not_told() {
        assert_eq!(judge_files(Some(1_024), 100_000).level, Level::Warn);
        assert!(judge_files(Some(1_024), 100_000).mend.unwrap().contains("LimitNOFILE=101024"));
        assert_eq!(judge_files(Some(101_024), 100_000).level, Level::Ok);
        assert_eq!(judge_files(None, 100_000).level, Level::Ok);
        assert_eq!(limit_of("self").is_some(), cfg!(target_os = "linux"));
    }

    #[test]
    fn a_clock_before_what_is_stored_is_not_told() {
        let now = SystemTime::now();
        let levels =
            [None, Some(now), Some(now + STEP), Some(now + 2 * STEP)].map(|at| judge_clock(now, at).level);
        assert_eq!(levels, [Level::Ok, Level::Ok, Level::Ok, Level::Fail]);
        assert_eq!(judge_clock(SystemTime::UNIX_EPOCH, None).level, Level::Fail);

        let dir = tempfile::tempdir().unwrap();
        let engine = dir.path().join("store/engine");
        fs::create_dir_all(&engine).unwrap();
        let journal = File::create(engine.join("0.jnl")).unwrap();
        assert_eq!(clock(dir.path()).level, Level::Ok);
        journal.set_modified(now + Duration::from_secs(3_600)).unwrap();
        assert_eq!(clock(dir.path()).level, Level::Fail);
    }

    #[test]
    fn a_slow_or_broken_disk_is_not_told() {
        let ms = Duration::from_millis;
        assert_eq!(judge_disk(vec![ms(1), ms(2), ms(300)]).level, Level::Ok);
        assert_eq!(judge_disk(vec![ms(1), ms(30), ms(40)]).level, Level::Warn);
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(time_writes(dir.path()).unwrap().len(), WRITES);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "nothing is left");
        assert!(time_writes(&dir.path().join("none")).is_err());
    }
}

//! What the kernel tells of a process: its CPU time, its memory, how many files it may have open.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// CPU time that a process has taken so far, in microseconds: user and system time of `/proc/PID/stat`, whose unit is a
/// hundredth of a second on every Linux that user programs see (`USER_HZ`).
pub(super) fn cpu_us(pid: u32) -> Option<u64> {
    const TICK_US: u64 = 10_000;
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |index: usize| fields.get(index)?.parse::<u64>().ok();
    Some((ticks(11)? + ticks(12)?) * TICK_US)
}

/// Memory of a process that is in RAM, in bytes: the sum over its mappings, which is exact where the counter in
/// `/proc/PID/status` may lag.
pub(super) fn rss_bytes(pid: u32) -> Option<u64> {
    kib(&format!("/proc/{pid}/smaps_rollup"), "Rss:")
}

/// Forgets the most memory that a process had so far.
pub(super) fn reset_peak(pid: u32) {
    // A kernel that does not let us makes the peak one of the whole life of the process: never too low.
    drop(fs::write(format!("/proc/{pid}/clear_refs"), "5"));
}

/// The most memory that a process had in RAM since [`reset_peak`], in bytes.
pub(super) fn peak_bytes(pid: u32) -> Option<u64> {
    kib(&format!("/proc/{pid}/status"), "VmHWM:")
}

fn kib(path: &str, key: &str) -> Option<u64> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? * 1_024)
}

/// In MB (10^6 bytes).
pub(super) fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// Files that are open beside the sockets of a benchmark.
const OTHER_FILES: u64 = 500;

/// Lets this process, and those that it starts from now on, hold so many sockets.
pub(super) fn allow_sockets(count: usize) -> Result<()> {
    let wanted = count as u64 + OTHER_FILES;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_none_or(|current| current >= wanted) {
        return Ok(());
    }
    ensure!(
        maximum.is_none_or(|maximum| maximum >= wanted),
        "{count} sockets are more than this process may have ({maximum:?} files): raise the hard limit (`ulimit -Hn`)"
    );
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).context("the limit of open files")
}

/// Bytes that a folder takes on its disk.
pub(super) fn disk_bytes(folder: &Path) -> Result<u64> {
    use std::os::unix::fs::MetadataExt;
    let mut bytes = 0;
    for entry in fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))? {
        let entry = entry?;
        // A file may go while we look: tables are merged.
        let Ok(metadata) = entry.metadata() else { continue };
        bytes += match metadata.is_dir() {
            true => disk_bytes(&entry.path())?,
            false => metadata.blocks() * 512,
        };
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_that_works_shows_its_cpu_time_and_memory() {
        let pid = std::process::id();
        let before = cpu_us(pid).unwrap();
        let mut x = 1_u64;
        while cpu_us(pid).unwrap() < before + 20_000 {
            (0..1_000_000_u64).for_each(|n| x = std::hint::black_box(x.wrapping_mul(n | 1)));
        }
        assert!(rss_bytes(pid).unwrap() > 1_000_000);
        assert_eq!(cpu_us(u32::MAX), None);
    }

    #[test]
    fn a_folder_takes_what_its_files_take() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("in")).unwrap();
        fs::write(folder.path().join("in").join("file"), vec![1; 100_000]).unwrap();
        assert!(disk_bytes(folder.path()).unwrap() >= 100_000);
    }
}

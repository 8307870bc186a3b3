//! What the process takes of its machine, and how much there is: files, memory, time, disk.
//!
//! Read from `/proc` where there is one; elsewhere these metrics are left out.

use std::fs;
use std::path::Path;

use rustix::process::{Resource, getrlimit};

use super::exposition::Exposition;

/// The unit of times in `/proc/PID/stat`: USER_HZ, which is 100 on every architecture (Linux, `proc_pid_stat(5)`).
const TICKS_PER_S: f64 = 100.0;

pub(super) fn expose(text: &mut Exposition, data: &Path) {
    if let Some(open) = open_files() {
        text.gauge("process_open_fds", "Files and connections that are open.", open);
    }
    if let Some(max) = getrlimit(Resource::Nofile).current {
        text.gauge("process_max_fds", "Files and connections that may be open.", max);
    }
    if let Some(bytes) = resident_bytes() {
        text.gauge("process_resident_memory_bytes", "Memory that is in use.", bytes);
    }
    if let Some(bytes) = memory_limit_bytes() {
        text.gauge(
            "process_memory_limit_bytes",
            "Memory that there is: the machine's, or the container's.",
            bytes,
        );
    }
    if let Some(seconds) = cpu_seconds() {
        text.counter("process_cpu_seconds_total", "Time that the process has taken of all cores.", seconds);
    }
    if let Ok(disk) = rustix::fs::statvfs(data) {
        let (free, size) = (disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize);
        text.gauge("store_disk_free_bytes", "Room on the disk of the data folder.", free);
        text.gauge("store_disk_size_bytes", "Size of the disk of the data folder.", size);
    }
}

/// Linux says it as the size of the folder since 6.2; before, its files are counted.
fn open_files() -> Option<u64> {
    let folder = "/proc/self/fd";
    match fs::metadata(folder).ok()?.len() {
        0 => Some(fs::read_dir(folder).ok()?.count() as u64),
        open => Some(open),
    }
}

fn resident_bytes() -> Option<u64> {
    let text = fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib << 10)
}

/// The least of what the machine has and what the group of processes may take.
fn memory_limit_bytes() -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let own = groups.lines().find_map(|line| line.strip_prefix("0::/"));
    let limit = own.map(|own| Path::new("/sys/fs/cgroup").join(own).join("memory.max"));
    let limit = limit.and_then(|file| fs::read_to_string(file).ok()?.trim().parse().ok());
    machine_bytes().into_iter().chain(limit).min()
}

/// Asked of the kernel, since a service may not see `/proc/meminfo`.
#[cfg(target_os = "linux")]
fn machine_bytes() -> Option<u64> {
    let told = rustix::system::sysinfo();
    Some(told.totalram as u64 * u64::from(told.mem_unit))
}

#[cfg(not(target_os = "linux"))]
const fn machine_bytes() -> Option<u64> {
    None
}

/// User and system time: the 14th and 15th fields, counted behind the name, which may hold anything.
fn cpu_seconds() -> Option<f64> {
    let text = fs::read_to_string("/proc/self/stat").ok()?;
    let mut fields = text.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<f64>().ok();
    Some((ticks()? + ticks()?) / TICKS_PER_S)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn what_the_process_takes_is_told_as_nothing_or_in_another_unit() {
        let before = open_files().unwrap();
        let _held: Vec<_> = (0..10).map(|_| fs::File::open("/dev/null").unwrap()).collect();
        assert!((before + 5..before + 100).contains(&open_files().unwrap()), "other tests open files, too");
        let memory = vec![1_u8; 32 << 20];
        let (resident, limit) = (resident_bytes().unwrap(), memory_limit_bytes().unwrap());
        assert!(resident > memory.len() as u64 && resident < limit, "{resident} of {limit}");
        assert!((0.0..1e6).contains(&cpu_seconds().unwrap()));
    }
}

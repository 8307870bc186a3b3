//! The data folder: whether it can be written, who else can, how much room it has, and who can read the secrets.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::{Finding, quoted};

const GIB: u64 = 1 << 30;

/// Below this a server will soon have no room for a journal and a merge.
const FREE_BYTES_FAIL: u64 = GIB / 2;

/// Below this it is time to look.
const FREE_BYTES_WARN: u64 = 5 * GIB;

pub(super) fn examine(data: &Path) -> Vec<Finding> {
    if !data.exists() {
        return vec![absent(data)];
    }
    let mut findings = vec![writable(data), closed(data)];
    findings.extend(room(data));
    findings.extend(secrets(data));
    findings
}

/// The nearest folder above that exists is where the data folder will be made.
fn absent(data: &Path) -> Finding {
    let above = data.ancestors().skip(1).find(|above| above.exists() && !above.as_os_str().is_empty());
    let above = above.unwrap_or_else(|| Path::new("."));
    match tempfile_in(above) {
        Ok(()) => {
            Finding::ok("data folder", format!("{} is not there yet: `serve` makes it", data.display()))
        }
        Err(error) => Finding::fail(
            "data folder",
            format!("{} is not there and cannot be made: {error}", data.display()),
            format!("mkdir -m 700 {0} && chown USER {0}", quoted(data)),
        ),
    }
}

fn writable(data: &Path) -> Finding {
    match tempfile_in(data) {
        Ok(()) => Finding::ok("data folder", format!("{} can be written", data.display())),
        Err(error) => Finding::fail(
            "data folder",
            format!("{} cannot be written: {error}", data.display()),
            format!("chown -R USER {0} && chmod 700 {0}", quoted(data)),
        ),
    }
}

/// Writes a file there and takes it away.
fn tempfile_in(folder: &Path) -> std::io::Result<()> {
    let path = folder.join(format!(".doctor-{}", std::process::id()));
    fs::write(&path, "x")?;
    fs::remove_file(path)
}

fn closed(data: &Path) -> Finding {
    let about = "data folder's mode";
    match mode(data) {
        Ok(mode) if mode & 0o077 == 0 => Finding::ok(about, format!("only its owner may enter ({mode:03o})")),
        Ok(mode) => Finding::warn(
            about,
            format!("others may enter it ({mode:03o}), and it holds everybody's messages"),
            format!("chmod 700 {}", quoted(data)),
        ),
        Err(error) => Finding::fail(about, error.to_string(), format!("ls -ld {}", quoted(data))),
    }
}

fn mode(path: &Path) -> std::io::Result<u32> {
    Ok(fs::metadata(path)?.permissions().mode() & 0o777)
}

fn room(data: &Path) -> Option<Finding> {
    let disk = rustix::fs::statvfs(data).ok()?;
    Some(judge_room(disk.f_bavail * disk.f_frsize))
}

fn judge_room(free: u64) -> Finding {
    let (about, what) = ("free space", format!("{:.1} GiB are free", free as f64 / GIB as f64));
    let mend = "make room, or move the data folder to a larger disk";
    match free {
        ..FREE_BYTES_FAIL => {
            Finding::fail(about, format!("{what}: a server ends when the disk is full"), mend)
        }
        FREE_BYTES_FAIL..FREE_BYTES_WARN => Finding::warn(about, what, mend),
        _ => Finding::ok(about, what),
    }
}

fn secrets(data: &Path) -> Vec<Finding> {
    let secret = |name: &str| {
        let (about, path) = ("secrets", data.join("secrets").join(name));
        let mend = format!("chmod 600 {}", quoted(&path));
        match mode(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Finding::ok(about, format!("{name} is not there yet: `serve` makes it"))
            }
            Err(error) => Finding::fail(about, format!("{name}: {error}"), mend),
            Ok(mode) if mode & 0o077 == 0 => {
                Finding::ok(about, format!("only its owner reads {name} ({mode:03o})"))
            }
            Ok(mode) => Finding::fail(
                about,
                format!("others can read {name} ({mode:03o}): a server does not start with it"),
                format!("{mend}, then rotate it (docs/operations.md)"),
            ),
        }
    };
    ["signing-keys.json", "admin-token"].map(secret).into()
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;

    fn levels(findings: &[Finding], about: &str) -> Vec<Level> {
        findings.iter().filter(|finding| finding.about == about).map(|finding| finding.level).collect()
    }

    #[test]
    fn an_open_data_folder_or_secret_is_not_told() {
        let dir = tempfile::tempdir().unwrap();
        let secret = dir.path().join("secrets/admin-token");
        fs::create_dir(dir.path().join("secrets")).unwrap();
        fs::write(&secret, "x").unwrap();
        for (mode, folder, expected) in [(0o600, 0o700, Level::Ok), (0o640, 0o755, Level::Fail)] {
            fs::set_permissions(&secret, fs::Permissions::from_mode(mode)).unwrap();
            fs::set_permissions(dir.path(), fs::Permissions::from_mode(folder)).unwrap();
            let findings = examine(dir.path());
            assert_eq!(levels(&findings, "secrets"), [Level::Ok, expected], "{findings:?}");
            let open = if expected == Level::Ok { Level::Ok } else { Level::Warn };
            assert_eq!(levels(&findings, "data folder's mode"), [open]);
            assert_eq!(levels(&findings, "data folder"), [Level::Ok]);
        }
        let mend = examine(dir.path()).into_iter().find_map(|finding| finding.mend).unwrap();
        assert!(mend.starts_with("chmod 700 '"), "{mend}");
    }

    #[test]
    fn a_data_folder_that_cannot_be_is_not_told() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a file");
        fs::write(&file, "x").unwrap();
        for data in [file.clone(), file.join("in-it"), "/proc/none/here".into()] {
            assert_eq!(levels(&examine(&data), "data folder"), [Level::Fail], "{}", data.display());
        }
        assert_eq!(levels(&examine(&dir.path().join("to/be/made")), "data folder"), [Level::Ok]);
    }

    #[test]
    fn a_disk_that_is_nearly_full_is_not_told() {
        let levels = [0, GIB, 6 * GIB].map(|free| judge_room(free).level);
        assert_eq!(levels, [Level::Fail, Level::Warn, Level::Ok]);
    }
}

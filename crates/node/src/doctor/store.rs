//! Whether the store opens, and who has it; whether the ports are free, or answer.

use std::fs::{self, File, TryLockError};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::time::Duration;

use store_kv::Kv;

use super::{Finding, quoted};
use crate::config::Config;
use crate::{admin, restore, stores};

/// How long a server may take to let a connection in.
const PATIENCE: Duration = Duration::from_secs(2);

/// Who has the store, as they said it themselves: `process 1234`.
pub(super) fn holder(data: &Path) -> Option<String> {
    let path = stores::folder(data).join("LOCK");
    match File::open(&path).ok()?.try_lock_shared() {
        Err(TryLockError::WouldBlock) => {
            Some(fs::read_to_string(&path).unwrap_or_default().trim().to_owned())
        }
        Ok(()) | Err(TryLockError::Error(_)) => None,
    }
}

pub(super) fn opens(config: &Config, holder: Option<&str>) -> Finding {
    let (about, folder) = ("store", stores::folder(&config.data));
    if let Some(holder) = holder {
        return Finding::ok(about, format!("in use by {holder}; `admin verify` walks it"));
    }
    if let Err(error) = restore::refuse_half(&config.data) {
        let mend =
            format!("rm -r {0}/*, then `connect-chat admin restore FILE --data {0}`", quoted(&config.data));
        return Finding::fail(about, error.to_string(), mend);
    }
    if !folder.join("engine").exists() {
        return Finding::ok(about, "not there yet: `serve` makes it");
    }
    match Kv::open(&folder, stores::options(config)) {
        Ok(_) => Finding::ok(about, "it opens"),
        Err(error) => Finding::fail(about, error.to_string(), mend(&error, config)),
    }
}

fn mend(error: &store_kv::open::Error, config: &Config) -> String {
    match error {
        store_kv::open::Error::NewerFormat { .. } => {
            "run the newer program: `connect-chat --version` says which one this is".to_owned()
        }
        store_kv::open::Error::Damaged { .. } => {
            "keep a copy of the folder, then `connect-chat admin restore BACKUP --data NEWFOLDER`".to_owned()
        }
        _ => format!("ls -la {}", quoted(&stores::folder(&config.data))),
    }
}

pub(super) fn ports(config: &Config, holder: Option<&str>) -> Vec<Finding> {
    let mut findings =
        vec![port("listen", config.listen, holder), port("admin_listen", config.admin_listen, holder)];
    if let Err(error) = admin::check(config.admin_listen) {
        findings.push(Finding::fail(
            "admin_listen",
            error.to_string(),
            "serve --admin-listen 127.0.0.1:8081",
        ));
    }
    findings
}

/// With a server, something answers there; without one, the port is free.
fn port(setting: &'static str, address: SocketAddr, holder: Option<&str>) -> Finding {
    let flag = setting.replace('_', "-");
    if holder.is_some() {
        return match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(_) => Finding::ok(setting, format!("something answers on {address}")),
            Err(error) => Finding::warn(
                setting,
                format!("a server has the store, but nothing answers on {address}: {error}"),
                "give the settings that the server has: --config FILE, or --set",
            ),
        };
    }
    match TcpListener::bind(address) {
        Ok(_) => Finding::ok(setting, format!("{address} is free")),
        Err(error) => Finding::fail(
            setting,
            format!("{address} cannot be listened on: {error}"),
            format!("ss -ltnp 'sport = :{}' says who has it; or serve --{flag} ANOTHER", address.port()),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;

    fn config(data: &Path) -> Config {
        Config { data: data.to_owned(), ..Config::default() }
    }

    #[test]
    fn a_port_that_somebody_has_is_not_told() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        assert_eq!(port("listen", address, None).level, Level::Fail);
        assert_eq!(port("listen", address, Some("process 1")).level, Level::Ok);
        drop(taken);
        assert_eq!(port("listen", address, None).level, Level::Ok);
        assert_eq!(port("listen", address, Some("process 1")).level, Level::Warn);
        let open = Config { admin_listen: "0.0.0.0:0".parse().unwrap(), ..Config::default() };
        assert!(ports(&open, None).iter().any(|finding| finding.what.contains("loopback")));
    }

    #[test]
    fn a_store_that_does_not_open_is_not_told() {
        let dir = tempfile::tempdir().unwrap();
        let (config, engine) = (config(dir.path()), dir.path().join("store/engine"));
        assert_eq!((opens(&config, None).level, engine.exists()), (Level::Ok, false), "none is made");
        let kv = Kv::open(&dir.path().join("store"), stores::options(&config)).unwrap();
        let holder = holder(dir.path());
        assert_eq!(holder, Some(format!("process {}", std::process::id())));
        assert_eq!(opens(&config, holder.as_deref()).level, Level::Ok);
        drop(kv);
        assert_eq!((super::holder(dir.path()), opens(&config, None).level), (None, Level::Ok));

        let format = fs::read_to_string(engine.join("FORMAT")).unwrap();
        fs::write(engine.join("FORMAT"), format.replace("format 1", "format 2")).unwrap();
        let newer = opens(&config, None);
        assert!(newer.level == Level::Fail && newer.mend.unwrap().contains("newer program"));
        fs::write(engine.join("FORMAT"), format).unwrap();
        fs::rename(engine.join("version"), dir.path().join("aside")).unwrap();
        let damaged = opens(&config, None);
        assert!(damaged.level == Level::Fail && damaged.mend.unwrap().contains("admin restore"));
        fs::rename(dir.path().join("aside"), engine.join("version")).unwrap();
        fs::write(dir.path().join("RESTORING"), "").unwrap();
        assert!(opens(&config, None).what.contains("half restored"));
    }
}

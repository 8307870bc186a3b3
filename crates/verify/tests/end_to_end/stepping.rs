//! A server whose clock the test steps.

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;
use verify::process::{Options, Server};

const SOURCE: &str = include_str!("stepping_clock.c");

/// The clock of a server. It stands right until it is stepped.
pub(crate) struct Clock {
    folder: TempDir,
    step_ms: i64,
}

impl Clock {
    /// A server with this clock.
    pub(crate) async fn server(settings: &[&str]) -> (Server, Self) {
        let clock = Self { folder: tempfile::tempdir().unwrap(), step_ms: 0 };
        fs::write(clock.file(), 0_i64.to_ne_bytes()).unwrap();
        let options =
            Options::cheap().variable("LD_PRELOAD", clock.library()).variable("STEPPING_CLOCK", clock.file());
        let options = settings.iter().fold(options, |options, setting| options.set(*setting));
        (options.start().await.unwrap(), clock)
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("step")
    }

    fn library(&self) -> PathBuf {
        let library = self.folder.path().join("libstepping_clock.so");
        verify::library::build(SOURCE, &library).unwrap();
        library
    }

    /// Steps it, in place: the server has the file mapped.
    pub(crate) fn step(&mut self, ms: i64) {
        use std::io::Write;
        self.step_ms += ms;
        let mut file = fs::OpenOptions::new().write(true).open(self.file()).unwrap();
        file.write_all(&self.step_ms.to_ne_bytes()).unwrap();
    }
}

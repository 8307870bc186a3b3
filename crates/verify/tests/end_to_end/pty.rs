//! A person at a terminal: the real program in a pseudoterminal, keys in, the screen read as a terminal would draw it.

use std::fs::File;
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::sync::{Arc, Mutex, MutexGuard};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, SlavePty, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};
use rustix::termios::{LocalModes, tcgetattr};
use verify::process::{PATIENCE, Server, program};

use crate::support::soon;

/// A program in a terminal of its own.
pub(crate) struct Person {
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    screen: Arc<Mutex<vt100::Parser>>,
    /// The terminal as the program has it; open, so that it keeps its modes when the program ends.
    tty: File,
    _slave: Box<dyn SlavePty + Send>,
}

pub(crate) const PAGE_UP: &str = "\x1b[5~";
pub(crate) const CTRL_END: &str = "\x1b[1;5F";
pub(crate) const CTRL_C: &str = "\x03";

/// How far everybody lives from Greenwich, by the time.
pub(crate) const MINUTES_EAST: u16 = 5 * 60 + 45;
const ZONE: &str = "<+0545>-5:45";

fn cells(cells: u16) -> NonZeroU16 {
    NonZeroU16::new(cells).unwrap()
}

fn size(rows: u16, cols: u16) -> PtySize {
    PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }
}

impl Person {
    /// Somebody who signs in at a terminal of 80 by 24, with this conversation open and what is kept in this folder.
    pub(crate) fn sits_down(
        server: &Server,
        user: &str,
        open: Option<&str>,
        state: &std::path::Path,
    ) -> Self {
        let open = open.into_iter().flat_map(|name| ["--open", name]);
        let args: Vec<&str> = ["--user", user, "--sign-up"].into_iter().chain(open).collect();
        Self::starts(server, &args, state)
    }

    /// Somebody who starts the chat in this way, at the same terminal.
    pub(crate) fn starts(server: &Server, args: &[&str], state: &std::path::Path) -> Self {
        Self::begins(server, args, state, Some("correct horse"))
    }

    /// The same of somebody who types the password, if it is none.
    pub(crate) fn begins(
        server: &Server,
        args: &[&str],
        state: &std::path::Path,
        password: Option<&str>,
    ) -> Self {
        let pair = native_pty_system().openpty(size(24, 80)).unwrap();
        let tty = File::open(pair.master.tty_name().unwrap()).unwrap();
        let mut command = CommandBuilder::new(program().unwrap());
        command.args(["chat", "--url", server.base(), "--state"]);
        command.arg(state);
        command.args(args);
        match password {
            Some(password) => command.env("CONNECT_CHAT_PASSWORD", password),
            None => command.env_remove("CONNECT_CHAT_PASSWORD"),
        }
        command.env("TERM", "xterm-256color");
        command.env("TZ", ZONE);
        let child = pair.slave.spawn_command(command).unwrap();
        let screen = Arc::new(Mutex::new(vt100::Parser::new(cells(24), cells(80), 0)));
        let (mut output, shown) = (pair.master.try_clone_reader().unwrap(), Arc::clone(&screen));
        // Ends with the terminal.
        std::thread::spawn(move || {
            let mut bytes = [0; 8_192];
            while let Ok(read @ 1..) = output.read(&mut bytes) {
                shown.lock().unwrap().process(&bytes[..read]);
            }
        });
        let keys = pair.master.take_writer().unwrap();
        Self { child, master: pair.master, keys, screen, tty, _slave: pair.slave }
    }

    /// Presses keys, or types.
    pub(crate) fn types(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    /// Types a text and sends it.
    pub(crate) fn says(&mut self, text: &str) {
        self.types(text);
        self.types("\r");
    }

    pub(crate) fn pastes(&mut self, text: &str) {
        self.types(&format!("\x1b[200~{text}\x1b[201~"));
    }

    pub(crate) fn resizes(&mut self, rows: u16, cols: u16) {
        self.screen.lock().unwrap().set_size(cells(rows), cells(cols));
        self.master.resize(size(rows, cols)).unwrap();
    }

    pub(crate) fn terminal(&self) -> MutexGuard<'_, vt100::Parser> {
        self.screen.lock().unwrap()
    }

    /// What is on the screen, a line for each row.
    pub(crate) fn screen(&self) -> String {
        let terminal = self.terminal();
        let (_, cols) = terminal.screen().size();
        let rows: Vec<String> = terminal.screen().rows(0, cols.get()).collect();
        rows.join("\n")
    }

    /// Waits until the screen is so.
    pub(crate) async fn waits(&self, what: &str, is_so: impl Fn(&str) -> bool) {
        let looks = async {
            while !is_so(&self.screen()) {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        };
        if tokio::time::timeout(PATIENCE, looks).await.is_err() {
            panic!("in vain: {what}:\n{}", self.screen());
        }
    }

    /// Waits until this is on the screen.
    pub(crate) async fn sees(&self, words: &str) {
        self.waits(words, |screen| screen.contains(words)).await;
    }

    /// Waits until a row has this text and ends with this tick.
    pub(crate) async fn sees_tick(&self, words: &str, tick: &str) {
        let has = |row: &str| row.contains(words) && row.trim_end().ends_with(tick);
        self.waits(&format!("{words} {tick}"), |screen| screen.lines().any(has)).await;
    }

    /// Whether lines are edited and keys echoed by the terminal: no program has taken it over.
    pub(crate) fn is_plain(&self) -> bool {
        tcgetattr(&self.tty).unwrap().local_modes.contains(LocalModes::ICANON | LocalModes::ECHO)
    }

    pub(crate) fn terminate(&self) {
        let pid = i32::try_from(self.child.process_id().unwrap()).unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), Signal::TERM).unwrap();
    }

    /// Waits until the program has ended; gives whether all was well.
    pub(crate) async fn ends(&mut self) -> bool {
        soon("the end of the program", async {
            loop {
                if let Some(status) = self.child.try_wait().unwrap() {
                    return status.success();
                }
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        })
        .await
    }
}

impl Drop for Person {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

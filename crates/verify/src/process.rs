//! The real program in a process of its own: started, found, killed, started again on what it left.
//!
//! A [`Server`] listens on a loopback address that is its alone, so that it finds its ports free again whatever else the
//! machine does. It ends with its handle, and so does its data, unless it was started on a folder that somebody else keeps.
//! Deliberately absent: building the program, and any judgement of what it does.

mod command;
mod files;
mod log;

use std::ffi::OsString;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use protocol::http::{Failure, Tokens};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use command::{Addresses, first_address, serve, started};
use log::Log;

pub use command::program;

/// A server is ready, or has ended when told to, within this time. Generous: machines that test are busy.
pub const PATIENCE: Duration = Duration::from_secs(120);

const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Changes the command of a server before it is started; it is given the data folder, too.
pub type Prepare = Arc<dyn Fn(&mut Command, &Path) -> Result<()> + Send + Sync>;

/// Which ports a server that is started again has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ports {
    /// Those it had.
    Same,
    /// Others.
    New,
}

/// How a server is started.
#[derive(Clone, Default)]
pub struct Options {
    settings: Vec<String>,
    variables: Vec<(OsString, OsString)>,
    data: Option<PathBuf>,
    listen: Option<SocketAddr>,
    prepare: Option<Prepare>,
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { settings, variables, data, listen, prepare } = self;
        f.debug_struct("Options")
            .field("settings", settings)
            .field("variables", variables)
            .field("data", data)
            .field("listen", listen)
            .field("prepare", &prepare.is_some())
            .finish()
    }
}

impl Options {
    /// A server that tests can afford: passwords are cheap to hash, and nobody is throttled by address.
    pub fn cheap() -> Self {
        let settings = [
            "accounts.password_memory_kib=64",
            "accounts.password_passes=1",
            "accounts.tries_by_address=100000",
        ];
        settings.into_iter().fold(Self::default(), Self::set)
    }

    /// Sets `section.key=value`; of the same key, the last one holds.
    #[must_use]
    pub fn set(mut self, setting: impl Into<String>) -> Self {
        self.settings.push(setting.into());
        self
    }

    /// Sets a variable of its environment, such as `LD_PRELOAD`.
    #[must_use]
    pub fn variable(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// Keeps its data here, and leaves it there.
    #[must_use]
    pub fn data(mut self, folder: impl Into<PathBuf>) -> Self {
        self.data = Some(folder.into());
        self
    }

    /// Listens here, rather than on an address of its own.
    #[must_use]
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.listen = Some(address);
        self
    }

    /// Changes the command before every start: for what has to know the data folder.
    #[must_use]
    pub fn prepare(
        mut self,
        prepare: impl Fn(&mut Command, &Path) -> Result<()> + Send + Sync + 'static,
    ) -> Self {
        self.prepare = Some(Arc::new(prepare));
        self
    }

    /// Starts a server, and waits until it is ready.
    ///
    /// # Errors
    ///
    /// When the program is not built, or it ends or is not ready in time; with what it said.
    pub async fn start(self) -> Result<Server> {
        Server::new(self)?.launched().await
    }

    /// Starts a server that must refuse to start. Gives what it said.
    ///
    /// # Errors
    ///
    /// When it starts, or ends as if all were well.
    pub async fn refused(self) -> Result<String> {
        let mut server = Server::new(self)?;
        server.launch()?;
        let status = match server.found().await {
            Ok(()) => bail!("it was to refuse to start, and runs: {}", server.log()),
            Err(_ended) => server.ended().await?,
        };
        ensure!(!status.success(), "it was to refuse to start, and ended with success: {}", server.log());
        ensure!(status.code().is_some(), "it was to refuse to start, and died: {status}: {}", server.log());
        Ok(server.log())
    }
}

/// A server in a process of its own.
#[derive(Debug)]
pub struct Server {
    options: Options,
    child: Option<Child>,
    addresses: Option<Addresses>,
    base: String,
    log: Log,
    http: reqwest::Client,
    folder: TempDir,
    data: PathBuf,
}

impl Server {
    /// Starts one with new data and the settings of [`Options::cheap`].
    ///
    /// # Errors
    ///
    /// As [`Options::start`].
    pub async fn start() -> Result<Self> {
        Options::cheap().start().await
    }

    fn new(options: Options) -> Result<Self> {
        files::allow()?;
        let folder = tempfile::Builder::new().prefix("connect-chat-").tempdir()?;
        let data = options.data.clone().unwrap_or_else(|| folder.path().join("data"));
        let http = reqwest::Client::builder().timeout(PATIENCE).no_proxy().build()?;
        let base = String::new();
        Ok(Self { options, child: None, addresses: None, base, log: Log::default(), http, folder, data })
    }

    /// Starts it, on the data it left if it ran before, and does not wait until it is ready.
    ///
    /// # Errors
    ///
    /// When there is no such program, or it cannot be started.
    pub fn launch(&mut self) -> Result<()> {
        let found = self.addresses_file();
        // It is there only if this is not the first start.
        drop(std::fs::remove_file(&found));
        let listen = match (self.addresses, self.options.listen) {
            (Some(addresses), _) => (addresses.listen, addresses.admin),
            (None, Some(listen)) => (listen, SocketAddr::new(listen.ip(), 0)),
            (None, None) => (first_address(), first_address()),
        };
        let mut command = serve(&program()?, &self.data, listen, &found);
        for setting in &self.options.settings {
            command.args(["--set", setting]);
        }
        command.envs(self.options.variables.iter().map(|(name, value)| (name, value)));
        if let Some(prepare) = &self.options.prepare {
            prepare(&mut command, &self.data)?;
        }
        self.child = Some(started(&mut command, &self.log)?);
        Ok(())
    }

    async fn launched(mut self) -> Result<Self> {
        self.launch()?;
        self.found().await?;
        Ok(self)
    }

    fn addresses_file(&self) -> PathBuf {
        self.folder.path().join("addresses.json")
    }

    /// Waits until it says where it listens, and that it is ready.
    async fn found(&mut self) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.try_wait()? {
                bail!("the server ended with {status} before it was ready:\n{}", self.log());
            }
            if self.addresses.is_none()
                && let Ok(text) = std::fs::read(self.addresses_file())
            {
                let addresses: Addresses =
                    serde_json::from_slice(&text).context("the addresses file is no JSON")?;
                self.base = addresses.base();
                self.addresses = Some(addresses);
            }
            // With ports that are known already, the file is what says that this process has them.
            if self.addresses_file().exists() && self.is_ready().await {
                return Ok(());
            }
            ensure!(Instant::now() < deadline, "the server is not ready:\n{}", self.log());
            sleep(LOOK_EVERY).await;
        }
    }

    async fn is_ready(&self) -> bool {
        let Some(addresses) = self.addresses else { return false };
        let asked = self.http.get(format!("http://{}/ready", addresses.admin)).send().await;
        asked.is_ok_and(|answer| answer.status().is_success())
    }

    /// Where devices connect: `http://127.…:…`, or `https` if it speaks TLS.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Where devices connect.
    ///
    /// # Errors
    ///
    /// When it never ran.
    pub fn listen(&self) -> Result<SocketAddr> {
        Ok(self.addresses()?.listen)
    }

    /// Where operators connect.
    ///
    /// # Errors
    ///
    /// When it never ran.
    pub fn admin_address(&self) -> Result<SocketAddr> {
        Ok(self.addresses()?.admin)
    }

    fn addresses(&self) -> Result<Addresses> {
        self.addresses.context("the server never said where it listens")
    }

    /// Its data folder.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Its process, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// How it is started the next time.
    pub fn options(&mut self) -> &mut Options {
        &mut self.options
    }

    /// What it said, on both outputs and since its first start; the end of it, if that was much.
    pub fn log(&self) -> String {
        self.log.text()
    }

    /// Its state, if it has ended.
    ///
    /// # Errors
    ///
    /// When the system does not tell.
    pub fn try_wait(&mut self) -> Result<Option<ExitStatus>> {
        let Some(child) = &mut self.child else { bail!("the server is not running:\n{}", self.log()) };
        Ok(child.try_wait()?)
    }

    /// Waits until it has ended by itself.
    ///
    /// # Errors
    ///
    /// When it does not.
    pub async fn ended(&mut self) -> Result<ExitStatus> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.try_wait()? {
                self.child = None;
                self.log.complete().await;
                return Ok(status);
            }
            ensure!(Instant::now() < deadline, "the server does not end:\n{}", self.log());
            sleep(LOOK_EVERY).await;
        }
    }

    /// SIGKILL, and waits until it is gone.
    ///
    /// # Errors
    ///
    /// When it is not running.
    pub async fn kill(&mut self) -> Result<()> {
        self.child.as_mut().context("the server is not running")?.kill()?;
        self.ended().await.map(drop)
    }

    /// SIGTERM. Does not wait.
    ///
    /// # Errors
    ///
    /// When it is not running.
    pub fn tell_to_stop(&self) -> Result<()> {
        self.signal(rustix::process::Signal::TERM)
    }

    /// Sends it a signal.
    ///
    /// # Errors
    ///
    /// When it is not running.
    pub fn signal(&self, signal: rustix::process::Signal) -> Result<()> {
        let pid = rustix::process::Pid::from_child(self.child.as_ref().context("the server is not running")?);
        Ok(rustix::process::kill_process(pid, signal)?)
    }

    /// SIGTERM, and waits until it has ended.
    ///
    /// # Errors
    ///
    /// When it does not end, or does not run.
    pub async fn terminate(&mut self) -> Result<ExitStatus> {
        self.tell_to_stop()?;
        self.ended().await
    }

    /// Starts it again on the data it left; if it still runs, it is killed first.
    ///
    /// # Errors
    ///
    /// As [`Options::start`].
    pub async fn restart(&mut self, ports: Ports) -> Result<()> {
        if self.child.is_some() {
            self.kill().await?;
        }
        if ports == Ports::New {
            self.addresses = None;
        }
        self.launch()?;
        self.found().await
    }

    /// What its admin listener gives at this path.
    ///
    /// # Errors
    ///
    /// When it gives nothing.
    pub async fn admin(&self, path: &str) -> Result<String> {
        let url = format!("http://{}{path}", self.addresses()?.admin);
        let answer = self.http.get(url).bearer_auth(self.admin_token()?).send().await?;
        Ok(answer.error_for_status()?.text().await?)
    }

    fn admin_token(&self) -> Result<String> {
        let path = self.data.join("secrets").join("admin-token");
        let token =
            std::fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        Ok(token.trim().to_owned())
    }

    /// The sum of a metric over its labels that contain `labels`; 0 if it was never touched.
    ///
    /// # Errors
    ///
    /// When there are no metrics.
    pub async fn metric(&self, name: &str, labels: &str) -> Result<f64> {
        let text = self.admin("/metrics").await?;
        let value = |line: &str| {
            let (series, value) = line.rsplit_once(' ')?;
            let (metric, found) = series.split_once('{').unwrap_or((series, ""));
            if metric == name && found.contains(labels) { value.parse::<f64>().ok() } else { None }
        };
        Ok(text.lines().filter_map(value).sum())
    }

    /// A token of a new device of the person with this handle, who is made if there is none.
    ///
    /// # Errors
    ///
    /// When it is refused.
    pub async fn mint(&self, handle: &str) -> Result<Tokens> {
        let url = format!("http://{}/admin/token", self.addresses()?.admin);
        let ask = serde_json::json!({ "handle": handle, "create": true });
        let answer = self.http.post(url).bearer_auth(self.admin_token()?).json(&ask).send().await?;
        if !answer.status().is_success() {
            let failure: Failure = answer.json().await?;
            bail!("no token for {handle}: {}", failure.error);
        }
        Ok(answer.json().await?)
    }

    /// Walks its store, which must not be in use, and holds the laws. Gives the summary.
    ///
    /// # Errors
    ///
    /// When a law is broken, or the store cannot be opened.
    pub async fn verify(&self) -> Result<String> {
        let mut command = Command::new(program()?);
        command.args(["admin", "verify", "--offline", "--data"]).arg(&self.data);
        let output = tokio::task::spawn_blocking(move || command.output()).await??;
        let said =
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        ensure!(output.status.success(), "the store is not sound: {said}");
        Ok(said)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended by itself; what counts is that it is gone before its data is.
            drop(child.kill());
            drop(child.wait());
        }
        if std::thread::panicking() {
            self.log.print();
        }
    }
}

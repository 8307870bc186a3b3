//! The flags of `serve`, laid over a file and the environment.

use std::path::PathBuf;

use node::Config;

use crate::settings::Given;

/// Run the server. Every setting can be given in a file (`--config`), in the environment (`CONNECT_CHAT_SERVE_LISTEN`,
/// `CONNECT_CHAT_SERVE_LIMITS__TEXT_BYTES_MAX`), or by `--set limits.text_bytes_max=1000`; later ones win.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    given: Given,
    /// The folder of everything that must survive.
    #[arg(long, value_name = "FOLDER")]
    data: Option<String>,
    /// Where devices and apps connect.
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
    /// Where operators connect; a loopback address.
    #[arg(long, value_name = "ADDRESS:PORT")]
    admin_listen: Option<String>,
    /// The file of the server's certificate and of those between it and the root, in PEM. Read again with SIGHUP.
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<String>,
    /// The file of its private key, in PEM.
    #[arg(long, value_name = "FILE")]
    tls_key: Option<String>,
    /// Speak TLS with a certificate that is made on first run, for trials.
    #[arg(long)]
    tls_self_signed: bool,
    /// Listen without TLS also where others than this machine connect, as behind a proxy that speaks it.
    #[arg(long)]
    allow_plain: bool,
    /// `text` or `json`.
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,
    /// Get deliveries wrong (`drop`, `dup` or `swap`), to try a meter.
    #[arg(long, value_name = "FAULT", hide = true)]
    fault: Option<String>,
    /// End when the process that started it ends, in whatever way.
    #[arg(long, hide = true)]
    pub(super) with_parent: bool,
    /// Write where the server listens to this file, as JSON.
    #[arg(long, value_name = "FILE")]
    pub(super) addresses_file: Option<PathBuf>,
    /// Print the settings that hold, and do nothing else.
    #[arg(long)]
    pub(super) print_config: bool,
}

impl Args {
    /// The settings that hold.
    pub(super) fn config(&self) -> anyhow::Result<Config> {
        let mut layers = self.given.beneath()?;
        for (key, flag, value) in [
            ("data", "--data", &self.data),
            ("listen", "--listen", &self.listen),
            ("admin_listen", "--admin-listen", &self.admin_listen),
            ("tls.certificate", "--tls-cert", &self.tls_cert),
            ("tls.key", "--tls-key", &self.tls_key),
            ("log.format", "--log-format", &self.log_format),
            ("faults.deliver", "--fault", &self.fault),
        ] {
            if let Some(value) = value {
                layers.set(key, value, flag)?;
            }
        }
        for (key, flag, is_given) in [
            ("tls.self_signed", "--tls-self-signed", self.tls_self_signed),
            ("tls.allow_plain", "--allow-plain", self.allow_plain),
        ] {
            if is_given {
                layers.set(key, "true", flag)?;
            }
        }
        self.given.above(&mut layers)?;
        Ok(layers.into_config()?)
    }
}

//! The settings of a server as its operator gives them: one reading of file, environment and `--set`, for `serve` and for
//! whoever looks at what `serve` would do.

use std::path::PathBuf;

use anyhow::Context;
use node::config::Layers;

/// Where settings come from beside flags of their own.
#[derive(clap::Args)]
pub(crate) struct Given {
    /// A file of the server's settings, in TOML.
    #[arg(long, value_name = "FILE", env = "CONNECT_CHAT_CONFIG")]
    config: Option<PathBuf>,
    /// Any setting of the server.
    #[arg(long, value_name = "SECTION.KEY=VALUE")]
    set: Vec<String>,
}

impl Given {
    /// File and environment, laid over the defaults.
    pub(crate) fn beneath(&self) -> anyhow::Result<Layers> {
        let mut layers = Layers::default();
        if let Some(path) = &self.config {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("the file of settings {} cannot be read", path.display()))?;
            layers.file(&path.display().to_string(), &text)?;
        }
        layers.environment(environment())?;
        Ok(layers)
    }

    /// What was set by name, laid over everything else.
    pub(crate) fn above(&self, layers: &mut Layers) -> anyhow::Result<()> {
        for setting in &self.set {
            let (key, value) = setting.split_once('=').context("--set wants SECTION.KEY=VALUE")?;
            layers.set(key, value, "--set")?;
        }
        Ok(())
    }
}

/// The variables of the environment. Some of others may not be text: they are not for us, and no reason not to start.
fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.to_string_lossy().into_owned())))
}

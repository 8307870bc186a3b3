//! `connect-chat serve`: config, build, spawn, wait, drain.

mod args;
mod notify;
mod signals;

use std::io::Write;

use anyhow::Context;
use node::{Config, Node};
use rustix::process::{Signal, set_parent_process_death_signal};

pub(crate) use args::Args;

/// Runs the server until it is told to stop.
pub(crate) fn run(args: Args) -> anyhow::Result<()> {
    let config = args.config()?;
    if args.print_config {
        return print(&config.to_toml());
    }
    node::log::start(&config.log)?;
    if args.with_parent {
        set_parent_process_death_signal(Some(Signal::TERM))
            .context("the parent's end cannot be waited for")?;
    }
    let traces = node::traces::start(&config.tracing)?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(config.threads()).enable_all().build()?;
    let served = runtime.block_on(serve(config, args));
    traces.end();
    // Told to stop while it starts, the server does not wait until the store is open, only to close it.
    runtime.shutdown_background();
    served
}

async fn serve(config: Config, args: Args) -> anyhow::Result<()> {
    let mut stop = Box::pin(signals::Signals::listen()?.told());
    let node = tokio::select! {
        // Nothing is served yet, so nobody has to be told, and nothing waits to be stored.
        () = &mut stop => return Ok(()),
        node = Node::start(config, node::ambient::system()) => node?,
    };
    let addresses = node.addresses();
    if let Some(path) = &args.addresses_file {
        let beside = path.with_extension("new");
        std::fs::write(&beside, serde_json::to_vec(&addresses)?)
            .and_then(|()| std::fs::rename(&beside, path))
            .with_context(|| format!("{} cannot be written", path.display()))?;
    }
    print(&format!("Connect Chat listens on {} (operators: http://{})\n", addresses.url(), addresses.admin))?;
    if let Some(shown) = node.shown() {
        print(&format!(
            "its certificate {}: SHA-256 {}\n",
            shown.certificate().display(),
            shown.fingerprint()
        ))?;
        let (shown, mut hang_ups) = (shown.clone(), signals::HangUps::listen()?);
        // It ends with the process; until then, an operator may renew the certificate.
        tokio::spawn(async move {
            while hang_ups.next().await {
                shown.reload();
            }
        });
    }
    notify::tell(notify::READY);
    let told = async {
        stop.await;
        notify::tell(notify::STOPPING);
    };
    node.run(told).await
}

fn print(text: &str) -> anyhow::Result<()> {
    std::io::stdout().write_all(text.as_bytes()).context("standard output is closed")
}

//! `admin doctor`: what would keep a server from working, a line each.

use std::path::PathBuf;

use node::Config;
use node::doctor::{Finding, Level, examine};

use super::out::say;
use crate::count::count;
use crate::settings::Given;

/// Where the server's settings are; as `serve` has them.
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    given: Given,
    /// As JSON, one array.
    #[arg(long)]
    json: bool,
}

/// Looks at everything, and fails if something would not work.
pub(super) async fn doctor(args: Args, data: Option<PathBuf>) -> anyhow::Result<()> {
    let findings = match config(&args, data) {
        Ok(config) => {
            let mut findings = vec![Finding::ok("configuration", "every setting is known and can be read")];
            findings.extend(tokio::task::spawn_blocking(move || examine(&config)).await?);
            findings
        }
        Err(error) => {
            let mend = "connect-chat serve --print-config";
            vec![Finding::fail("configuration", format!("{error:#}"), mend)]
        }
    };
    tell(&findings, args.json)?;
    let failed = findings.iter().filter(|finding| finding.level == Level::Fail).count();
    anyhow::ensure!(
        failed == 0,
        "of {}, {}",
        count(findings.len(), "thing", "things"),
        count(failed, "is not as a server needs it", "are not as a server needs them")
    );
    Ok(())
}

/// The settings that the server has; a data folder that was named is the one to look at.
fn config(args: &Args, data: Option<PathBuf>) -> anyhow::Result<Config> {
    let mut layers = args.given.beneath()?;
    args.given.above(&mut layers)?;
    let config = layers.into_config()?;
    Ok(Config { data: data.unwrap_or(config.data.clone()), ..config })
}

fn tell(findings: &[Finding], json: bool) -> anyhow::Result<()> {
    if json {
        return say(&serde_json::to_string(findings)?);
    }
    for Finding { about, level, what, mend } in findings {
        let level = match level {
            Level::Ok => "ok",
            Level::Warn => "warn",
            Level::Fail => "FAIL",
        };
        say(&format!("{level:<4}  {about}: {what}"))?;
        if let Some(mend) = mend {
            say(&format!("      → {mend}"))?;
        }
    }
    Ok(())
}

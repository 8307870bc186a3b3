//! `admin doctor`: looks at the machine and the data folder as a server would find them, whether one runs or not.
//!
//! Each finding says what is wrong and the command that mends it. Nothing is changed, but for a file that is written to
//! time the disk and taken away again, and a torn end of the journal, which is cut off when the store is opened.

mod folder;
mod machine;
mod store;

use serde::Serialize;

use crate::config::Config;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// As it should be.
    Ok,
    /// It works, and may hurt later.
    Warn,
    /// A server does not start, or loses what it should keep.
    Fail,
}

/// What was looked at, and how it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub about: &'static str,
    /// How bad it is.
    pub level: Level,
    /// What was found.
    pub what: String,
    /// What mends it, if it is to be mended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mend: Option<String>,
}

impl Finding {
    /// All is well.
    pub fn ok(about: &'static str, what: impl Into<String>) -> Self {
        Self { about, level: Level::Ok, what: what.into(), mend: None }
    }

    /// It may hurt later.
    pub fn warn(about: &'static str, what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { about, level: Level::Warn, what: what.into(), mend: Some(mend.into()) }
    }

    /// It does not work.
    pub fn fail(about: &'static str, what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { about, level: Level::Fail, what: what.into(), mend: Some(mend.into()) }
    }
}

/// Looks at everything. Blocks: it opens the store, if no server has it, and times the disk.
pub fn examine(config: &Config) -> Vec<Finding> {
    let holder = store::holder(&config.data);
    let mut findings = folder::examine(&config.data);
    findings.extend(store::ports(config, holder.as_deref()));
    findings.push(machine::files(config, holder.as_deref()));
    findings.push(machine::clock(&config.data));
    findings.push(store::opens(config, holder.as_deref()));
    findings.push(machine::disk(&config.data));
    findings
}

/// A path as a shell takes it.
fn quoted(path: &std::path::Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}

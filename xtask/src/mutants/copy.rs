//! A copy of the repository's files under `target/mutants`, to change and to build. Both the copy and what is built of it
//! are kept between runs; a file is written only where it differs, so that little is built again.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::check::{Check, Verdict};
use crate::files;

/// The copy.
pub(super) struct Copy {
    tree: PathBuf,
    target: PathBuf,
}

impl Copy {
    /// A copy of the repository at `root`, as it is now.
    pub(super) fn of(root: &Path) -> Result<Self> {
        let folder = root.join("target").join("mutants");
        let copy = Self { tree: folder.join("tree"), target: folder.join("target") };
        let paths = files::tracked(root)?;
        for path in &paths {
            // A file can be tracked and deleted.
            if let Ok(bytes) = fs::read(root.join(path)) {
                copy.write_bytes(path, &bytes)?;
            }
        }
        Ok(copy)
    }

    /// Its root.
    pub(super) fn tree(&self) -> &Path {
        &self.tree
    }

    /// Writes a file of it, if it is another.
    pub(super) fn write(&self, path: &str, text: &str) -> Result<()> {
        self.write_bytes(path, text.as_bytes())
    }

    fn write_bytes(&self, path: &str, bytes: &[u8]) -> Result<()> {
        let file = self.tree.join(path);
        if fs::read(&file).is_ok_and(|there| there == bytes) {
            return Ok(());
        }
        let folder = file.parent().context("a file of the repository lies in a folder")?;
        fs::create_dir_all(folder)?;
        fs::write(&file, bytes).with_context(|| format!("{} cannot be written", file.display()))
    }

    /// Builds what a test needs.
    pub(super) fn builds(&self, check: Check) -> Result<()> {
        for call in check.builds() {
            let built = self.cargo(&call).arg("--quiet").output()?;
            if !built.status.success() {
                let said = String::from_utf8_lossy(&built.stderr);
                bail!("cargo {} in {}: {said}", call.join(" "), self.tree.display());
            }
        }
        Ok(())
    }

    /// Runs a test that was built.
    pub(super) fn runs(&self, check: Check) -> Result<Verdict> {
        let ran = self.cargo(&check.runs()).envs(check.variables()).output()?;
        let said = String::from_utf8_lossy(&ran.stdout);
        match check.verdict(&said) {
            Some(Verdict::Passed) if !ran.status.success() => {
                bail!("`{check}`: something else failed: {said}")
            }
            Some(verdict) => Ok(verdict),
            None => bail!("`{check}` was not run to its end: {said}{}", String::from_utf8_lossy(&ran.stderr)),
        }
    }

    fn cargo(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("cargo");
        command.args(arguments).current_dir(&self.tree).env("CARGO_TARGET_DIR", &self.target);
        command
    }
}

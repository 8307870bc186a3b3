//! Which files the repository has.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

/// The files that git tracks or would track, from the root with `/`, in order. One of them can be deleted.
///
/// # Errors
///
/// When git does not tell.
pub(crate) fn tracked(root: &Path) -> Result<Vec<String>> {
    let listed = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .context("git, which lists the files of the repository, does not start")?;
    if !listed.status.success() {
        bail!("git ls-files: {}", String::from_utf8_lossy(&listed.stderr).trim());
    }
    let mut paths: Vec<String> = String::from_utf8_lossy(&listed.stdout)
        .split('\0')
        .filter(|path| !path.is_empty())
        .map(str::to_owned)
        .collect();
    paths.sort();
    paths.dedup();
    Ok(paths)
}

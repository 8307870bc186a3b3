//! Libraries in C that a program is made to load before its own (`LD_PRELOAD`), built by the machine's `cc`.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result, bail};

/// Builds a library from its source. May be called by several threads and processes at once.
///
/// # Errors
///
/// When there is no `cc`, or it finds fault with the source.
pub fn build(source: &str, library: &Path) -> Result<()> {
    // Each caller makes its own, and the last one's takes the place of the others'.
    static MADE: AtomicU32 = AtomicU32::new(0);
    let number = MADE.fetch_add(1, Ordering::Relaxed);
    let made = library.with_extension(format!("{}-{number}.so", std::process::id()));
    let mut compiler = Command::new("cc")
        .args(["-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror"])
        .args(["-U_FORTIFY_SOURCE", "-fno-builtin", "-pthread", "-x", "c", "-", "-o"])
        .arg(&made)
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cc, which builds {}, does not start", library.display()))?;
    compiler.stdin.take().context("cc was given a pipe")?.write_all(source.as_bytes())?;
    let output = compiler.wait_with_output()?;
    if !output.status.success() {
        bail!("cc: {}", String::from_utf8_lossy(&output.stderr));
    }
    fs::rename(&made, library)?;
    Ok(())
}

//! `cargo xtask tidy`: says where the tree breaks the project's own rules, one line for each place.
//!
//! Deliberately absent: anything that changes files. A rule tells what to do instead; a person does it.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use xtask::tidy;

fn main() -> Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["tidy"] => tidy(),
        _ => bail!("usage: cargo xtask tidy"),
    }
}

fn tidy() -> Result<ExitCode> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask lies in the repository")?;
    let violations = tidy::check(root)?;
    let mut out = std::io::stdout().lock();
    for violation in &violations {
        writeln!(out, "{violation}")?;
    }
    if violations.is_empty() {
        writeln!(out, "tidy: nothing to mend")?;
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(out, "tidy: {} to mend", violations.len())?;
    Ok(ExitCode::FAILURE)
}

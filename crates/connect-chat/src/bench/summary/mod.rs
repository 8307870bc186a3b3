//! `bench report`: runs all benchmarks, or reads what they said, and writes the table of the README.

mod plan;
mod table;

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tokio::process::Command;

use super::Common;
use super::out::Out;
use super::told;
use plan::{PLAN, Planned};
use table::table;

/// Run all of them, or read what they said, and write the table of the README.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Read the results in this folder, files of what `--json` printed, instead of running anything.
    #[arg(long, value_name = "FOLDER", conflicts_with = "quick")]
    from: Option<PathBuf>,
    /// Keep the results in this folder, for `--from`.
    #[arg(long, value_name = "FOLDER", conflicts_with = "from")]
    keep: Option<PathBuf>,
    /// Small and short. The figures are for trying it.
    #[arg(long)]
    quick: bool,
    /// Run only these, by name: `pairs-64`.
    #[arg(long, value_name = "NAME", conflicts_with = "from")]
    only: Vec<String>,
    /// Put the table into this file, between its two marks, instead of printing it.
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
}

/// The lines between which the table stands in a file.
const BEGIN: &str = "<!-- bench report -->";
const END: &str = "<!-- end of bench report -->";

/// Makes the table; an error if any of them failed, once the table is made.
pub(super) async fn run(args: &Args, common: &Common, out: &Out) -> Result<()> {
    let results = match &args.from {
        Some(folder) => read(folder)?,
        None => run_all(args, common).await?,
    };
    let reports: Vec<&Value> = results.iter().filter_map(|result| result.report.as_ref()).collect();
    tell(&reports, args, common, out)?;
    let failed: Vec<&str> =
        results.iter().filter(|result| result.failed).map(|result| &*result.name).collect();
    ensure!(!reports.is_empty(), "there are no results");
    ensure!(failed.is_empty(), "these failed: {}", failed.join(", "));
    Ok(())
}

/// Prints the table, or puts it into its page.
fn tell(reports: &[&Value], args: &Args, common: &Common, out: &Out) -> Result<()> {
    if common.json {
        return out.line(&serde_json::to_string(&reports)?);
    }
    let table = table(reports);
    let Some(path) = &args.write else { return out.line(table.trim_end()) };
    let page = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let page = placed(&page, &table).with_context(|| format!("{} has no place for it", path.display()))?;
    std::fs::write(path, page).with_context(|| format!("{} cannot be written", path.display()))
}

/// What became of one benchmark.
struct Outcome {
    name: String,
    /// What it said; nothing if it could not say anything.
    report: Option<Value>,
    /// It could not be measured, or found faults.
    failed: bool,
}

impl Outcome {
    /// Of one that said this.
    fn of(name: String, report: Value) -> Self {
        let failed = !told::faults(&report).is_empty();
        Self { name, report: Some(report), failed }
    }
}

/// The command that was given, as one would give it again: without what only says how often it runs, and how and where
/// it prints and stores.
pub(super) fn command_of(arguments: impl Iterator<Item = String>) -> String {
    let mut command = vec!["connect-chat".to_owned()];
    let mut arguments = arguments.skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--json" => {}
            "--scratch" | "--runs" => drop(arguments.next()),
            _ => command.push(argument),
        }
    }
    command.join(" ")
}

/// The results in a folder, in the order of the plan; others come after.
fn read(folder: &Path) -> Result<Vec<Outcome>> {
    let mut results = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let report = serde_json::from_slice(&std::fs::read(&path)?)
                .with_context(|| format!("{} is no result", path.display()))?;
            results.push(Outcome::of(name, report));
        }
    }
    let place = |name: &str| PLAN.iter().position(|planned| planned.name == name).unwrap_or(PLAN.len());
    results.sort_by(|one, other| (place(&one.name), &one.name).cmp(&(place(&other.name), &other.name)));
    Ok(results)
}

async fn run_all(args: &Args, common: &Common) -> Result<Vec<Outcome>> {
    let chosen =
        |planned: &&Planned| args.only.is_empty() || args.only.iter().any(|name| name == planned.name);
    let mut results = Vec::new();
    for planned in PLAN.iter().filter(chosen) {
        let name = planned.name.to_owned();
        let output = run_one(planned, args.quick, common).await?;
        let Ok(report) = serde_json::from_slice(&output.stdout) else {
            results.push(Outcome { name, report: None, failed: true });
            continue;
        };
        if let Some(folder) = &args.keep {
            std::fs::create_dir_all(folder)?;
            std::fs::write(folder.join(planned.name).with_extension("json"), &output.stdout)?;
        }
        let outcome = Outcome::of(name, report);
        results.push(Outcome { failed: outcome.failed || !output.status.success(), ..outcome });
    }
    Ok(results)
}

/// Runs one in a process of its own. What it complains of is seen at once.
async fn run_one(planned: &Planned, quick: bool, common: &Common) -> Result<Output> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("bench").args(planned.arguments(quick)).args(["--json", "--scratch"]).arg(&common.scratch);
    if let Some(runs) = common.runs.or(planned.runs(quick)) {
        command.args(["--runs", &runs.to_string()]);
    }
    command.stdin(Stdio::null()).stderr(Stdio::inherit()).kill_on_drop(true);
    Ok(command.output().await?)
}

/// A page with the table between its two marks.
fn placed(page: &str, table: &str) -> Option<String> {
    let begin = page.find(BEGIN)? + BEGIN.len();
    let end = begin + page[begin..].find(END)?;
    Some(format!("{}\n\n{}\n{}", &page[..begin], table, &page[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_of_a_row_cannot_be_given_again() {
        let given = [
            "/there/connect-chat",
            "bench",
            "pairs",
            "--json",
            "--pairs",
            "5",
            "--runs",
            "1",
            "--scratch",
            "a",
        ];
        let command = command_of(given.into_iter().map(str::to_owned));
        assert_eq!(command, "connect-chat bench pairs --pairs 5");
    }

    #[test]
    fn a_table_takes_more_of_the_page_than_its_place() {
        let page = format!("before\n{BEGIN}\nold\n{END}\nafter\n");
        let placed_once = placed(&page, "| new |\n").unwrap();
        assert_eq!(placed_once, format!("before\n{BEGIN}\n\n| new |\n\n{END}\nafter\n"));
        assert_eq!(placed(&placed_once, "| new |\n").unwrap(), placed_once);
        assert_eq!(placed("nothing here", "| new |\n"), None);
    }
}

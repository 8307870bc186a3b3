//! Several runs of a benchmark, each on a server of its own, and their median.

use anyhow::Result;

use super::Common;
use super::out::Out;
use super::report::Report;
use super::target::Target;

/// A benchmark: what one run of it does with a server.
pub(super) trait Benchmark {
    /// How often it runs, unless told.
    const RUNS: usize = 3;

    /// Runs once.
    async fn run(&self, target: &mut Target, out: &Out) -> Result<Report>;
}

/// Runs a benchmark as often as asked, and gives the median.
pub(super) async fn measure<B: Benchmark>(benchmark: &B, common: &Common, out: &Out) -> Result<Report> {
    let count = common.runs.unwrap_or(B::RUNS).max(1);
    let mut reports = Vec::new();
    for number in 1..=count {
        out.begin(number, count);
        let mut target = Target::new(common).await?;
        let report = Box::pin(benchmark.run(&mut target, out)).await;
        reports.push(report.map_err(|error| target.explain(error))?);
        target.end().await?;
    }
    Ok(median(reports))
}

/// The run in the middle, by its headline; what was got wrong is that of all runs together.
pub(super) fn median(mut reports: Vec<Report>) -> Report {
    let headlines = reports.iter().map(Report::headline).collect();
    reports.sort_by(|one, other| one.headline().total_cmp(&other.headline()));
    let middle = (reports.len() - 1) / 2;
    let mut report = reports.swap_remove(middle);
    reports.iter().for_each(|other| report.add_faults(other));
    report.among(headlines)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::report::Figures;

    #[test]
    fn a_fault_in_a_run_that_is_not_the_median_goes_unseen() {
        let run = |per_s: f64, lost: u64| {
            let figures = Figures { received_per_s: Some(per_s), lost: Some(lost), ..Figures::default() };
            Report::new("pairs", ("received_per_s", per_s), figures)
        };
        let report = median(vec![run(30.0, 0), run(10.0, 2), run(20.0, 0)]);
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!((&json["received_per_s"], &json["lost"]), (&20.0.into(), &2.into()));
        assert_eq!(json["runs"]["values"], serde_json::json!([30.0, 10.0, 20.0]));
        assert_eq!(report.faults(), "2 lost");
    }
}

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

    /// Whether it can run at all, seen before a server is started.
    fn check(&self) -> Result<()> {
        Ok(())
    }

    /// Runs once.
    async fn run(&self, target: &mut Target, out: &Out) -> Result<Report>;
}

/// Runs a benchmark as often as asked, and gives the median.
pub(super) async fn measure<B: Benchmark>(benchmark: &B, common: &Common, out: &Out) -> Result<Report> {
    benchmark.check()?;
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

/// The run in the middle, by its headline, of two in the middle the worse one; what was got wrong is that of all runs together.
pub(super) fn median(mut reports: Vec<Report>) -> Report {
    let headlines = reports.iter().map(Report::headline).collect();
    reports.sort_by(Report::cmp);
    let middle = (reports.len() - 1) / 2;
    let mut report = reports.swap_remove(middle);
    reports.iter().for_each(|other| report.add_faults(other));
    report.among(headlines)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::figures::Figures;
    use crate::bench::report::Headline;

    fn run(per_s: f64, lost: u64) -> Report {
        let figures = Figures { received_per_s: Some(per_s), lost: Some(lost), ..Figures::default() };
        Report::new("pairs", Headline::more("received_per_s", per_s), figures)
    }

    #[test]
    fn a_fault_in_a_run_that_is_not_the_median_goes_unseen() {
        let report = median(vec![run(30.0, 0), run(10.0, 2), run(20.0, 0)]);
        let json = report.json();
        assert_eq!((&json["received_per_s"], &json["lost"]), (&20.0.into(), &2.into()));
        assert_eq!(json["runs"]["values"], serde_json::json!([30.0, 10.0, 20.0]));
        assert_eq!(report.faults(), "2 lost");
    }

    #[test]
    fn of_an_even_number_of_runs_the_better_one_is_told() {
        assert_eq!(median(vec![run(20.0, 0), run(10.0, 0)]).headline(), 10.0);
        let late = |ms| Report::new("rate", Headline::less("receive_ms.p99", ms), Figures::default());
        assert_eq!(median(vec![late(1.0), late(4.0), late(2.0), late(3.0)]).headline(), 3.0);
    }
}

//! What was measured, in the form in which it is written to a file and compared.

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use serde::{Deserialize, Serialize};

use super::{Contender, load::Load, overload, processor::Spent};
use toolchain::{Doing as _, Failure, Outcome};

/// A whole bench.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Report {
    /// By function.
    pub functions: BTreeMap<String, FunctionFigures>,
    /// Jobs of the queue that are completed in a second, by the number of runners.
    #[serde(default)]
    pub jobs_per_second: BTreeMap<usize, f64>,
    /// What becomes of too many requests.
    #[serde(default)]
    pub overload: BTreeMap<overload::Callers, overload::Figures>,
}

impl Report {
    /// Reads what an earlier bench wrote.
    pub fn read(path: &Path) -> Outcome<Self> {
        let bytes = fs::read(path).doing(|| format!("read {}", path.display()))?;
        serde_json::from_slice(&bytes)
            .map_err(|error| Failure::new(format!("{} is no report of a bench: {error}", path.display())))
    }

    /// Writes it for a later one.
    pub fn write(&self, path: &Path) -> Outcome {
        let text = serde_json::to_vec_pretty(self).doing(|| "write the report".into())?;
        fs::write(path, text).doing(|| format!("write {}", path.display()))
    }
}

/// One function beside its floors.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct FunctionFigures {
    /// The module's size in bytes.
    pub wasm_bytes: usize,
    /// The same, gzipped.
    pub wasm_gzipped_bytes: usize,
    /// Calls to the database, for each request.
    pub database_calls: f64,
    /// Calls to anybody else, for each request.
    pub vendor_calls: f64,
    /// The function and its floors, from the same rounds.
    pub contenders: BTreeMap<Contender, Figures>,
}

impl FunctionFigures {
    /// A contender's requests/s for each of another's: the median of the rounds, each compared within itself.
    pub fn ratio(&self, contender: Contender, other: Contender) -> Option<f64> {
        let rates = |contender| self.contenders.get(&contender).map(|figures| &figures.rates);
        let (rates, others) = (rates(contender)?, rates(other)?);
        Some(median(rates.iter().zip(others).map(|(rate, other)| rate / other).collect()))
    }

    /// The same for the floor, whoever that is.
    pub fn share_of_floor(&self, contender: Contender) -> Option<f64> {
        [Contender::Floor, Contender::StorageFloor].into_iter().find_map(|floor| self.ratio(contender, floor))
    }
}

/// What one contender did in all rounds.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Figures {
    /// The median of the rounds.
    pub requests_per_second: f64,
    /// Half of all requests were answered within so many milliseconds,
    pub p50_ms: f64,
    /// and all but one in a hundred within so many.
    pub p99_ms: f64,
    /// How many requests this rests on.
    pub requests: usize,
    /// Requests/s of each round.
    pub rates: Vec<f64>,
    /// Milliseconds of processor time a request, by part: the mean of all rounds.
    pub processor_ms: Spent,
}

impl Figures {
    /// Sums up the rounds.
    pub fn of(rounds: &[(Load, Spent)]) -> Self {
        let rates: Vec<f64> = rounds.iter().map(|(load, _)| rate(load)).collect();
        let mut latencies: Vec<Duration> = rounds.iter().flat_map(|(load, _)| load.latencies.iter().copied()).collect();
        latencies.sort_unstable();
        let mut processor_ms = Spent::new();
        for (name, milliseconds) in rounds.iter().flat_map(|(_, spent)| spent) {
            *processor_ms.entry(name.clone()).or_default() += milliseconds / count(rounds.len());
        }
        Self {
            requests_per_second: median(rates.clone()),
            p50_ms: percentile(&latencies, 50),
            p99_ms: percentile(&latencies, 99),
            requests: latencies.len(),
            rates,
            processor_ms,
        }
    }
}

/// Jobs a second.
pub fn rate(load: &Load) -> f64 {
    count(load.latencies.len()) / load.elapsed.as_secs_f64()
}

/// A number of things, for a division. There are never more than four thousand million of them.
pub fn count(things: usize) -> f64 {
    f64::from(u32::try_from(things).unwrap_or(u32::MAX))
}

/// The middle one, or the mean of the two in the middle.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    match (values.get(values.len() / 2), values.len() % 2) {
        (Some(upper), 0) => f64::midpoint(values[values.len() / 2 - 1], *upper),
        (Some(middle), _) => *middle,
        (None, _) => 0.0,
    }
}

/// In milliseconds, of sorted times.
pub fn percentile(sorted: &[Duration], percent: usize) -> f64 {
    let index = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(index).map_or(0.0, |time| time.as_secs_f64() * 1000.0)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Contender, Figures, FunctionFigures, Report, median, percentile};

    #[test]
    fn the_median_is_in_the_middle() {
        assert!((median(vec![9.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!((median(vec![4.0, 1.0, 2.0, 9.0]) - 3.0).abs() < f64::EPSILON);
        assert!(median(Vec::new()).abs() < f64::EPSILON);
    }

    #[test]
    fn percentiles_are_times_that_occurred() {
        let times: Vec<Duration> = (1..=200).map(Duration::from_millis).collect();
        assert!((percentile(&times, 50) - 100.0).abs() < 1e-9);
        assert!((percentile(&times, 99) - 198.0).abs() < 1e-9);
        assert!(percentile(&[], 50).abs() < f64::EPSILON);
    }

    #[test]
    fn a_function_is_compared_with_its_floor_round_by_round() {
        let figures = |rates: &[f64]| Figures { rates: rates.to_vec(), ..Figures::default() };
        let function = FunctionFigures {
            contenders: [
                (Contender::Function, figures(&[50.0, 30.0, 100.0])),
                (Contender::Floor, figures(&[100.0, 40.0, 200.0])),
            ]
            .into(),
            ..FunctionFigures::default()
        };
        assert!((function.ratio(Contender::Function, Contender::Floor).unwrap() - 0.5).abs() < 1e-9);
        assert!(function.ratio(Contender::Function, Contender::FloorBehindGateway).is_none());
        assert!(function.ratio(Contender::FunctionWithNewTokens, Contender::Floor).is_none());
    }

    #[test]
    fn whoever_is_the_floor_the_share_of_it_is_known() {
        for floor in [Contender::Floor, Contender::StorageFloor] {
            let figures = |rate| Figures { rates: vec![rate], ..Figures::default() };
            let contenders = [(Contender::FunctionWithNewTokens, figures(30.0)), (floor, figures(40.0))].into();
            let function = FunctionFigures { contenders, ..FunctionFigures::default() };
            assert!((function.share_of_floor(Contender::FunctionWithNewTokens).unwrap() - 0.75).abs() < 1e-9);
            assert!(function.share_of_floor(Contender::Function).is_none());
        }
    }

    #[test]
    fn a_report_is_read_as_it_was_written() {
        let figures = Figures { requests_per_second: 12.5, rates: vec![12.5], ..Figures::default() };
        let contenders = [(Contender::FunctionWithNewTokens, figures.clone()), (Contender::StorageFloor, figures)];
        let function = FunctionFigures { contenders: contenders.into(), ..FunctionFigures::default() };
        let report = Report { functions: [("sign".to_owned(), function)].into(), ..Report::default() };

        let read: Report = serde_json::from_value(serde_json::to_value(&report).unwrap()).unwrap();

        let ratio = read.functions["sign"].share_of_floor(Contender::FunctionWithNewTokens);
        assert!((ratio.unwrap() - 1.0).abs() < 1e-9);
    }
}

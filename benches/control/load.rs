//! A recorded load: numbers at even distances, some of them missing.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What one machine can serve, in events per second.
pub(crate) const PER_MACHINE: f64 = 10.0;
/// Loads are stretched so that so many machines are enough for all but a twentieth of the time.
const MACHINES: f64 = 16.0;

/// No more than so much of a recording is replayed: its end, what is before that is history.
const REPLAYED: Duration = Duration::from_secs(7 * 24 * 3600);

/// A recorded load.
pub(crate) struct Load {
    pub(crate) name: String,
    /// The time from one number to the next.
    step: Duration,
    /// Events per second, stretched, on average over a step; `None` where nothing was recorded.
    rates: Vec<Option<f64>>,
}

/// The recordings that come along.
pub(crate) fn recorded() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/testdata/traces");
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|own| own == "csv")).collect();
    files.sort();
    files
}

impl Load {
    pub(crate) fn read(path: &Path) -> Self {
        let text =
            fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let step = text.lines().find_map(|line| line.strip_prefix("# step: ")?.strip_suffix('s'));
        let step: u64 = step.and_then(|own| own.parse().ok()).expect("a line `# step: 300s`");
        let values = text.lines().filter(|line| !line.starts_with('#'));
        let rates: Vec<Option<f64>> = values.map(|line| line.trim().parse().ok()).collect();
        let mut known: Vec<f64> = rates.iter().copied().flatten().collect();
        known.sort_by(f64::total_cmp);
        let stretch = PER_MACHINE * MACHINES / known[known.len() * 19 / 20];
        let rates = rates.into_iter().map(|own| own.map(|own| own * stretch));
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Self { name, step: Duration::from_secs(step), rates: rates.collect() }
    }

    /// How long the recording is.
    pub(crate) fn length(&self) -> Duration {
        self.step * u32::try_from(self.rates.len() - 1).unwrap()
    }

    /// From when on it is replayed.
    pub(crate) fn begin(&self) -> Duration {
        self.length().saturating_sub(REPLAYED)
    }

    /// Events per second at `time` after the first number: on the line between its neighbours, each in the middle of its
    /// step.
    pub(crate) fn rate(&self, time: Duration) -> Option<f64> {
        let place = (time.as_secs_f64() / self.step.as_secs_f64() - 0.5).max(0.0);
        let (index, part) = (place as usize, place.fract());
        let before = (*self.rates.get(index)?)?;
        let after = self.rates.get(index + 1).copied().flatten().unwrap_or(before);
        Some(before + (after - before) * part)
    }
}

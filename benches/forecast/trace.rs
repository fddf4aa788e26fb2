//! A recorded load.

use std::fs;
use std::path::Path;
use std::time::Duration;

use fly_autoscaler::model::Timestamp;

/// A load at regular times.
pub(crate) struct Trace {
    pub(crate) name: String,
    pub(crate) step: Duration,
    pub(crate) start: Timestamp,
    /// `None` where nothing was recorded.
    pub(crate) values: Vec<Option<f64>>,
}

impl Trace {
    /// All traces, by name.
    pub(crate) fn all() -> Vec<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/testdata/traces");
        let mut paths: Vec<_> = fs::read_dir(folder)
            .expect("the folder of traces")
            .map(|entry| entry.expect("an entry").path())
            .collect();
        paths.sort();
        paths.iter().map(|path| Self::read(path)).collect()
    }

    fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).expect("a trace");
        let head = |key: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(&format!("# {key}: ")));
            line.expect("a line of the head").to_owned()
        };
        let step = head("step").trim_end_matches('s').parse().expect("seconds");
        let start = Timestamp::parse_rfc3339(&format!("{}Z", head("start"))).expect("a time");
        let values = text.lines().filter(|line| !line.starts_with('#'));
        Self {
            name: path.file_stem().expect("a name").to_string_lossy().into_owned(),
            step: Duration::from_secs(step),
            start,
            values: values.map(|line| line.parse().ok()).collect(),
        }
    }

    /// The time of a value.
    pub(crate) fn at(&self, index: usize) -> Timestamp {
        self.start.plus(self.step * u32::try_from(index).expect("a short trace"))
    }

    /// The values up to `index`, that included, with their times.
    pub(crate) fn until(&self, index: usize) -> Vec<(Timestamp, f64)> {
        let known = self.values[..=index].iter().enumerate();
        known.filter_map(|(at, value)| Some((self.at(at), (*value)?))).collect()
    }

    /// How far ahead is forecast, in steps: 5 minutes, 15 minutes and an hour, or where steps are long or the trace is short,
    /// 1, 3 and 12 steps.
    pub(crate) fn horizons(&self) -> [usize; 3] {
        let seconds = usize::try_from(self.step.as_secs()).expect("short steps");
        let is_long = seconds * self.values.len() >= 12 * 3600;
        if seconds <= 300 && is_long {
            [300, 900, 3600].map(|horizon| horizon / seconds)
        } else {
            [1, 3, 12]
        }
    }
}

//! Log lines as a test sees them.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::logging::subscriber;
use crate::model::LogFormat;

/// Everything that is logged while `emit` runs, as it would go to stderr.
pub(super) fn text(format: LogFormat, verbose: bool, emit: impl FnOnce()) -> String {
    let buffer = Buffer::default();
    let writer = buffer.clone();
    let (subscriber, _) = subscriber(format, verbose, false, move || writer.clone());
    tracing::subscriber::with_default(subscriber, emit);
    let bytes = buffer.0.lock().expect("not poisoned").clone();
    String::from_utf8(bytes).expect("log lines are UTF-8")
}

/// The same in JSON, parsed line by line, without the time.
pub(super) fn json(verbose: bool, emit: impl FnOnce()) -> Vec<Value> {
    text(LogFormat::Json, verbose, emit)
        .lines()
        .map(|line| {
            let mut line: Value = serde_json::from_str(line).expect("one JSON object a line");
            let fields = line.as_object_mut().expect("an object");
            let time = fields.remove("time").expect("a time");
            let time = time.as_str().expect("a time as text");
            assert!(crate::model::Timestamp::parse_rfc3339(time).is_some(), "{time}");
            line
        })
        .collect()
}

#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("not poisoned").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

//! The log: levels, formats, repetition.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // a test may fail loudly

use ottla::logging::{LogHandle, subscriber};
use ottla_config::LogFormat;
use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tracing::{debug, info, warn};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What `body` writes; it gets the handle and a clock of seconds.
fn written(level: &str, format: LogFormat, body: impl FnOnce(&LogHandle, &AtomicU64)) -> Vec<String> {
    let (lines, seconds) = (Lines::default(), Arc::new(AtomicU64::new(0)));
    let (writer, clock) = (lines.clone(), Arc::clone(&seconds));
    let elapsed = move || Duration::from_secs(clock.load(Ordering::Relaxed));
    let (subscriber, handle) = subscriber(level, format, move || writer.clone(), elapsed);
    tracing::subscriber::with_default(subscriber, || body(&handle, &seconds));
    let bytes = lines.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn a_line_has_time_level_room_message_and_values() {
    let lines = written("info", LogFormat::Text, |_, _| {
        warn!(target: "ottla_net::listener", peer = "1.2.3.4:5", count = 3, "too many connections");
    });
    assert_eq!(lines.len(), 1);
    assert!(lines[0].ends_with("Z  WARN net too many connections peer=1.2.3.4:5 count=3"), "{}", lines[0]);
}

#[test]
fn json_is_one_object_a_line() {
    let lines = written("info", LogFormat::Json, |_, _| {
        info!(target: "ottla", topic = "a\"b\nc", ok = true, "made {}", 7);
    });
    let line: serde_json::Value = serde_json::from_str(&lines[0]).unwrap();
    assert_eq!((&line["level"], &line["message"]), (&"INFO".into(), &"made 7".into()));
    assert_eq!((&line["topic"], &line["ok"]), (&"a\"b\nc".into(), &true.into()));
}

#[test]
fn a_value_cannot_forge_a_line_or_fill_the_log() {
    let lines = written("info", LogFormat::Text, |_, _| {
        info!(target: "ottla", topic = "a\n2026 fake", long = "x".repeat(5_000), "hello\rthere");
    });
    assert_eq!(lines.len(), 1);
    assert!(lines[0].len() < 1_500 && lines[0].contains('…'), "{}", lines[0]);
}

#[test]
fn level_and_format_change_while_running() {
    let lines = written("warn", LogFormat::Text, |handle, _| {
        info!(target: "ottla", "hidden");
        assert_eq!(handle.level(), "WARN");
        assert!(handle.set_level("DEBUG") && !handle.set_level("loud"));
        assert_eq!(handle.level(), "DEBUG");
        debug!(target: "ottla_storage", "shown");
        handle.set_format(LogFormat::Json);
        debug!(target: "ottla_storage", "shown as JSON");
        handle.set_level("off");
        warn!(target: "ottla", "hidden again");
    });
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].ends_with("shown") && lines[1].starts_with('{'), "{lines:?}");
}

#[test]
fn libraries_are_heard_from_warn_on() {
    let lines = written("trace", LogFormat::Text, |_, _| {
        info!(target: "hyper::proto", "chatter");
        warn!(target: "hyper::proto", "trouble");
    });
    assert_eq!(lines.len(), 1, "{lines:?}");
}

#[test]
fn repetition_is_held_back_and_counted() {
    let lines = written("info", LogFormat::Text, |_, seconds| {
        for at in 0..1_000 {
            if at == 999 {
                seconds.store(11, Ordering::Relaxed);
            }
            warn!(target: "ottla_net", at, "again");
            info!(target: "ottla_net", "another place");
        }
    });
    let again: Vec<&String> = lines.iter().filter(|line| line.contains("again")).collect();
    assert_eq!(again.len(), 21);
    assert!(again[20].ends_with("at=999 left_out=979"), "{}", again[20]);
    assert_eq!(lines.len(), 42);
}

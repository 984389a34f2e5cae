//! One line for each event: for people, `time LEVEL room message name=value …`; for programs, a JSON object.
//!
//! Invariant: one event is one line, whatever its values hold; a value is cut at [`MAX_VALUE_CHARS`].

use super::repetition::Repetition;
use ottla_config::LogFormat;
use serde_json::{Map, Value};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Characters of one value in a line.
pub(crate) const MAX_VALUE_CHARS: usize = 1_000;

/// The format of the moment.
pub(crate) struct Style(AtomicBool);

impl Style {
    pub(crate) fn new(format: LogFormat) -> Self {
        Self(AtomicBool::new(format == LogFormat::Json))
    }

    pub(crate) fn set(&self, format: LogFormat) {
        self.0.store(format == LogFormat::Json, Ordering::Relaxed);
    }

    fn is_json(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

pub(crate) struct LineFormat {
    style: Arc<Style>,
    repetition: Arc<Repetition>,
}

impl LineFormat {
    pub(crate) fn new(style: Arc<Style>, repetition: Arc<Repetition>) -> Self {
        Self { style, repetition }
    }
}

impl<S, N> FormatEvent<S, N> for LineFormat
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let left_out = self.repetition.take_left_out(&event.metadata().callsite());
        if left_out > 0 {
            fields.values.push(("left_out".into(), Value::from(left_out)));
        }
        let mut time = String::new();
        SystemTime.format_time(&mut Writer::new(&mut time))?;
        let (level, room) = (event.metadata().level(), room(event.metadata().target()));
        if self.style.is_json() {
            let mut line = Map::new();
            line.insert("time".into(), time.into());
            line.insert("level".into(), level.as_str().into());
            line.insert("room".into(), room.into());
            line.insert("message".into(), fields.message.into());
            line.extend(fields.values);
            return writeln!(writer, "{}", Value::Object(line));
        }
        write!(writer, "{time} {level:>5} {room} {}", one_line(&fields.message))?;
        for (name, value) in fields.values {
            match value {
                Value::String(text) => write!(writer, " {name}={}", one_line(&text))?,
                other => write!(writer, " {name}={other}")?,
            }
        }
        writeln!(writer)
    }
}

/// The room of a target: `net` of `ottla_net::listener`.
fn room(target: &str) -> &str {
    let root = target.split("::").next().unwrap_or(target);
    root.strip_prefix("ottla_").unwrap_or(root)
}

/// A text without control characters, so that a value cannot forge a line.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

fn cut(text: &str) -> String {
    let mut cut: String = text.chars().take(MAX_VALUE_CHARS).collect();
    if cut.len() < text.len() {
        cut.push('…');
    }
    cut
}

/// The values of one event, in their order.
#[derive(Default)]
struct Fields {
    message: String,
    values: Vec<(String, Value)>,
}

impl Fields {
    fn add(&mut self, field: &Field, value: Value) {
        match (field.name(), value) {
            ("message", Value::String(text)) => self.message = text,
            (name, value) => self.values.push((name.to_owned(), value)),
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, cut(&format!("{value:?}")).into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, cut(value).into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field, value.into());
    }
}

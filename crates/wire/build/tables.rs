//! The lists that Rust needs besides the messages: rows for the macros in `src/api_key.rs`, `src/metadata_record.rs`,
//! `src/coordinator_record.rs` and `src/messages.rs`, which give them their meaning.

use super::definition::{Definition, Kind};
use super::names::{snake, without_record};
use super::notation::Spec;
use super::structs::put;
use std::collections::BTreeMap;

/// One row for each API, in the order of the numbers.
pub(crate) fn api_keys(spec: &Spec) -> Result<String, String> {
    let mut apis = spec.apis.clone();
    apis.sort_by_key(|api| api.key);
    let mut out = "api_keys! {\n".to_owned();
    for api in &apis {
        let request = spec.definitions.iter().find(|d| d.kind == Kind::Request(api.key));
        let response = spec.definitions.iter().find(|d| d.kind == Kind::Response(api.key));
        let (Some(request), Some(response)) = (request, response) else {
            return Err(format!("{} lacks its request or its response", api.name));
        };
        if request.versions != response.versions || request.flexible != response.flexible {
            return Err(format!("{}: request and response differ in their versions", api.name));
        }
        put(
            &mut out,
            format_args!(
                "{} = {}, versions {} {}, flexible {:?}, broker {}, controller {}, unstable {};\n",
                api.name,
                api.key,
                request.versions.min,
                request.versions.max,
                request.flexible,
                api.broker,
                api.controller,
                request.unstable
            ),
        );
    }
    out.push_str("}\n");
    Ok(out)
}

/// One row for each record of the metadata log.
pub(crate) fn metadata_records(spec: &Spec) -> String {
    let mut out = "metadata_records! {\n".to_owned();
    let mut records: Vec<(i16, &Definition)> = Vec::new();
    for definition in &spec.definitions {
        if let Kind::Metadata(key) = definition.kind {
            records.push((key, definition));
        }
    }
    records.sort_by_key(|(key, _)| *key);
    for (key, definition) in records {
        put(&mut out, format_args!("{}({}) = {key};\n", without_record(&definition.name), definition.name));
    }
    out.push_str("}\n");
    out
}

/// For each log of a coordinator, one row for each record.
pub(crate) fn coordinator_records(spec: &Spec) -> String {
    let mut logs: BTreeMap<&str, BTreeMap<i16, &str>> = BTreeMap::new();
    for definition in &spec.definitions {
        if let Kind::LogKey(record) = &definition.kind {
            logs.entry(&record.log).or_default().insert(record.number, &record.name);
        }
    }
    let mut out = String::new();
    for (log, records) in logs {
        put(&mut out, format_args!("coordinator_records! {{\n{log}Key, {log}Value;\n"));
        for (number, name) in records {
            put(&mut out, format_args!("{name}({name}Key, {name}Value) = {number};\n"));
        }
        out.push_str("}\n");
    }
    out
}

/// A macro that hands every message to another macro.
pub(crate) fn every_message(spec: &Spec) -> String {
    let mut out =
        "/// Calls the macro `$each` with the paths of all messages, a comma behind each.\n#[macro_export]\n\
                   macro_rules! every_message {\n($each:ident) => { $each!(\n"
            .to_owned();
    for definition in &spec.definitions {
        put(&mut out, format_args!("$crate::messages::{}::{},\n", snake(&definition.name), definition.name));
    }
    out.push_str(") };\n}\n");
    out
}

//! What both documents say in words: Markdown from beside this file, with tables made from the types.

use std::fmt::Write;

use domain::{Code, Limits};
use protocol::frame::{Advice, Reason};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use crate::{Config, http};

/// A page of Markdown with its tables filled in.
pub(super) fn page(text: &str) -> String {
    let Config { body_bytes_max, token_grace_ms, .. } = Config::default();
    let later: String = http::LATER.iter().map(|path| format!("`{path}`\n")).collect();
    [
        ("{limits}", limits()),
        ("{body_bytes_max}", body_bytes_max.to_string()),
        ("{token_grace_s}", (token_grace_ms / 1_000).to_string()),
        ("{codes}", codes()),
        ("{closings}", closings()),
        ("{later}", later.trim_end().replace('\n', ", ")),
    ]
    .into_iter()
    .fold(text.trim_end().to_owned(), |text, (place, table)| text.replace(place, table.trim_end()))
}

/// What the doc comment of a variant says.
pub(super) fn meaning<T: JsonSchema + Serialize>(variant: &T) -> String {
    let schema = schemars::SchemaGenerator::default().into_root_schema_for::<T>().to_value();
    let variants = schema["oneOf"].as_array().cloned().unwrap_or_default();
    let found = variants.into_iter().find(|shown| shown["const"] == json!(variant));
    found.map(|shown| line(&shown["description"])).unwrap_or_default()
}

fn limits() -> String {
    let schema = schemars::SchemaGenerator::default().into_root_schema_for::<Limits>().to_value();
    let mut table = "| limit | default | what it bounds |\n| --- | --- | --- |\n".to_owned();
    for (name, limit) in schema["properties"].as_object().into_iter().flatten() {
        row(&mut table, &[&format!("`{name}`"), &limit["default"].to_string(), &line(&limit["description"])]);
    }
    table
}

fn codes() -> String {
    let mut table = "| code | status | meaning | again unchanged? |\n| --- | --- | --- | --- |\n".to_owned();
    for code in Code::ALL {
        let again = if code.retryable() { "yes" } else { "no" };
        row(&mut table, &[&format!("`{code}`"), &code.http_status().to_string(), &meaning(&code), again]);
    }
    table
}

fn closings() -> String {
    let mut table = "| close code | reason | meaning | then |\n| --- | --- | --- | --- |\n".to_owned();
    for reason in Reason::ALL {
        let code = reason.close_code();
        let name = json!(reason);
        let name = format!("`{}`", name.as_str().unwrap_or_default());
        row(&mut table, &[&code.to_string(), &name, &meaning(&reason), then(code)]);
    }
    table
}

/// What to do after a close code, in words.
pub(super) fn then(close_code: u16) -> &'static str {
    match Advice::of(close_code) {
        Some(Advice::Reconnect) => "reconnect",
        Some(Advice::BackOff) => "back off",
        Some(Advice::Stop) => "stop",
        None => "back off: the connection broke",
    }
}

fn row(table: &mut String, cells: &[&str]) {
    writeln!(table, "| {} |", cells.join(" | ")).expect("memory takes every write");
}

/// A description on one line.
pub(super) fn line(text: &Value) -> String {
    text.as_str().unwrap_or_default().replace('\n', " ")
}

//! The documents that are checked in and served are what the code says, and are whole.

use std::collections::HashSet;

use gateway::documents::{ASYNCAPI, OPENAPI, asyncapi, openapi};
use serde_json::Value;

/// Where two documents first differ.
fn difference(place: &str, one: &Value, other: &Value) -> Option<String> {
    let inner = |name: &str, one: Option<&Value>, other: Option<&Value>| {
        difference(
            &format!("{place}/{}", name.replace('/', "~1")),
            one.unwrap_or(&Value::Null),
            other.unwrap_or(&Value::Null),
        )
    };
    match (one, other) {
        (Value::Object(fields), Value::Object(others)) => fields
            .keys()
            .chain(others.keys())
            .find_map(|name| inner(name, fields.get(name), others.get(name))),
        (Value::Array(items), Value::Array(others)) => (0..items.len().max(others.len()))
            .find_map(|index| inner(&index.to_string(), items.get(index), others.get(index))),
        _ => (one != other).then(|| place.to_owned()),
    }
}

#[test]
fn a_document_that_is_not_what_is_served() {
    for (name, checked_in, generated) in
        [("openapi.json", OPENAPI, openapi()), ("asyncapi.json", ASYNCAPI, asyncapi())]
    {
        let checked_in: Value = serde_json::from_str(checked_in).expect("a document is JSON");
        if let Some(place) = difference("", &checked_in, &generated) {
            panic!(
                "docs/api/{name} is not what the code says, first at {place}: run `cargo xtask api`, and read the change"
            );
        }
    }
}

#[test]
fn a_path_with_a_parameter_that_nobody_reads() {
    let document = openapi();
    let mut ids = HashSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        let named: HashSet<&str> =
            path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
        for operation in methods.as_object().unwrap().values() {
            let parameters = operation["parameters"].as_array().map_or(&[][..], Vec::as_slice);
            let read: HashSet<&str> = parameters
                .iter()
                .filter(|parameter| parameter["in"] == "path")
                .filter_map(|parameter| parameter["name"].as_str())
                .collect();
            assert_eq!(named, read, "{path}");
            assert!(ids.insert(operation["operationId"].to_string()), "{path}: a name is used twice");
        }
    }
}

#[test]
fn a_word_of_rust_in_a_description() {
    for document in [openapi(), asyncapi()] {
        let text = document.to_string().replace("`](", "a link of Markdown");
        for word in ["`]", "`None`", "`Some", "Self::"] {
            assert!(!text.contains(word), "`{word}` says nothing to who does not read Rust");
        }
    }
}

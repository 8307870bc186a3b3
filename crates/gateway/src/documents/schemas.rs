//! The schemas of one document: of what is read from clients, and of what is given to them.
//!
//! The two differ for one type (what may be left out in a request is always there in an answer), so each has a generator;
//! a type that means the same in both is written once.

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use crate::http::SchemaOf;

/// Where a document keeps its schemas.
const PLACE: &str = "/components/schemas";

/// The schemas that a document refers to.
pub(super) struct Schemas {
    taken: SchemaGenerator,
    given: SchemaGenerator,
}

impl Schemas {
    /// None yet; `settings` is the dialect of the document.
    pub(super) fn new(settings: fn() -> SchemaSettings) -> Self {
        let generator = |mut settings: SchemaSettings| {
            settings.definitions_path = PLACE.into();
            settings.meta_schema = None;
            settings.into_generator()
        };
        Self { taken: generator(settings().for_deserialize()), given: generator(settings().for_serialize()) }
    }

    /// Refers to a type that clients send.
    pub(super) fn taken(&mut self, of: SchemaOf) -> Value {
        of(&mut self.taken).to_value()
    }

    /// Refers to a type that clients are given.
    pub(super) fn given(&mut self, of: SchemaOf) -> Value {
        of(&mut self.given).to_value()
    }

    /// Every schema that was referred to, by name. What is not there is left out, and never `null`.
    pub(super) fn into_definitions(mut self) -> Map<String, Value> {
        let mut definitions = self.given.take_definitions(true);
        for (name, taken) in self.taken.take_definitions(true) {
            let given = definitions.entry(name.as_str()).or_insert_with(|| taken.clone());
            assert_eq!(*given, taken, "`{name}` is sent in another form than it is given: make it two types");
        }
        definitions.values_mut().for_each(leave_out);
        definitions
    }
}

/// Takes `null` from the fields of an object that may be left out.
fn leave_out(schema: &mut Value) {
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    let fields = schema.get_mut("properties").and_then(Value::as_object_mut);
    for (name, field) in fields.into_iter().flatten() {
        if !required.iter().any(|required| required == name) {
            *field = without_null(field.take());
        }
    }
}

/// The schema without `null`, for a field that is left out rather than null.
pub(super) fn without_null(mut schema: Value) -> Value {
    let is_null = |value: &Value| *value == "null" || value["type"] == "null";
    if let Some(kinds) = schema["type"].as_array() {
        let kinds: Vec<&Value> = kinds.iter().filter(|kind| !is_null(kind)).collect();
        let kind = if let [kind] = kinds[..] { kind.clone() } else { kinds.into_iter().cloned().collect() };
        schema["type"] = kind;
    } else if let Some(Value::Array(mut choices)) = remove(&mut schema, "anyOf") {
        choices.retain(|choice| !is_null(choice));
        let of = if choices.len() == 1 { "allOf" } else { "anyOf" };
        schema[of] = choices.into();
    }
    if schema["default"].is_null() {
        remove(&mut schema, "default");
    }
    schema
}

/// Takes a field out of an object.
pub(super) fn remove(object: &mut Value, field: &str) -> Option<Value> {
    object.as_object_mut().and_then(|object| object.remove(field))
}

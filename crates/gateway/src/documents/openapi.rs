//! The OpenAPI document, from the table of operations.

use std::collections::BTreeMap;

use domain::Code;
use protocol::http::Failure;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::prose;
use super::schemas::{Schemas, remove, without_null};
use crate::http::{self, Content, Operation, Operations, Parameter};

/// Why any request may be refused.
const ALWAYS: [Code; 4] = [Code::RateLimited, Code::Internal, Code::Unavailable, Code::Timeout];

const TOKEN: &str = "accessToken";

/// The OpenAPI document, generated.
pub fn openapi() -> Value {
    let Operations { tags, listed, .. } = http::operations();
    let mut schemas = Schemas::new(SchemaSettings::draft2020_12);
    let (mut paths, mut responses) = (Map::new(), Map::new());
    for operation in &listed {
        let methods = paths.entry(operation.path).or_insert_with(|| json!({}));
        methods[operation.method] = described(operation, &mut schemas);
        for codes in refusals(operation).into_values() {
            responses.entry(name(&codes)).or_insert_with(|| refusal(&codes, &mut schemas));
        }
    }
    let tags: Value = tags.iter().map(|(name, about)| json!({"name": name, "description": about})).collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Connect Chat over HTTPS",
            "version": env!("CARGO_PKG_VERSION"),
            "description": prose::page(include_str!("https.md")),
            "license": {"name": "Apache-2.0", "url": super::LICENSE},
        },
        "servers": [{"url": "/", "description": "The server that this document came from."}],
        "tags": tags,
        "paths": paths,
        "components": {
            "responses": responses,
            "schemas": schemas.into_definitions(),
            "securitySchemes": {
                TOKEN: {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The `access_token` of signing up, signing in or getting new tokens.",
                },
            },
        },
    })
}

fn described(operation: &Operation, schemas: &mut Schemas) -> Value {
    let Operation { tag, about, signature, .. } = operation;
    let mut parameters: Vec<Value> =
        signature.parameters.iter().map(|told| parameter(told, schemas)).collect();
    parameters.extend(signature.query.iter().flat_map(|of| queries(&schemas.taken(*of))));
    let mut described = json!({
        "operationId": about.id,
        "tags": [tag],
        "summary": about.summary,
        "description": about.details,
        "security": if signature.signed { json!([{TOKEN: []}]) } else { json!([]) },
        "responses": answers(operation, schemas),
    });
    if !parameters.is_empty() {
        described["parameters"] = parameters.into();
    }
    if let Some(Content { schema, example }) = &signature.body {
        let schema = schemas.taken(*schema);
        described["requestBody"] = json!({"required": true, "content": media(schema, *example)});
    }
    described
}

fn parameter(told: &Parameter, schemas: &mut Schemas) -> Value {
    json!({
        "name": told.name,
        "in": told.place,
        "required": told.required,
        "description": told.description,
        "schema": schemas.taken(told.schema),
        "example": (told.example)(),
    })
}

/// The parameters that the fields of a query's type are.
fn queries(schema: &Value) -> Vec<Value> {
    let required =
        |name: &str| schema["required"].as_array().is_some_and(|names| names.contains(&json!(name)));
    let parameter = |(name, field): (&String, &Value)| {
        let mut field = without_null(field.clone());
        let description = remove(&mut field, "description");
        json!({
            "name": name,
            "in": "query",
            "required": required(name),
            "description": description,
            "schema": field,
        })
    };
    schema["properties"].as_object().into_iter().flatten().map(parameter).collect()
}

fn answers(operation: &Operation, schemas: &mut Schemas) -> Value {
    let mut answers = Map::new();
    for (status, description, content) in &operation.signature.answers {
        let mut answer = json!({"description": description});
        if let Some(Content { schema, example }) = content {
            answer["content"] = media(schemas.given(*schema), *example);
        }
        answers.insert(status.to_string(), answer);
    }
    for (status, codes) in refusals(operation) {
        let refusal = format!("#/components/responses/{}", name(&codes));
        answers.insert(status.to_string(), json!({"$ref": refusal}));
    }
    answers.into()
}

/// Why the operation may be refused, by status.
fn refusals(operation: &Operation) -> BTreeMap<u16, Vec<Code>> {
    let Operation { about, signature, .. } = operation;
    let may = |code: &Code| {
        let written = about.refuses.iter().any(|codes| codes.contains(code));
        written || signature.refuses.contains(code) || ALWAYS.contains(code)
    };
    let mut by_status: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
    for code in Code::ALL.into_iter().filter(may) {
        by_status.entry(code.http_status()).or_default().push(code);
    }
    by_status
}

/// The name of the answer that refuses for one of these reasons.
fn name(codes: &[Code]) -> String {
    codes.iter().map(|code| code.as_str()).collect::<Vec<_>>().join(".")
}

fn refusal(codes: &[Code], schemas: &mut Schemas) -> Value {
    let failure = schemas.given(|schemas| schemas.subschema_for::<Failure>());
    let meanings: Vec<String> =
        codes.iter().map(|code| format!("- `{code}`: {}", prose::meaning(code))).collect();
    let example = json!({"error": {"code": codes[0], "message": prose::meaning(&codes[0])}});
    let mut answer = json!({
        "description": meanings.join("\n"),
        "content": {"application/json": {
            "schema": {
                "allOf": [failure],
                "properties": {"error": {"properties": {"code": {"enum": codes}}}},
            },
            "example": example,
        }},
    });
    if codes.iter().any(|code| code.retryable()) {
        answer["headers"] = json!({"Retry-After": {
            "description": "When it may be worth another try, in seconds: `retry_after_ms`, rounded up. Absent if it is not known.",
            "schema": {"type": "integer", "minimum": 0},
        }});
    }
    answer
}

fn media(schema: Value, example: Option<fn() -> Value>) -> Value {
    let mut media = json!({"schema": schema});
    if let Some(example) = example {
        media["example"] = example();
    }
    json!({"application/json": media})
}

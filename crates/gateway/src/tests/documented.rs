//! Holds the answers that the tests of the API get against the document.

use std::sync::LazyLock;

use serde_json::{Value, json};

static DOCUMENT: LazyLock<Value> = LazyLock::new(crate::documents::openapi);

/// Fails if an operation answers something that the document does not say. What is no operation may answer anything.
pub(super) fn hold(method: &str, target: &str, status: u16, body: &Value) {
    let Some(operation) = operation(method, target) else { return };
    let mut answer = &operation["responses"][status.to_string()];
    assert!(!answer.is_null(), "{method} {target} answers {status}, which the document does not say: {body}");
    if let Some(name) = answer["$ref"].as_str().and_then(|name| name.strip_prefix('#')) {
        answer = DOCUMENT.pointer(name).unwrap();
    }
    let codes = "/content/application~1json/schema/properties/error/properties/code/enum";
    if let Some(codes) = answer.pointer(codes) {
        let code = &body["error"]["code"];
        assert!(
            codes.as_array().unwrap().contains(code),
            "{method} {target} refuses for {code}, not one of {codes}"
        );
    }
}

fn operation(method: &str, target: &str) -> Option<&'static Value> {
    let path = target.split('?').next().unwrap_or_default();
    let paths = DOCUMENT["paths"].as_object().unwrap();
    let exact = paths.get(path);
    let methods =
        exact.or_else(|| paths.iter().find(|(template, _)| fits(template, path)).map(|(_, found)| found));
    methods?.get(method.to_ascii_lowercase())
}

fn fits(template: &str, path: &str) -> bool {
    let (template, path): (Vec<&str>, Vec<&str>) = (template.split('/').collect(), path.split('/').collect());
    template.len() == path.len()
        && template.iter().zip(path).all(|(of, part)| of.starts_with('{') || *of == part)
}

#[test]
fn an_answer_that_the_document_does_not_say() {
    let said = std::panic::catch_unwind(|| hold("GET", "/v1/users/me", 418, &Value::Null));
    assert!(said.is_err());
    let body = json!({"error": {"code": "last_admin"}});
    assert!(std::panic::catch_unwind(|| hold("GET", "/v1/conversations/x", 404, &body)).is_err());
}

//! The HTTPS API over real sockets.

use super::*;
use crate::testing::{client_id, direct, group, user};
use reqwest::{Client, Method, StatusCode};
use serde_json::json;

struct Call<'a> {
    method: Method,
    path: String,
    token: Option<&'a str>,
    key: Option<u8>,
    body: Option<Value>,
}

fn call(method: &str, path: impl Into<String>) -> Call<'static> {
    Call { method: method.parse().unwrap(), path: path.into(), token: Some("1.1"), key: None, body: None }
}

impl Call<'_> {
    fn key(self, n: u8) -> Self {
        Self { key: Some(n), ..self }
    }

    fn body(self, body: Value) -> Self {
        Self { body: Some(body), ..self }
    }

    fn nobody(self) -> Self {
        Self { token: None, ..self }
    }

    async fn to(self, served: &Served) -> (StatusCode, Value) {
        let method = self.method.to_string();
        let mut request = Client::new().request(self.method, served.url(&self.path));
        if let Some(token) = self.token {
            request = request.bearer_auth(token);
        }
        if let Some(n) = self.key {
            request = request.header("idempotency-key", client_id(n).to_string());
        }
        if let Some(body) = self.body {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        let (status, body) = (answer.status(), answer.json().await.unwrap_or(Value::Null));
        documented::hold(&method, &self.path, status.as_u16(), &body);
        (status, body)
    }
}

#[tokio::test]
async fn bad_requests_and_their_answers() {
    let served = Served::new(Config::default()).await;
    let conversation = direct(1, 2);
    let entries = format!("/v1/conversations/{conversation}/entries");
    let text = json!({"text": "a"});
    let many: Vec<_> = (0..=1_000_u16)
        .map(|n| {
            domain::UserId::new(
                domain::Region(1),
                std::array::from_fn(|i| if i < 2 { n.to_be_bytes()[i] } else { 1 }),
            )
        })
        .collect();
    let table = [
        (call("GET", "/v1/nowhere"), 404, "not_found"),
        (call("PUT", "/v1/conversations"), 405, "bad_request"),
        (call("GET", "/v1/conversations").nobody(), 401, "unauthenticated"),
        (call("GET", "/v1/conversations/nonsense"), 400, "bad_request"),
        (call("GET", format!("/v1/conversations/{}", direct(2, 3))), 404, "not_found"),
        (call("GET", format!("{entries}?before=1:1&after=1:2")), 400, "bad_request"),
        (call("GET", format!("{entries}?before=one")), 400, "bad_request"),
        (call("GET", format!("{entries}?limit=many")), 400, "bad_request"),
        (call("POST", entries.clone()).body(text.clone()), 400, "bad_client_id"),
        (call("POST", entries.clone()).key(1), 400, "bad_request"),
        (call("POST", entries.clone()).key(1).body(json!({"text": 1})), 400, "bad_request"),
        (call("POST", entries.clone()).key(1).body(json!({"text": "a".repeat(16_385)})), 413, "too_large"),
        (call("POST", entries.clone()).key(1).body(json!({"text": "a".repeat(300_000)})), 413, "too_large"),
        (
            call("POST", format!("/v1/conversations/{}/entries", direct(1, 200))).key(1).body(text.clone()),
            404,
            "not_found",
        ),
        (
            call("POST", format!("/v1/conversations/{}/entries", domain::ConversationId::Own(user(1))))
                .key(1)
                .body(text.clone()),
            501,
            "unsupported",
        ),
        (call("POST", "/v1/conversations").body(json!({"user": user(200)})), 404, "not_found"),
        (
            call("POST", "/v1/conversations").body(json!({"user": user(2), "name": "both"})),
            400,
            "bad_request",
        ),
        (call("POST", "/v1/conversations").body(json!({"name": "no key"})), 400, "bad_client_id"),
        (call("POST", "/v1/conversations").key(1).body(json!({"name": " "})), 400, "bad_request"),
        (call("POST", "/v1/conversations").key(1).body(json!({"name": "n".repeat(129)})), 413, "too_large"),
        (
            call("POST", format!("/v1/conversations/{}/members", group(1))).key(1).body(json!({"users": []})),
            400,
            "bad_request",
        ),
        (
            call("POST", format!("/v1/conversations/{}/members", group(1)))
                .key(1)
                .body(json!({"users": many})),
            413,
            "too_large",
        ),
        (call("PATCH", format!("{entries}/1:1")), 501, "unsupported"),
        (call("POST", "/v1/attachments"), 501, "unsupported"),
        (call("GET", "/v1/search?q=a"), 501, "unsupported"),
        (call("GET", "/v1/connect"), 426, "bad_request"),
        (
            call("POST", "/v1/sessions").body(json!({"handle": "a", "password": "wrong"})),
            401,
            "invalid_credentials",
        ),
        (call("POST", "/v1/sessions/refresh").body(json!({"refresh_token": "r"})), 429, "rate_limited"),
    ];
    for (call, status, code) in table {
        let what =
            format!("{} {} {:?}", call.method, call.path, call.body.as_ref().map(|b| b.to_string().len()));
        let (got, body) = call.to(&served).await;
        assert_eq!((got.as_u16(), &body["error"]["code"]), (status, &code.into()), "{what}: {body}");
    }
    served.stop().await;
}

#[tokio::test]
async fn a_request_that_is_sent_twice_happens_twice() {
    let served = Served::new(Config::default()).await;
    let path = format!("/v1/conversations/{}/entries", direct(1, 2));
    let mut receiver = served.live("2.1").await;
    for _ in 0..2 {
        let (status, appended) = call("POST", &path).key(1).body(json!({"text": "once"})).to(&served).await;
        assert_eq!((status.as_u16(), &appended["position"]["seq"]), (200, &1.into()));
    }
    assert_eq!(receiver.next().await["entry"]["body"]["text"], "once");
    let (_, page) = call("GET", &path).to(&served).await;
    assert_eq!(page["entries"].as_array().unwrap().len(), 1);
    let creation = || {
        call("POST", "/v1/conversations")
            .key(2)
            .body(json!({"name": "g", "users": [user(2), user(1), user(2)]}))
    };
    let ((status, one), (_, other)) = (creation().to(&served).await, creation().to(&served).await);
    assert_eq!(status, 201);
    assert_eq!(one["id"], other["id"]);
    assert_eq!(one["entries"][0]["body"]["users"], json!([user(2)]));
    served.stop().await;
}

#[tokio::test]
async fn a_submission_that_is_refused_or_never_answered() {
    let config = Config { outcome_timeout_ms: 50, ..Config::default() };
    let served = Served::over(World::silent(config, crate::testing::topics(1 << 20)).await).await;
    let path = format!("/v1/conversations/{}/leave", group(1));
    let (status, body) = call("POST", &path).key(1).to(&served).await;
    assert_eq!((status.as_u16(), &body["error"]["code"]), (504, &"timeout".into()));
    served.stop().await;

    let served = Served::new(Config::default()).await;
    let refusal = domain::Rejection::new(domain::Code::LastAdmin, "you are the last");
    *served.world.messaging.refusing.lock().unwrap() = Some(refusal);
    let (status, body) = call("POST", &path).key(1).to(&served).await;
    assert_eq!((status.as_u16(), &body["error"]["code"]), (403, &"last_admin".into()));
    served.stop().await;
}

#[tokio::test]
async fn every_resource_answers() {
    let served = Served::new(Config { page: "<p>hello".to_owned(), ..Config::default() }).await;
    let page = Client::new().get(served.url("/")).send().await.unwrap().text().await.unwrap();
    assert_eq!(page, "<p>hello");
    let id = direct(1, 2);
    let credentials = json!({"handle": "ann", "password": "right"});
    for (call, status) in [
        (call("GET", "/v1/openapi.json").nobody(), 200),
        (call("GET", "/v1/asyncapi.json").nobody(), 200),
        (call("POST", "/v1/accounts").nobody().body(credentials.clone()), 201),
        (call("POST", "/v1/sessions").nobody().body(credentials), 200),
        (call("GET", "/v1/users/me"), 200),
        (call("GET", format!("/v1/users/{}", user(2))), 200),
        (call("GET", "/v1/users?handle=ann"), 200),
        (call("GET", "/v1/devices"), 200),
        (call("GET", "/v1/missed"), 200),
        (call("POST", "/v1/conversations").body(json!({"user": user(2)})), 200),
        (call("POST", format!("/v1/conversations/{id}/entries")).key(1).body(json!({"text": "a"})), 200),
        (call("GET", "/v1/conversations"), 200),
        (call("GET", format!("/v1/conversations/{id}")), 200),
        (call("GET", format!("/v1/conversations/{id}/entries?after=1:0&limit=1")), 200),
        (call("GET", format!("/v1/conversations/{id}/cursors")), 200),
        (
            call("PUT", format!("/v1/conversations/{id}/cursor"))
                .body(json!({"read": {"epoch": 1, "seq": 1}})),
            200,
        ),
        (
            call("PUT", format!("/v1/conversations/{id}/cursor"))
                .body(json!({"read": {"epoch": 1, "seq": 9}})),
            400,
        ),
        (call("GET", format!("/v1/conversations/{}/members", group(1))), 200),
        (
            call("POST", format!("/v1/conversations/{}/members", group(1)))
                .key(3)
                .body(json!({"users": [user(2)]})),
            200,
        ),
        (
            call("DELETE", format!("/v1/conversations/{}/members", group(1)))
                .key(4)
                .body(json!({"users": [user(2)]})),
            200,
        ),
        (
            call("PUT", format!("/v1/conversations/{}/members/{}/role", group(1), user(2)))
                .key(5)
                .body(json!({"role": "admin"})),
            200,
        ),
        (call("PATCH", format!("/v1/conversations/{}", group(1))).key(6).body(json!({"name": "new"})), 200),
        (call("PATCH", format!("/v1/conversations/{}", group(1))).key(7).body(json!({"history": true})), 200),
        (call("POST", format!("/v1/conversations/{}/leave", group(1))).key(8), 200),
    ] {
        let what = format!("{} {}", call.method, call.path);
        let (got, body) = call.to(&served).await;
        assert_eq!(got.as_u16(), status, "{what}: {body}");
    }
    served.stop().await;
}

#[tokio::test]
async fn more_connections_than_there_are_places() {
    let served = Served::new(Config { connections_max: 1, ..Config::default() }).await;
    let first = served.live("1.1").await;
    let Err(Error::Http(refused)) = served.open(None).await else { panic!("let in") };
    assert_eq!(refused.status(), 503);
    drop(first);
    let mut tries = 0;
    while served.open(None).await.is_err() {
        tries += 1;
        assert!(tries < 1_000, "a place is not given back");
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    served.stop().await;
}

#[tokio::test]
async fn a_misspelt_key_of_a_query_is_passed_over() {
    let served = Served::new(Config::default()).await;
    let entries = format!("/v1/conversations/{}/entries", direct(1, 2));
    for (path, key) in [
        (format!("{entries}?befor=1:10"), "befor"),
        (format!("/v1/conversations/{}/members?aftr=x", group(1)), "aftr"),
        ("/v1/conversations?pages=2".to_owned(), "pages"),
        ("/v1/users?handle=ada&handel=bob".to_owned(), "handel"),
    ] {
        let (status, refusal) = call("GET", path).to(&served).await;
        let message = refusal["error"]["message"].as_str().unwrap_or_default();
        assert_eq!((status.as_u16(), &refusal["error"]["code"]), (400, &json!("bad_request")), "{refusal}");
        assert!(message.contains(&format!("`{key}`")), "{message}");
    }
    served.stop().await;
}

#[tokio::test]
async fn a_connection_is_closed_under_the_next_request_without_a_word() {
    let served = Served::new(Config::default()).await;
    let path = format!("/v1/conversations/{}/entries", direct(1, 2));
    let post = |bytes: usize| {
        let request = Client::new().post(served.url(&path)).bearer_auth("1.1");
        request
            .header("idempotency-key", client_id(1).to_string())
            .body(format!("{{\"text\":\"{}\"}}", "a".repeat(bytes)))
    };
    let unread = post(300_000).send().await.unwrap();
    assert_eq!(unread.status(), 413);
    assert_eq!(unread.headers().get("connection").map(|value| value.as_bytes()), Some(&b"close"[..]));
    let read = post(16_385).send().await.unwrap();
    assert_eq!((read.status().as_u16(), read.headers().get("connection")), (413, None));
    served.stop().await;
}

#[tokio::test]
async fn an_answer_with_tokens_is_kept_guessed_at_or_framed() {
    let served = Served::new(Config::default()).await;
    let credentials = json!({"handle": "ada", "password": "right"});
    let signed_in = Client::new().post(served.url("/v1/sessions")).json(&credentials).send().await.unwrap();
    for answer in [signed_in, reqwest::get(served.url("/nowhere")).await.unwrap()] {
        for (name, says) in [
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("content-security-policy", "frame-ancestors 'none'"),
        ] {
            let value = answer.headers()[name].to_str().unwrap();
            assert!(value.contains(says), "{name}: {value}");
        }
    }
    let document = reqwest::get(served.url("/v1/openapi.json")).await.unwrap();
    assert!(document.headers()["cache-control"].to_str().unwrap().contains("public"));
    served.stop().await;
}

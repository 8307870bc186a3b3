//! The way of a message through the boxes, as an OpenTelemetry collector is told it.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use tokio::net::TcpListener;
use verify::process::Server;

use crate::support::{device, server, until};

/// The way of a message that is appended.
const WAY: [&str; 5] =
    ["gateway.receive", "messaging.decide", "messaging.append", "messaging.fan_out", "gateway.deliver"];

/// A collector, and the spans that it was told.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<Span>>>);

impl Collector {
    /// A collector that listens, and a server that tells it of this share of the messages.
    async fn of_server(sample_ratio: f64) -> (Self, Server) {
        let (collector, listener) = (Self::default(), TcpListener::bind("127.0.0.1:0").await.unwrap());
        let endpoint = format!("tracing.otlp_endpoint=http://{}", listener.local_addr().unwrap());
        let router = Router::new().route("/v1/traces", post(told)).with_state(collector.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (collector, server(&[&endpoint, &format!("tracing.sample_ratio={sample_ratio}")]).await)
    }

    /// The names of each trace's spans, each span's parent before it. A trace that has no beginning, or that parts, is
    /// none.
    fn ways(&self) -> Vec<Vec<String>> {
        let spans = self.0.lock().unwrap();
        let way = |first: &Span| {
            let (mut way, mut last) = (vec![first.name.clone()], first);
            let follows = |last: &Span, span: &&Span| {
                span.trace_id == last.trace_id && span.parent_span_id == last.span_id
            };
            loop {
                let next: Vec<&Span> = spans.iter().filter(|span| follows(last, span)).collect();
                match next[..] {
                    [] => return way,
                    [next] => last = next,
                    _ => panic!("{} parts", last.name),
                }
                way.push(last.name.clone());
            }
        };
        spans.iter().filter(|span| span.parent_span_id.is_empty()).map(way).collect()
    }
}

async fn told(State(collector): State<Collector>, body: Bytes) -> Vec<u8> {
    let told = ExportTraceServiceRequest::decode(body).unwrap();
    let scopes = told.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
    collector.0.lock().unwrap().extend(scopes.flat_map(|scope| scope.spans));
    ExportTraceServiceResponse::default().encode_to_vec()
}

#[tokio::test]
async fn the_trace_of_a_message_is_in_pieces_or_lacks_a_box() {
    let (collector, server) = Collector::of_server(1.0).await;
    let (ada, bob) = (device(&server, "ada").await, device(&server, "bob").await);
    let (mut here, mut there) = (ada.connect().await, bob.connect().await);
    here.say(ada.with(&bob), "hello").await;
    there.hears(ada.with(&bob), "hello").await;
    until("one trace", async || collector.ways() == [WAY]).await;
    ada.post(ada.with(&bob), "by HTTP").await;
    until("a second one", async || collector.ways() == [WAY, WAY]).await;
}

#[tokio::test]
async fn what_is_known_already_is_traced_as_if_it_were_appended() {
    let (collector, server) = Collector::of_server(1.0).await;
    let (ada, bob) = (device(&server, "ada").await, device(&server, "bob").await);
    let (mut here, client_id) = (ada.connect().await, ada.client_id());
    here.submit(ada.with(&bob), client_id, "hello").await;
    here.outcome(client_id).await.unwrap();
    here.submit(ada.with(&bob), client_id, "hello").await;
    here.nth_outcome(client_id, 1).await.unwrap();
    let again: Vec<&str> = WAY.into_iter().filter(|name| *name != "messaging.append").collect();
    until("both traces", async || collector.ways() == [WAY.to_vec(), again.clone()]).await;
}

#[tokio::test]
async fn the_last_steps_are_lost_when_the_server_stops_or_those_not_asked_for_are_told() {
    for (sample_ratio, ways) in [(1.0, vec![WAY]), (0.0, vec![])] {
        let (collector, mut server) = Collector::of_server(sample_ratio).await;
        let (ada, bob) = (device(&server, "ada").await, device(&server, "bob").await);
        ada.connect().await.say(ada.with(&bob), "hello").await;
        assert!(server.terminate().await.unwrap().success());
        assert_eq!(collector.ways(), ways);
    }
}

#[tokio::test]
async fn a_collector_that_is_away_holds_up_messages_or_is_not_missed() {
    // Port 9 of this machine throws away what comes, and nowhere does anybody listen there any more.
    let mut server = server(&["tracing.otlp_endpoint=http://127.0.0.1:9", "tracing.sample_ratio=1.0"]).await;
    let (ada, bob) = (device(&server, "ada").await, device(&server, "bob").await);
    ada.connect().await.say(ada.with(&bob), "hello").await;
    until("a word in the log", async || server.log().contains("opentelemetry")).await;
    assert!(server.terminate().await.unwrap().success());
}

//! Who asks too much, over real sockets. The clock stands, so a bucket holds what it was made with.

use std::net::{IpAddr, Ipv4Addr};

use super::*;
use domain::Limits;
use tokio::net::TcpSocket;

const FLOODING: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
const QUIET: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 3));

async fn served(limits: Limits) -> Served {
    Served::new(Config { limits, ..Config::default() }).await
}

fn client(from: IpAddr) -> reqwest::Client {
    reqwest::Client::builder().local_address(from).build().unwrap()
}

/// Opens a session from this address; the status if it is refused.
async fn open(served: &Served, from: IpAddr) -> Result<WebSocketStream<TcpStream>, u16> {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((from, 0).into()).unwrap();
    let stream = socket.connect(served.address.parse().unwrap()).await.unwrap();
    let mut request = format!("ws://{}/v1/connect", served.address).into_client_request().unwrap();
    let subprotocol = HeaderValue::from_static(protocol::SUBPROTOCOL);
    request.headers_mut().insert("sec-websocket-protocol", subprotocol);
    match tokio_tungstenite::client_async(request, stream).await {
        Ok((stream, _)) => Ok(stream),
        Err(Error::Http(refused)) => {
            assert!(refused.headers().contains_key("retry-after"));
            Err(refused.status().as_u16())
        }
        Err(error) => panic!("{error}"),
    }
}

async fn ping(device: &mut Device) -> Value {
    device.say(r#"{"type":"ping"}"#).await;
    device.next().await
}

#[tokio::test]
async fn a_flooding_user_slows_another_or_goes_on_in_a_second_session() {
    let served = served(Limits { user_frames_burst: 10, user_frames_per_s: 1, ..Limits::default() }).await;
    let (mut flood, mut second) = (served.live("1.1").await, served.live("1.2").await);
    let mut other = served.live("2.1").await;
    let me = |token: &'static str| client(QUIET).get(served.url("/v1/users/me")).bearer_auth(token).send();
    assert_eq!(me("1.1").await.unwrap().status(), 200);
    for _ in 0..9 {
        assert_eq!(ping(&mut flood).await["type"], "pong");
    }
    for device in [&mut flood, &mut second] {
        let error = ping(device).await;
        assert_eq!((&error["error"]["code"], &error["frame"]), (&"rate_limited".into(), &"ping".into()));
        assert_eq!(error["error"]["retry_after_ms"], 1_000);
    }
    let refused = me("1.1").await.unwrap();
    assert_eq!((refused.status().as_u16(), &refused.headers()["retry-after"]), (429, &"1".parse().unwrap()));
    let refused: Value = refused.json().await.unwrap();
    assert_eq!(refused["error"]["code"], "rate_limited");
    assert_eq!(refused["error"]["retry_after_ms"], 1_000);

    assert_eq!(ping(&mut other).await["type"], "pong");
    assert_eq!(me("2.1").await.unwrap().status(), 200);
    served.world.clock.advance_ms(1_000);
    assert_eq!(ping(&mut second).await["type"], "pong", "it is slowed, not shut out");
    assert_eq!(ping(&mut flood).await["error"]["code"], "rate_limited");
    served.stop().await;
}

#[tokio::test]
async fn a_flooding_address_keeps_another_from_connecting() {
    let limits = Limits { address_requests_burst: 3, address_requests_per_s: 1, ..Limits::default() };
    let served = served(limits).await;
    let _first = open(&served, FLOODING).await.unwrap();
    assert_eq!(open(&served, FLOODING).await.err(), Some(429), "before the upgrade");
    assert_eq!(open(&served, FLOODING).await.err(), Some(429), "before the request");
    assert_eq!(served.world.gateway.sessions(), 1);
    let _other = open(&served, QUIET).await.unwrap();
    served.world.clock.advance_ms(2_000);
    let _again = open(&served, FLOODING).await.unwrap();
    served.stop().await;
}

#[tokio::test]
async fn forged_tokens_cost_nothing_or_a_users_requests_cost_the_address() {
    let limits = Limits { address_requests_burst: 5, address_requests_per_s: 1, ..Limits::default() };
    let served = served(limits).await;
    let keeping_alive = client(FLOODING);
    let status = async |token: &str| {
        let request = keeping_alive.get(served.url("/v1/users/me")).bearer_auth(token);
        let answer = request.header("x-forwarded-for", "192.0.2.1").send().await.unwrap();
        let status = answer.status().as_u16();
        answer.bytes().await.unwrap();
        status
    };
    for _ in 0..20 {
        assert_eq!(status("1.1").await, 200, "a user pays for themselves");
    }
    for _ in 0..4 {
        assert_eq!(status("forged").await, 401);
    }
    assert_eq!(status("forged").await, 429);
    served.stop().await;
}

/// Buckets were filled by the time of day: after a step back, the first to ask was refused.
#[tokio::test]
async fn a_clock_that_is_set_back_refuses_who_asks_next() {
    let served =
        served(Limits { address_requests_burst: 3, user_frames_burst: 3, ..Limits::default() }).await;
    let asked = async || {
        let request = client(QUIET).get(served.url("/v1/users/me")).bearer_auth("1.1");
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(asked().await, 200);
    served.world.clock.step_ms(-3_600_000);
    assert_eq!(asked().await, 200);
    served.stop().await;
}

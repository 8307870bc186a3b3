//! The handshake: may this request become a connection, and what is the answer (RFC 6455, section 4.2)?
//!
//! Deliberately absent: the upgrade itself, which whoever serves HTTP does; the path, `Host` and `Origin`, which are
//! the gateway's to judge; extensions, which are never accepted, whatever is offered.

use data_encoding::BASE64;
use http::header::{
    ALLOW, CONNECTION, HeaderName, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version};
use protocol::SUBPROTOCOL;
use sha1::{Digest, Sha1};

/// What every key is hashed with (section 1.3).
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The characters of a key: 16 bytes in base64, the last two of them padding.
const KEY_CHARS: usize = 24;

/// The only version there is (section 4.1).
const VERSION: HeaderValue = HeaderValue::from_static("13");

const WEBSOCKET: &str = "websocket";

/// A request that may become a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accept {
    accept: HeaderValue,
}

impl Accept {
    /// The answer, after which the bytes of the connection are frames: `101` with the accepted key and subprotocol.
    pub fn response<B: Default>(&self) -> Response<B> {
        let mut response = Response::new(B::default());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(UPGRADE, HeaderValue::from_static(WEBSOCKET));
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(SEC_WEBSOCKET_ACCEPT, self.accept.clone());
        headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
        response
    }
}

/// Why a request cannot become a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// The method is not GET.
    #[error("a WebSocket begins with GET")]
    Method,
    /// The request is not HTTP/1.1, the only version that upgrades.
    #[error("a WebSocket begins with HTTP/1.1")]
    HttpVersion,
    /// `Upgrade` does not name `websocket`, or `Connection` does not name `upgrade`.
    #[error("this path speaks WebSocket: the request must ask for an upgrade")]
    Upgrade,
    /// `Sec-WebSocket-Version` is not 13.
    #[error("Sec-WebSocket-Version must be 13")]
    WebSocketVersion,
    /// `Sec-WebSocket-Key` is missing, repeated, or not 16 bytes in base64.
    #[error("Sec-WebSocket-Key must be 16 bytes in base64")]
    Key,
    /// `Sec-WebSocket-Protocol` does not offer the subprotocol that is spoken here.
    #[error("Sec-WebSocket-Protocol must offer {SUBPROTOCOL}")]
    Subprotocol,
}

impl Refusal {
    /// The status to answer with.
    pub const fn status(self) -> StatusCode {
        match self {
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::HttpVersion => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            Self::Upgrade | Self::WebSocketVersion => StatusCode::UPGRADE_REQUIRED,
            Self::Key | Self::Subprotocol => StatusCode::BAD_REQUEST,
        }
    }

    /// The headers that say what would have been right.
    pub fn headers(self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        match self {
            Self::Method => {
                headers.insert(ALLOW, HeaderValue::from_static("GET"));
            }
            Self::Upgrade | Self::WebSocketVersion => {
                headers.insert(UPGRADE, HeaderValue::from_static(WEBSOCKET));
                headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
                headers.insert(SEC_WEBSOCKET_VERSION, VERSION);
            }
            Self::HttpVersion | Self::Key | Self::Subprotocol => {}
        }
        headers
    }
}

/// Judges a request.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn check<B>(request: &Request<B>) -> Result<Accept, Refusal> {
    let headers = request.headers();
    if request.method() != Method::GET {
        return Err(Refusal::Method);
    }
    if request.version() != Version::HTTP_11 {
        return Err(Refusal::HttpVersion);
    }
    let upgrades = tokens(headers, UPGRADE).any(|token| token.eq_ignore_ascii_case(WEBSOCKET))
        && tokens(headers, CONNECTION).any(|token| token.eq_ignore_ascii_case("upgrade"));
    if !upgrades {
        return Err(Refusal::Upgrade);
    }
    if single(headers, SEC_WEBSOCKET_VERSION) != Some("13") {
        return Err(Refusal::WebSocketVersion);
    }
    let key = single(headers, SEC_WEBSOCKET_KEY).filter(|key| is_key(key)).ok_or(Refusal::Key)?;
    if !tokens(headers, SEC_WEBSOCKET_PROTOCOL).any(|token| token == SUBPROTOCOL) {
        return Err(Refusal::Subprotocol);
    }
    let accept = HeaderValue::try_from(accept_key(key)).map_err(|_invalid| Refusal::Key)?;
    Ok(Accept { accept })
}

/// The value of `Sec-WebSocket-Accept` for a `Sec-WebSocket-Key` (section 4.2.2).
pub fn accept_key(key: &str) -> String {
    BASE64.encode(&Sha1::new().chain_update(key).chain_update(GUID).finalize())
}

/// Whether `key` is 16 bytes in base64. The four bits that the last character has beyond them are not looked at: the
/// RFC's own example (section 4.1) has them set.
fn is_key(key: &str) -> bool {
    key.len() == KEY_CHARS
        && key.strip_suffix("==").is_some_and(|data| {
            data.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/')
        })
}

/// The elements of a header that is a list, over all its lines.
fn tokens(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    headers
        .get_all(name)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim_ascii)
}

/// The value of a header that must stand once.
fn single(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    let mut values = headers.get_all(name).into_iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value.trim_ascii())
}

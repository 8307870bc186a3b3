//! Which pages may connect. A native app sends no Origin and is let in; a browser's must be our own or allowed.

use http::HeaderMap;
use http::header::{HOST, ORIGIN};

/// Whether a request with these headers may become a session.
pub(crate) fn admits(headers: &HeaderMap, allowed: &[String]) -> bool {
    let mut origins = headers.get_all(ORIGIN).into_iter();
    let Some(origin) = origins.next() else { return true };
    let Some(origin) = origin.to_str().ok().filter(|_| origins.next().is_none()) else { return false };
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    allowed.iter().any(|allowed| allowed == "*" || allowed.trim_end_matches('/').eq_ignore_ascii_case(origin))
        || host.is_some_and(|host| is_same(origin, host))
}

/// Whether `origin` is the server that the request went to. The scheme is the proxy's business in front of us: only the
/// authority is compared, without the port that the scheme implies.
fn is_same(origin: &str, host: &str) -> bool {
    let (port, authority) = if let Some(rest) = origin.strip_prefix("https://") {
        (":443", rest)
    } else if let Some(rest) = origin.strip_prefix("http://") {
        (":80", rest)
    } else {
        return false;
    };
    let bare = |text: &'static str, authority: &str| {
        authority.strip_suffix(text).unwrap_or(authority).to_ascii_lowercase()
    };
    !authority.is_empty() && bare(port, authority) == bare(port, host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(origin: Option<&str>, host: &str, allowed: &[&str]) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(ORIGIN, origin.parse().unwrap());
        }
        let allowed: Vec<String> = allowed.iter().map(|text| (*text).to_owned()).collect();
        admits(&headers, &allowed)
    }

    #[test]
    fn a_page_of_another_site_connects_with_the_persons_browser() {
        for (origin, host, allowed, expected) in [
            (None, "chat.example", &[][..], true),
            (Some("https://chat.example"), "chat.example", &[], true),
            (Some("https://CHAT.example:443"), "chat.example", &[], true),
            (Some("http://127.0.0.1:8080"), "127.0.0.1:8080", &[], true),
            (Some("https://evil.example"), "chat.example", &[], false),
            (Some("https://chat.example.evil"), "chat.example", &[], false),
            (Some("http://chat.example:8080"), "chat.example", &[], false),
            (Some("null"), "chat.example", &[], false),
            (Some("file://"), "chat.example", &[], false),
            (Some("https://app.example"), "chat.example", &["https://app.example"], true),
            (Some("https://app.example"), "chat.example", &["https://other.example"], false),
            (Some("null"), "chat.example", &["*"], true),
        ] {
            assert_eq!(admitted(origin, host, allowed), expected, "{origin:?} at {host}");
        }
    }

    #[test]
    fn two_origins_in_one_request_hide_the_bad_one() {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, "chat.example".parse().unwrap());
        headers.append(ORIGIN, "https://chat.example".parse().unwrap());
        headers.append(ORIGIN, "https://evil.example".parse().unwrap());
        assert!(!admits(&headers, &[]));
    }
}

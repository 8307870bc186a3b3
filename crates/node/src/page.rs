//! The page at `/`: what this is, and how to send the first message. The app takes its place later.

/// The page of a server whose devices connect to `origin`.
pub(crate) fn page(origin: &str) -> String {
    include_str!("page.html").replace("ORIGIN", origin)
}

//! The connection, said calmly, and where help is.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::super::model::{Link, Model};
use super::super::{text, theme};
use crate::count::count;

const HINTS: &str = "F1 help · Ctrl+K switch · Ctrl+C leave ";

pub(super) fn draw(frame: &mut Frame<'_>, model: &Model, area: Rect) {
    let (sign, style, words) = match (model.link, model.retry_in_secs()) {
        (Link::Connected, _) => ("●", theme::GOOD, "connected".to_owned()),
        (Link::Connecting, _) => ("○", theme::WAITING, "connecting…".to_owned()),
        (Link::Lost { .. }, 0) => ("○", theme::WAITING, "reconnecting…".to_owned()),
        (Link::Lost { .. }, secs) => ("○", theme::WAITING, format!("reconnecting in {secs} s…")),
    };
    let words = format!("{words}{}", waiting(model));
    let left = Line::from(vec![Span::raw(" "), Span::styled(sign, style), Span::raw(format!(" {words}"))]);
    let used = left.width();
    frame.render_widget(left, area);
    if used + text::width(HINTS) + 2 <= usize::from(area.width) {
        frame.render_widget(Line::styled(HINTS, theme::QUIET).right_aligned(), area);
    }
}

/// What waits to be sent. With a connection that is over before anybody could read it.
fn waiting(model: &Model) -> String {
    match model.state.rooms.waiting() {
        _ if model.link == Link::Connected => String::new(),
        0 => String::new(),
        some => format!(" · {} and will be sent", count(some, "message waits", "messages wait")),
    }
}

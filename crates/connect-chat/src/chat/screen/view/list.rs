//! The conversations, newest first, with what is unread.

use domain::ConversationId;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::super::model::Model;
use super::super::{text, theme};
use super::row;

pub(super) fn draw(frame: &mut Frame<'_>, model: &Model, area: Rect) {
    if area.is_empty() {
        return;
    }
    let all = model.state.rooms.all();
    let open = model.window.as_ref().map(|window| window.conversation);
    let at = all.iter().position(|id| Some(*id) == open).unwrap_or(0);
    let height = usize::from(area.height);
    // The open one is always among those that have room.
    let skip = (at + 1).saturating_sub(height);
    for (n, id) in all.iter().skip(skip).take(height).enumerate() {
        row(frame, &line(model, *id, None, Some(*id) == open, area.width), area, n);
    }
    if all.is_empty() {
        row(frame, &Line::styled(" no conversations", theme::QUIET), area, 0);
    }
}

/// A conversation in a row: its name, what tells it from others of its name, and how many messages in it are unread.
pub(super) fn line(
    model: &Model,
    id: ConversationId,
    aside: Option<String>,
    open: bool,
    width: u16,
) -> Line<'static> {
    let unread = model.state.rooms.get(id).map_or(0, |room| room.unread);
    let count = if unread > 0 { unread.to_string() } else { String::new() };
    let aside = aside.map(|aside| format!("{aside} ")).unwrap_or_default();
    let cells = usize::from(width).saturating_sub(text::width(&aside) + count.len() + 3);
    let name = text::cut(&text::name(&model.state.room_name(id)), cells);
    let gap = " ".repeat(cells.saturating_sub(text::width(&name)) + 1);
    let style = if open || unread > 0 { theme::STRONG } else { theme::PLAIN };
    let mark = if open { "▌" } else { " " };
    Line::from(vec![
        Span::styled(mark, theme::BRIGHT),
        Span::styled(name, style),
        Span::raw(gap),
        Span::styled(aside, theme::QUIET),
        Span::styled(count, theme::BRIGHT),
    ])
}

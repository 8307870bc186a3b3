//! The members of the open group, admins first.

use client::protocol::http::Member;
use domain::Role;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::super::super::words;
use super::super::model::Model;
use super::super::{text, theme};
use super::row;

pub(super) fn draw(frame: &mut Frame<'_>, model: &Model, area: Rect) {
    let Some(members) = model.members.as_ref().filter(|_| !area.is_empty()) else { return };
    row(frame, &Line::styled(" Members", theme::STRONG), area, 0);
    let names = &model.state.names;
    let mut sorted: Vec<(bool, String, &Member)> = members
        .members
        .iter()
        .map(|member| (member.role != Role::Admin, names.of(member.user), member))
        .collect();
    sorted.sort_by(|one, other| (one.0, &one.1).cmp(&(other.0, &other.1)));
    let room = usize::from(area.height).saturating_sub(2);
    for (n, (_, name, member)) in sorted.iter().take(room).enumerate() {
        row(frame, &line(name, member, area.width), area, n + 1);
    }
    if members.more || sorted.len() > room {
        row(frame, &Line::styled(" and more", theme::QUIET), area, room + 1);
    }
}

fn line(name: &str, member: &Member, width: u16) -> Line<'static> {
    let role = if member.role == Role::Admin { words::role(Role::Admin) } else { "" };
    let cells = usize::from(width).saturating_sub(role.len() + 3);
    let name = text::cut(&text::name(name), cells);
    let gap = " ".repeat(cells.saturating_sub(text::width(&name)) + 1);
    Line::from(vec![
        Span::raw(" "),
        Span::styled(name, theme::person(member.user)),
        Span::raw(gap),
        Span::styled(role, theme::QUIET),
    ])
}

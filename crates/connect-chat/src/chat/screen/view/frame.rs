//! Header and rules.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::super::super::words;
use super::super::layout::Layout;
use super::super::model::Model;
use super::super::{text, theme};

pub(super) fn draw(frame: &mut Frame<'_>, model: &Model, layout: &Layout) {
    header(frame, model, layout);
    horizontal(frame, layout.rule);
    for side in [layout.list.right(), layout.members.left().saturating_sub(1)] {
        let between = layout.list.width > 0 && side == layout.list.right()
            || layout.members.width > 0 && side + 1 == layout.members.left();
        if between {
            vertical(frame, side, layout);
        }
    }
    horizontal(frame, layout.input_rule);
    if layout.list.width > 0 {
        put(frame, layout.input_rule.x.saturating_sub(1), layout.input_rule, "├");
    }
    if layout.members.width > 0 {
        put(frame, layout.input_rule.right(), layout.input_rule, "┤");
    }
}

fn horizontal(frame: &mut Frame<'_>, area: Rect) {
    let rule = "─".repeat(usize::from(area.width));
    frame.render_widget(Line::styled(rule, theme::QUIET), area);
}

fn vertical(frame: &mut Frame<'_>, x: u16, layout: &Layout) {
    put(frame, x, layout.rule, "┬");
    let body = layout.list.union(layout.members).union(layout.conversation);
    for y in body.top()..layout.status.top() {
        put(frame, x, Rect { y, height: 1, ..body }, "│");
    }
}

/// Draws a sign in this column of a row.
fn put(frame: &mut Frame<'_>, x: u16, row: Rect, sign: &str) {
    if let Some(cell) = frame.buffer_mut().cell_mut((x, row.y)).filter(|_| row.height > 0) {
        cell.set_symbol(sign).set_style(theme::QUIET);
    }
}

fn header(frame: &mut Frame<'_>, model: &Model, layout: &Layout) {
    let left = layout.conversation.x;
    let me = text::name(&model.state.handle);
    let mine = Rect { width: left.saturating_sub(1), ..layout.header };
    if mine.width > 0 {
        let name = text::cut(&me, usize::from(mine.width).saturating_sub(1));
        frame.render_widget(Line::from(vec![Span::raw(" "), Span::styled(name, theme::STRONG)]), mine);
    }
    let rest = Rect { x: left, width: layout.header.width.saturating_sub(left), ..layout.header };
    let Some(id) = model.window.as_ref().map(|window| window.conversation) else { return };
    let about = about(model, id);
    let room = usize::from(rest.width).saturating_sub(text::width(&about) + 3);
    let name = text::cut(&text::name(&model.state.room_name(id)), room);
    let spans =
        [Span::raw(" "), Span::styled(name, theme::STRONG), Span::styled(format!("  {about}"), theme::QUIET)];
    frame.render_widget(Line::from_iter(spans), rest);
}

/// What there is to know of a group.
fn about(model: &Model, id: domain::ConversationId) -> String {
    let Some(group) = model.state.rooms.get(id).and_then(|room| room.group.as_ref()) else {
        return String::new();
    };
    let members = if group.members == 1 { "member" } else { "members" };
    match group.role {
        Some(domain::Role::Admin) => {
            format!("{} {members} · you are {}", group.members, words::role(domain::Role::Admin))
        }
        Some(domain::Role::Member) => format!("{} {members}", group.members),
        None => "you are not in this group any more".to_owned(),
    }
}

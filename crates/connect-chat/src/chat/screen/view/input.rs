//! What is typed, with the cursor; above it a word on what was asked for, and what came below.

use std::ops::Range;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::super::super::command;
use super::super::layout::{Layout, PROMPT_WIDTH};
use super::super::model::{Model, Overlay};
use super::super::{text, theme};
use super::row;
use crate::count::count;

pub(super) fn draw(frame: &mut Frame<'_>, model: &Model, layout: &Layout) {
    notice(frame, model, layout.input_rule);
    typed(frame, model, layout.input);
}

fn notice(frame: &mut Frame<'_>, model: &Model, area: Rect) {
    let fresh = match model.fresh {
        0 if model.sees_the_end() || model.window.is_none() => String::new(),
        0 => " Ctrl+End: newest ".to_owned(),
        some => format!(" ↓ {} ", count(some, "new message", "new messages")),
    };
    let room = usize::from(area.width).saturating_sub(text::width(&fresh) + 6);
    if let Some(notice) = &model.notice {
        let style = if notice.bad { theme::BAD } else { theme::GOOD };
        let words = text::cut(&text::name(&notice.words), room);
        let area = Rect { x: area.x + 2, width: area.width.saturating_sub(2), ..area };
        frame.render_widget(Line::styled(format!(" {words} "), style), area);
    }
    if !fresh.is_empty() {
        let width = u16::try_from(text::width(&fresh)).unwrap_or(area.width).min(area.width);
        let x = area.right().saturating_sub(width + 2).max(area.x);
        frame.render_widget(Line::styled(fresh, theme::BRIGHT), Rect { x, width, ..area });
    }
}

fn typed(frame: &mut Frame<'_>, model: &Model, area: Rect) {
    let (width, height) = (model.input_width(), usize::from(area.height));
    let (at, column) = model.editor.place(width);
    // As many rows as have room, the cursor's among them.
    let skip = (at + 1).saturating_sub(height);
    let prompt = Line::from(vec![Span::styled(" ›", theme::BRIGHT)]);
    let inner = Rect { x: area.x + PROMPT_WIDTH, width: area.width.saturating_sub(PROMPT_WIDTH), ..area };
    let rows = text::rows(model.editor.text(), width);
    for (n, range) in rows.into_iter().skip(skip).take(height).enumerate() {
        row(frame, &Line::raw(shown(model.editor.text(), range)), inner, n);
    }
    if skip == 0 {
        row(frame, &prompt, area, 0);
    }
    if model.overlay == Overlay::None && !area.is_empty() {
        let column = u16::try_from(column.min(width.saturating_sub(1))).unwrap_or(0);
        let at = u16::try_from(at - skip).unwrap_or(0);
        frame.set_cursor_position((inner.x + column, area.y + at));
    }
}

/// A part of what is typed; of a password only how long it is.
fn shown(typed: &str, part: Range<usize>) -> String {
    let secret_from = command::secret_from(typed).unwrap_or(typed.len());
    let cell = |(at, c)| match c {
        _ if part.start + at >= secret_from => '•',
        // A tab is one cell here, as in the place of the cursor.
        '\t' => ' ',
        c => c,
    };
    typed[part.clone()].char_indices().map(cell).collect()
}

//! What the screen looks like: a model in, cells out. Pure.
//!
//! Whatever another person wrote comes here through `text`, which makes it harmless; nothing else reaches a cell.

mod codes;
mod conversation;
mod frame;
mod help;
mod input;
mod list;
mod members;
mod status;
mod switcher;

#[cfg(test)]
mod tests;

use ratatui::Frame;
use ratatui::layout::{Constraint, Flex, Layout as Split, Rect};
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::widgets::{Block, BorderType, Clear, Padding};

use super::model::{Model, Overlay};
use super::theme;

/// Draws everything.
pub(super) fn draw(frame: &mut Frame<'_>, model: &Model) {
    let layout = model.layout();
    frame::draw(frame, model, &layout);
    list::draw(frame, model, layout.list);
    conversation::draw(frame, model, layout.conversation);
    members::draw(frame, model, layout.members);
    input::draw(frame, model, &layout);
    status::draw(frame, model, layout.status);
    match &model.overlay {
        Overlay::None => {}
        Overlay::Help { top } => help::draw(frame, *top),
        Overlay::Codes(codes) => codes::draw(frame, codes),
        Overlay::Switcher(switcher) => switcher::draw(frame, model, switcher),
    }
}

/// One row of text.
fn row(frame: &mut Frame<'_>, line: &Line<'_>, area: Rect, at: usize) {
    let y = area.y.saturating_add(u16::try_from(at).unwrap_or(u16::MAX));
    if y < area.bottom() {
        frame.render_widget(line, Rect { y, height: 1, ..area });
    }
}

/// The row as wide as its area, in one style.
fn whole_row(frame: &mut Frame<'_>, style: Style, area: Rect, at: usize) {
    let y = area.y.saturating_add(u16::try_from(at).unwrap_or(u16::MAX));
    if y < area.bottom() {
        frame.buffer_mut().set_style(Rect { y, height: 1, ..area }, style);
    }
}

/// A box over the middle of the screen, of at most this size; what is in it goes into the area that comes back.
fn over(frame: &mut Frame<'_>, title: &str, width: u16, height: u16) -> Rect {
    let [middle] = Split::horizontal([Constraint::Max(width)]).flex(Flex::Center).areas(frame.area());
    let [middle] = Split::vertical([Constraint::Max(height)]).flex(Flex::Center).areas(middle);
    let block = Block::bordered()
        .border_type(BorderType::Rounded)
        .border_style(theme::QUIET)
        .title(Line::styled(format!(" {title} "), theme::STRONG))
        .padding(Padding::horizontal(1));
    let inner = block.inner(middle);
    frame.render_widget(Clear, middle);
    frame.render_widget(block, middle);
    inner
}

//! The quick switcher.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::super::model::{Choice, Model, Switcher};
use super::super::{text, theme};
use super::{list, over, row, whole_row};

pub(super) fn draw(frame: &mut Frame<'_>, model: &Model, switcher: &Switcher) {
    let area = over(frame, "go to", 50, 16);
    if area.is_empty() {
        return;
    }
    let query = switcher.query.text();
    let prompt = Line::from(vec![Span::styled("› ", theme::BRIGHT), Span::raw(query.to_owned())]);
    row(frame, &prompt, area, 0);
    let below = Rect { y: area.y + 1, height: area.height - 1, ..area };
    let height = usize::from(below.height);
    let skip = (switcher.chosen + 1).saturating_sub(height);
    let choices = switcher.choices(&model.state);
    for (n, choice) in choices.iter().enumerate().skip(skip).take(height) {
        row(frame, &line(model, choice, below.width), below, n - skip);
        if n == switcher.chosen {
            whole_row(frame, theme::CHOSEN, below, n - skip);
        }
    }
    if choices.is_empty() {
        row(frame, &Line::styled("type a name", theme::QUIET), below, 0);
    }
    let column = switcher.query.place(usize::MAX).1 + 2;
    let x = area.x.saturating_add(u16::try_from(column).unwrap_or(u16::MAX));
    frame.set_cursor_position((x.min(area.right().saturating_sub(1)), area.y));
}

fn line(model: &Model, choice: &Choice, width: u16) -> Line<'static> {
    match choice {
        Choice::Room(id) => list::line(model, *id, model.state.told_apart(*id), false, width),
        Choice::Find(name) => {
            let name = text::cut(&text::name(name), usize::from(width).saturating_sub(14));
            Line::raw(format!(" talk to “{name}”"))
        }
    }
}

//! The open conversation, its end at the bottom; or how to begin.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::super::model::Model;
use super::super::theme;
use super::row;

const BEGIN: [&str; 5] = [
    "no conversation is open",
    "",
    "Ctrl+K    go to a conversation, or somebody new",
    "/group    make a group:  /group NAME bob carol",
    "F1        everything else",
];

pub(super) fn draw(frame: &mut Frame<'_>, model: &Model, area: Rect) {
    let height = usize::from(area.height);
    let inner = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
    match model.transcript() {
        Some(transcript) => {
            let rows = transcript.visible(model.scroll, height).rows;
            let empty = height - rows.len().min(height);
            for (n, line) in rows.iter().enumerate() {
                row(frame, line, inner, empty + n);
            }
        }
        None => {
            let top = height.saturating_sub(BEGIN.len()) / 2;
            for (n, words) in BEGIN.iter().enumerate() {
                row(frame, &Line::styled(format!("   {words}"), theme::QUIET), area, top + n);
            }
        }
    }
}

//! The help, as far as there is room.

use ratatui::Frame;

use super::super::help;
use super::{over, row};

/// Draws it from its line `top` on.
pub(super) fn draw(frame: &mut Frame<'_>, top: usize) {
    let overhang = help::overhang(frame.area().height);
    let top = top.min(overhang);
    let title = if top < overhang { "help, ↓ for more" } else { "help" };
    let area = over(frame, title, 78, help::height());
    for (n, line) in help::lines().iter().skip(top).enumerate() {
        row(frame, line, area, n);
    }
}

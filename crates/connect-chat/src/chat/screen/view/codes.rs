//! Recovery codes, while they are looked at.

use ratatui::Frame;
use ratatui::text::Line;

use super::super::theme;
use super::{over, row};

pub(super) fn draw(frame: &mut Frame<'_>, codes: &[String]) {
    let about = [
        "Write them down: each sets a new password once,",
        "and they are not shown again. Esc closes this.",
        "",
    ];
    let height = u16::try_from(about.len() + codes.len() + 2).unwrap_or(u16::MAX);
    let area = over(frame, "recovery codes", 52, height);
    let about = about.into_iter().map(|line| Line::styled(line, theme::QUIET));
    let codes = codes.iter().map(|code| Line::styled(&**code, theme::STRONG));
    for (n, line) in about.chain(codes).enumerate() {
        row(frame, &line, area, n);
    }
}

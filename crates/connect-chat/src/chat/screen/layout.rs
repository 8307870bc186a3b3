//! Where everything is on the screen. Pure.
//!
//! ```text
//! header
//! ────────┬──────────────┬─────────
//! list    │ conversation │ members
//!         ├──────────────┤
//!         │ input        │
//! status
//! ```
//!
//! A narrow screen has room for one thing beside the conversation: the members if they are wanted, else the list.

use ratatui::layout::Rect;

/// Narrower, the conversation has the screen to itself.
const SIDE_FROM: u16 = 60;
/// From here on, list and members have room side by side.
const BOTH_FROM: u16 = 96;
const MEMBERS_WIDTH: u16 = 24;
/// Rows of the input at most, before it scrolls.
const INPUT_ROWS_MAX: u16 = 8;
/// Cells before what is typed.
pub(super) const PROMPT_WIDTH: u16 = 3;

/// The parts of the screen. What has no room has no width.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) header: Rect,
    /// The rule below the header.
    pub(super) rule: Rect,
    pub(super) list: Rect,
    pub(super) conversation: Rect,
    /// The rule above the input.
    pub(super) input_rule: Rect,
    pub(super) input: Rect,
    pub(super) members: Rect,
    pub(super) status: Rect,
}

/// How wide list and members are.
const fn sides(width: u16, members: bool) -> (u16, u16) {
    if width < SIDE_FROM {
        return (0, 0);
    }
    let list = if width / 4 > 32 { 32 } else { width / 4 };
    match (members, width >= BOTH_FROM) {
        (true, true) => (list, MEMBERS_WIDTH),
        (true, false) => (0, MEMBERS_WIDTH),
        (false, _) => (list, 0),
    }
}

impl Layout {
    /// The width of what is typed, on a screen of this width.
    pub(super) fn input_width(width: u16, members: bool) -> u16 {
        let middle = Self::new(Rect::new(0, 0, width, 10), members, 1).input;
        middle.width.saturating_sub(PROMPT_WIDTH)
    }

    /// The parts of a screen whose input has so many rows.
    pub(super) fn new(area: Rect, members: bool, input_rows: usize) -> Self {
        let (list, members) = sides(area.width, members);
        let most = INPUT_ROWS_MAX.min(area.height.saturating_sub(6)).max(1);
        let input = u16::try_from(input_rows).unwrap_or(most).clamp(1, most);
        let row = |y: u16, height: u16| {
            let y = y.min(area.height);
            Rect::new(area.x, area.y + y, area.width, height.min(area.height - y))
        };
        let body = row(2, area.height.saturating_sub(3));
        let (left, right) = (if list > 0 { list + 1 } else { 0 }, if members > 0 { members + 1 } else { 0 });
        let middle = |y: u16, height: u16| {
            let width = body.width.saturating_sub(left + right);
            Rect::new(body.x + left, y, width, height)
        };
        let above = body.height.saturating_sub(input + 1);
        let rule = u16::from(body.height > input);
        Self {
            header: row(0, 1),
            rule: row(1, 1),
            list: Rect { width: list, ..body },
            conversation: middle(body.y, above),
            input_rule: middle(body.y + above, rule),
            input: middle(body.y + above + rule, body.height.saturating_sub(above + rule)),
            members: Rect::new(body.right().saturating_sub(members), body.y, members, body.height),
            status: row(area.height.saturating_sub(1).max(2), 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_lies_outside_of_the_screen_or_over_another() {
        for (width, height) in
            (0..130).step_by(7).flat_map(|width| (0..40).map(move |height| (width, height)))
        {
            for (members, rows) in [(false, 1), (true, 1), (false, 50), (true, 3)] {
                let area = Rect::new(0, 0, width, height);
                let parts = Layout::new(area, members, rows);
                let all = [
                    parts.header,
                    parts.rule,
                    parts.list,
                    parts.conversation,
                    parts.input_rule,
                    parts.input,
                    parts.members,
                    parts.status,
                ];
                for (n, one) in all.iter().enumerate().filter(|(_, part)| !part.is_empty()) {
                    assert_eq!(one.intersection(area), *one, "{n} on {area}");
                    for other in all.iter().skip(n + 1) {
                        assert!(!one.intersects(*other) || other.is_empty(), "{one} {other} on {area}");
                    }
                }
            }
        }
    }
}

//! Styles. The sixteen colours of the terminal only, so that its own theme holds; no meaning is in a colour alone.

use domain::UserId;
use ratatui::style::{Color, Modifier, Style};

/// What stands back: times, rules, hints.
pub(super) const QUIET: Style = Style::new().fg(Color::DarkGray);
pub(super) const PLAIN: Style = Style::new();
pub(super) const STRONG: Style = Style::new().add_modifier(Modifier::BOLD);
/// What is new or chosen.
pub(super) const BRIGHT: Style = Style::new().fg(Color::Cyan).add_modifier(Modifier::BOLD);
pub(super) const GOOD: Style = Style::new().fg(Color::Green);
pub(super) const WAITING: Style = Style::new().fg(Color::Yellow);
pub(super) const BAD: Style = Style::new().fg(Color::Red);
pub(super) const CHOSEN: Style = Style::new().add_modifier(Modifier::REVERSED);

const PEOPLE: [Color; 6] =
    [Color::Green, Color::Yellow, Color::Blue, Color::Magenta, Color::LightRed, Color::LightGreen];

/// The style of a person's name: the same for the same person.
pub(super) fn person(user: UserId) -> Style {
    let sum = user.as_bytes().iter().fold(0_usize, |sum, byte| sum.wrapping_mul(31) + usize::from(*byte));
    Style::new().fg(PEOPLE[sum % PEOPLE.len()]).add_modifier(Modifier::BOLD)
}

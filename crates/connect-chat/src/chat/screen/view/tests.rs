//! What a person sees.

use crossterm::event::{KeyCode, KeyModifiers};
use domain::{Content, Kind};
use std::sync::Arc;

use super::super::super::samples::{direct, entry, user};
use super::super::super::server::Ask;
use super::super::model::Effect;
use super::super::model::tests::Sample;
use super::super::text;

#[test]
fn ones_own_message_has_the_wrong_tick() {
    let mut sample = Sample::new(80, 24, 1);
    let row = |sample: &Sample| sample.screen().into_iter().find(|row| row.contains("hello")).unwrap();
    sample.says("hello");
    sample.serve();
    assert!(row(&sample).ends_with('○'), "{:#?}", sample.screen());
    sample.stored(2);
    assert!(row(&sample).ends_with(" ✓"));
    sample.comes(1, "hello");
    assert!(row(&sample).ends_with(" ✓"));
    sample.bob_is_at(2, 1);
    assert!(row(&sample).ends_with("✓✓"));
    sample.bob_is_at(2, 2);
    assert!(row(&sample).ends_with("✔✔"));
    assert_eq!(sample.screen().iter().filter(|row| row.contains("hello")).count(), 1, "it is there once");
}

#[test]
fn what_waits_or_was_refused_is_not_to_be_seen() {
    let mut sample = Sample::new(80, 24, 1);
    sample.loses_connection(2_500);
    sample.says("later");
    sample.serve();
    assert!(sample.shows("reconnecting in 3 s… · 1 message waits"), "{:#?}", sample.screen());
    sample.model.tick(2_500);
    assert!(sample.shows("reconnecting… · 1 message waits"));
    sample.refused(2);
    assert!(sample.shows("✗ not sent: you are not a member"), "{:#?}", sample.screen());
    assert!(sample.shows("/retry sends it again, /discard drops it"));
    sample.says("/discard");
    assert!(!sample.shows("later"));
}

#[test]
fn a_message_drives_the_terminal_or_hides_in_a_line() {
    let mut sample = Sample::new(80, 24, 1);
    sample.comes(2, "\u{1b}[2J\u{1b}]0;title\u{7}\rada: pay me\u{202e}evil\u{200b}");
    let screen = sample.screen().concat();
    assert!(!screen.chars().any(|c| c.is_control() || "\u{202e}\u{200b}".contains(c)));
    assert!(screen.contains("\\u{1b}[2J") && screen.contains("\\u{202e}evil"), "{screen}");
}

#[test]
fn a_group_is_named_so_that_it_drives_the_terminal() {
    let mut sample = Sample::new(80, 24, 1);
    let body = Content::Renamed(domain::content::Renamed { name: "\u{1b}[31mred\nteam".into() }).to_body();
    let mut renamed = entry(2, 3, Kind::Renamed, body);
    renamed.conversation = domain::ConversationId::Group([1; 16]);
    sample.model.event(&client::Event::Entry(Arc::new(renamed)));
    assert!(sample.shows("\\u{1b}[31mred\\n"), "{:#?}", sample.screen());
}

#[test]
fn wide_characters_marks_and_other_scripts_break_the_columns() {
    let mut sample = Sample::new(80, 24, 1);
    let texts = [
        "日本語のテキスト".repeat(6),
        "e\u{301}".repeat(70),
        "👩\u{200d}👩\u{200d}👧🇩🇪".repeat(20),
        "שלום עולם".repeat(9),
    ];
    for said in &texts {
        sample.comes(2, said);
    }
    let screen = sample.screen();
    for row in &screen {
        assert!(text::width(row) <= 80, "{row}");
    }
    let shown: String = screen.iter().filter_map(|row| row.split("│   ").nth(1)).map(str::trim_end).collect();
    for said in &texts {
        let words = |text: &str| text.replace(' ', "");
        assert!(words(&shown).contains(&words(said)), "{said} is not in {screen:#?}");
    }
}

#[test]
fn names_days_and_times_are_repeated_or_missing() {
    let mut sample = Sample::new(80, 24, 3);
    sample.comes(1, "an answer");
    let screen = sample.screen();
    let count = |words: &str| screen.iter().filter(|row| row.contains(words)).count();
    assert_eq!(count("Sunday 1 March 2026"), 1, "{screen:#?}");
    assert_eq!((count("bob  12:00"), count("you  12:00")), (1, 1), "{screen:#?}");
}

#[test]
fn what_is_unread_elsewhere_is_not_to_be_seen() {
    let mut sample = Sample::new(80, 24, 1);
    for n in 1..=3 {
        let mut from_carol = entry(n, 3, Kind::Message, Content::message("psst").to_body());
        from_carol.conversation = domain::ConversationId::direct(user(1), user(3));
        sample.model.event(&client::Event::Entry(Arc::new(from_carol)));
    }
    let screen = sample.screen();
    assert!(screen[2].starts_with(" carol") && screen[2].contains(" 3 │"), "{screen:#?}");
    assert!(screen[3].starts_with("▌bob"), "{screen:#?}");
    assert!(!sample.shows("psst"));
    assert_eq!(sample.model.state.open, Some(direct()));
}

#[test]
fn what_the_help_says_last_cannot_be_reached_on_a_small_terminal() {
    for (height, page) in
        [(24, KeyCode::Down), (20, KeyCode::Down), (20, KeyCode::PageDown), (9, KeyCode::End)]
    {
        let mut sample = Sample::new(80, height, 1);
        sample.key(KeyCode::F(1), KeyModifiers::NONE);
        assert!(sample.shows("Alt+Enter"), "{height}: {:#?}", sample.screen());
        // Also further than it goes, from where the first key leads back.
        sample.pages(page, 50);
        assert!(sample.shows("//x says /x") && !sample.shows("for more"), "{height}: {:#?}", sample.screen());
        let end = sample.screen();
        sample.key(KeyCode::Up, KeyModifiers::NONE);
        assert_eq!(sample.screen() == end, height == 24, "{height}");
        assert_eq!(sample.shows("help, ↓ for more"), height < 24, "{height}");
        sample.key(KeyCode::Home, KeyModifiers::NONE);
        assert!(sample.shows("Alt+Enter"));
        sample.key(KeyCode::Esc, KeyModifiers::NONE);
        assert!(!sample.shows("Alt+Enter"));
    }
}

#[test]
fn a_person_and_a_group_of_one_name_look_alike_where_one_chooses() {
    let mut sample = Sample::new(80, 24, 1);
    for n in [1, 2] {
        sample.model.state.rooms.room(domain::ConversationId::Group([n; 16])).name = Some("bob".to_owned());
    }
    sample.key(KeyCode::Char('k'), KeyModifiers::CONTROL);
    sample.types("bob");
    let screen = sample.screen();
    // The sidebar is at the left of it.
    let chosen: Vec<&str> = screen.iter().filter_map(|row| row.split("│  bob").nth(1)).collect();
    assert_eq!(chosen.len(), 3, "{screen:#?}");
    assert!(!chosen[0].contains("group"), "the person is first: {screen:#?}");
    assert!(chosen[1].contains("group …") && chosen[2].contains("group …"), "{screen:#?}");
    assert_ne!(chosen[1], chosen[2]);
}

#[test]
fn a_stranger_s_group_takes_the_place_of_a_person_who_is_not_listed() {
    let mut sample = Sample::new(80, 24, 1);
    for (n, name) in [(1, "dave2"), (2, "our team")] {
        sample.model.state.rooms.room(domain::ConversationId::Group([n; 16])).name = Some(name.to_owned());
    }
    let mut goes_to = |name: &str| {
        sample.key(KeyCode::Char('k'), KeyModifiers::CONTROL);
        sample.types(name);
        sample.key(KeyCode::Enter, KeyModifiers::NONE);
        sample.model.effects()
    };
    assert_eq!(goes_to("dave2"), [Effect::Ask(Ask::Find("dave2".into()))]);
    assert!(!goes_to("our team").contains(&Effect::Ask(Ask::Find("our team".into()))), "no person can be");
}

#[test]
fn the_cursor_is_not_where_one_types() {
    let mut sample = Sample::new(80, 24, 1);
    sample.types("日本");
    let size = sample.model.size;
    let mut terminal =
        ratatui::Terminal::new(ratatui::backend::TestBackend::new(size.width, size.height)).unwrap();
    terminal.draw(|frame| super::draw(frame, &sample.model)).unwrap();
    let input = sample.model.layout().input;
    terminal.backend_mut().assert_cursor_position((input.x + 3 + 4, input.y));
}

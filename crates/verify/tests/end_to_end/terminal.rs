//! The full screen, as people at real terminals have it.

use domain::ConversationId;
use futures_util::future::join;
use verify::process::{Ports, Server};

use crate::pty::{CTRL_C, CTRL_END, MINUTES_EAST, PAGE_UP, Person};
use crate::support::{Device, device, server, soon, texts};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// Signs a person up, and leaves.
async fn sign_up(server: &Server, user: &str, state: &std::path::Path) {
    let mut person = Person::sits_down(server, user, None, state);
    person.sees("● connected").await;
    person.types(CTRL_C);
    assert!(person.ends().await);
}

#[tokio::test]
async fn two_people_at_screens_do_not_hear_each_other_or_a_dead_server_loses_a_message() {
    let mut server = server(&[]).await;
    let (home_of_ada, home_of_bob) = (folder(), folder());
    sign_up(&server, "bob", home_of_bob.path()).await;
    let mut ada = Person::sits_down(&server, "ada", Some("bob"), home_of_ada.path());
    ada.sees("● connected").await;
    ada.says("hello bob");
    ada.sees_tick("hello bob", "✓").await;
    let mut bob = Person::sits_down(&server, "bob", None, home_of_bob.path());
    bob.sees("ada").await;
    ada.sees_tick("hello bob", "✓✓").await;
    bob.types("\x0bada\r");
    bob.sees("hello bob").await;
    ada.sees_tick("hello bob", "✔✔").await;
    bob.says("hello ada, 日本語 e\u{301}!");
    ada.sees("hello ada, 日本語 e\u{301}!").await;

    server.kill().await.unwrap();
    join(ada.sees("reconnecting"), bob.sees("reconnecting")).await;
    ada.says("while it was away");
    ada.sees_tick("while it was away", "○").await;
    ada.sees("1 message waits").await;
    // The program may die, too: what was said is in the outbox.
    drop(ada);
    let mut ada = Person::sits_down(&server, "ada", None, home_of_ada.path());
    ada.sees("1 message waits").await;
    server.restart(Ports::Same).await.unwrap();
    bob.sees("while it was away").await;
    ada.sees("● connected").await;
    ada.types("\x0bbob\r");
    ada.sees_tick("while it was away", "✔✔").await;

    let other_device = device(&server, "ada").await;
    let bobs = other_device.http.by_handle("bob").await.unwrap().id;
    let log = other_device.history(ConversationId::direct(other_device.user(), bobs)).await;
    assert_eq!(texts(&log), ["hello bob", "hello ada, 日本語 e\u{301}!", "while it was away"]);
}

/// The numbers of the messages on the screen, which say `number N`.
fn numbers(screen: &str) -> Vec<u64> {
    let number = |row: &str| row.split("number ").nth(1)?.split_whitespace().next()?.parse().ok();
    screen.lines().filter_map(number).collect()
}

/// A log of so many messages, of which the newest one is awaited.
async fn talks(bob: &Device, conversation: ConversationId, count: u64) {
    let mut session = bob.connect().await;
    for number in 1..count {
        session.submit(conversation, bob.client_id(), &format!("number {number}")).await;
    }
    soon("a long talk", session.say(conversation, &format!("number {count}"))).await;
}

#[tokio::test]
async fn scrolling_back_skips_or_repeats_or_jumps() {
    let server = server(&[]).await;
    let (home, bob) = (folder(), device(&server, "bob").await);
    sign_up(&server, "ada", home.path()).await;
    let ada_user = bob.http.by_handle("ada").await.unwrap().id;
    let conversation = ConversationId::direct(bob.user(), ada_user);
    talks(&bob, conversation, 500).await;
    let mut ada = Person::sits_down(&server, "ada", Some("bob"), home.path());
    ada.sees("number 500").await;

    let mut seen = std::collections::BTreeSet::new();
    while !seen.contains(&1) {
        let before = ada.screen();
        let shown = numbers(&before);
        assert!(shown.windows(2).all(|pair| pair[1] == pair[0] + 1), "{before}");
        seen.extend(shown.iter().copied());
        ada.types(PAGE_UP);
        ada.waits("an older screen", |screen| numbers(screen).first() < shown.first() || seen.contains(&1))
            .await;
    }
    assert_eq!(seen.len(), 500, "each was on the screen");
    ada.sees("this is the beginning").await;

    // What comes now does not move what is read; a resize keeps it, too.
    let before = numbers(&ada.screen());
    bob.post(conversation, "number 501").await;
    ada.sees("1 new message").await;
    assert_eq!(numbers(&ada.screen()), before);
    ada.resizes(40, 120);
    ada.waits("a larger screen", |screen| numbers(screen).len() > before.len()).await;
    assert!(numbers(&ada.screen()).contains(before.last().unwrap()));
    ada.resizes(12, 40);
    ada.waits("a small screen", |screen| screen.lines().count() == 12 && screen.contains("connected")).await;
    ada.types(CTRL_END);
    ada.sees("number 501").await;
}

#[tokio::test]
async fn a_pasted_text_is_torn_or_executed() {
    let server = server(&[]).await;
    let (home, bob) = (folder(), device(&server, "bob").await);
    let mut ada = Person::sits_down(&server, "ada", Some("bob"), home.path());
    ada.sees("● connected").await;
    let ada_user = bob.http.by_handle("ada").await.unwrap().id;
    let conversation = ConversationId::direct(bob.user(), ada_user);
    ada.pastes("/quit\rsecond line\r\rfourth");
    ada.sees("fourth").await;
    ada.types("\x1b\rby hand\r");
    ada.sees_tick("by hand", "✓").await;
    let said = texts(&bob.history(conversation).await);
    assert_eq!(said, ["/quit\nsecond line\n\nfourth\nby hand"]);

    // And nothing that comes drives the terminal.
    bob.post(conversation, "\u{1b}[?1049l\u{1b}[2J\u{1b}]0;owned\u{7}gone").await;
    ada.sees("\\u{1b}[?1049l").await;
    ada.sees("second line").await;
    assert!(ada.terminal().screen().alternate_screen());
}

#[tokio::test]
async fn a_second_terminal_does_not_say_who_it_is_or_why_it_ends() {
    let server = server(&[]).await;
    let home = folder();
    sign_up(&server, "ada", home.path()).await;
    for mode in [&[][..], &["--line"]] {
        let mut first = Person::starts(&server, mode, home.path());
        first.sees("signed in as ada; --user NAME for another").await;
        let mut second = Person::starts(&server, mode, home.path());
        assert!(!second.ends().await);
        second.sees("ada chats in another terminal already").await;
        second.sees("--user NAME").await;
        first.terminate();
        first.ends().await;
    }
}

#[tokio::test]
async fn a_password_that_is_too_short_is_refused_at_the_end_only() {
    let server = server(&[]).await;
    let home = folder();
    let mut ada = Person::begins(&server, &["--line", "--user", "ada"], home.path(), None);
    ada.sees("Password of ada:").await;
    ada.says("short");
    ada.sees("A password has 8 characters or more, and 256 bytes at most.").await;
    ada.waits("the question again", |screen| screen.matches("Password of ada:").count() == 2).await;
    ada.says("correct horse");
    ada.sees("Sign up as ada?").await;
    ada.says("y");
    ada.sees("The password again:").await;
    ada.says("correct horse");
    ada.sees("connected as ada").await;
}

#[tokio::test]
async fn what_one_said_elsewhere_is_hidden_line_by_line() {
    let server = server(&[]).await;
    let (home, bob) = (folder(), device(&server, "bob").await);
    sign_up(&server, "ada", home.path()).await;
    let mut ada = Person::starts(&server, &["--line", "--open", "bob"], home.path());
    ada.sees("you are with bob").await;
    ada.says("said here");
    ada.sees("✓ sent").await;
    let phone = device(&server, "ada").await;
    phone.post(phone.with(&bob), "said on the phone").await;
    ada.sees("ada: said on the phone").await;
    assert!(!ada.screen().contains("ada: said here"), "what was typed is there already: {}", ada.screen());
}

#[tokio::test]
async fn what_is_typed_before_anything_is_open_is_lost() {
    let server = server(&[]).await;
    let home = folder();
    let bob = device(&server, "bob").await;
    sign_up(&server, "ada", home.path()).await;
    let mut ada = Person::sits_down(&server, "ada", None, home.path());
    ada.sees("● connected").await;
    ada.types("typed early");
    ada.sees("› typed early").await;
    ada.types(CTRL_C);
    ada.sees("Typed, and not sent").await;
    assert!(ada.ends().await);

    let mut ada = Person::sits_down(&server, "ada", None, home.path());
    ada.sees("● connected").await;
    ada.types("typed early");
    ada.types("\x0bbob\r");
    ada.sees("nothing was said here yet").await;
    ada.types("\r");
    ada.sees_tick("typed early", "✓").await;
    let ada_user = bob.http.by_handle("ada").await.unwrap().id;
    assert_eq!(texts(&bob.history(ConversationId::direct(bob.user(), ada_user)).await), ["typed early"]);
}

#[tokio::test]
async fn people_are_shown_the_time_of_elsewhere() {
    let server = server(&[]).await;
    let (home, bob) = (folder(), device(&server, "bob").await);
    sign_up(&server, "ada", home.path()).await;
    let ada_user = bob.http.by_handle("ada").await.unwrap().id;
    let conversation = ConversationId::direct(bob.user(), ada_user);
    bob.post(conversation, "at what time?").await;
    let minutes = bob.history(conversation).await[0].time.unix_ms() / 60_000 + u64::from(MINUTES_EAST);
    let here = format!("{:02}:{:02}", minutes / 60 % 24, minutes % 60);
    for mode in [&["--open", "bob"][..], &["--open", "bob", "--line"]] {
        let ada = Person::starts(&server, mode, home.path());
        ada.sees("at what time?").await;
        assert!(ada.screen().contains(&here), "{here}: {}", ada.screen());
    }
}

#[tokio::test]
async fn the_terminal_is_left_in_disorder() {
    let server = server(&[]).await;
    let home = folder();
    let is_given_back = |person: &Person| {
        let terminal = person.terminal();
        let screen = terminal.screen();
        !screen.alternate_screen() && !screen.bracketed_paste() && !screen.hide_cursor() && person.is_plain()
    };
    for told in [true, false] {
        let mut ada = Person::sits_down(&server, "ada", None, home.path());
        ada.sees("● connected").await;
        assert!(ada.terminal().screen().alternate_screen() && !ada.is_plain());
        match told {
            true => ada.terminate(),
            false => ada.types(CTRL_C),
        }
        assert!(ada.ends().await);
        ada.waits("the terminal as it was", |_| is_given_back(&ada)).await;
    }
}

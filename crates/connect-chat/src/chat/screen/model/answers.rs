//! What came of what was asked.

use client::Error;
use client::protocol::http::Member;

use super::super::super::server::{Answer, Ask, Change};
use super::super::super::state::done;
use super::super::super::words;
use super::super::super::{Ended, command};
use super::{Effect, Members, Model, Overlay};

impl Model {
    /// An answer came, or none could be had.
    pub(in super::super) fn answered(&mut self, ask: Ask, result: Result<Answer, Error>) {
        if matches!(ask, Ask::Name(_)) {
            self.naming -= 1;
        }
        match result {
            Ok(answer) => {
                let step = self.state.answer(&answer);
                self.take(answer);
                self.step(step);
            }
            Err(error) => self.failed(ask, &error),
        }
    }

    fn take(&mut self, answer: Answer) {
        match answer {
            Answer::Listed(_) => {
                self.listed = true;
                self.see();
            }
            Answer::Conversation(_) => self.see(),
            Answer::Page { conversation, edge, page } => {
                let end = self.sees_the_end();
                let Some(window) = self.window.as_mut().filter(|window| window.conversation == conversation)
                else {
                    return;
                };
                window.page(edge, page, &self.state.rooms.room(conversation).newest, end);
                self.see();
                self.fill();
            }
            Answer::Members { conversation, members, next } if self.state.open == Some(conversation) => {
                self.members_came(members, next.is_some());
            }
            Answer::Changed(_, change) => {
                if matches!(change, Change::Leave) && self.state.open.is_none() {
                    self.close();
                }
                if let Some(words) = done(&change) {
                    self.say(words);
                }
            }
            Answer::Said { .. } => self.go_to_the_end(),
            Answer::Password => self.say(words::ANOTHER_PASSWORD),
            Answer::Codes(codes) => self.overlay = Overlay::Codes(codes),
            Answer::SignedOut => self.effects.push(Effect::Leave(Ended::SignedOut)),
            Answer::Members { .. }
            | Answer::Found { .. }
            | Answer::Remembered { .. }
            | Answer::Name(_)
            | Answer::Made(_) => {}
        }
    }

    fn members_came(&mut self, members: Vec<Member>, more: bool) {
        if let Some(shown) = &mut self.members {
            *shown = Members { members, more };
        }
    }

    /// A group was not made. What makes it stands alone on a line, or it would be said.
    fn group_failed(&mut self, typed: &str, error: &Error) {
        let why = words::failure(error);
        if self.editor.is_empty() {
            self.editor.give_back(typed);
            self.warn(why);
        } else {
            self.warn(format!("{why}: {typed}"));
        }
    }

    fn failed(&mut self, ask: Ask, error: &Error) {
        match ask {
            Ask::Page { conversation, edge, .. } => {
                if let Some(window) =
                    self.window.as_mut().filter(|window| window.conversation == conversation)
                {
                    window.unread(edge);
                }
                if !error.retryable() {
                    self.warn(words::failure(error));
                }
            }
            // What was typed is not lost because it could not be kept, or done.
            Ask::Say { text, again: None, .. } => {
                self.editor.give_back(&text);
                self.warn(words::failure(error));
            }
            Ask::Group { name, users } => self.group_failed(&command::group(&name, &users), error),
            // Asked for again with the next connection; nobody waits for them.
            Ask::Name(_) | Ask::Conversation(_) => {}
            Ask::List if error.retryable() => {}
            _ => self.warn(words::failure(error)),
        }
    }
}

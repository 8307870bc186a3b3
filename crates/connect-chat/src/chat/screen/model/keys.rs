//! What each key does.

use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::layout::Size;

use super::super::super::Ended;
use super::super::super::command::Command;
use super::super::help;
use super::editor::BYTES_MAX as EDITOR_BYTES_MAX;
use super::{Choice, Editor, Effect, Model, Overlay, Switcher};

impl Model {
    /// Something came from the terminal.
    pub(in super::super) fn input(&mut self, event: Event) {
        match event {
            Event::Key(key) if key.kind != KeyEventKind::Release => self.key(key),
            Event::Paste(text) => self.paste(&text),
            Event::Resize(width, height) => self.resize(Size::new(width, height)),
            _ => {}
        }
    }

    /// A pasted text is a text, whatever is in it.
    fn paste(&mut self, text: &str) {
        let fits = match &mut self.overlay {
            Overlay::Switcher(switcher) => {
                switcher.chosen = 0;
                switcher.query.insert(text.lines().next().unwrap_or_default())
            }
            _ => self.editor.insert(text),
        };
        if !fits {
            self.warn(format!("nothing was pasted: at most {EDITOR_BYTES_MAX} bytes can be typed at once"));
        }
    }

    fn key(&mut self, key: KeyEvent) {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match (key.code, control) {
            (KeyCode::Char('c'), true) => self.effects.push(Effect::Leave(Ended::Left)),
            (KeyCode::Char('l'), true) => self.effects.push(Effect::Redraw),
            _ => match self.overlay {
                Overlay::None => self.key_in_conversation(key, control),
                Overlay::Help { top } => self.key_in_help(key, top),
                Overlay::Codes(_) => self.key_in_codes(key),
                Overlay::Switcher(_) => self.key_in_switcher(key, control),
            },
        }
    }

    fn key_in_conversation(&mut self, key: KeyEvent, control: bool) {
        let newline = key.modifiers.intersects(KeyModifiers::ALT | KeyModifiers::SHIFT);
        match key.code {
            KeyCode::Enter if newline => drop(self.editor.insert("\n")),
            KeyCode::Char('j') if control => drop(self.editor.insert("\n")),
            KeyCode::Enter => self.enter(),
            KeyCode::F(1) => self.overlay = Overlay::Help { top: 0 },
            KeyCode::Char('k') if control => self.overlay = Overlay::Switcher(Switcher::default()),
            KeyCode::Char('g') if control => self.command(Command::Members),
            KeyCode::Esc => self.notice = None,
            KeyCode::PageUp => self.page_up(),
            KeyCode::PageDown => self.page_down(),
            KeyCode::Home if control => self.go_to_the_beginning(),
            KeyCode::End if control => self.go_to_the_end(),
            KeyCode::Up if key.modifiers.contains(KeyModifiers::ALT) => self.neighbour(false),
            KeyCode::Down if key.modifiers.contains(KeyModifiers::ALT) => self.neighbour(true),
            KeyCode::Up | KeyCode::Down => self.up_or_down(key.code == KeyCode::Up),
            _ => edit(&mut self.editor, key, control),
        }
    }

    /// A row of what is typed, or else of the conversation: what a wheel sends, too.
    fn up_or_down(&mut self, up: bool) {
        if !self.editor.row(up, self.input_width()) {
            self.scroll_by(if up { 1 } else { -1 });
        }
    }

    /// Opens the conversation below or above in the list.
    fn neighbour(&mut self, below: bool) {
        let all = self.state.rooms.all();
        let at = self.state.open.and_then(|open| all.iter().position(|id| *id == open));
        let to = match at {
            Some(at) if below => at + 1,
            Some(at) => at.wrapping_sub(1),
            None => 0,
        };
        if let Some(id) = all.get(to) {
            self.open(*id);
        }
    }

    fn key_in_help(&mut self, key: KeyEvent, top: usize) {
        let last = help::overhang(self.size.height);
        let page = usize::from(self.size.height.saturating_sub(4).max(1));
        let top = match key.code {
            KeyCode::Esc | KeyCode::F(1) | KeyCode::Enter | KeyCode::Char('q') => {
                self.overlay = Overlay::None;
                return;
            }
            KeyCode::Up => top.saturating_sub(1),
            KeyCode::Down => top + 1,
            KeyCode::PageUp => top.saturating_sub(page),
            KeyCode::PageDown => top + page,
            KeyCode::Home => 0,
            KeyCode::End => last,
            _ => top,
        };
        self.overlay = Overlay::Help { top: top.min(last) };
    }

    fn key_in_codes(&mut self, key: KeyEvent) {
        if matches!(key.code, KeyCode::Esc | KeyCode::F(1) | KeyCode::Enter | KeyCode::Char('q')) {
            self.overlay = Overlay::None;
        }
    }

    fn key_in_switcher(&mut self, key: KeyEvent, control: bool) {
        let Overlay::Switcher(switcher) = &mut self.overlay else { return };
        match key.code {
            KeyCode::Esc => self.overlay = Overlay::None,
            KeyCode::Char('k') if control => self.overlay = Overlay::None,
            KeyCode::Up => switcher.choose(false, &self.state),
            KeyCode::Down | KeyCode::Tab => switcher.choose(true, &self.state),
            KeyCode::Enter => {
                let choice = switcher.choices(&self.state).into_iter().nth(switcher.chosen);
                self.overlay = Overlay::None;
                match choice {
                    Some(Choice::Room(id)) => self.open(id),
                    Some(Choice::Find(name)) => self.command(Command::Open(name)),
                    None => {}
                }
            }
            _ => {
                edit(&mut switcher.query, key, control);
                switcher.chosen = 0;
            }
        }
    }
}

/// The keys of an input line, as shells have them.
fn edit(editor: &mut Editor, key: KeyEvent, control: bool) {
    let word = control || key.modifiers.contains(KeyModifiers::ALT);
    match key.code {
        KeyCode::Char('a') if control => editor.home(),
        KeyCode::Char('e') if control => editor.end(),
        KeyCode::Char('u') if control => editor.erase_line(),
        KeyCode::Char('w') if control => editor.erase_word(),
        KeyCode::Char('b') if word => {
            if control {
                editor.left()
            } else {
                editor.word_left()
            }
        }
        KeyCode::Char('f') if word => {
            if control {
                editor.right()
            } else {
                editor.word_right()
            }
        }
        KeyCode::Char(c) if !word => drop(editor.insert(c.encode_utf8(&mut [0; 4]))),
        KeyCode::Char('h') if control => editor.backspace(),
        KeyCode::Backspace if word => editor.erase_word(),
        KeyCode::Backspace => editor.backspace(),
        KeyCode::Delete => editor.delete(),
        KeyCode::Left if word => editor.word_left(),
        KeyCode::Right if word => editor.word_right(),
        KeyCode::Left => editor.left(),
        KeyCode::Right => editor.right(),
        KeyCode::Home => editor.home(),
        KeyCode::End => editor.end(),
        _ => {}
    }
}

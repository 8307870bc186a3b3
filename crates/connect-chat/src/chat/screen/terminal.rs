//! The terminal, and that it is given back as it was: on every way out, a panic included.

use std::io::{self, Stdout, Write};

use crossterm::cursor::Show;
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::execute;
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use ratatui::Frame;
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Size;

use super::repaint::mark_doubtful;

/// The terminal as a screen, until it is dropped.
pub(super) struct Terminal(ratatui::Terminal<CrosstermBackend<Stdout>>);

impl Terminal {
    /// Takes the terminal over.
    pub(super) fn take_over() -> io::Result<Self> {
        give_back_on_panic();
        let taken = enable_raw_mode()
            .and_then(|()| execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste))
            .and_then(|()| ratatui::Terminal::new(CrosstermBackend::new(io::stdout())));
        taken.map(Self).inspect_err(|_| give_back())
    }

    pub(super) fn size(&self) -> io::Result<Size> {
        self.0.size()
    }

    pub(super) fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        let painted = self.0.draw(|frame| {
            draw(frame);
            mark_doubtful(frame.buffer_mut());
        });
        painted.map(drop)
    }

    /// Everything is drawn anew with the next [`Self::draw`].
    pub(super) fn clear(&mut self) -> io::Result<()> {
        self.0.clear()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        give_back();
    }
}

/// The terminal as it was. If it is gone, there is nothing to give back and nobody to tell.
fn give_back() {
    drop(disable_raw_mode());
    drop(execute!(io::stdout(), DisableBracketedPaste, LeaveAlternateScreen, Show));
    drop(io::stdout().flush());
}

/// The panic is told on the terminal as it was, or nobody could read it.
fn give_back_on_panic() {
    let told = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        give_back();
        told(panic);
    }));
}

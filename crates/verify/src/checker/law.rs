//! The laws by name, and what a broken one is told as.

use std::fmt;

/// A law that the checker holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Law {
    /// What was acked is at its position, with its body, and an empty device finds it.
    AckedIsStored,
    /// What was refused for good is in no log.
    RefusedIsNotStored,
    /// A log is sound, and everybody is given it as it is.
    OneLog,
    /// Nobody is given what they may not see.
    NobodyGetsIn,
    /// No cursor is told to be less than it was.
    CursorsOnlyGrow,
    /// What is unread or missed is what the log says.
    CountsFollowTheLog,
    /// Entries are pushed in order within a session.
    PushedInOrder,
    /// A device's submissions to a conversation are appended in the order that it sent them.
    DevicesOrder,
    /// Nothing is in a log that no device asked for.
    NothingFromNowhere,
    /// A connected device has everything that its person may see.
    NoSilentLoss,
    /// In the end every submission is acked or refused.
    EverySubmissionIsSettled,
}

impl Law {
    /// As it is told.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AckedIsStored => "acked is stored",
            Self::RefusedIsNotStored => "refused is not stored",
            Self::OneLog => "one log",
            Self::NobodyGetsIn => "nobody gets in",
            Self::CursorsOnlyGrow => "cursors only grow",
            Self::CountsFollowTheLog => "counts follow the log",
            Self::PushedInOrder => "pushed in order",
            Self::DevicesOrder => "a device's order",
            Self::NothingFromNowhere => "nothing from nowhere",
            Self::NoSilentLoss => "no silent loss",
            Self::EverySubmissionIsSettled => "every submission is settled",
        }
    }

    /// It was broken in this way.
    pub(crate) const fn broken(self, what: String) -> Finding {
        Finding { law: self, what }
    }
}

impl fmt::Display for Law {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A law that was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which law.
    pub law: Law,
    /// How.
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.law, self.what)
    }
}

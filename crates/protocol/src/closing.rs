//! How sessions end: why, the close code, and what a device does next.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

/// Why a session ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The server is being stopped or replaced: come back elsewhere.
    Restart,
    /// The gateway lost its place and has to be connected anew.
    Moved,
    /// No hello in time.
    HelloTimeout,
    /// Not heard for too long.
    Dead,
    /// It did not read what was sent to it, for too long.
    SlowReader,
    /// Too much in too short a time.
    RateLimited,
    /// The server cannot take more sessions now.
    Overloaded,
    /// The access token is not valid.
    Unauthenticated,
    /// The access token expired and was not renewed.
    TokenExpired,
    /// The device was signed out.
    SignedOut,
    /// A frame broke the protocol.
    BadFrame,
    /// A frame was larger than `frame_bytes_max`.
    FrameTooLarge,
    /// A bug. It was logged.
    Internal,
}

impl Reason {
    /// Every reason, in the order of the documentation.
    pub const ALL: [Self; 13] = [
        Self::Restart,
        Self::Moved,
        Self::Dead,
        Self::SlowReader,
        Self::HelloTimeout,
        Self::RateLimited,
        Self::Overloaded,
        Self::Internal,
        Self::Unauthenticated,
        Self::TokenExpired,
        Self::SignedOut,
        Self::BadFrame,
        Self::FrameTooLarge,
    ];

    /// The WebSocket close code, in the range of its [`Advice`].
    pub const fn close_code(self) -> u16 {
        match self {
            Self::Restart => 4000,
            Self::Moved => 4001,
            Self::Dead => 4002,
            Self::SlowReader => 4003,
            Self::HelloTimeout => 4004,
            Self::RateLimited => 4100,
            Self::Overloaded => 4101,
            Self::Internal => 4102,
            Self::Unauthenticated => 4200,
            Self::TokenExpired => 4201,
            Self::SignedOut => 4202,
            Self::BadFrame => 4203,
            Self::FrameTooLarge => 4204,
        }
    }
}

/// What a device does once a session was closed. The code says it by its range, also one of a later version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advice {
    /// Connects again when `goodbye` says.
    Reconnect,
    /// Connects again, later each time.
    BackOff,
    /// Does not connect again before a person or a program has changed something.
    Stop,
}

impl Advice {
    /// All of them, in the order of their codes.
    pub const ALL: [Self; 3] = [Self::Reconnect, Self::BackOff, Self::Stop];

    /// What a close code says; `None` outside of our ranges, where the connection broke in another way.
    pub fn of(close_code: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|advice| advice.close_codes().contains(&close_code))
    }

    /// The codes that say it.
    pub const fn close_codes(self) -> RangeInclusive<u16> {
        match self {
            Self::Reconnect => 4000..=4099,
            Self::BackOff => 4100..=4199,
            Self::Stop => 4200..=4299,
        }
    }
}

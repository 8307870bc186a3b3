//! Server time, and moments of a process, in milliseconds. Nothing here reads a clock.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::id::{ParseError, text_serde};

/// Milliseconds since 1970, UTC. Its text is RFC 3339 with three decimals.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Timestamp(u64);

/// The last millisecond of the year 9999, the end of RFC 3339.
const MAX_MS: u64 = 253_402_300_799_999;

impl Timestamp {
    /// The time `unix_ms` milliseconds after 1970; later than the year 9999 reads as its end.
    pub const fn from_unix_ms(unix_ms: u64) -> Self {
        Self(if unix_ms > MAX_MS { MAX_MS } else { unix_ms })
    }

    /// Milliseconds since 1970.
    pub const fn unix_ms(self) -> u64 {
        self.0
    }

    /// The time `ms` milliseconds later.
    pub const fn plus_ms(self, ms: u64) -> Self {
        Self::from_unix_ms(self.0.saturating_add(ms))
    }

    /// The time `ms` milliseconds earlier, not before 1970.
    pub const fn minus_ms(self, ms: u64) -> Self {
        Self(self.0.saturating_sub(ms))
    }

    /// How many milliseconds have passed since `earlier`; 0 if it is later.
    pub const fn since_ms(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// A moment of one process, in milliseconds since one that means nothing elsewhere: for how long something took or may take.
/// It never steps, whatever is done to the time of day, and says nothing about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Moment(u64);

impl Moment {
    /// So many milliseconds after the first one.
    pub const fn from_ms(ms: u64) -> Self {
        Self(ms)
    }

    /// How many milliseconds after the first one.
    pub const fn ms(self) -> u64 {
        self.0
    }

    /// So many milliseconds later.
    #[must_use]
    pub const fn plus_ms(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds since an earlier moment; 0 if it is later.
    pub const fn since_ms(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// Year, month and day of a day counted from 1970 (Howard Hinnant, "chrono-compatible low-level date algorithms").
fn civil(days: u64) -> (u64, u64, u64) {
    let z = days + 719_468;
    let (era, doe) = (z / 146_097, z % 146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    (yoe + era * 400 + u64::from(month <= 2), month, doy - (153 * mp + 2) / 5 + 1)
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (secs, ms) = (self.0 / 1000, self.0 % 1000);
        let ((year, month, day), second) = (civil(secs / 86_400), secs % 86_400);
        let (h, m, s) = (second / 3600, second / 60 % 60, second % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{h:02}:{m:02}:{s:02}.{ms:03}Z")
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Timestamp {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let error = || ParseError::new("timestamp (RFC 3339)", text);
        let parsed: jiff::Timestamp = text.parse().map_err(|_| error())?;
        u64::try_from(parsed.as_millisecond()).map(Self::from_unix_ms).map_err(|_| error())
    }
}

text_serde!(Timestamp);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_what_the_library_writes_for_every_day_of_800_years() {
        for day in 0..292_000_u64 {
            let time = Timestamp::from_unix_ms(day * 86_400_000 + (day * 7_919_777) % 86_400_000);
            assert_eq!(time.to_string().parse(), Ok(time), "{time}");
        }
    }

    #[test]
    fn text_has_three_decimals_and_a_z() {
        assert_eq!(Timestamp::from_unix_ms(1_764_000_000_007).to_string(), "2025-11-24T16:00:00.007Z");
        assert_eq!(Timestamp::from_unix_ms(u64::MAX).to_string(), "9999-12-31T23:59:59.999Z");
    }
}

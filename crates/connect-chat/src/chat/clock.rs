//! When something was, where the person is. Pure: the zone is handed in.

use domain::Timestamp;
use jiff::ZonedDateTime;
use jiff::tz::TimeZone;

/// The time in this zone.
pub(super) fn zoned(time: Timestamp, zone: &TimeZone) -> ZonedDateTime {
    let ms = i64::try_from(time.unix_ms()).unwrap_or(i64::MAX);
    jiff::Timestamp::from_millisecond(ms).unwrap_or(jiff::Timestamp::MAX).to_zoned_datetime(zone.clone())
}

/// Hours and minutes in this zone.
pub(super) fn clock(time: Timestamp, zone: &TimeZone) -> String {
    zoned(time, zone).strftime("%H:%M").to_string()
}

#[cfg(test)]
mod tests {
    use super::super::samples::NOON_MS;
    use super::*;

    #[test]
    fn people_are_shown_the_time_of_elsewhere() {
        let east = TimeZone::fixed(jiff::tz::offset(5));
        let noon = Timestamp::from_unix_ms(NOON_MS);
        assert_eq!((clock(noon, &TimeZone::UTC), clock(noon, &east)), ("12:00".into(), "17:00".into()));
    }
}

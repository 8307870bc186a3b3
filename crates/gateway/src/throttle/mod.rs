//! How much sessions, users and addresses may ask for: a token bucket each.
//!
//! A user's bucket is one for all their sessions and HTTP requests. An address pays for every connection, and for every
//! request until its user is known; then it gets that one back and the user pays, so that a flood of forged tokens is
//! refused before they are looked at. Sign-up and sign-in are throttled in Accounts as well, and more strictly.
//!
//! An address is what the socket says. `X-Forwarded-For` is not read, since whoever asks can write anything there: behind
//! a proxy all devices share the proxy's bucket, whose limit is then the proxy's.
//!
//! Deliberately absent: anything that grows. The buckets of users and of addresses are in tables of fixed size, and
//! neither an idle user nor an idle session has one there.

mod bucket;
mod table;

use std::net::IpAddr;

use domain::{Limits, Moment, UserId};

pub(crate) use bucket::{Bucket, Rate};
use table::Table;

/// Lines of each table: 16,384 users who ask at once are told apart, in 280 KB.
const LINES: usize = 2_048;

/// What all may still ask for. Waits are told in milliseconds.
#[derive(Debug)]
pub(crate) struct Throttle {
    session: Rate,
    users: Table,
    addresses: Table,
}

impl Throttle {
    /// Everybody may ask for all that these limits allow.
    pub(crate) fn new(limits: &Limits) -> Self {
        let user = Rate::new(limits.user_frames_burst, limits.user_frames_per_s);
        let address = Rate::new(limits.address_requests_burst, limits.address_requests_per_s);
        Self {
            session: Rate::new(limits.session_frames_burst, limits.session_frames_per_s),
            users: Table::new(user, LINES),
            addresses: Table::new(address, LINES),
        }
    }

    /// Takes one frame of a session, whose bucket this is, and of its user, once that is known.
    pub(crate) fn frame(&self, session: &mut Bucket, user: Option<UserId>, now: Moment) -> Result<(), u64> {
        session.take(now, self.session)?;
        user.map_or(Ok(()), |user| self.user(user, now))
    }

    /// Takes one frame or request of a user.
    pub(crate) fn user(&self, user: UserId, now: Moment) -> Result<(), u64> {
        self.users.take(user, now)
    }

    /// Takes one connection or request from an address.
    pub(crate) fn address(&self, from: IpAddr, now: Moment) -> Result<(), u64> {
        self.addresses.take(network(from), now)
    }

    /// Gives an address one request back: a user pays for it.
    pub(crate) fn user_pays(&self, from: IpAddr) {
        self.addresses.give_back(network(from));
    }
}

/// Whose an address is: of IPv6 the first 64 bits, since who has one address there has all that begin like it (RFC 6177).
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() >> 64 << 64).into()),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_that_goes_on_from_the_next_address_of_its_network() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }
}

//! Every record survives its wire form.

use proptest::prelude::*;

use crate::records::{announcement, command, delivery};
use crate::there_and_back;

proptest! {
    #[test]
    fn a_command_survives(command in command()) {
        let (read, written) = there_and_back(&command);
        prop_assert_eq!(read, written);
    }

    #[test]
    fn a_delivery_survives(delivery in delivery()) {
        let (read, written) = there_and_back(&delivery);
        prop_assert_eq!(read, written);
    }

    #[test]
    fn an_announcement_survives(announcement in announcement()) {
        let (read, written) = there_and_back(&announcement);
        prop_assert_eq!(read, written);
    }
}

//! The account service.

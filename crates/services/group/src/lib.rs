//! The group service.

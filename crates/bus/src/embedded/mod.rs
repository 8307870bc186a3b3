//! The embedded engine: typed records in memory.

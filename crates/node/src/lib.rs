//! One process: config, stores, bus, services, listeners, and the order of shutdown.

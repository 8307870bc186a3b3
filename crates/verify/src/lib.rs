//! The proof: checker, simulation, crash and fault harness.

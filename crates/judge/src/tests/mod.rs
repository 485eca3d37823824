//! Cases as text, invariants over random input, and the snapshot file.

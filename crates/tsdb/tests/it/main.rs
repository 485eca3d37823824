//! The engine from outside: crashes, damage, full disks, and a model it must agree with.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops at its first surprise"
)]

mod copying;
mod crash;
mod damage;
mod fault;
mod hostile;
mod life;
mod model_test;
mod store;

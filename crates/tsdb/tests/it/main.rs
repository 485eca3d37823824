//! The engine from outside: crashes, damage, full disks, and a model it must agree with.

mod crash;
mod damage;
mod fault;
mod hostile;
mod life;
mod model_test;
mod store;

//! Scenarios against the real programs: started, filled, silenced, killed, and asked as a user would.

mod disk;
mod kill;
mod program;
mod silence;

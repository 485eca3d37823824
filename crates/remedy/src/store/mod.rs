//! The SQL of recovery scripts; nothing but statements and rows.

mod bindings;
mod runs;
mod scripts;

pub(crate) use bindings::{bindings, delete_binding, kill_switch, put_binding, set_kill_switch};
pub(crate) use runs::{
    at_work, insert_run, lately_ordered, open_problem, open_runs, run, runs, save_run,
};
pub(crate) use scripts::{approve, insert_script, name_taken, save_script, script, scripts};

//! The SQL of configuration items; nothing but statements and rows.

mod discovered;
mod hosts;

pub(crate) use discovered::{discovered, forget_gone, ignore, upsert_seen};
pub(crate) use hosts::{host, host_by_machine, host_by_name, hosts, insert_host, save_host};

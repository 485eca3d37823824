//! The use cases: load, decide, save. One use case a file.

mod apply;
mod command;
mod freeze;
mod maintenance;
mod outcome;
mod read;
mod save;
mod silence;
mod witness;

pub use apply::{Applied, apply, apply_in};
pub use command::{Bulk, act, act_on_many};
pub use freeze::{cannot_judge, freeze_host, thaw_host};
pub use maintenance::{
    MaintenanceEdit, cancel_maintenance, create_maintenance, edit_maintenance, maintenance,
    maintenances,
};
pub use outcome::take_outcome;
pub use read::{Detail, by_number, counts, detail, fired, get, ids, list, open_cells, timeline};
pub(crate) use save::{covers, save, save_replacing};
pub use silence::{SilenceEdit, create_silence, edit_silence, end_silence, silence, silences};
pub use witness::{unwitnessed, witness};

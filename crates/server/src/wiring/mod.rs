//! The server's answers to what slices ask: each file implements one slice's traits with others.

mod answers;
mod audit;
mod catalog;
mod directory;
mod entrance;
mod events;
mod hands;
mod hosts;
mod past;
mod series;
mod settings;
mod surroundings;
pub(crate) mod witness;

pub(crate) use answers::AnswerBook;
pub(crate) use audit::Auditor;
pub(crate) use catalog::Series;
pub(crate) use directory::Directory;
pub(crate) use entrance::Entrance;
pub(crate) use events::Events;
pub(crate) use hands::{ORDER_KEY_ID, Signer};
pub(crate) use hosts::Inventory;
pub(crate) use past::Past;
pub(crate) use series::{CI_LABEL, Resolver};
pub(crate) use settings::AgentSettings;
pub(crate) use surroundings::Surroundings;

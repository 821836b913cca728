//! The interface: inputs, outputs, configuration and checkpoints, as data.

pub(crate) mod checkpoint;
pub(crate) mod command;
pub(crate) mod config;
pub(crate) mod connection;
pub(crate) mod deadline;
pub(crate) mod effect;
pub(crate) mod event;
pub(crate) mod id;
pub(crate) mod io;
pub(crate) mod media_types;
pub(crate) mod misuse;
pub(crate) mod reason;
pub(crate) mod status;
mod text;
pub(crate) mod trace;

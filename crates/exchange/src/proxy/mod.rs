//! The stateful, forking, record-routing proxy: RFC 3261 §16.

mod admit;
mod best;
mod branch;
mod call;
mod context;
mod contexts;
mod delivered;
mod forward;
mod plan;
mod reparse;
mod request;
mod response;
mod route;

pub(crate) use context::Context;
pub(crate) use contexts::{Contexts, Handle};

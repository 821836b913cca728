//! The stateful, forking, record-routing proxy: RFC 3261 §16.

mod admit;
mod best;
mod branch;
mod call;
mod context;
mod contexts;
mod delivered;
mod forward;
mod request;
mod response;
mod route;

pub(crate) use context::Context;
pub(crate) use contexts::{Contexts, Handle};

/// For reading our own writing: what came was within the limits, and our few rows may lift it just over them.
const NO_LIMITS: offhook_wire::Limits =
    offhook_wire::Limits { message: usize::MAX, head: usize::MAX, headers: usize::MAX };

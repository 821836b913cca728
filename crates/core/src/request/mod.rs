//! Requests: responses to those of the peer, and credentials for ours.

pub(crate) mod auth;
pub(crate) mod respond;

//! Requests: the answers to those of others, and the answers to challenges of ours.

pub(crate) mod auth;
pub(crate) mod respond;

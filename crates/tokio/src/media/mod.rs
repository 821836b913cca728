//! The media of one call: a task with its sessions of `offhook-media` and its sockets, so that encoding and decoding do not delay
//! signalling.

mod legs;
mod messages;
mod result;
mod sockets;
mod task;

pub(crate) use messages::{MediaReport, Reports, Request, Setup, Work};
pub(crate) use result::check;

use tokio::sync::mpsc;

/// Queued requests for the task of a call, which takes them between two frames of 20 ms.
const REQUESTS: usize = 64;

/// Starts the task of a call. It ends when the last sender of requests is gone.
pub(crate) fn start(setup: Setup, reports: Reports) -> mpsc::Sender<Request> {
    let (sender, requests) = mpsc::channel(REQUESTS);
    tokio::spawn(task::run(setup, requests, reports));
    sender
}

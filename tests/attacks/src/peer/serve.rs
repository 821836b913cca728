//! A phone that answers requests.

use std::io;

use offhook_wire::{Builder, HeaderName, Message, Method, reason_phrase};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use super::draft::read;
use super::phone::Phone;

/// The behaviour of a phone for requests outside a dialog.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Behaviour {
    /// Answers with 200.
    Answer,
    /// Rings for an INVITE and does not answer.
    Ring,
}

/// A phone in a task of its own.
pub(crate) struct Serving {
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<Option<Phone>>,
}

impl Serving {
    /// Stops the task. Returns the phone if its link is open.
    pub(crate) async fn stop(mut self) -> Option<Phone> {
        drop(self.stop.take());
        (&mut self.task).await.ok().flatten()
    }

    /// Drops the connection without a close frame.
    pub(crate) fn disconnect(self) {}
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Phone {
    /// The To tag of this phone's responses.
    pub(crate) fn tag(&self) -> String {
        format!("t-{}", self.account.user)
    }

    /// Answers requests in a task until it is stopped or the link is closed.
    pub(crate) fn serve(mut self, behaviour: Behaviour) -> Serving {
        let (stop, mut stopped) = oneshot::channel();
        let task = tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = &mut stopped => return Some(self),
                    received = self.link.receive() => match received {
                        Ok(data) => self.answer(read(data), behaviour).await.ok()?,
                        Err(_) => return None,
                    },
                }
            }
        });
        Serving { stop: Some(stop), task }
    }

    /// Answers requests until `deadline`.
    pub(crate) async fn serve_until(&mut self, deadline: Instant) -> io::Result<()> {
        while let Ok(received) = timeout_at(deadline, self.link.receive()).await {
            self.answer(read(received?), Behaviour::Answer).await?;
        }
        Ok(())
    }

    /// Answers a request received while waiting for a response.
    pub(super) async fn answer_request(&mut self, request: &Message) -> io::Result<()> {
        self.respond(request, Behaviour::Answer).await
    }

    async fn answer(&mut self, message: Option<Message>, behaviour: Behaviour) -> io::Result<()> {
        match message.filter(Message::is_request) {
            Some(request) => self.respond(&request, behaviour).await,
            None => Ok(()),
        }
    }

    async fn respond(&mut self, request: &Message, behaviour: Behaviour) -> io::Result<()> {
        if let Some(requests) = &self.requests
            && let Err(mpsc::error::TrySendError::Closed(_)) = requests.try_send(request.clone())
        {
            self.requests = None;
        }
        let status = match (request.method(), behaviour) {
            (Some(Method::Ack), _) => return Ok(()),
            (Some(Method::Invite), Behaviour::Ring) => 180,
            _ => 200,
        };
        let mut reply = Builder::reply(request, status, reason_phrase(status), Some(self.tag().as_bytes()));
        if request.method() == Some(Method::Invite) {
            reply.header(HeaderName::Contact, format!("<{}>", self.contact));
        }
        self.link.send(reply.finish()).await
    }
}

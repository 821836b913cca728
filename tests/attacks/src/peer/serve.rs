//! How a phone answers requests.

use std::io;

use offhook_wire::{Builder, HeaderName, Message, Method, reason_phrase};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use super::draft::read;
use super::phone::Phone;

/// What happens to a request outside a dialog.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Conduct {
    /// It is answered with 200.
    Answer,
    /// An INVITE rings and is not answered.
    Ring,
}

/// A phone in a task of its own.
pub(crate) struct Serving {
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<Option<Phone>>,
}

impl Serving {
    /// Stops the task; gives the phone back if its link still lives.
    pub(crate) async fn stop(mut self) -> Option<Phone> {
        drop(self.stop.take());
        (&mut self.task).await.ok().flatten()
    }

    /// Drops the connection without a close frame, as a crash does.
    pub(crate) fn cut(self) {}
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Phone {
    /// The To tag of this phone's answers.
    pub(crate) fn tag(&self) -> String {
        format!("t-{}", self.account.user)
    }

    /// Answers requests in a task until it is stopped or the link is lost.
    pub(crate) fn serve(mut self, conduct: Conduct) -> Serving {
        let (stop, mut stopped) = oneshot::channel();
        let task = tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = &mut stopped => return Some(self),
                    received = self.link.receive() => match received {
                        Ok(data) => self.answer(read(data), conduct).await.ok()?,
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
            self.answer(read(received?), Conduct::Answer).await?;
        }
        Ok(())
    }

    /// Answers a request that came while a response was waited for.
    pub(super) async fn take(&mut self, request: &Message) -> io::Result<()> {
        self.respond(request, Conduct::Answer).await
    }

    async fn answer(&mut self, message: Option<Message>, conduct: Conduct) -> io::Result<()> {
        match message.filter(Message::is_request) {
            Some(request) => self.respond(&request, conduct).await,
            None => Ok(()),
        }
    }

    async fn respond(&mut self, request: &Message, conduct: Conduct) -> io::Result<()> {
        if let Some(Err(mpsc::error::TrySendError::Closed(_))) =
            self.kept.as_ref().map(|kept| kept.try_send(request.clone()))
        {
            self.kept = None;
        }
        let status = match (request.method(), conduct) {
            (Some(Method::Ack), _) => return Ok(()),
            (Some(Method::Invite), Conduct::Ring) => 180,
            _ => 200,
        };
        let mut reply = Builder::reply(request, status, reason_phrase(status), Some(self.tag().as_bytes()));
        if request.method() == Some(Method::Invite) {
            reply.header(HeaderName::Contact, format!("<{}>", self.contact));
        }
        self.link.send(reply.finish()).await
    }
}

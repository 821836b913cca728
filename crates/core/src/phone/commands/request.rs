//! Commands for requests outside of dialogs.

use crate::base::bounds;
use crate::phone::{Phone, address};
use crate::{Command, Input, Instant, Misuse, Request, RequestId, RequestKind};

impl Phone {
    /// Sends a request outside of a dialog. [`Event::Request`](crate::Event::Request) with its outcome follows, exactly once.
    ///
    /// # Errors
    /// If there is no such account, 64 requests are pending, the address, a header field or the content type is malformed, a body is
    /// longer than 16 KiB, or a MESSAGE to the same address is pending.
    pub fn request(&mut self, now: Instant, send: Request) -> Result<RequestId, Misuse> {
        let request = self.next_request();
        self.handle(now, Input::Command(Command::Request { request, send }))?;
        Ok(request)
    }

    pub(super) fn request_command(&mut self, id: RequestId, send: Request) -> Result<(), Misuse> {
        self.known(send.account)?;
        if id != self.next_request() {
            return Err(Misuse::NotNextRequest(id));
        }
        if !self.requests.has_room() {
            return Err(Misuse::TooManyRequests(bounds::REQUESTS));
        }
        if let RequestKind::Message { content_type, body } = &send.kind {
            address::check_body(content_type, body)?;
        }
        let uri = self.address(send.account, &send.to)?;
        if matches!(send.kind, RequestKind::Message { .. }) && self.requests.has_message_to(&uri) {
            return Err(Misuse::MessagePending);
        }
        let headers = address::checked_headers(&send.headers)?;
        self.send_request(id, send.account, uri, headers, send.kind);
        Ok(())
    }
}

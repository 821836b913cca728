//! A dialog (RFC 3261 §12): what the two ends of a call remember of one another.

use crate::Config;
use crate::base::decimal::decimal;
use crate::base::path::Path;
use crate::planted::planted;
use bytes::Bytes;
use offhook_wire::{Builder, HeaderName, Message, Method, NameAddr, Scheme, Uri};
use std::ops::Range;

/// Both ends' names, the way to the peer, and the two sequence counters.
///
/// Its texts are copied out of the message that made it into one buffer, so that a call of an hour does not pin
/// the datagrams of its first second.
pub(crate) struct Dialog {
    text: Vec<u8>,
    call_id: Span,
    /// Our From value in requests, with our tag.
    local: Span,
    /// Our To value in requests, with the peer's tag.
    remote: Span,
    local_tag: Span,
    remote_tag: Span,
    /// The route set as one comma-joined value, in the order of our Route header.
    routes: Span,
    /// Set when the first proxy is a strict router, one without `lr` (§12.2.1.1): its URI, and the routes after it.
    strict: Option<(Span, Span)>,
    /// The peer's Contact: the Request-URI of our requests. Refreshed by re-INVITEs (§12.2).
    target: Bytes,
    local_cseq: u32,
    remote_cseq: Option<u32>,
}

type Span = Range<u16>;

/// What an INVITE of ours said.
pub(crate) struct LocalRequest<'a> {
    pub(crate) call_id: &'a [u8],
    /// From without its tag.
    pub(crate) from: &'a [u8],
    pub(crate) tag: &'a [u8],
    /// Whom we dialled.
    pub(crate) uri: &'a [u8],
}

/// A message that cannot make a dialog: an INVITE without a Contact that can be used, or more text than a dialog holds.
#[derive(Debug)]
pub(crate) struct NoDialog;

/// What a request inside a dialog is to it.
pub(crate) enum Order {
    /// In sequence.
    Next,
    /// The same number as the last one, in a transaction of its own: the one that answered it went with its flow.
    Repeated,
    /// Lower than one that was seen before: 500 (§12.2.2).
    Late,
}

impl Dialog {
    /// The caller's side, from a 2xx (§12.1.2). `cseq` is that of our INVITE. What is ours is what our INVITE said, whatever a
    /// response makes of it; without `local_request` nobody knows that any more, and the response is believed.
    ///
    /// A 2xx must have a Contact (§12.1.1). One that has none leaves us what we dialled: it has to be acknowledged (§13.2.2.4),
    /// and the route set mostly leads there.
    pub(crate) fn of_response(
        config: &Config,
        response: &Message,
        local_request: Option<&LocalRequest<'_>>,
        cseq: u32,
    ) -> Result<Self, NoDialog> {
        let mut routes = routes_of(response).collect::<Vec<_>>();
        if !planted!(config, RouteSetReversed) {
            routes.reverse();
        }
        let to = response.to().map_err(|_| NoDialog)?;
        let target = target_of(response)
            .unwrap_or_else(|| local_request.map_or(to.uri, |local_request| local_request.uri));
        let mut text = Text::with_room(response, 0);
        let (local, call_id) = match local_request {
            Some(local_request) => {
                (text.tagged(local_request.from, local_request.tag)?, local_request.call_id)
            }
            None => (
                text.party(&response.from().map_err(|_| NoDialog)?)?,
                response.call_id().map_err(|_| NoDialog)?,
            ),
        };
        let remote = text.party(&to)?;
        Self::assemble(call_id, text, [local, remote], routes.into_iter(), target, (cseq, None))
    }

    /// The callee's side, from the INVITE (§12.1.1). Our tag is not in it yet.
    pub(crate) fn of_request(invite: &Message, local_tag: &[u8]) -> Result<Self, NoDialog> {
        let target = target_of(invite).ok_or(NoDialog)?;
        let cseq = invite.cseq().map_err(|_| NoDialog)?.number;
        let routes = routes_of(invite);
        let mut text = Text::with_room(invite, TAG.len() + local_tag.len());
        let local = text.tagged(invite.to().map_err(|_| NoDialog)?.raw(), local_tag)?;
        let remote = text.party(&invite.from().map_err(|_| NoDialog)?)?;
        let call_id = invite.call_id().map_err(|_| NoDialog)?;
        Self::assemble(call_id, text, [local, remote], routes, target, (0, Some(cseq)))
    }

    fn assemble<'m>(
        call_id: &[u8],
        mut text: Text,
        [(local, local_tag), (remote, remote_tag)]: [(Span, Span); 2],
        routes: impl Iterator<Item = &'m [u8]>,
        target: &[u8],
        (local_cseq, remote_cseq): (u32, Option<u32>),
    ) -> Result<Self, NoDialog> {
        let call_id = text.add(call_id)?;
        let start = text.0.len();
        let mut strict = None;
        for (n, route) in routes.enumerate() {
            if n > 0 {
                text.0.extend_from_slice(b",");
            }
            let place = text.add(route)?;
            if n == 0 {
                strict = strict_router(route, &place);
            }
        }
        let routes = text.span(start)?;
        let strict = strict.map(|(uri, end)| (uri, routes.end.min(end + 1)..routes.end));
        Ok(Self {
            text: text.0,
            call_id,
            local,
            remote,
            local_tag,
            remote_tag,
            routes,
            strict,
            target: Bytes::copy_from_slice(target),
            local_cseq,
            remote_cseq,
        })
    }

    fn text_of(&self, span: &Span) -> &[u8] {
        &self.text[usize::from(span.start)..usize::from(span.end)]
    }

    pub(crate) fn remote_tag(&self) -> &[u8] {
        self.text_of(&self.remote_tag)
    }

    /// Whether a request of the peer belongs here: its Call-ID and both tags are ours (§12.2.2).
    pub(crate) fn owns(&self, config: &Config, request: &Message) -> bool {
        let begins = |tag: &[u8], own: &[u8]| own.starts_with(tag.get(..8).unwrap_or(tag));
        let tag_is = |party: Result<NameAddr<'_>, _>, own: &[u8]| {
            party.is_ok_and(|p: NameAddr<'_>| {
                let tag = p.tag().unwrap_or_default();
                tag == own || planted!(config, TagByPrefix) && begins(tag, own)
            })
        };
        request.call_id().is_ok_and(|id| id == self.text_of(&self.call_id))
            && tag_is(request.to(), self.text_of(&self.local_tag))
            && tag_is(request.from(), self.text_of(&self.remote_tag))
    }

    /// Notes the sequence number of a request of the peer.
    pub(crate) fn order(&mut self, config: &Config, request: &Message) -> Order {
        let Ok(cseq) = request.cseq() else { return Order::Late };
        let digit_again = planted!(config, DigitHeardTwice) && cseq.method == Method::Info;
        match self.remote_cseq {
            Some(seen) if cseq.number < seen && !planted!(config, LateRequestTaken) => Order::Late,
            Some(seen) if cseq.number == seen && !digit_again => Order::Repeated,
            _ => {
                self.remote_cseq = Some(cseq.number);
                Order::Next
            }
        }
    }

    /// Takes a new remote target from a target refresh request or its 2xx (§12.2.1.2, §12.2.2).
    pub(crate) fn refresh_target(&mut self, message: &Message) {
        if let Some(target) = target_of(message)
            && target != &self.target[..]
        {
            self.target = Bytes::copy_from_slice(target);
        }
    }

    /// The sequence number of our next request.
    pub(crate) fn next_cseq(&mut self) -> u32 {
        self.local_cseq += 1;
        self.local_cseq
    }

    /// Whether a request of ours had this sequence number.
    pub(crate) fn has_sent(&self, cseq: u32) -> bool {
        cseq <= self.local_cseq
    }

    /// The URI that digest credentials and the request line of our requests name.
    pub(crate) fn request_uri(&self) -> &[u8] {
        match &self.strict {
            Some((first, _)) => self.text_of(first),
            None => &self.target,
        }
    }

    /// A request within the dialog, up to and including CSeq (§12.2.1.1). `via` is the value of the Via, in pieces.
    pub(crate) fn request(&self, method: Method<'_>, cseq: u32, via: &[&[u8]]) -> Builder {
        let mut b = Builder::request(method, self.request_uri());
        b.parts(HeaderName::Via, via);
        let routes = match &self.strict {
            Some((_, rest)) => rest,
            None => &self.routes,
        };
        if !routes.is_empty() {
            b.header(HeaderName::Route, self.text_of(routes));
        }
        if self.strict.is_some() {
            // A strict router wants itself in the request line, and our target at the end of the list.
            b.parts(HeaderName::Route, &[b"<", &self.target, b">"]);
        }
        b.header(HeaderName::MaxForwards, b"70");
        b.header(HeaderName::From, self.text_of(&self.local));
        b.header(HeaderName::To, self.text_of(&self.remote));
        b.header(HeaderName::CallId, self.text_of(&self.call_id));
        let mut digits = [0; 10];
        b.parts(HeaderName::CSeq, &[decimal(cseq, &mut digits), b" ", method.as_bytes()]);
        b
    }

    /// The ACK for a 2xx: not a transaction, but with a branch of its own, and the credentials of the INVITE
    /// (§13.2.2.4).
    pub(crate) fn ack(
        &self,
        cseq: u32,
        path: &Path,
        branch: &[u8],
        credentials: Option<&(HeaderName, String)>,
    ) -> Bytes {
        let transport = path.transport.as_via().as_bytes();
        let via = [b"SIP/2.0/", transport, b" ", &path.sent_by, b";branch=z9hG4bK", branch];
        let mut ack = self.request(Method::Ack, cseq, &via);
        if let Some((name, value)) = credentials {
            ack.header(*name, value);
        }
        ack.finish()
    }
}

/// Whether it can stand in the first line of a request of ours: a SIP or SIPS URI without headers (§8.1.1.8, §19.1.1).
fn is_request_uri(uri: &[u8]) -> bool {
    Uri::parse(uri).is_ok_and(|uri| matches!(uri.scheme, Scheme::Sip | Scheme::Sips) && uri.query.is_empty())
}

/// The URI of the peer's Contact, if it can be written to.
fn target_of(message: &Message) -> Option<&[u8]> {
    message.contact().ok().flatten().map(|contact| contact.uri).filter(|uri| is_request_uri(uri))
}

/// The Record-Route values in order, those left out that nobody could follow.
fn routes_of(message: &Message) -> impl Iterator<Item = &[u8]> {
    let routes = message.values(HeaderName::RecordRoute);
    routes.filter(|route| NameAddr::parse(route).is_ok_and(|route| is_request_uri(route.uri)))
}

/// The place of a strict router's URI, and of the end of its value. `place` is where `route` stands.
fn strict_router(route: &[u8], place: &Span) -> Option<(Span, u16)> {
    let uri = NameAddr::parse(route).ok()?.uri;
    let loose = Uri::parse(uri).is_ok_and(|uri| uri.params.get("lr").is_some());
    let start = place.start + (uri.as_ptr() as usize - route.as_ptr() as usize) as u16;
    (!loose).then(|| (start..start + uri.len() as u16, place.end))
}

/// Our tag in a request within a dialog, the peer's in a response.
pub(crate) fn to_tag(message: &Message) -> Option<&[u8]> {
    message.to().ok().and_then(|to| to.tag())
}

/// What stands between a value without a tag and its tag.
const TAG: &[u8] = b";tag=";

/// The texts of a dialog while it is made.
struct Text(Vec<u8>);

impl Text {
    /// Room for all that a dialog takes from `message`, and for `more` bytes.
    fn with_room(message: &Message, more: usize) -> Self {
        let kept = |name| {
            matches!(name, HeaderName::From | HeaderName::To | HeaderName::CallId | HeaderName::RecordRoute)
        };
        let rows = message.headers().filter(|row| kept(row.name));
        Self(Vec::with_capacity(rows.map(|row| row.value.len() + 1).sum::<usize>() + more))
    }

    fn span(&self, start: usize) -> Result<Span, NoDialog> {
        let end = u16::try_from(self.0.len()).map_err(|_| NoDialog)?;
        Ok(start as u16..end)
    }

    fn add(&mut self, text_of: &[u8]) -> Result<Span, NoDialog> {
        let start = self.0.len();
        self.0.extend_from_slice(text_of);
        self.span(start)
    }

    /// A value to which the tag is added: the place of both, and of the tag.
    fn tagged(&mut self, party: &[u8], tag: &[u8]) -> Result<(Span, Span), NoDialog> {
        let start = self.add(party)?.start;
        self.add(TAG)?;
        let tag = self.add(tag)?;
        Ok((start..tag.end, tag))
    }

    /// A From or To value and the place of its tag in it. A peer of RFC 2543 has none: that is the null tag (§12.1.1, §12.1.2).
    fn party(&mut self, party: &NameAddr<'_>) -> Result<(Span, Span), NoDialog> {
        let raw = party.raw();
        let whole = self.add(raw)?;
        let Some(tag) = party.tag() else { return Ok((whole.clone(), whole.end..whole.end)) };
        let at = tag.as_ptr() as usize - raw.as_ptr() as usize;
        let start = usize::from(whole.start) + at;
        Ok((whole, start as u16..(start + tag.len()) as u16))
    }
}

#[cfg(test)]
mod tests;

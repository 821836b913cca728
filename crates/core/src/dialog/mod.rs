//! A dialog (RFC 3261 §12).

use crate::Config;
use crate::base::path::Path;
use crate::planted::planted;
use crate::request::headers::Mandatory;
use bytes::Bytes;
use offhook_wire::{Builder, HeaderName, Message, Method, NameAddr, Scheme, Uri};
use std::ops::Range;

/// The state of a dialog (§12): dialog ID, local and remote URI, route set, remote target, and both sequence numbers.
///
/// Its texts are copied from the message that created it into one buffer, so that a long call does not keep that message
/// in memory.
pub(crate) struct Dialog {
    text: Vec<u8>,
    call_id: Span,
    /// Our From value in requests, with our tag.
    local: Span,
    /// Our To value in requests, with the peer's tag.
    remote: Span,
    local_tag: Span,
    remote_tag: Span,
    /// The route set as one comma-separated value, in the order of our Route header field.
    routes: Span,
    /// Set when the first proxy is a strict router, one without `lr` (§12.2.1.1): its URI, and the routes after it.
    strict: Option<(Span, Span)>,
    /// The peer's Contact: the Request-URI of our requests. Refreshed by re-INVITEs (§12.2).
    target: Bytes,
    local_cseq: u32,
    remote_cseq: Option<u32>,
}

type Span = Range<u16>;

/// What our INVITE had.
pub(crate) struct LocalRequest<'a> {
    pub(crate) call_id: &'a [u8],
    /// From without its tag.
    pub(crate) from: &'a [u8],
    pub(crate) tag: &'a [u8],
    /// The Request-URI.
    pub(crate) uri: &'a [u8],
}

/// The message cannot create a dialog: an INVITE without a usable Contact, or more text than a dialog may have.
#[derive(Debug)]
pub(crate) struct NoDialog;

/// The sequence number of a request within the dialog, compared with that of earlier ones.
pub(crate) enum Order {
    /// Higher: in order.
    Next,
    /// The same as the last one, in a new transaction: that of the last one was lost with its connection.
    Repeated,
    /// Lower than an earlier one: 500 (§12.2.2).
    Late,
}

impl Dialog {
    /// The dialog of the UAC, from a 2xx (§12.1.2). `cseq` is that of our INVITE. The local values are those of our INVITE
    /// (`local_request`), even if the response changed them; if the INVITE is no longer known, they are those of the response.
    ///
    /// A 2xx must have a Contact (§12.1.1). Without one the remote target is the Request-URI of the INVITE: the 2xx has to be
    /// acknowledged (§13.2.2.4), and the route set usually leads there.
    pub(crate) fn of_response(
        config: &Config,
        response: &Message,
        local_request: Option<&LocalRequest<'_>>,
        cseq: u32,
    ) -> Result<Self, NoDialog> {
        let routes = uac_routes(config, response);
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

    /// The dialog of the UAS, from the INVITE (§12.1.1), which does not have our tag yet.
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
        let (routes, strict) = text.routes(routes)?;
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

    /// Whether a request of the peer belongs to this dialog: it has its Call-ID and both tags (§12.2.2).
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

    /// Compares and stores the sequence number of a request of the peer.
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

    /// Confirms an early dialog by the 2xx of its branch: the route set is that of the 2xx (§13.2.2.4).
    pub(crate) fn confirm(&mut self, config: &Config, response: &Message) -> Result<(), NoDialog> {
        let none = self.routes.is_empty() && response.header(HeaderName::RecordRoute).is_none();
        let routes = if none { Vec::new() } else { uac_routes(config, response) };
        if !self.has_routes(&routes) {
            let mut text = Text(std::mem::take(&mut self.text));
            let routes = text.routes(routes.into_iter());
            self.text = text.0;
            (self.routes, self.strict) = routes?;
        }
        self.refresh_target(response);
        Ok(())
    }

    fn has_routes(&self, routes: &[&[u8]]) -> bool {
        let mut rest = self.text_of(&self.routes);
        for (n, route) in routes.iter().enumerate() {
            let comma: &[u8] = if n > 0 { b"," } else { b"" };
            match rest.strip_prefix(comma).and_then(|rest| rest.strip_prefix(*route)) {
                Some(more) => rest = more,
                None => return false,
            }
        }
        rest.is_empty()
    }

    /// Updates the remote target from a target refresh request or its 2xx (§12.2.1.2, §12.2.2).
    pub(crate) fn refresh_target(&mut self, message: &Message) {
        let same = |contact: &[u8]| {
            let rest = contact.strip_prefix(b"<").and_then(|rest| rest.strip_prefix(&self.target[..]));
            rest.is_some_and(|rest| rest.starts_with(b">"))
        };
        // Without reading it again.
        if message.header(HeaderName::Contact).is_some_and(same) {
            return;
        }
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

    /// The Request-URI of our requests, also for digest credentials.
    pub(crate) fn request_uri(&self) -> &[u8] {
        match &self.strict {
            Some((first, _)) => self.text_of(first),
            None => &self.target,
        }
    }

    /// A request within the dialog, up to and including CSeq (§12.2.1.1). `via` is the value of the Via, in parts.
    pub(crate) fn request(&self, method: Method<'_>, cseq: u32, via: &[&[u8]]) -> Builder {
        let routes = match &self.strict {
            Some((_, rest)) => self.text_of(rest),
            None => self.text_of(&self.routes),
        };
        let routes: &[&[u8]] = if routes.is_empty() { &[] } else { &[routes] };
        // For a strict router: its URI is the Request-URI, and the remote target the last Route value.
        let last: &[&[u8]] = if self.strict.is_some() { &[b"<", &self.target, b">"] } else { &[] };
        let mandatory = Mandatory {
            via,
            routes: [routes, last],
            from: &[self.text_of(&self.local)],
            to: &[self.text_of(&self.remote)],
            call_id: self.text_of(&self.call_id),
            cseq,
        };
        mandatory.begin(method, self.request_uri())
    }

    /// The ACK for a 2xx: it has a branch of its own, without a transaction, and the credentials of the INVITE (§13.2.2.4).
    pub(crate) fn ack(
        &self,
        cseq: u32,
        path: &Path,
        branch: &[u8],
        credentials: &[(HeaderName, String)],
    ) -> Bytes {
        let transport = path.transport.as_via().as_bytes();
        let via = [b"SIP/2.0/", transport, b" ", &path.sent_by, b";branch=z9hG4bK", branch];
        let mut ack = self.request(Method::Ack, cseq, &via);
        for (name, value) in credentials {
            ack.header(*name, value);
        }
        ack.finish()
    }
}

/// Whether it can be the Request-URI of a request: a SIP or SIPS URI without headers (§8.1.1.8, §19.1.1).
fn is_request_uri(uri: &[u8]) -> bool {
    Uri::parse(uri).is_ok_and(|uri| matches!(uri.scheme, Scheme::Sip | Scheme::Sips) && uri.query.is_empty())
}

/// The URI of the peer's Contact, if it can be a Request-URI.
fn target_of(message: &Message) -> Option<&[u8]> {
    message.contact().ok().flatten().map(|contact| contact.uri).filter(|uri| is_request_uri(uri))
}

/// The Record-Route values in order, without unusable ones.
fn routes_of(message: &Message) -> impl Iterator<Item = &[u8]> {
    let routes = message.values(HeaderName::RecordRoute);
    routes.filter(|route| NameAddr::parse(route).is_ok_and(|route| is_request_uri(route.uri)))
}

/// The route set of a UAC: the Record-Route values in reverse order (§12.1.2).
fn uac_routes<'m>(config: &Config, response: &'m Message) -> Vec<&'m [u8]> {
    let mut routes = routes_of(response).collect::<Vec<_>>();
    if !planted!(config, RouteSetReversed) {
        routes.reverse();
    }
    routes
}

/// The position of a strict router's URI, and of the end of its value. `place` is the position of `route`.
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

/// The text between a value without a tag and its tag.
const TAG: &[u8] = b";tag=";

/// The texts of a dialog while it is created.
struct Text(Vec<u8>);

impl Text {
    /// With capacity for the texts that a dialog copies from `message`, and for `more` bytes.
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

    /// Appends the route set. Returns its position, and those of a strict router.
    fn routes<'m>(
        &mut self,
        routes: impl Iterator<Item = &'m [u8]>,
    ) -> Result<(Span, Option<(Span, Span)>), NoDialog> {
        let start = self.0.len();
        let mut strict = None;
        for (n, route) in routes.enumerate() {
            if n > 0 {
                self.0.extend_from_slice(b",");
            }
            let place = self.add(route)?;
            if n == 0 {
                strict = strict_router(route, &place);
            }
        }
        let routes = self.span(start)?;
        let strict = strict.map(|(uri, end)| (uri, routes.end.min(end + 1)..routes.end));
        Ok((routes, strict))
    }

    /// Appends a value and the tag. Returns the positions of both together, and of the tag.
    fn tagged(&mut self, party: &[u8], tag: &[u8]) -> Result<(Span, Span), NoDialog> {
        let start = self.add(party)?.start;
        self.add(TAG)?;
        let tag = self.add(tag)?;
        Ok((start..tag.end, tag))
    }

    /// Appends a From or To value. Returns its position, and that of its tag. A peer of RFC 2543 has none: the null tag (§12.1.1, §12.1.2).
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

use super::cx::RegistrationCx;
use crate::AccountId;
use crate::base::decimal::decimal;
use crate::base::entropy::{Entropy, Label};
use crate::base::name::{ClientTx, Owner};
use crate::base::path::Path;
use crate::capabilities::CAPABILITIES;
use crate::planted::planted;
use crate::request::headers::{Mandatory, identify};
use crate::request::realms::Credentials;
use offhook_wire::{Contact, HeaderName, Message, Method, NameAddr, Uri};

/// The identifiers of an account's REGISTERs: one Call-ID, and a CSeq that increments (RFC 3261 §10.2).
pub(super) struct RegisterIds {
    call_id: [u8; 24],
    tag: [u8; 12],
    /// That of the last one.
    pub(super) cseq: u32,
}

impl RegisterIds {
    pub(super) fn new(entropy: &mut Entropy) -> Self {
        Self { call_id: entropy.token(Label::Ids), tag: entropy.token(Label::Ids), cseq: 0 }
    }

    /// Sends a REGISTER; an `expires` of zero removes the binding (§10.2.2).
    pub(super) fn send(
        &mut self,
        cx: &mut RegistrationCx<'_, '_>,
        path: &Path,
        account: AccountId,
        expires: u32,
        credentials: &Credentials,
    ) -> ClientTx {
        if self.cseq == 0 || !planted!(cx.base.config, RegisterNotCounted) {
            self.cseq += 1;
        }
        let (config, identity) = (cx.base.config, cx.identity);
        let mut seconds = [0; 10];
        let seconds = decimal(expires, &mut seconds);
        cx.txs.request(cx.base, path, Owner::Account(account), Method::Register, |via| {
            let mandatory = Mandatory {
                via: &[via],
                routes: [&[], &[]],
                from: &[identity.from(), b";tag=", &self.tag],
                to: &[identity.address()],
                call_id: &self.call_id,
                cseq: self.cseq,
            };
            let mut b = mandatory.begin(Method::Register, identity.registrar());
            b.parts(HeaderName::Contact, &[identity.contact(), b";expires=", seconds]);
            b.number(HeaderName::Expires, expires);
            b.header(HeaderName::Allow, CAPABILITIES.allow);
            identify(&mut b, config, credentials);
            b.finish()
        })
    }
}

/// The lifetime of our binding in a 2xx, in seconds (RFC 3261 §10.2.4): the `expires` of our Contact; if there is only one Contact,
/// its `expires`, because a proxy may have rewritten it; else the Expires header field.
pub(super) fn granted(response: &Message, contact: &[u8]) -> Option<u32> {
    let ours = NameAddr::parse(contact).ok()?;
    let ours = Uri::parse(ours.uri).ok()?;
    let bindings = || {
        response.contacts().filter_map(|contact| match contact {
            Ok(Contact::Address(address)) => Some(address),
            _ => None,
        })
    };
    let mine = bindings().find(|binding| binding.uri_parsed().is_ok_and(|uri| uri.equivalent(&ours)));
    let only = || bindings().next().filter(|_| bindings().nth(1).is_none());
    mine.or_else(only)
        .and_then(|binding| binding.param("expires").flatten())
        // §10.2: a malformed value is 3600.
        .map(|value| std::str::from_utf8(value).ok().and_then(|text| text.parse().ok()).unwrap_or(3600))
        .or_else(|| response.expires().ok().flatten())
}

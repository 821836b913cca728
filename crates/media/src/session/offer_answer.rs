//! Offers and answers of a session (RFC 3264).

use offhook_wire::Instant;
use offhook_wire::sdp::Direction;
use rand_chacha::rand_core::Rng as _;

use super::MediaSession;
use super::agreement::Agreement;
use super::formats::first_payloads;
use super::negotiation::{FirstOffer, LocalOffer, answer_lines};
use crate::config::Certificate;
use crate::error::MediaError;
use crate::sdp::{
    AudioLine, Credentials, Format, LocalDescription, LocalLine, Payload, RemoteDescription, Setup,
};
use crate::transport::{LocalParameters, Transport};

const OFFERED_PROTO: &str = "UDP/TLS/RTP/SAVPF";
const OFFERED_MID: &str = "0";

impl MediaSession {
    /// Makes an offer: the first description of a call, or a change (hold, resume, another network).
    ///
    /// `ice_restart` makes new ICE credentials and restarts the search for a path; use it when an address changed.
    ///
    /// # Errors
    ///
    /// [`MediaError::WrongState`] while an offer waits for its answer, [`MediaError::NoLocalAddress`] before
    /// [`add_local`](Self::add_local).
    pub fn offer(
        &mut self,
        now: Instant,
        direction: Direction,
        ice_restart: bool,
    ) -> Result<String, MediaError> {
        self.advance_clock(now);
        if self.negotiation.pending.is_some() {
            return Err(MediaError::WrongState("an offer is pending"));
        }
        // The last answer is final, also if there will be no offer.
        self.negotiation.previous = None;
        if self.local_addresses.is_empty() {
            return Err(MediaError::NoLocalAddress);
        }
        let first = self.transport.is_none();
        let payloads = if first { first_payloads(&self.config) } else { self.negotiation.payloads.clone() };
        if !payloads.iter().any(|p| matches!(p.format, Format::Audio(_))) {
            return Err(MediaError::NoCommonCodec);
        }
        let parameters = match &self.negotiation.local {
            Some(parameters) if !first && !ice_restart => parameters.clone(),
            _ => {
                let mut transport = match self.transport.take() {
                    Some(transport) => transport,
                    None => self.new_transport(&payloads, None),
                };
                let parameters = transport.offer(&self.negotiation.cname);
                self.transport = Some(transport);
                parameters?
            }
        };
        if self.negotiation.lines.is_empty() {
            let (proto, mid) = (OFFERED_PROTO.to_owned(), Some(OFFERED_MID.to_owned()));
            let line = AudioLine { proto, mid, bundled: true, rtcp_mux: true };
            self.negotiation.lines = vec![LocalLine::Audio(line)];
        }
        let offer = LocalOffer {
            payloads: payloads.clone(),
            direction,
            parameters: parameters.clone(),
            starts_transport: first || ice_restart,
        };
        self.negotiation.pending = Some(offer.clone());
        let text = self.describe(&parameters, payloads, direction, Setup::ActPass);
        if first {
            let (lines, writer) = (self.negotiation.lines.clone(), self.negotiation.writer.clone());
            self.negotiation.first = Some(FirstOffer { offer, lines, writer });
        }
        self.drain_transport();
        Ok(text)
    }

    /// Answers an offer. The agreed direction is `direction` as far as the offer allows it.
    ///
    /// # Errors
    ///
    /// An offer that is refused changes nothing; [`MediaError::status`] is the SIP status for it.
    pub fn answer(
        &mut self,
        now: Instant,
        offer: impl AsRef<[u8]>,
        direction: Direction,
    ) -> Result<String, MediaError> {
        self.advance_clock(now);
        if self.negotiation.pending.is_some() {
            return Err(MediaError::WrongState("an offer is pending"));
        }
        // The answer before is final, also if this offer is refused.
        self.negotiation.previous = None;
        if self.local_addresses.is_empty() {
            return Err(MediaError::NoLocalAddress);
        }
        let remote = RemoteDescription::parse(offer.as_ref())?;
        // Another certificate means another DTLS association (RFC 8842 §4).
        let known = self.negotiation.remote.as_ref();
        let new_association = self.transport.as_ref().is_none_or(Transport::has_failed)
            || known.is_none_or(|known| known.fingerprint != remote.credentials.fingerprint);
        let continued = (!new_association).then_some(&self.negotiation.payloads[..]);
        let agreement = Agreement::of_answer(&self.config, &remote, direction, continued)?;
        let (payloads, direction) = (agreement.payloads.clone(), agreement.direction);
        let same_ice = |known: &Credentials| {
            known.ufrag == remote.credentials.ufrag && known.pwd == remote.credentials.pwd
        };
        let restart = new_association || !known.is_some_and(same_ice);
        let parameters = if restart {
            // RFC 5763 §5: an active answerer saves a round trip.
            let active =
                if new_association { remote.setup != Setup::Active } else { self.negotiation.active };
            let setup = if active { Setup::Passive } else { Setup::Active };
            let mut transport = match self.transport.take().filter(|_| !new_association) {
                Some(transport) => transport,
                None => self.new_transport(&payloads, None),
            };
            let parameters = transport.answer(&remote, setup, &payloads);
            self.transport = Some(transport);
            self.negotiation.active = active;
            let parameters = parameters?;
            self.path.start(self.now, new_association);
            parameters
        } else {
            if let Some(transport) = &mut self.transport {
                transport.add_candidates(&remote);
            }
            self.negotiation.local.clone().ok_or(MediaError::Engine("no local parameters"))?
        };
        self.negotiation.lines = answer_lines(&remote);
        self.negotiation.answered = None;
        self.negotiation.remote = Some(remote.credentials);
        self.negotiation.previous = self.negotiation.agreement.take();
        self.set_agreement(agreement);
        let setup = if self.negotiation.active { Setup::Active } else { Setup::Passive };
        let text = self.describe(&parameters, payloads, direction, setup);
        self.negotiation.local = Some(parameters);
        self.drain_transport();
        Ok(text)
    }

    /// Applies the answer to our offer. The same answer may be repeated (in a 200 after a 183), and another fork of the call may answer
    /// too: the last answer counts, and media goes to its sender. To have media with several at the same time, apply each answer to its
    /// own [`fork`](Self::fork).
    ///
    /// # Errors
    ///
    /// After an answer that is refused the offer stays pending: [`rollback`](Self::rollback) it, or apply another answer.
    pub fn apply(&mut self, now: Instant, answer: impl AsRef<[u8]>) -> Result<(), MediaError> {
        self.advance_clock(now);
        let offer = self.negotiation.pending.as_ref().or(self.negotiation.answered.as_ref());
        let offer = offer.ok_or(MediaError::WrongState("no offer was made"))?;
        let remote = RemoteDescription::parse(answer.as_ref())?;
        let audio = self.negotiation.lines.iter().position(|line| matches!(line, LocalLine::Audio(_)));
        if remote.lines.len() != self.negotiation.lines.len() || Some(remote.audio) != audio {
            return Err(MediaError::Malformed("lines are not those of the offer"));
        }
        // In the peer's order, which is its order of preference (RFC 3264 §6.1). An answer with another payload type for an offered
        // codec would be valid, but no known peer sends one and str0m does not support it.
        let payloads: Vec<_> =
            remote.payloads.iter().filter(|p| offer.payloads.contains(p)).copied().collect();
        let agreement = Agreement::new(payloads.clone(), &remote, offer.direction)?;
        let known = self.negotiation.remote.as_ref();
        let other_peer = known.is_some_and(|known| known.fingerprint != remote.credentials.fingerprint);
        let restart = offer.starts_transport && self.negotiation.pending.is_some();
        if !other_peer && !restart && known.is_some_and(|known| *known != remote.credentials) {
            return Err(MediaError::Malformed("an ICE restart that was not offered"));
        }
        let new_association = other_peer || known.is_none();
        let (parameters, offered) = (offer.parameters.clone(), offer.payloads.clone());
        if other_peer {
            self.transport = Some(self.offer_again(&offered, &parameters)?);
        }
        if new_association {
            self.negotiation.active = remote.setup == Setup::Passive;
        }
        let setup = if self.negotiation.active { Setup::Passive } else { Setup::Active };
        if let Some(transport) = &mut self.transport {
            if new_association || restart {
                transport.accept(&remote, setup, &payloads, parameters.ssrc)?;
                self.path.start(self.now, new_association);
            } else {
                transport.add_candidates(&remote);
            }
        }
        self.negotiation.remote = Some(remote.credentials);
        self.negotiation.local = Some(parameters);
        self.negotiation.payloads = offered;
        if let Some(offer) = self.negotiation.pending.take() {
            self.negotiation.answered = Some(offer);
        }
        self.set_agreement(agreement);
        self.drain_transport();
        Ok(())
    }

    /// Drops our offer, which was refused or crossed the peer's, or our answer to an offer that the peer cancelled. The previous
    /// agreement is restored. A path that the peer's offer restarted stays restarted. After an offer or answer that failed nothing changes.
    pub fn rollback(&mut self) {
        let offered = self.negotiation.pending.take().is_some();
        if let (false, Some(previous)) = (offered, self.negotiation.previous.take()) {
            self.set_agreement(previous);
        } else if self.negotiation.agreement.is_none() {
            self.transport = None;
            self.negotiation.lines.clear();
            self.negotiation.first = None;
        } else if let Some(transport) = &mut self.transport {
            transport.rollback();
        }
    }

    fn set_agreement(&mut self, agreement: Agreement) {
        if !agreement.direction.receives() {
            self.receiver.discard_audio();
        }
        self.negotiation.agreement = Some(agreement);
    }

    /// Another transport that makes the same offer, with the same credentials.
    pub(super) fn offer_again(
        &mut self,
        payloads: &[Payload],
        parameters: &LocalParameters,
    ) -> Result<Transport, MediaError> {
        let mut transport = self.new_transport(payloads, Some(parameters));
        let made = transport.offer(&self.negotiation.cname)?;
        if made.credentials != parameters.credentials {
            return Err(MediaError::Engine("other credentials than those of the offer"));
        }
        Ok(transport)
    }

    fn new_transport(&mut self, payloads: &[Payload], parameters: Option<&LocalParameters>) -> Transport {
        let random = self.random.next_u64();
        let credentials = parameters.map(|parameters| &parameters.credentials);
        // One certificate for the whole call, also when the transport is replaced.
        if self.config.certificate.is_none() {
            self.config.certificate = Certificate::generate();
        }
        let certificate = self.config.certificate.as_ref();
        let seeded = self.config.seeded_dtls;
        let mut transport =
            Transport::new(certificate, seeded, payloads, credentials, random, self.clock, self.now);
        self.negotiation.payloads = payloads.to_vec();
        self.sender.restart_encoder();
        for local in &self.local_addresses {
            transport.add_local(*local);
        }
        transport
    }

    fn describe(
        &mut self,
        parameters: &LocalParameters,
        payloads: Vec<Payload>,
        direction: Direction,
        setup: Setup,
    ) -> String {
        let candidates = self.transport.iter().flat_map(Transport::candidates).map(str::to_owned).collect();
        self.negotiation.writer.write(&LocalDescription {
            lines: self.negotiation.lines.clone(),
            direction,
            payloads,
            credentials: parameters.credentials.clone(),
            setup,
            candidates,
            address: self.local_addresses.first().copied(),
            ssrc: parameters.ssrc,
            cname: parameters.cname.clone(),
        })
    }
}

//! Offers and answers (RFC 3264).

use offhook_wire::Instant;
use offhook_wire::sdp::Direction;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng as _;

use super::{Agreed, MediaSession};
use crate::codec::Codec;
use crate::config::{Certificate, MediaConfig};
use crate::error::MediaError;
use crate::sdp::{AudioLine, Format, Keys, Local, LocalLine, Payload, Remote, Setup, Written};
use crate::transport::{Ours, Transport};

/// What we write in an offer of our own.
const PROTO: &str = "UDP/TLS/RTP/SAVPF";
const MID: &str = "0";

pub(super) struct Negotiation {
    written: Written,
    cname: String,
    /// The lines both ends know about, in order.
    lines: Vec<LocalLine>,
    ours: Option<Ours>,
    theirs: Option<Keys>,
    /// We open the DTLS handshake.
    active: bool,
    agreed: Option<Agreed>,
    /// What was agreed before our last answer, as long as that may be taken back.
    before: Option<Agreed>,
    /// Everything the transport can carry: what may be offered again after it was narrowed.
    known: Vec<Payload>,
    pending: Option<Offered>,
    /// Our last offer, answered: the answer may be repeated, or another branch may answer too.
    answered: Option<Offered>,
}

/// An offer of ours.
struct Offered {
    payloads: Vec<Payload>,
    direction: Direction,
    ours: Ours,
    /// The transport waits for the answer too: the first offer, or an ICE restart.
    transport: bool,
}

impl Negotiation {
    pub(super) fn new(random: &mut ChaCha8Rng) -> Self {
        Self {
            written: Written::new(random.next_u64()),
            cname: format!("{:016x}", random.next_u64()),
            lines: Vec::new(),
            ours: None,
            theirs: None,
            active: false,
            agreed: None,
            before: None,
            known: Vec::new(),
            pending: None,
            answered: None,
        }
    }

    pub(super) fn agreed(&self) -> Option<&Agreed> {
        self.agreed.as_ref()
    }
}

impl MediaSession {
    /// Offer: the first description of a call, or a change of one (hold, resume, another network).
    ///
    /// `ice_restart` makes new ICE credentials and looks for the path anew; use it when an address changed.
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
        self.at(now);
        if self.negotiation.pending.is_some() {
            return Err(MediaError::WrongState("an offer is pending"));
        }
        if self.locals.is_empty() {
            return Err(MediaError::NoLocalAddress);
        }
        let first = self.transport.is_none();
        let payloads = if first { offered(&self.config) } else { self.negotiation.known.clone() };
        if !payloads.iter().any(|p| matches!(p.format, Format::Audio(_))) {
            return Err(MediaError::NoCommonCodec);
        }
        let ours = match &self.negotiation.ours {
            Some(ours) if !first && !ice_restart => ours.clone(),
            _ => {
                let mut transport = match self.transport.take() {
                    Some(transport) => transport,
                    None => self.transport(&payloads, None),
                };
                let ours = transport.offer(&self.negotiation.cname);
                self.transport = Some(transport);
                ours?
            }
        };
        if self.negotiation.lines.is_empty() {
            let (proto, mid) = (PROTO.to_owned(), Some(MID.to_owned()));
            let line = AudioLine { proto, mid, bundled: true, rtcp_mux: true };
            self.negotiation.lines = vec![LocalLine::Audio(line)];
        }
        self.negotiation.before = None;
        let transport = first || ice_restart;
        self.negotiation.pending =
            Some(Offered { payloads: payloads.clone(), direction, ours: ours.clone(), transport });
        let text = self.describe(&ours, payloads, direction, Setup::ActPass);
        self.collect();
        Ok(text)
    }

    /// Answer an offer. What is agreed is what both want: `direction` and what the offer allows.
    ///
    /// # Errors
    ///
    /// An offer that cannot be taken changes nothing; [`MediaError::status`] is what to answer by SIP.
    pub fn answer(
        &mut self,
        now: Instant,
        offer: impl AsRef<[u8]>,
        direction: Direction,
    ) -> Result<String, MediaError> {
        self.at(now);
        if self.negotiation.pending.is_some() {
            return Err(MediaError::WrongState("an offer is pending"));
        }
        if self.locals.is_empty() {
            return Err(MediaError::NoLocalAddress);
        }
        let remote = Remote::parse(offer.as_ref())?;
        let mut payloads = remote.common(&wanted(&self.config));
        // Another certificate is another DTLS association, and so is another end (RFC 8842 §4).
        let known = self.negotiation.theirs.as_ref();
        let anew = self.transport.as_ref().is_none_or(Transport::is_dead)
            || known.is_none_or(|theirs| theirs.fingerprint != remote.keys.fingerprint);
        if !anew {
            // RFC 3264 §8.3.2: a number keeps its meaning.
            payloads.retain(|payload| self.negotiation.known.contains(payload));
        }
        let wanted = direction;
        let direction = Direction::answer(remote.direction, wanted);
        let agreed = Agreed::new(payloads.clone(), direction, wanted).ok_or(MediaError::NoCommonCodec)?;
        let restart = anew
            || known.is_none_or(|theirs| theirs.ufrag != remote.keys.ufrag || theirs.pwd != remote.keys.pwd);
        let ours = if restart {
            // RFC 5763 §5: the answerer is best active, which saves a round trip.
            let active = if anew { remote.setup != Setup::Active } else { self.negotiation.active };
            let setup = if active { Setup::Passive } else { Setup::Active };
            let mut transport = match self.transport.take().filter(|_| !anew) {
                Some(transport) => transport,
                None => self.transport(&payloads, None),
            };
            let ours = transport.answer(&remote, setup, &payloads);
            self.transport = Some(transport);
            self.negotiation.active = active;
            let ours = ours?;
            self.path.start(self.now, anew);
            ours
        } else {
            if let Some(transport) = &mut self.transport {
                transport.add_candidates(&remote);
            }
            self.negotiation.ours.clone().ok_or(MediaError::Engine("no keys of ours"))?
        };
        self.negotiation.lines = answered(&remote);
        self.negotiation.answered = None;
        self.negotiation.theirs = Some(remote.keys);
        self.negotiation.before = self.negotiation.agreed.take();
        self.agree(agreed);
        let setup = if self.negotiation.active { Setup::Active } else { Setup::Passive };
        let text = self.describe(&ours, payloads, direction, setup);
        self.negotiation.ours = Some(ours);
        self.collect();
        Ok(text)
    }

    /// Take the answer to our offer. The same answer may come again (in a 200 after a 183), and so may that of
    /// another branch of a forked call: the last one counts, and the media goes there.
    ///
    /// # Errors
    ///
    /// An answer that cannot be taken leaves the offer pending: [`rollback`](Self::rollback) it, or try another.
    pub fn apply(&mut self, now: Instant, answer: impl AsRef<[u8]>) -> Result<(), MediaError> {
        self.at(now);
        let offered = self.negotiation.pending.as_ref().or(self.negotiation.answered.as_ref());
        let offered = offered.ok_or(MediaError::WrongState("no offer was made"))?;
        let remote = Remote::parse(answer.as_ref())?;
        let audio = self.negotiation.lines.iter().position(|line| matches!(line, LocalLine::Audio(_)));
        if remote.lines.len() != self.negotiation.lines.len() || Some(remote.audio) != audio {
            return Err(MediaError::Malformed("lines are not those of the offer"));
        }
        // In the peer's order: what it lists first it wants most (RFC 3264 §6.1). A number of its own for a
        // codec of ours would be lawful, but nobody does it and str0m cannot.
        let payloads: Vec<_> =
            remote.payloads.iter().filter(|p| offered.payloads.contains(p)).copied().collect();
        let direction = Direction::answer(remote.direction, offered.direction);
        let agreed =
            Agreed::new(payloads.clone(), direction, offered.direction).ok_or(MediaError::NoCommonCodec)?;
        let theirs = self.negotiation.theirs.as_ref();
        let another = theirs.is_some_and(|theirs| theirs.fingerprint != remote.keys.fingerprint);
        let restart = offered.transport && self.negotiation.pending.is_some();
        if !another && !restart && theirs.is_some_and(|theirs| *theirs != remote.keys) {
            return Err(MediaError::Malformed("an ICE restart that was not offered"));
        }
        let (anew, ours, known) =
            (another || theirs.is_none(), offered.ours.clone(), offered.payloads.clone());
        if another {
            // Another end answers: the same offer, made by another transport with the same keys.
            let mut transport = self.transport(&known, Some(&ours));
            transport.offer(&self.negotiation.cname)?;
            self.transport = Some(transport);
        }
        if anew {
            self.negotiation.active = remote.setup == Setup::Passive;
        }
        let setup = if self.negotiation.active { Setup::Passive } else { Setup::Active };
        if let Some(transport) = &mut self.transport {
            if anew || restart {
                transport.accept(&remote, setup, &payloads, ours.ssrc)?;
                self.path.start(self.now, anew);
            } else {
                transport.add_candidates(&remote);
            }
        }
        self.negotiation.theirs = Some(remote.keys);
        self.negotiation.ours = Some(ours);
        self.negotiation.known = known;
        if let Some(offered) = self.negotiation.pending.take() {
            self.negotiation.answered = Some(offered);
        }
        self.agree(agreed);
        self.collect();
        Ok(())
    }

    /// An offer came to nothing: ours was refused or crossed by another, or the peer took his back (CANCEL) while ours
    /// was the answer. What flows is what flowed before it. A path that the peer's offer restarted stays restarted.
    pub fn rollback(&mut self) {
        let ours = self.negotiation.pending.take().is_some();
        if let (false, Some(before)) = (ours, self.negotiation.before.take()) {
            self.agree(before);
        } else if self.negotiation.agreed.is_none() {
            self.transport = None;
            self.negotiation.lines.clear();
        } else if let Some(transport) = &mut self.transport {
            transport.rollback();
        }
    }

    fn agree(&mut self, agreed: Agreed) {
        if !agreed.direction.receives() {
            self.ear.hold();
        }
        self.negotiation.agreed = Some(agreed);
    }

    fn transport(&mut self, payloads: &[Payload], keys: Option<&Ours>) -> Transport {
        let random = self.random.next_u64();
        let keys = keys.map(|ours| &ours.keys);
        // One certificate for the whole call, whatever becomes of its transport.
        if self.config.certificate.is_none() {
            self.config.certificate = Certificate::generate();
        }
        let certificate = self.config.certificate.as_ref();
        let seeded = self.config.seeded_dtls;
        let mut transport = Transport::new(certificate, seeded, payloads, keys, random, self.clock, self.now);
        self.negotiation.known = payloads.to_vec();
        self.voice.restart();
        for local in &self.locals {
            transport.add_local(*local);
        }
        transport
    }

    fn describe(
        &mut self,
        ours: &Ours,
        payloads: Vec<Payload>,
        direction: Direction,
        setup: Setup,
    ) -> String {
        let candidates = self.transport.iter().flat_map(Transport::candidates).map(str::to_owned).collect();
        self.negotiation.written.describe(&Local {
            lines: self.negotiation.lines.clone(),
            direction,
            payloads,
            keys: ours.keys.clone(),
            setup,
            candidates,
            address: self.locals.first().copied(),
            ssrc: ours.ssrc,
            cname: ours.cname.clone(),
        })
    }
}

/// Formats, most wanted first.
fn wanted(config: &MediaConfig) -> Vec<Format> {
    let mut formats: Vec<Format> = Vec::new();
    for codec in &config.codecs {
        if !formats.contains(&Format::Audio(*codec)) {
            formats.push(Format::Audio(*codec));
        }
    }
    if config.telephone_event {
        formats.extend([Format::Event(48_000), Format::Event(8_000)]);
    }
    formats
}

/// What a first offer lists: the numbers that browsers use.
fn offered(config: &MediaConfig) -> Vec<Payload> {
    let clocks: Vec<u32> = config.codecs.iter().map(|codec| codec.clock()).collect();
    let number = |format| match format {
        Format::Audio(Codec::Opus) => Some(111),
        Format::Audio(Codec::Pcmu) => Some(0),
        Format::Audio(Codec::Pcma) => Some(8),
        Format::Event(clock) if !clocks.contains(&clock) => None,
        Format::Event(48_000) => Some(110),
        Format::Event(_) => Some(126),
    };
    let payload = |format| number(format).map(|number| Payload { number, format });
    wanted(config).into_iter().filter_map(payload).collect()
}

/// The lines of an answer: all of the offer's, in its order (RFC 3264 §6).
fn answered(remote: &Remote) -> Vec<LocalLine> {
    let line = |(n, line): (usize, &crate::sdp::RemoteLine)| {
        if n == remote.audio {
            LocalLine::Audio(AudioLine {
                proto: line.proto.clone(),
                mid: line.mid.clone(),
                bundled: remote.bundled,
                rtcp_mux: remote.rtcp_mux,
            })
        } else {
            LocalLine::Rejected(line.clone())
        }
    };
    remote.lines.iter().enumerate().map(line).collect()
}

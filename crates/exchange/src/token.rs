//! Sealed tokens: state that the proxy keeps in Record-Route and Via instead of in memory.
//!
//! A dialog outlives its transactions, so the state for routing inside it travels with the dialog: the Record-Route URI names both ends
//! (RFC 3261 §16.6 step 4 allows it, RFC 5626 §5.2 does the same with one end). A keyed hash makes the token a capability: only a party of
//! the dialog has it, and it cannot be forged.

use sha2::{Digest, Sha256};

use offhook_wire::Message;

use crate::entropy::Entropy;
use crate::flow::FlowId;

/// The identity of a contact of a user. It stays the same when the contact is registered again over any flow. 64 bits of keyed hashes, of
/// which one half identifies the user.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct BindingId {
    owner: u32,
    contact: u32,
}

impl BindingId {
    /// The lower bound of ranges.
    pub(crate) const LEAST: BindingId = BindingId { owner: 0, contact: 0 };

    /// The hash of the owner's name, by [`Seal::owner`].
    pub(crate) fn owner(self) -> u32 {
        self.owner
    }
}

/// One side of a transaction or dialog: the flow it used, and the binding that gives its present flow after that one was replaced.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) flow: FlowId,
    pub(crate) binding: Option<BindingId>,
}

/// The content of the user part of our Record-Route URI.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct RouteToken {
    pub(crate) caller: End,
    pub(crate) callee: End,
    /// A hash of the caller's tag. A request inside the dialog carries that tag in From or in To, which gives
    /// its direction even if both flows have been replaced.
    pub(crate) tag: u32,
}

/// The content of our branch parameter.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct BranchToken {
    /// The sender of the request; a late response goes there without a transaction (RFC 3261 §16.7).
    pub(crate) origin: End,
    /// Makes the branch unique.
    pub(crate) serial: u64,
    /// A hash of the fields that determine the routing, for loop detection (RFC 3261 §16.6 step 8).
    pub(crate) loop_mark: u32,
}

/// RFC 3261 §8.1.1.7.
pub(crate) const MAGIC_COOKIE: &[u8] = b"z9hG4bK";

/// The keyed hash of the tokens and of other values that must be unguessable and stateless.
pub(crate) struct Seal {
    inner: Sha256,
    outer: Sha256,
}

impl Seal {
    pub(crate) fn new(entropy: &Entropy) -> Self {
        let key = entropy.key("seal");
        let mut block = [0; 64];
        block[..32].copy_from_slice(&key);
        Self {
            inner: Sha256::new_with_prefix(block.map(|byte| byte ^ 0x36)),
            outer: Sha256::new_with_prefix(block.map(|byte| byte ^ 0x5c)),
        }
    }

    /// HMAC-SHA-256 (RFC 2104) over a purpose and some parts, truncated to 64 bits.
    pub(crate) fn mac(&self, purpose: &str, parts: &[&[u8]]) -> u64 {
        let mut inner = self.inner.clone();
        for part in std::iter::once(purpose.as_bytes()).chain(parts.iter().copied()) {
            inner.update((part.len() as u64).to_be_bytes());
            inner.update(part);
        }
        let mut outer = self.outer.clone();
        outer.update(inner.finalize());
        let digest = outer.finalize();
        digest.iter().take(8).fold(0, |sum, &byte| sum << 8 | u64::from(byte))
    }

    /// A number that is the same for a request and its retransmissions.
    pub(crate) fn request(&self, purpose: &str, request: &Message) -> u64 {
        let branch = request.via().ok().and_then(|via| via.branch()).unwrap_or_default();
        let from = request.from().ok().and_then(|from| from.tag()).unwrap_or_default();
        let call_id = request.call_id().unwrap_or_default();
        self.mac(purpose, &[branch, from, call_id])
    }

    /// The identity of a contact of a user; `contact` is its instance or its canonical URI.
    pub(crate) fn binding(&self, user: &str, contact: &[&[u8]]) -> BindingId {
        let owner = self.owner(user);
        let mut parts = vec![user.as_bytes()];
        parts.extend_from_slice(contact);
        BindingId { owner, contact: (self.mac("binding", &parts) >> 32) as u32 }
    }

    /// A short hash of a user's name; never zero.
    pub(crate) fn owner(&self, user: &str) -> u32 {
        ((self.mac("owner", &[user.as_bytes()]) >> 32) as u32).max(1)
    }

    /// A short hash of the tag that distinguishes the caller of a dialog from the callee.
    pub(crate) fn tag_mark(&self, tag: &[u8]) -> u32 {
        (self.mac("tag", &[tag]) >> 32) as u32
    }

    /// The user part of a Record-Route URI.
    pub(crate) fn route(&self, token: &RouteToken) -> String {
        let mut plain = Vec::with_capacity(40);
        put_end(&mut plain, token.caller);
        put_end(&mut plain, token.callee);
        plain.extend_from_slice(&token.tag.to_be_bytes());
        self.close("route", plain)
    }

    /// Reads a token made by [`Seal::route`] with the same seed; anything else is `None`.
    pub(crate) fn open_route(&self, text: &[u8]) -> Option<RouteToken> {
        let plain = self.open("route", text)?;
        let mut rest = plain.as_slice();
        let caller = take_end(&mut rest)?;
        let callee = take_end(&mut rest)?;
        let tag = u32::from_be_bytes(*rest.first_chunk()?);
        Some(RouteToken { caller, callee, tag })
    }

    /// A branch parameter, with the magic cookie.
    pub(crate) fn branch(&self, token: &BranchToken) -> String {
        let mut plain = Vec::with_capacity(32);
        put_end(&mut plain, token.origin);
        put_number(&mut plain, token.serial);
        plain.extend_from_slice(&token.loop_mark.to_be_bytes());
        let mut text = String::from_utf8_lossy(MAGIC_COOKIE).into_owned();
        text.push_str(&self.close("branch", plain));
        text
    }

    /// Reads a token made by [`Seal::branch`] with the same seed; anything else is `None`.
    pub(crate) fn open_branch(&self, text: &[u8]) -> Option<BranchToken> {
        let plain = self.open("branch", text.strip_prefix(MAGIC_COOKIE)?)?;
        let mut rest = plain.as_slice();
        let origin = take_end(&mut rest)?;
        let serial = take_number(&mut rest)?;
        let loop_mark = u32::from_be_bytes(*rest.first_chunk()?);
        Some(BranchToken { origin, serial, loop_mark })
    }

    fn close(&self, purpose: &str, mut plain: Vec<u8>) -> String {
        let mac = self.mac(purpose, &[&plain]);
        plain.extend_from_slice(&mac.to_be_bytes());
        base64url(&plain)
    }

    fn open(&self, purpose: &str, text: &[u8]) -> Option<Vec<u8>> {
        // No valid token is longer.
        let mut plain = (text.len() <= 128).then(|| from_base64url(text))??;
        let mac = u64::from_be_bytes(*plain.last_chunk()?);
        plain.truncate(plain.len() - 8);
        (self.mac(purpose, &[&plain]) == mac).then_some(plain)
    }
}

fn put_end(out: &mut Vec<u8>, end: End) {
    put_number(out, end.flow.0);
    let BindingId { owner, contact } = end.binding.unwrap_or(BindingId::LEAST);
    out.extend_from_slice(&owner.to_be_bytes());
    out.extend_from_slice(&contact.to_be_bytes());
}

fn take_end(rest: &mut &[u8]) -> Option<End> {
    let flow = FlowId(take_number(rest)?);
    let (owner, tail) = rest.split_first_chunk()?;
    let (contact, tail) = tail.split_first_chunk()?;
    *rest = tail;
    let binding = BindingId { owner: u32::from_be_bytes(*owner), contact: u32::from_be_bytes(*contact) };
    Some(End { flow, binding: (binding != BindingId::LEAST).then_some(binding) })
}

/// LEB128: flow numbers are small, and every request of the dialog carries the token.
fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn take_number(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, tail) = rest.split_first()?;
        *rest = tail;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

/// RFC 4648 §5 without padding: every character is allowed in a token and in the user part of a URI.
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

fn base64url(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word =
            chunk.iter().fold(0_u32, |sum, &byte| sum << 8 | u32::from(byte)) << (8 * (3 - chunk.len()));
        for place in 0..=chunk.len() {
            text.push(char::from(ALPHABET[(word >> (18 - 6 * place) & 63) as usize]));
        }
    }
    text
}

fn from_base64url(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 2);
    for chunk in text.chunks(4) {
        if chunk.len() == 1 {
            return None;
        }
        let mut word = 0_u32;
        for &byte in chunk {
            word = word << 6 | ALPHABET.iter().position(|&known| known == byte)? as u32;
        }
        word <<= 6 * (4 - chunk.len());
        // One text for one token: bits that no byte takes must be zero.
        if word & ((1 << (8 * (4 - chunk.len()))) - 1) != 0 {
            return None;
        }
        bytes.extend_from_slice(&word.to_be_bytes()[1..chunk.len()]);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seal(seed: u8) -> Seal {
        Seal::new(&Entropy::new([seed; 32]))
    }

    fn end(flow: u64, binding: u64) -> End {
        let id = BindingId { owner: (binding >> 32) as u32, contact: binding as u32 };
        End { flow: FlowId(flow), binding: (binding != 0).then_some(id) }
    }

    proptest! {
        #[test]
        fn tokens_are_read_back(flows in any::<[u64; 2]>(), bindings in any::<[u64; 2]>(), tag: u32, serial: u64) {
            let seal = seal(1);
            let caller = end(flows[0], bindings[0]);
            let callee = end(flows[1], bindings[1]);
            let route = RouteToken { caller, callee, tag };
            prop_assert_eq!(seal.open_route(seal.route(&route).as_bytes()), Some(route));
            let branch = BranchToken { origin: caller, serial, loop_mark: tag };
            prop_assert_eq!(seal.open_branch(seal.branch(&branch).as_bytes()), Some(branch));
        }

        #[test]
        fn base64_is_read_back(bytes: Vec<u8>) {
            prop_assert_eq!(from_base64url(base64url(&bytes).as_bytes()), Some(bytes));
        }

        #[test]
        fn other_text_is_not_a_token(text: Vec<u8>) {
            prop_assert_eq!(seal(1).open_route(&text), None);
            prop_assert_eq!(seal(1).open_branch(&text), None);
        }
    }

    #[test]
    fn changed_token_or_other_seed_is_rejected() {
        let token = RouteToken { caller: end(1, 7), callee: end(2, 0), tag: 3 };
        let text = seal(1).route(&token).into_bytes();
        assert_eq!(seal(2).open_route(&text), None);
        for place in 0..text.len() {
            let mut changed = text.clone();
            changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
            assert_eq!(seal(1).open_route(&changed), None, "at {place}");
        }
    }
}

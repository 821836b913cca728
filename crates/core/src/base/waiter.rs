//! The machine that waits for the result of an effect.

use crate::api::id::{AccountId, EffectId};

/// What waits for the result of an effect. It is part of the [`EffectId`], so that a result finds it without a table: 24 bits for
/// the slot of the call or the account, 4 for the purpose, 36 for a counter. The waiter compares the whole id, because a slot is
/// reused.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Waiter {
    /// The call in this slot.
    Call(usize, CallWaiter),
    /// The account, for credentials.
    Account(AccountId),
}

/// The part of a call that waits.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum CallWaiter {
    /// Nothing: the effect has no result.
    Nothing,
    /// The check of the offer of an INVITE.
    Check,
    /// The offers and answers of a leg.
    OfferAnswer,
    /// The digit that is being sent by RTP.
    Digit,
}

const COUNTER_BITS: u32 = 36;
const SLOT_SHIFT: u32 = 40;
const ACCOUNT: u64 = 15;

impl Waiter {
    /// The id of an effect for this waiter.
    pub(crate) fn id(self, counter: u64) -> EffectId {
        let (slot, purpose) = match self {
            Waiter::Call(slot, purpose) => (slot as u64, purpose as u64),
            Waiter::Account(account) => (u64::from(account.0), ACCOUNT),
        };
        EffectId::from_u64(slot << SLOT_SHIFT | purpose << COUNTER_BITS | counter & ((1 << COUNTER_BITS) - 1))
    }

    /// The waiter of an id; `None` for an id that no phone creates.
    pub(crate) fn of(id: EffectId) -> Option<Self> {
        use CallWaiter::{Check, Digit, Nothing, OfferAnswer};
        let (slot, purpose) = (id.as_u64() >> SLOT_SHIFT, id.as_u64() >> COUNTER_BITS & 15);
        if purpose == ACCOUNT {
            return u16::try_from(slot).ok().map(|account| Waiter::Account(AccountId(account)));
        }
        let all = [Nothing, Check, OfferAnswer, Digit];
        all.into_iter()
            .find(|waiter| *waiter as u64 == purpose)
            .map(|waiter| Waiter::Call(slot as usize, waiter))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_its_waiter() {
        let waiters = [
            Waiter::Call(0, CallWaiter::Nothing),
            Waiter::Call((1 << 24) - 1, CallWaiter::Digit),
            Waiter::Call(7, CallWaiter::OfferAnswer),
            Waiter::Account(AccountId(u16::MAX)),
        ];
        for waiter in waiters {
            for counter in [0, 1, (1 << 36) - 1] {
                assert_eq!(Waiter::of(waiter.id(counter)), Some(waiter));
            }
        }
        assert_ne!(waiters[0].id(1), waiters[0].id(2));
    }

    #[test]
    fn an_id_that_no_phone_creates_has_no_waiter() {
        for id in [4 << 36, 14 << 36, u64::MAX] {
            assert_eq!(Waiter::of(EffectId::from_u64(id)), None, "{id:x}");
        }
    }
}

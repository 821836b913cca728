//! What an input is read as: operations, one after the other.

/// One operation. Each byte is taken modulo the number of choices there are.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Op<'a> {
    /// A flow comes up in a slot, or anew if one is up there.
    Up {
        /// Which slot.
        slot: u8,
        /// What it runs over.
        transport: u8,
    },
    /// The flow in a slot goes down.
    Down {
        /// Which slot.
        slot: u8,
    },
    /// A phone registers over the flow in a slot, where it stays.
    Register {
        /// Which phone.
        phone: u8,
        /// Which slot.
        slot: u8,
        /// Which contacts, for how long, and with which credentials.
        style: u8,
    },
    /// A phone sends a request outside a dialog.
    Request {
        /// Which phone.
        phone: u8,
        /// Which method.
        method: u8,
        /// For which URI.
        target: u8,
        /// What is odd about it: its credentials, its From, its To or its Route.
        style: u8,
    },
    /// A request that the exchange forwarded is answered.
    Answer {
        /// Which one; the newest is zero.
        which: u8,
        /// Which status.
        status: u8,
        /// Over which flow, with which tag, and whether it can be answered again.
        style: u8,
    },
    /// A final response to an INVITE is acknowledged. One of 2xx begins the caller's view of a dialog.
    Ack {
        /// Which one; the newest is zero.
        which: u8,
    },
    /// A phone cancels its last request.
    Cancel {
        /// Which phone.
        phone: u8,
    },
    /// A request inside a dialog.
    Inside {
        /// Which view of which dialog; the newest is zero.
        dialog: u8,
        /// Which method.
        method: u8,
    },
    /// Time passes.
    Pass {
        /// How long.
        time: u8,
    },
    /// Anything arrives over the flow in a slot.
    Raw {
        /// Which slot.
        slot: u8,
        /// What arrives: at most 255 bytes.
        data: &'a [u8],
    },
    /// The next message that is sent is changed.
    Twist {
        /// How.
        kind: u8,
        /// Where, in parts of 256.
        at: u8,
        /// What is put there.
        byte: u8,
    },
    /// The last message of a phone is sent again, over the flow in a slot.
    Again {
        /// Which phone.
        phone: u8,
        /// Which slot.
        slot: u8,
    },
    /// A keep-alive arrives over the flow in a slot.
    Ping {
        /// Which slot.
        slot: u8,
    },
    /// The exchange loses a part of its memory.
    Forget {
        /// Which part.
        what: u8,
    },
}

impl<'a> Op<'a> {
    /// The operation at the start of `rest`, which is moved behind it; none at the end. What is missing at the end is zero.
    pub fn read(rest: &mut &'a [u8]) -> Option<Self> {
        let code = take(rest, 1).first().copied()?;
        let mut byte = || take(rest, 1).first().copied().unwrap_or_default();
        Some(match code % 14 {
            0 => Op::Up { slot: byte(), transport: byte() },
            1 => Op::Down { slot: byte() },
            2 => Op::Register { phone: byte(), slot: byte(), style: byte() },
            3 => Op::Request { phone: byte(), method: byte(), target: byte(), style: byte() },
            4 => Op::Answer { which: byte(), status: byte(), style: byte() },
            5 => Op::Ack { which: byte() },
            6 => Op::Cancel { phone: byte() },
            7 => Op::Inside { dialog: byte(), method: byte() },
            8 => Op::Pass { time: byte() },
            9 => {
                let (slot, length) = (byte(), byte());
                Op::Raw { slot, data: take(rest, length.into()) }
            }
            10 => Op::Twist { kind: byte(), at: byte(), byte: byte() },
            11 => Op::Again { phone: byte(), slot: byte() },
            12 => Op::Ping { slot: byte() },
            _ => Op::Forget { what: byte() },
        })
    }

    /// Appends the bytes that are read as this operation. Of data that is too long the start is written.
    pub fn write(&self, out: &mut Vec<u8>) {
        match *self {
            Op::Up { slot, transport } => out.extend([0, slot, transport]),
            Op::Down { slot } => out.extend([1, slot]),
            Op::Register { phone, slot, style } => out.extend([2, phone, slot, style]),
            Op::Request { phone, method, target, style } => out.extend([3, phone, method, target, style]),
            Op::Answer { which, status, style } => out.extend([4, which, status, style]),
            Op::Ack { which } => out.extend([5, which]),
            Op::Cancel { phone } => out.extend([6, phone]),
            Op::Inside { dialog, method } => out.extend([7, dialog, method]),
            Op::Pass { time } => out.extend([8, time]),
            Op::Raw { slot, data } => {
                let data = &data[..data.len().min(255)];
                out.extend([9, slot, data.len() as u8]);
                out.extend(data);
            }
            Op::Twist { kind, at, byte } => out.extend([10, kind, at, byte]),
            Op::Again { phone, slot } => out.extend([11, phone, slot]),
            Op::Ping { slot } => out.extend([12, slot]),
            Op::Forget { what } => out.extend([13, what]),
        }
    }
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> &'a [u8] {
    let (taken, left) = rest.split_at(length.min(rest.len()));
    *rest = left;
    taken
}

//! The lower bound of BASIC: seven messages, built from pieces by one side and scanned once by the other.
//! No state, no timers, no allocation, no checks.

use memchr::{memchr, memmem};
use std::error::Error;
use std::hint::black_box;

const HEAD: [&str; 11] = [
    "INVITE sip:bob@127.0.0.1:15090 SIP/2.0\r\n",
    "Via: SIP/2.0/UDP 127.0.0.1:15061;branch=z9hG4bK-9400-1-0;rport\r\n",
    "Max-Forwards: 70\r\n",
    "From: \"sipp\" <sip:sipp@127.0.0.1:15061>;tag=9400SIPpTag001\r\n",
    "To: <sip:bob@127.0.0.1:15090>;tag=9300SIPpTag011\r\n",
    "Call-ID: 1-9400@127.0.0.1\r\n",
    "CSeq: 1 INVITE\r\n",
    "Contact: <sip:sipp@127.0.0.1:15061;transport=UDP>\r\n",
    "Content-Type: application/sdp\r\n",
    "Content-Length: 317\r\n",
    "\r\n",
];
const BODY: &str = "v=0\r\no=- 1781234567 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
    m=audio 40000 RTP/AVP 111 9 0 8 101\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=1\r\n\
    a=rtpmap:9 G722/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\n\
    a=fmtp:101 0-16\r\na=ptime:20\r\na=sendrecv\r\n";

/// The messages of BASIC with a description: the INVITE and its 200.
const WITH_BODY: [usize; 2] = [0, 3];

/// Builds and scans `n` calls.
pub(super) fn calls(n: u32) -> Result<(), Box<dyn Error>> {
    let mut buffer = Vec::with_capacity(4096);
    let mut table = vec![[0u64; 8]; 1 << 16];
    let mut sum = 0;
    for call in 0..n {
        for message in 0..7 {
            build(&mut buffer, WITH_BODY.contains(&message), call.wrapping_mul(2_654_435_761));
            sum += scan(black_box(&buffer), &mut table);
        }
    }
    black_box(sum);
    Ok(())
}

fn build(out: &mut Vec<u8>, body: bool, id: u32) {
    out.clear();
    for (n, piece) in HEAD.iter().enumerate() {
        if n == 8 && !body {
            continue;
        }
        let start = out.len();
        out.extend_from_slice(piece.as_bytes());
        if n == 1 || n == 5 {
            out[start + 12..start + 16].copy_from_slice(&id.to_le_bytes());
        }
    }
    if body {
        out.extend_from_slice(BODY.as_bytes());
    }
}

fn scan(message: &[u8], table: &mut [[u64; 8]]) -> u64 {
    let (mut hash, mut call) = (0u64, 0u64);
    let mut rest = message;
    while let Some(end) = memchr(b'\n', rest) {
        let line = &rest[..end];
        rest = &rest[end + 1..];
        if end <= 1 {
            break;
        }
        let colon = memchr(b':', line);
        match (line[0] | 0x20, colon) {
            (b'v', _) => {
                if let Some(at) = memmem::find(line, b"branch=") {
                    hash ^= fnv(&line[at + 7..(at + 23).min(line.len())]);
                }
            }
            (b'c', Some(7)) if line[1] | 0x20 == b'a' => call = fnv(&line[9..end - 1]),
            (b'f' | b't', _) => {
                if let Some(at) = memmem::find(line, b"tag=") {
                    hash ^= fnv(&line[at + 4..end - 1]);
                }
            }
            (_, Some(colon)) => hash = hash.wrapping_add(colon as u64),
            (_, None) => {}
        }
    }
    while let Some(end) = memchr(b'\n', rest) {
        hash = hash.wrapping_add(u64::from(rest[0]) * end as u64);
        rest = &rest[end + 1..];
    }
    table[call as usize & 0xffff][hash as usize & 7] += 1;
    hash ^ call
}

fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(1_469_598_103_934_665_603, |h, b| (h ^ u64::from(*b)).wrapping_mul(1_099_511_628_211))
}

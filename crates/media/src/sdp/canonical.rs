//! Writes a peer's description in the form that str0m accepts.

use std::fmt::Write as _;

use super::parameters::{Credentials, Payload, Setup};

/// The audio line alone, `sendrecv`, without candidates (they are given to str0m one by one).
pub(crate) fn write(
    mid: &str,
    credentials: &Credentials,
    setup: Setup,
    ice_lite: bool,
    payloads: &[Payload],
) -> String {
    let mut sdp = String::from("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n");
    let (hash, value) = &credentials.fingerprint;
    let mut line = |text: std::fmt::Arguments<'_>| {
        sdp.write_fmt(text).expect("writing to a String does not fail");
        sdp.push_str("\r\n");
    };
    line(format_args!("a=group:BUNDLE {mid}"));
    if ice_lite {
        line(format_args!("a=ice-lite"));
    }
    let numbers: String = payloads.iter().map(|p| format!(" {}", p.number)).collect();
    line(format_args!("m=audio 9 UDP/TLS/RTP/SAVPF{numbers}"));
    line(format_args!("c=IN IP4 0.0.0.0"));
    line(format_args!("a=mid:{mid}"));
    line(format_args!("a=ice-ufrag:{}", credentials.ufrag));
    line(format_args!("a=ice-pwd:{}", credentials.pwd));
    line(format_args!("a=fingerprint:{hash} {value}"));
    line(format_args!("a=setup:{}", setup.name()));
    line(format_args!("a=rtcp-mux"));
    line(format_args!("a=sendrecv"));
    for Payload { number, format } in payloads {
        line(format_args!("a=rtpmap:{number} {}", format.rtpmap()));
    }
    sdp
}

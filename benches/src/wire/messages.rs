//! Eight typical messages.

/// A message and its name.
#[derive(Copy, Clone, Debug)]
pub struct Sample {
    /// A short name.
    pub name: &'static str,
    /// The message as it is on the wire.
    pub bytes: &'static [u8],
}

macro_rules! samples {
    ($($file:literal)*) => {
        [$(Sample { name: $file, bytes: include_bytes!(concat!("../../messages/", $file, ".sip")) },)*]
    };
}

/// A WebRTC INVITE over WSS, a plain INVITE, a 200 with two Record-Routes, a 180 with four Vias, a REGISTER
/// with credentials, a REFER with Replaces, a BYE, and an INFO with DTMF.
pub const MESSAGES: [Sample; 8] = samples![
    "1_invite_webrtc" "2_invite_plain" "3_200_invite_rr2" "4_180_via4"
    "5_register_auth" "6_refer_replaces" "7_bye" "8_info_dtmf"
];

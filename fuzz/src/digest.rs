//! Arbitrary data as a challenge, and as credentials.

use offhook_wire::digest::server::{Authority, Verdict};
use offhook_wire::digest::{Challenge, Credentials, Password, Responder};
use offhook_wire::{Instant, Method};

/// Answers `data` as a challenge, and verifies it as credentials.
///
/// # Panics
///
/// When our credentials are invalid or do not match the challenge, or when a server accepts credentials for a challenge that it did not
/// issue.
pub fn digest(data: &[u8]) {
    let password = Password::plain("secret");
    let answer = Challenge::parse(data).ok().and_then(|challenge| {
        let mut responder = Responder::new();
        let row = responder
            .answer(&challenge, "al\"ice", &password, Method::Invite, b"sip:b@c", b"x", "c0ffee")
            .ok()?;
        Some((challenge, row))
    });
    if let Some((challenge, row)) = answer {
        let credentials = Credentials::parse(row.as_bytes()).expect("our credentials are readable");
        assert_eq!((credentials.realm, credentials.nonce), (challenge.realm, challenge.nonce));
        assert_eq!((credentials.opaque, credentials.algorithm), (challenge.opaque, challenge.algorithm));
        assert_eq!(credentials.username.value(), &b"al\"ice"[..]);
        assert_eq!(credentials.nc, challenge.qop.map(|_| 1));
    }
    if let Ok(credentials) = Credentials::parse(data) {
        let mut authority = Authority::new("example.org", [7; 32]).expect("a plain realm").without_qop(true);
        let verdict =
            authority.verify(Instant::ZERO, &credentials, &password, Method::Invite, b"sip:b@c", b"");
        assert!(!matches!(verdict, Verdict::Good | Verdict::Replayed), "nobody knows the key of the nonce");
        let _ = format!("{credentials:?}");
    }
}

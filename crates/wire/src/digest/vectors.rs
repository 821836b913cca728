//! Published examples, and agreement with an implementation that others wrote.

use proptest::prelude::*;

use super::response::{Count, Protected, response};
use super::server::{Authority, Verdict};
use super::{Algorithm, Challenge, Credentials, Password, Responder};
use crate::{Instant, Method};

struct Example {
    algorithm: Algorithm,
    username: &'static str,
    realm: &'static str,
    password: &'static str,
    nonce: &'static str,
    count: Option<(&'static str, &'static str, &'static str)>,
    method: &'static str,
    uri: &'static str,
    body: &'static str,
}

impl Example {
    fn response(&self) -> String {
        let password = Password::plain(self.password);
        let stored = Password::ha1(self.algorithm, self.username, self.realm, &self.password.into());
        let computed = |password: &Password| {
            let (user, realm) = (self.username.as_bytes(), self.realm.as_bytes());
            let base = password.base_hash(self.algorithm, user, realm).unwrap();
            let count = self.count.map(|(qop, nc, cnonce)| Count {
                qop: qop.as_bytes(),
                nc: nc.as_bytes(),
                cnonce: cnonce.as_bytes(),
            });
            let (method, uri, body) = (self.method.as_bytes(), self.uri.as_bytes(), self.body.as_bytes());
            let request = Protected { method, uri, body };
            response(self.algorithm, base, self.nonce.as_bytes(), count, request).as_str().to_owned()
        };
        assert_eq!(computed(&password), computed(&stored));
        computed(&password)
    }
}

#[test]
fn rfc_2617_section_3_5() {
    let example = Example {
        algorithm: Algorithm::Md5,
        username: "Mufasa",
        realm: "testrealm@host.com",
        password: "Circle Of Life",
        nonce: "dcd98b7102dd2f0e8b11d0f600bfb0c093",
        count: Some(("auth", "00000001", "0a4f113b")),
        method: "GET",
        uri: "/dir/index.html",
        body: "",
    };
    assert_eq!(example.response(), "6629fae49393a05397450978507c4ef1");
    // The same without qop: RFC 2069 §2.4, with the response of its erratum 749.
    let older = Example { count: None, password: "CircleOfLife", ..example };
    assert_eq!(older.response(), "1949323746fe6a43ef61f9606e7febea");
}

#[test]
fn rfc_7616_section_3_9_1() {
    let example = |algorithm| Example {
        algorithm,
        username: "Mufasa",
        realm: "http-auth@example.org",
        password: "Circle of Life",
        nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
        count: Some(("auth", "00000001", "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ")),
        method: "GET",
        uri: "/dir/index.html",
        body: "",
    };
    assert_eq!(example(Algorithm::Md5).response(), "8ca523f5e9506fed4657c9700eebdbec");
    let sha = "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1";
    assert_eq!(example(Algorithm::Sha256).response(), sha);
}

#[test]
fn rfc_7616_section_3_9_2() {
    let example = Example {
        algorithm: Algorithm::Sha512_256,
        username: "J\u{e4}s\u{f8}n Doe",
        realm: "api@example.org",
        password: "Secret, or not?",
        nonce: "5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK",
        count: Some(("auth", "00000001", "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v")),
        method: "GET",
        uri: "/doe.json",
        body: "",
    };
    // The RFC prints a response made with a truncated SHA-512; this is the one of its erratum 4897.
    assert_eq!(example.response(), "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5");
}

/// draft-smith-sipping-auth-examples-01, §3: the same INVITE in every variant of MD5.
#[test]
fn sip_authentication_examples() {
    let example = |algorithm, count| Example {
        algorithm,
        username: "bob",
        realm: "biloxi.com",
        password: "zanzibar",
        nonce: "dcd98b7102dd2f0e8b11d0f600bfb0c093",
        count,
        method: "INVITE",
        uri: "sip:bob@biloxi.com",
        body: "v=0\r\no=bob 2890844526 2890844526 IN IP4 media.biloxi.com\r\ns=-\r\nc=IN IP4 media.biloxi.com\r\n\
            t=0 0\r\nm=audio 49170 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\nm=video 51372 RTP/AVP 31\r\n\
            a=rtpmap:31 H261/90000\r\nm=video 53000 RTP/AVP 32\r\na=rtpmap:32 MPV/90000\r\n",
    };
    let auth = Some(("auth", "00000001", "0a4f113b"));
    let auth_int = Some(("auth-int", "00000001", "0a4f113b"));
    assert_eq!(example(Algorithm::Md5, None).response(), "bf57e4e0d0bffc0fbaedce64d59add5e");
    assert_eq!(example(Algorithm::Md5, auth).response(), "89eb0059246c02b2f6ee02c7961d5ea3");
    assert_eq!(example(Algorithm::Md5, auth_int).response(), "bdbeebb2da6adb6bca02599c2239e192");
    assert_eq!(example(Algorithm::Md5Sess, auth).response(), "e4e4ea61d186d07a92c9e1f6919902e9");
    assert_eq!(example(Algorithm::Md5Sess, auth_int).response(), "91984da2d8663716e91554859c22ca70");
}

proptest! {
    /// rsip supports MD5 and SHA-256 without session, writes the count in decimal digits and hashes no body: within these limits
    /// both must agree.
    #[test]
    fn agrees_with_rsip(
        username in "[ -~]{1,12}",
        realm in "[a-z.@ ]{1,12}",
        password in "[ -~]{0,12}",
        nonce in "[0-9a-zA-Z+/=]{1,40}",
        cnonce in "[0-9a-f]{8,32}",
        user in "[a-z0-9]{1,8}",
        nc in 1u8..=9,
        sha in any::<bool>(),
        qop in any::<bool>(),
    ) {
        use rsip::headers::auth;
        let uri = rsip::Uri::try_from(format!("sip:{user}@example.org").as_str()).unwrap();
        let qop = qop.then(|| auth::AuthQop::Auth { cnonce: cnonce.clone(), nc });
        let theirs = rsip::services::DigestGenerator {
            username: &username,
            password: &password,
            nonce: &nonce,
            uri: &uri,
            realm: &realm,
            method: &rsip::Method::Register,
            qop: qop.as_ref(),
            algorithm: if sha { auth::Algorithm::Sha256 } else { auth::Algorithm::Md5 },
        }
        .compute();

        let row = format!(
            "Digest realm=\"{realm}\", nonce=\"{nonce}\"{}{}",
            if sha { ", algorithm=SHA-256" } else { "" },
            if qop.is_some() { ", qop=\"auth\"" } else { "" },
        );
        let challenge = Challenge::parse(row.as_bytes()).unwrap();
        let (password, uri) = (Password::plain(password), uri.to_string());
        let mut responder = Responder::new();
        let mut header = responder
            .answer(&challenge, &username, &password, Method::Register, uri.as_bytes(), b"", &cnonce)
            .unwrap();
        for _ in 1..nc {
            header = responder.reuse(&username, &password, Method::Register, uri.as_bytes(), b"").unwrap();
        }
        let credentials = Credentials::parse(header.as_bytes()).unwrap();
        prop_assert_eq!(std::str::from_utf8(credentials.response).unwrap(), theirs);
        prop_assert_eq!(credentials.username.value(), username.as_bytes());
    }

    /// Quotation marks, backslashes and letters of any language go through challenge and credentials unharmed.
    #[test]
    fn all_names_and_passwords_verify(
        username in "[^\\p{Cc}]{0,9}",
        realm in "[^\\p{Cc}]{0,9}",
        password in ".{0,9}",
        other in ".{0,9}",
        algorithm in prop::sample::select(&Algorithm::ALL[..]),
    ) {
        let mut authority = Authority::new(realm, [1; 32]).unwrap().algorithms(&[algorithm]);
        let row = authority.challenge(Instant::ZERO, false, 1).remove(0);
        let challenge = Challenge::parse(row.as_bytes()).unwrap();
        let header = Responder::new()
            .answer(&challenge, &username, &Password::plain(&*password), Method::Bye, b"sip:a", b"", "c")
            .unwrap();
        let credentials = Credentials::parse(header.as_bytes()).unwrap();
        prop_assert_eq!(&*credentials.username.value(), username.as_bytes());
        let mut judge = |password: &str| {
            let password = Password::plain(password);
            authority.verify(Instant::ZERO, &credentials, &password, Method::Bye, b"sip:a", b"")
        };
        if other != password {
            prop_assert_eq!(judge(&other), Verdict::Wrong);
        }
        prop_assert_eq!(judge(&password), Verdict::Good);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let header = [b"Digest ".as_slice(), &bytes].concat();
        let _ = Challenge::parse(&header);
        let _ = Credentials::parse(&header);
        let _ = Challenge::parse(&bytes);
    }

    /// Likelier to reach the inside than arbitrary bytes.
    #[test]
    fn broken_parameters_never_panic(text in "Digest ((realm|nonce|qop|nc|response|algorithm)=(\"[a-z\\\\]{0,3}\"?|auth|0{8}),? ?){0,8}") {
        let _ = Challenge::parse(text.as_bytes());
        let _ = Credentials::parse(text.as_bytes());
    }
}

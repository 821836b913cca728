//! Parsing of lists of users; errors contain no secrets.

use super::*;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;

const REALM: &str = "house.test";
const MD5: &str = "0123456789abcdef0123456789ABCDEF";
const SHA_256: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn read(text: &str) -> Result<BTreeMap<String, Vec<Password>>, Wrong> {
    let mut users = Users::default();
    users.read(&source(), text.as_bytes(), REALM).map(|()| users.passwords())
}

fn source() -> Source {
    Source::File("users.txt".into())
}

fn at(line: usize) -> Place {
    Place { source: source(), line: Some(line) }
}

fn hash(algorithm: Algorithm, hex: &str) -> Password {
    Password::Ha1 { algorithm, hex: hex.to_lowercase().into() }
}

#[test]
fn plaintext_passwords_hashes_comments_and_blank_lines_are_parsed() {
    let text = format!(
        "\u{feff}# the house\r\n\r\nalice:a:b # c \r\n  # more\nbob:house.test:{MD5}\nbob:house.test:{SHA_256}\n\
         b%C3%B6b%20%3a:pw\nbö&b:{MD5}\n"
    );
    let users = read(&text).expect("a list");
    let expected = [
        ("alice", vec![Password::plain("a:b # c ")]),
        ("bob", vec![hash(Algorithm::Md5, MD5), hash(Algorithm::Sha256, SHA_256)]),
        ("böb :", vec![Password::plain("pw")]),
        ("bö&b", vec![Password::plain(MD5)]),
    ];
    assert_eq!(users, expected.map(|(name, passwords)| (name.to_owned(), passwords)).into());
}

#[test]
fn realm_may_contain_colons() {
    let mut users = Users::default();
    let line = format!("alice:house.test:5060:{MD5}");
    users.add(at(1), &line, "house.test:5060").expect("a hash");
    assert_eq!(users.passwords()["alice"], [hash(Algorithm::Md5, MD5)]);
}

#[test]
fn errors_have_their_line() {
    let realm = Fault::Realm { realm: REALM.to_owned() };
    for (line, fault) in [
        ("alice", Fault::Separator),
        (":secret", Fault::NoName),
        ("alice:", Fault::NoPassword),
        ("al ice:secret", Fault::Name),
        ("alice@house.test:secret", Fault::Name),
        ("100%:secret", Fault::Name),
        ("%zz:secret", Fault::Name),
        ("%0a:secret", Fault::Name),
        ("%ff:secret", Fault::Name),
        ("alice:house.test:secret", Fault::Hash),
        ("alice:house.test:", Fault::Hash),
        (&format!("alice:house.test:{}", &MD5[1..]), Fault::Hash),
        (&format!("alice:house.test:{MD5} "), Fault::Hash),
        (&format!("alice:house.test:{}x", &MD5[1..]), Fault::Hash),
        (&format!("alice:House.test:{MD5}"), realm.clone()),
        ("alice:House.test:secret", realm.clone()),
        (&format!("alice:office.test:{MD5}"), realm.clone()),
        (&format!("alice:office.test:{}", &SHA_256[1..]), realm.clone()),
        (&format!("alice: house.test : {MD5}"), realm.clone()),
        (&format!("alice::{MD5}"), realm),
        ("bob:again", Fault::Duplicate { first: at(2) }),
        (&format!("bob:house.test:{MD5}"), Fault::Duplicate { first: at(2) }),
        (&format!("carol:house.test:{MD5}"), Fault::Duplicate { first: at(3) }),
        ("carol:again", Fault::Duplicate { first: at(3) }),
        ("b%6Fb:again", Fault::Duplicate { first: at(2) }),
    ] {
        let text = format!("# the house\nbob:b-pw\ncarol:house.test:{MD5}\n{line}\ndave:d-pw\n");
        assert_eq!(read(&text), Err(at(4).wrong(fault)), "{line}");
    }
    assert_eq!(read("# nobody\n\n"), Err(Place { source: source(), line: None }.wrong(Fault::NoUsers)));
    let mut users = Users::default();
    let error = users.read(&Source::Variable, b"a:b\nc:\xff", REALM).expect_err("not UTF-8");
    assert_eq!(error.to_string(), "OFFHOOK_USERS:2: not UTF-8");
    assert_eq!(
        read("a:b\na:c").expect_err("twice").to_string(),
        "users.txt:2: this user already has a password (users.txt:1)"
    );
}

#[test]
fn missing_hash_is_explained() {
    let explained = |text: &str, algorithm| {
        let mut users = Users::default();
        users.read(&source(), text.as_bytes(), REALM).expect("a list");
        let wrong = users.explain(&MissingPassword { user: "bob".to_owned(), algorithm }).expect("listed");
        wrong.to_string()
    };
    let md5 = format!("alice:a\nbob:house.test:{MD5}");
    assert_eq!(
        explained(&md5, Algorithm::Sha256),
        "users.txt:2: bob has no SHA-256 hash, and SHA-256 is offered: add a line with it, or use \
         --algorithm md5"
    );
    let both = format!("{md5}\nbob:house.test:{SHA_256}");
    let why = explained(&both, Algorithm::Sha512_256);
    assert!(why.contains("use the plaintext password") && why.ends_with("--algorithm sha-256,md5"), "{why}");
}

/// A user and the intended meaning of its lines.
#[derive(Clone, Debug)]
enum Meant {
    Plain(String),
    Hashed { md5: bool, sha_256: bool },
}

fn meant() -> impl Strategy<Value = Meant> {
    let is_clear = |text: &String| {
        let last = text.rsplit(':').next().unwrap_or_default().trim();
        let long = last.len() >= 24 && last.chars().all(|char| char.is_ascii_hexdigit());
        !text.trim().to_lowercase().starts_with(REALM) && !long
    };
    prop_oneof![
        "\\PC{1,20}".prop_filter("resembles a hash", is_clear).prop_map(Meant::Plain),
        "[a-f0-9: ]{1,40}".prop_filter("resembles a hash", is_clear).prop_map(Meant::Plain),
        select(vec![(true, false), (false, true), (true, true)])
            .prop_map(|(md5, sha_256)| Meant::Hashed { md5, sha_256 }),
    ]
}

/// A user part with all characters but ASCII letters and digits escaped.
fn escaped(name: &str) -> String {
    let byte = |byte: u8| match byte.is_ascii_alphanumeric() {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    name.bytes().map(byte).collect()
}

proptest! {
    #[test]
    fn written_lists_are_parsed(users in btree_map("\\PC{1,8}", meant(), 1..6), crlf: bool) {
        let (mut text, mut expected) = (String::new(), BTreeMap::new());
        let end = if crlf { "\r\n" } else { "\n" };
        for (name, meant) in &users {
            let mut passwords = Vec::new();
            let mut line = |rest: &str, password| {
                text += &format!("{}:{rest}{end}", escaped(name));
                passwords.push(password);
            };
            match meant {
                Meant::Plain(password) => line(password, Password::plain(password)),
                Meant::Hashed { md5, sha_256 } => {
                    let hashes = [(*md5, Algorithm::Md5, MD5), (*sha_256, Algorithm::Sha256, SHA_256)];
                    for (_, algorithm, hex) in hashes.into_iter().filter(|(wanted, ..)| *wanted) {
                        line(&format!("{REALM}:{hex}"), hash(algorithm, hex));
                    }
                }
            }
            expected.insert(name.clone(), passwords);
        }
        prop_assert_eq!(read(&text), Ok(expected));
    }

    #[test]
    fn arbitrary_bytes_do_not_panic(text in vec(any::<u8>(), 0..200)) {
        // Only checks that there is no panic.
        let _ = Users::default().read(&source(), &text, REALM);
    }

    #[test]
    fn errors_do_not_quote_the_text(pieces in vec(piece(), 0..12)) {
        let text = pieces.concat();
        let mut users = Users::default();
        let shown = match users.read(&source(), text.as_bytes(), REALM) {
            Ok(()) => String::new(),
            Err(wrong) => format!("{wrong} {wrong:?}"),
        };
        let listed = format!("{users:?}");
        for secret in ["hush", "tiptoe", &MD5[..24]] {
            prop_assert!(!shown.contains(secret), "{}", shown);
            let is_name = users.passwords().keys().any(|name| name.contains(secret));
            prop_assert!(is_name || !listed.contains(secret), "{}", listed);
        }
    }
}

/// Pieces of valid and invalid lists.
fn piece() -> impl Strategy<Value = &'static str> {
    select(vec![":", ":", ":", "\n", "\n", "\r\n", "#", "%", "%41", " ", "a", "b", REALM, "House.test"])
        .boxed()
        .prop_union(select(vec![MD5, SHA_256, "hush", "tiptoe"]).boxed())
}

//! Properties of all input.

use bytes::Bytes;
use offhook_wire::{
    Builder, Editor, Frame, HeaderName, Limits, Message, Method, NameAddr, StreamFramer, Uri, datagram,
    escape_user, quote_display_name, unescape, websocket,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

const SMALL: Limits = Limits { message: 4096, head: 2048, headers: 32 };

/// Pieces of SIP, whole and broken, from which a generator puts messages together that are nearly right.
const PIECES: [&str; 44] = [
    "INVITE sip:a@b SIP/2.0\r\n",
    "SIP/2.0 200 OK\r\n",
    "Via: SIP/2.0/UDP h;branch=z9hG4bK1\r\n",
    "v:",
    "From: ",
    "f: <sip:a@b>;tag=1\r\n",
    "To: \"B\" <sip:b@c>\r\n",
    "Call-ID: x\r\n",
    "CSeq: 1 INVITE\r\n",
    "Contact: ",
    "m: *\r\n",
    "Content-Length: 0\r\n",
    "Content-Length: 5\r\n",
    "l: 4294967296\r\n",
    "\r\n",
    "\r\n\r\n",
    "\r",
    "\n",
    "\0",
    " ",
    "\t",
    "\r\n ",
    ",",
    ";",
    "=",
    ":",
    "\"",
    "\\",
    "<",
    ">",
    "<sip:a@[::1]:5060;lr?x=y>",
    "sips:%61@b",
    "tel:+1",
    ";tag=",
    ";branch",
    "9",
    "4294967295",
    "Expires: ",
    "Event: refer;id=1\r\n",
    "Replaces: a;to-tag=1;from-tag=2\r\n",
    "Date: x\r\n",
    "RAck: 1 2 INVITE\r\n",
    "Reason: SIP;cause=200;text=\"x\"\r\n",
    "\u{e9}",
];

fn nearly_sip() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        12 => select(&PIECES[..]).prop_map(|piece| piece.as_bytes().to_vec()),
        1 => vec(any::<u8>(), 1..4),
    ];
    vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// Well-formed messages, odd in every way that is allowed.
fn message() -> impl Strategy<Value = Vec<u8>> {
    let name = prop_oneof![
        select(HeaderName::KNOWN)
            .prop_filter("framing", |&name| name != HeaderName::ContentLength)
            .prop_map(|name| name.canonical().to_owned()),
        "[a-zA-Z.!%*_+`'~-]{2,12}",
    ];
    let colon = select(&[":", ": ", " :\t", ":\r\n ", " : \r\n\t "][..]);
    let value = "([!-~]{1,8}(( |\r\n |\t)[!-~]{1,8}){0,4})?";
    let row = (name, colon, value).prop_map(|(name, colon, value)| format!("{name}{colon}{value}\r\n"));
    let start = select(&["INVITE sip:a@b SIP/2.0", "x-y urn:z SIP/2.0", "SIP/2.0 486 Busy Here"][..]);
    let body = vec(any::<u8>(), 0..40);
    (start, vec(row, 0..12), any::<Index>(), body).prop_map(|(start, mut rows, at, body)| {
        rows.insert(at.index(rows.len() + 1), format!("Content-Length: {}\r\n", body.len()));
        [format!("{start}\r\n{}\r\n", rows.concat()).as_bytes(), &body].concat()
    })
}

/// A check keeps what it read: afterwards the readers return the same.
fn check_changes_no_reader(message: &Message) {
    let mut checked = message.clone();
    if checked.check().is_ok() {
        assert_eq!((checked.via(), checked.from()), (message.via(), message.from()));
        assert_eq!((checked.to(), checked.call_id()), (message.to(), message.call_id()));
        assert_eq!(checked.cseq(), message.cseq());
    }
}

/// Calls every reader. None may panic.
fn read_everything(message: &Message) {
    check_changes_no_reader(message);
    let _ = (message.method(), message.reason(), format!("{message:?}"));
    let _ = (message.via(), message.from(), message.to(), message.call_id().map(<[u8]>::len), message.cseq());
    let _ = (message.contact(), message.max_forwards(), message.content_length(), message.expires());
    let _ = (message.min_expires(), message.retry_after(), message.session_expires(), message.min_se());
    let _ = (message.rseq(), message.rack(), message.date(), message.refer_to(), message.referred_by());
    let _ = (message.replaces(), message.event(), message.subscription_state());
    let _ = message.reason_header().map(|reason| reason.map(|reason| reason.text().map(|text| text.len())));
    for via in message.vias().flatten() {
        let _ = (via.branch(), via.received(), via.rport());
    }
    for &name in HeaderName::KNOWN {
        for address in message.addresses(name).flatten() {
            let _ = (address.display_name(), address.tag(), address.params.iter().count());
            let uri = address.uri_parsed();
            let _ = uri.map(|uri| (uri.headers().count(), uri.params.iter().count(), uri.equivalent(&uri)));
        }
    }
    let _ = message.request_uri().map(|uri| Uri::parse(uri).map(|uri| uri.equivalent(&uri)));
}

/// Messages whose mandatory headers are good, and odd in many ways that are allowed.
fn good() -> impl Strategy<Value = Vec<u8>> {
    let sender = select(
        &["SIP/2.0/UDP h", "SIP / 2.0\r\n /WSS [::1] : 5060", "SIP/2.0/X a_b:1", "SIP/2.0/TCP 192.0.2.1"][..],
    );
    let params = select(
        &[
            "",
            ";branch=z9hG4bK1",
            " ; Branch = \"\" ;rport",
            ";branch",
            ";x=\"a;b,\\\"\";BRANCH=b\t",
            ";tag=1",
        ][..],
    );
    let more = select(&["", ", SIP/2.0/UDP i;branch=2", "\r\nv: SIP/2.0/UDP i", ",,"][..]);
    let via = (sender, params, more).prop_map(|(sender, params, more)| format!("{sender}{params}{more}"));
    let place = select(
        &[
            "<sip:a@b>",
            "sip:a@b",
            "\"A \\\" <>\" \r\n <sips:a@b;tag=0?x=y>",
            "A B <tel:+1>",
            "J\u{fc} <sip:a;b@c>",
        ][..],
    );
    let tag = select(&["", ";tag=1", " ;\r\n TAG\t= 2 ", ";tag", ";x;tag=\"3\"", ";x=\";tag=4\";y"][..]);
    let party = (place, tag).prop_map(|(place, tag)| format!("{place}{tag}"));
    let number = select(&["1", "0009", "2147483647"][..]);
    let method = select(&["INVITE", "BYE", "x%2B"][..]);
    (via, party.clone(), party, number, method, any::<bool>()).prop_map(
        |(via, from, to, number, method, request)| {
            let start = if request { format!("{method} sip:a@b SIP/2.0") } else { "SIP/2.0 200 ".to_owned() };
            let rows = format!(
                "Via:{via}\r\nf: {from}\r\nTo :{to}\r\nCall-ID:  x@y \r\nCSeq: {number} \t{method}\r\n"
            );
            format!("{start}\r\n{rows}\r\n").into_bytes()
        },
    )
}

/// The frames of a stream: messages and faults, with their bytes.
fn frames(stream: &[u8], cuts: &[Index]) -> Vec<String> {
    let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
    cuts.extend([0, stream.len()]);
    cuts.sort_unstable();
    let mut framer = StreamFramer::new(SMALL);
    let mut frames = Vec::new();
    for piece in cuts.windows(2) {
        framer.push(&stream[piece[0]..piece[1]]);
        while let Some(frame) = framer.next() {
            frames.push(match frame {
                Ok(Frame::Message(message)) => format!("{}", message.bytes().escape_ascii()),
                // How much of a lost message had arrived depends on the cuts.
                Ok(Frame::Faulty { fault, .. }) => format!("{fault}"),
                other => format!("{other:?}"),
            });
        }
    }
    frames
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(data in prop_oneof![nearly_sip(), vec(any::<u8>(), 0..200)]) {
        let data = Bytes::from(data);
        for frame in [datagram(data.clone(), &SMALL), websocket(data.clone(), &SMALL)] {
            match frame {
                Frame::Message(message) => read_everything(&message),
                Frame::Faulty { fault, data } => prop_assert!(fault.offset as usize <= data.len()),
                Frame::KeepAlive(_) => {}
            }
        }
        if let Some(salvaged) = Message::salvage(data.clone(), &SMALL) {
            read_everything(&salvaged);
            let reply = Builder::reply(&salvaged, 400, "Bad Request", Some(b"t")).finish();
            prop_assert!(Message::parse(reply, &Limits::default()).is_ok());
        }
        let _ = Uri::parse(&data);
        let _ = NameAddr::parse(&data);
    }

    #[test]
    fn a_check_changes_no_reader(data in good()) {
        let mut message = Message::parse(data.into(), &Limits::default()).expect("well-formed");
        check_changes_no_reader(&message);
        prop_assert_eq!(message.check(), Ok(()));
    }

    #[test]
    fn segmentation_does_not_change_the_frames(
        messages in vec(prop_oneof![3 => message(), 1 => nearly_sip(), 1 => Just(b"\r\n\r\n".to_vec())], 1..4),
        cuts in vec(any::<Index>(), 0..12),
    ) {
        let stream = messages.concat();
        prop_assert_eq!(frames(&stream, &cuts), frames(&stream, &[]));
    }

    #[test]
    fn unmodified_message_is_written_byte_for_byte(data in message()) {
        let message = Message::parse(data.clone().into(), &Limits::default()).expect("well-formed");
        prop_assert_eq!(Editor::new(&message).finish(), &data);
        prop_assert_eq!(message.bytes(), &data);
    }

    #[test]
    fn parsing_is_idempotent(data in message()) {
        let message = Message::parse(data.into(), &Limits::default()).expect("well-formed");
        let mut builder = match message.method() {
            Some(method) => Builder::request(method, message.request_uri().unwrap()),
            None => Builder::response(message.status().unwrap(), std::str::from_utf8(message.reason()).unwrap()),
        };
        let others = |row: &offhook_wire::Row<'_>| row.name != HeaderName::ContentLength;
        for row in message.headers().filter(others) {
            match row.name {
                HeaderName::Other => builder.untrusted(row.raw_name, &unfolded(row.value)).unwrap(),
                name => builder.header(name, row.value),
            };
        }
        let rebuilt = Message::parse(builder.finish(), &Limits::default()).expect("well-formed");
        prop_assert_eq!(rebuilt.request_uri(), message.request_uri());
        let rows: Vec<_> = message.headers().filter(others).map(|row| (row.name, unfolded(row.value))).collect();
        let again: Vec<_> = rebuilt.headers().filter(others).map(|row| (row.name, row.value.to_vec())).collect();
        prop_assert_eq!(again, rows);
    }

    #[test]
    fn edit_keeps_all_other_bytes(data in message(), name in select(HeaderName::KNOWN), value in vec(any::<u8>(), 0..20)) {
        prop_assume!(name != HeaderName::ContentLength);
        let message = Message::parse(data.into(), &Limits::default()).expect("well-formed");
        let edited = Editor::new(&message).prepend(name, &value).finish();
        // What was added is one line, and without it the message is what it was.
        let added = edited.len() - message.bytes().len();
        let line = (0..=edited.len() - added)
            .find(|&at| [&edited[..at], &edited[at + added..]].concat() == message.bytes()[..])
            .expect("the message with one insertion");
        let inserted = &edited[line..line + added];
        prop_assert_eq!(inserted.iter().filter(|&&byte| byte == b'\n').count(), 1);
        let removed = Editor::new(&message).remove_all(name).finish();
        let removed = Message::parse(removed, &Limits::default()).expect("well-formed");
        prop_assert_eq!(removed.rows(name).count(), 0);
        let others = message.headers().filter(|row| row.name != name);
        prop_assert!(removed.headers().eq(others));
        prop_assert_eq!(removed.body_bytes(), message.body_bytes());
    }

    #[test]
    fn values_cannot_add_a_header(
        uri in vec(any::<u8>(), 1..30),
        values in vec((select(HeaderName::KNOWN), vec(any::<u8>(), 0..30)), 0..6),
        extra_name in vec(any::<u8>(), 0..6),
        extra in vec(any::<u8>(), 0..30),
        display in any::<String>(),
    ) {
        prop_assume!(uri.iter().any(|&byte| byte > b' ' && byte != 0x7f));
        let mut builder = Builder::request(Method::Message, &uri);
        let mut count = 1;
        for (name, value) in values.iter().filter(|(name, _)| *name != HeaderName::ContentLength) {
            builder.header(*name, value);
            count += 1;
        }
        count += usize::from(builder.untrusted(&extra_name, &extra).is_ok());
        let mut from = Vec::new();
        if quote_display_name(&display, &mut from).is_ok() {
            from.extend_from_slice(b" <sip:a@b>;tag=1");
            builder.header(HeaderName::From, &from);
            count += 1;
            let read = NameAddr::parse(&from).expect("a quoted name is a name");
            prop_assert_eq!(read.tag(), Some(&b"1"[..]));
        }
        let message = Message::parse(builder.finish(), &Limits::default()).expect("what is built parses");
        prop_assert_eq!(message.headers().count(), count);
        prop_assert_eq!(message.content_length(), Ok(Some(0)));
    }

    #[test]
    fn escaped_user_round_trips(user in vec(any::<u8>(), 1..20)) {
        let mut uri = b"sip:".to_vec();
        escape_user(&user, &mut uri);
        uri.extend_from_slice(b"@example.com");
        let read = Uri::parse(&uri).expect("an escaped user is a user");
        prop_assert_eq!(unescape(read.user.unwrap()).into_owned(), user);
        prop_assert_eq!(read.host, b"example.com");
    }
}

/// `value` as the builder writes it: a fold is a space.
fn unfolded(value: &[u8]) -> Vec<u8> {
    let text = String::from_utf8(value.to_vec()).expect("generated as text");
    text.replace("\r\n", " ").into_bytes()
}

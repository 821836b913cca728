//! RFC 4475, as `../shared/torture` next to the repository sorts it: what is valid is accepted, and what is
//! not is refused by the layer that can see it. Without that folder there is nothing to read here, and
//! `rules.rs` tests the same rules with messages of this project.

#![allow(clippy::disallowed_methods, reason = "a test may read its samples from files")]

use bytes::Bytes;
use offhook_wire::{Fault, FaultKind, HeaderName, Limits, Message, SyntaxKind};
use std::fs;
use std::path::PathBuf;

fn folder(sort: &str) -> Option<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/torture/rfc4475").join(sort);
    folder.is_dir().then_some(folder)
}

/// The messages of one sort, by name.
fn messages(sort: &str) -> Vec<(String, Bytes)> {
    let files = folder(sort).into_iter().flat_map(|folder| fs::read_dir(folder).unwrap());
    let mut messages: Vec<_> = files
        .map(|file| file.unwrap().path())
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), fs::read(&path).unwrap().into()))
        .collect();
    messages.sort();
    messages
}

fn parse(data: Bytes) -> Result<Message, Fault> {
    Message::parse(data, &Limits::default())
}

#[test]
fn valid_messages_are_accepted() {
    for (name, data) in messages("valid") {
        let mut message = parse(data).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        message.check().unwrap_or_else(|fault| panic!("{name}: {fault}"));
        for via in message.vias() {
            via.unwrap_or_else(|error| panic!("{name}: {error}"));
        }
        for contact in message.contacts() {
            contact.unwrap_or_else(|error| panic!("{name}: {error}"));
        }
        for route in message.routes() {
            route.unwrap_or_else(|error| panic!("{name}: {error}"));
        }
    }
}

/// The layer that objects, and how.
#[derive(Debug, PartialEq)]
enum Objection {
    Parse(FaultKind),
    Check(FaultKind),
    Header(HeaderName, SyntaxKind),
    Nothing,
}

fn objection(data: Bytes) -> Objection {
    let mut message = match parse(data) {
        Ok(message) => message,
        Err(fault) => return Objection::Parse(fault.kind),
    };
    match message.check() {
        Ok(()) => {}
        Err(Fault { kind: FaultKind::Header(error), .. }) => {
            return Objection::Header(error.header, error.kind);
        }
        Err(fault) => return Objection::Check(fault.kind),
    }
    let contacts = message.contacts().find_map(Result::err);
    match contacts.or(message.date().err()) {
        Some(error) => Objection::Header(error.header, error.kind),
        None => Objection::Nothing,
    }
}

#[test]
fn invalid_messages_are_refused_by_the_right_layer() {
    for (name, data) in messages("invalid") {
        let expected = match name.as_str() {
            "badaspec" => Objection::Header(HeaderName::To, SyntaxKind::Uri),
            "baddate" => Objection::Header(HeaderName::Date, SyntaxKind::Unexpected),
            // It also lacks the end of its head, which is noticed first.
            "baddn" => Objection::Parse(FaultKind::HeadTruncated),
            "badinv01" => Objection::Header(HeaderName::Via, SyntaxKind::Unexpected),
            "badvers" => Objection::Check(FaultKind::Version),
            "bigcode" | "lwsruri" | "lwsstart" | "trws" => Objection::Parse(FaultKind::StartLine),
            "clerr" => Objection::Parse(FaultKind::BodyTruncated),
            "escruri" | "ltgtruri" => Objection::Check(FaultKind::RequestUri),
            "mismatch01" | "mismatch02" => Objection::Check(FaultKind::MethodMismatch),
            "ncl" => Objection::Parse(FaultKind::ContentLength),
            "quotbal" => Objection::Header(HeaderName::To, SyntaxKind::Quote),
            "regbadct" => Objection::Header(HeaderName::Contact, SyntaxKind::Uri),
            "scalar02" | "scalarlg" => Objection::Header(HeaderName::CSeq, SyntaxKind::OutOfRange),
            other => panic!("{other} is new"),
        };
        assert_eq!(objection(data), expected, "{name}");
    }
}

#[test]
fn display_name_of_baddn_is_refused() {
    for (name, data) in messages("invalid").into_iter().filter(|(name, _)| name == "baddn") {
        let whole = [&data[..], b"\r\n\r\n"].concat();
        assert_eq!(objection(whole.into()), Objection::Header(HeaderName::From, SyntaxKind::Uri), "{name}");
    }
}

#[test]
fn messages_for_other_layers_parse() {
    let sorts = ["applayer", "translayer", "compat2543"];
    for (name, data) in sorts.into_iter().flat_map(messages) {
        let expected = match name.as_str() {
            // Its end is unknown (RFC 4475 §3.3.9), so its body cannot be used.
            "mcl01" => Objection::Parse(FaultKind::ContentLengthConflict),
            "insuf" => Objection::Check(FaultKind::Missing(HeaderName::From)),
            "multi01" => Objection::Check(FaultKind::Repeated(HeaderName::CSeq)),
            _ => Objection::Nothing,
        };
        assert_eq!(objection(data), expected, "{name}");
    }
}

/// Requests that are refused are answered, where RFC 3261 allows it.
#[test]
fn refused_requests_can_be_answered() {
    for (name, data) in messages("invalid") {
        if parse(data.clone()).is_ok() || data.starts_with(b"SIP/") {
            continue;
        }
        let salvaged =
            Message::salvage(data, &Limits::default()).unwrap_or_else(|| panic!("{name}: no reply"));
        let reply = offhook_wire::Builder::reply(&salvaged, 400, "Bad Request", Some(b"tag")).finish();
        assert_eq!(parse(reply).unwrap().status(), Some(400), "{name}");
    }
}

/// The folder is either whole or absent: half of it would pass unnoticed.
#[test]
fn all_messages_are_tested() {
    let counts =
        ["valid", "invalid", "applayer", "translayer", "compat2543"].map(|sort| messages(sort).len());
    assert!(counts == [13, 19, 15, 1, 1] || counts == [0; 5], "{counts:?}");
}

//! `offhook exchange` and its options.

use super::{BOUND, Offhook};
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpStream, UdpSocket};

/// The first response to a request of `from` to alice over UDP.
fn answer(method: &str, from: &str, options: &[&str]) -> String {
    let fixed = ["exchange", "--listen", "127.0.0.1:0", "--udp", "127.0.0.1:0", "--realm", "house.test"];
    let exchange = Offhook::start(&[&fixed[..], &["--user", "alice:a-pw"], options].concat());
    let url = exchange.until("listening", |_| true)["udp"].as_str().expect("a URL").to_owned();
    let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback");
    socket.connect(url.trim_start_matches("udp://")).expect("loopback");
    socket.set_read_timeout(Some(BOUND)).expect("not zero");
    let target = if method == "REGISTER" { "house.test" } else { "alice@house.test" };
    let request = format!(
        "{method} sip:{target} SIP/2.0\r\nVia: SIP/2.0/UDP x.invalid;branch=z9hG4bK7;rport\r\n\
         From: <sip:{from}>;tag=1\r\nTo: <sip:alice@house.test>\r\nCall-ID: raw\r\n\
         CSeq: 1 {method}\r\nMax-Forwards: 70\r\nContact: <sip:alice@x.invalid>\r\nContent-Length: 0\r\n\r\n"
    );
    socket.send(request.as_bytes()).expect("sent");
    let mut buffer = [0; 4096];
    let length = socket.recv(&mut buffer).expect("answered in time");
    String::from_utf8_lossy(&buffer[..length]).into_owned()
}

#[test]
fn configured_algorithms_are_offered_in_order() {
    let offered = |options: &[&str]| {
        let challenge = answer("REGISTER", "alice@house.test", options);
        let rows = challenge.lines().filter(|line| line.starts_with("WWW-Authenticate: "));
        let algorithm = |row: &str| Some(row.split_once("algorithm=")?.1.split(',').next()?.to_owned());
        rows.map(|row| algorithm(row).expect("named")).collect::<Vec<_>>()
    };
    assert_eq!(offered(&[]), ["SHA-256", "MD5"]);
    assert_eq!(offered(&["--algorithm", "md5"]), ["MD5"]);
    assert_eq!(offered(&["--algorithm", "md5,sha-512-256"]), ["MD5", "SHA-512-256"]);
}

/// An exchange, and the address of its WebSocket.
fn start(options: &[&str]) -> (Offhook, String) {
    let fixed = ["exchange", "--listen", "127.0.0.1:0", "--realm", "house.test", "--user", "alice:a-pw"];
    let exchange = Offhook::start(&[&fixed[..], options].concat());
    let url = exchange.until("listening", |_| true)["ws"].as_str().expect("a URL").to_owned();
    (exchange, url.trim_start_matches("ws://").to_owned())
}

/// The status of the upgrade of a page. The Host header has the host of the page too, as with DNS rebinding.
fn upgraded(address: &str, origin: Option<&str>) -> String {
    let host = origin.and_then(|origin| origin.split_once("://")).map_or("x", |(_, host)| host);
    let origin = origin.map(|origin| format!("Origin: {origin}\r\n")).unwrap_or_default();
    let mut stream = TcpStream::connect(address).expect("listens");
    stream.set_read_timeout(Some(BOUND)).expect("not zero");
    let request = format!(
        "GET / HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{origin}\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Protocol: sip\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).expect("sent");
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).expect("answered in time");
    line.split(' ').nth(1).expect("a status").to_owned()
}

#[test]
fn guests_may_call_only_with_the_option() {
    let status = |options: &[&str]| answer("INVITE", "carol@elsewhere.test", options)[..11].to_owned();
    assert_eq!(status(&[]), "SIP/2.0 403");
    assert_eq!(status(&["--guests"]), "SIP/2.0 480", "alice is not registered");
    assert_eq!(answer("INVITE", "bob@house.test", &["--guests"])[..11], *"SIP/2.0 407", "no guest");
}

#[test]
fn own_origins_are_allowed_by_default() {
    let (_exchange, address) = start(&["--domain", "office.test"]);
    for own in [
        None,
        Some("http://127.0.0.1:8080"),
        Some("https://localhost"),
        Some("http://[::1]:5173"),
        Some("https://House.test"),
        Some("http://office.test:8080"),
    ] {
        assert_eq!(upgraded(&address, own), "101", "{own:?}");
    }
    for foreign in ["http://evil.example", "null", "http://127.0.0.2", "http://localhost.evil.example"] {
        assert_eq!(upgraded(&address, Some(foreign)), "403", "{foreign}");
    }
}

#[test]
fn only_listed_origins_are_allowed() {
    let (_exchange, address) = start(&["--origin", "https://phone.example.com:8443", "--origin", "null"]);
    for (origin, status) in [
        (None, "101"),
        (Some("https://phone.example.com:8443"), "101"),
        (Some("null"), "101"),
        (Some("https://phone.example.com"), "403"),
        (Some("http://127.0.0.1:8080"), "403"),
    ] {
        assert_eq!(upgraded(&address, origin), status, "{origin:?}");
    }
    let (_exchange, address) = start(&["--origin", "*"]);
    assert_eq!(upgraded(&address, Some("http://evil.example")), "101");
}

#[test]
fn load_is_reported_at_intervals() {
    let (exchange, address) = start(&["--stats", "0.1"]);
    let is_load = |flows: u64, bindings: u64| {
        move |line: &Value| {
            line["flows"] == flows && line["bindings"] == bindings && line["transactions"].is_u64()
        }
    };
    exchange.until("load", is_load(0, 0));
    let url = format!("ws://{address}");
    let login = ["--domain", "house.test", "--user", "alice", "--password", "a-pw"];
    let phone = Offhook::start(&[&["register", "--server", &url][..], &login].concat());
    phone.until("registered", |_| true);
    exchange.until("load", is_load(1, 1));
    drop(phone);
    exchange.until("load", is_load(0, 0));
}

//! The examples of the README: compiled, run, and held against its text.

#[path = "readme/any_runtime.rs"]
mod any_runtime;
#[path = "readme/recorded_phone.rs"]
mod recorded_phone;
#[path = "readme/tokio_phone.rs"]
mod tokio_phone;

use offhook::{Account, Config, Event, Instant, Password, Phone, RegistrationState};
use offhook_exchange as exchange;
use offhook_recorder::Recording;
use offhook_recorder::replay::replay;
use offhook_tokio::{ExchangeServer, Listen, PhoneEvent};
use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};

const README: &str = include_str!("../../README.md");
const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

fn house() -> exchange::Config {
    exchange::Config::new("example.com").with_user("alice", "secret").with_user("200", "secret")
}

/// What stands in the README is what is tested, but for what a test needs to see it.
fn stands_in_the_readme(example: &str) {
    let plain = example.replace("pub(crate) ", "");
    assert!(README.contains(plain.trim()), "the README and this example differ:\n{plain}");
}

#[test]
fn the_readme_shows_what_is_run_here() {
    stands_in_the_readme(include_str!("readme/tokio_phone.rs"));
    stands_in_the_readme(include_str!("readme/any_runtime.rs"));
    stands_in_the_readme(include_str!("readme/recorded_phone.rs"));
}

#[tokio::test]
async fn the_example_for_tokio_makes_a_call() -> Result<(), Box<dyn Error>> {
    let server = ExchangeServer::start(house(), Listen::ws(LOOPBACK)).await?;
    let url = format!("ws://{}", server.addresses().ws.ok_or("listens")?);
    let account = Account::new("sip:200@example.com", Some(Password::plain("secret")), &url)?;
    let mut callee = offhook_tokio::Phone::start(Config::new(account)).await?;
    callee.registered().await?;
    let answers = async {
        while let Some(event) = callee.next().await {
            if let PhoneEvent::Incoming(call) = event {
                call.answer().await?;
                call.detach();
            }
        }
        Ok::<(), Box<dyn Error>>(())
    };
    tokio::select! {
        called = tokio_phone::call(&url) => called,
        answered = answers => answered,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_that_is_recorded_can_be_replayed() -> Result<(), Box<dyn Error>> {
    let server = ExchangeServer::start(house(), Listen::ws(LOOPBACK)).await?;
    let url = format!("ws://{}", server.addresses().ws.ok_or("listens")?);
    let file = std::env::temp_dir().join(format!("offhook-readme-{}.offhook", std::process::id()));
    recorded_phone::recorded(&url, file.to_str().ok_or("text")?).await?;
    let bytes = std::fs::read(&file)?;
    std::fs::remove_file(&file)?;
    let recording = Recording::read(&bytes)?;
    let again = replay(&recording.phones[0])?;
    assert_eq!((again.divergence, recording.complete), (None, true));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_for_any_runtime_registers() -> Result<(), Box<dyn Error>> {
    let server = ExchangeServer::start(house(), Listen { udp: Some(LOOPBACK), ..Listen::default() }).await?;
    let url = format!("udp://{}", server.addresses().udp.ok_or("listens")?);
    let registered = tokio::task::spawn_blocking(move || {
        let account =
            Account::new("sip:alice@example.com", Some(Password::plain("secret")), &url).expect("a target");
        let phone = Phone::new(Config::new(account), [7; 32], Instant::ZERO);
        let mut last = None;
        let result = any_runtime::run(phone, |event| {
            if let Event::Registration { state, .. } = event {
                last = Some(*state);
            }
            !matches!(last, Some(RegistrationState::Registered { .. } | RegistrationState::Failed(_)))
        });
        result.map(|()| last).map_err(|e| e.to_string())
    });
    assert!(matches!(registered.await??, Some(RegistrationState::Registered { .. })));
    Ok(())
}

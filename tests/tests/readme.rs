//! The examples of the README: compiled, run, and compared with its text.

#[path = "readme/any_runtime.rs"]
mod any_runtime;
#[path = "readme/recorded_phone.rs"]
mod recorded_phone;
#[path = "readme/tokio_phone.rs"]
mod tokio_phone;

use offhook::{Account, AccountEvent, Config, Instant, Password, Phone, RegistrationState};
use offhook_exchange as exchange;
use offhook_recorder::Recording;
use offhook_recorder::replay::replay;
use offhook_tokio::{ExchangeServer, Listen, PhoneEvent};
use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};

const README: &str = include_str!("../../README.md");
const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

fn exchange_config() -> exchange::Config {
    exchange::Config::new("example.com").with_user("alice", "secret").with_user("200", "secret")
}

/// Asserts that the README contains an example, without the lines that only the test needs.
fn assert_in_readme(example: &str) {
    let plain = example.replace("pub(crate) ", "");
    assert!(README.contains(plain.trim()), "the README and this example differ:\n{plain}");
}

#[test]
fn readme_contains_the_tested_examples() {
    assert_in_readme(include_str!("readme/tokio_phone.rs"));
    assert_in_readme(include_str!("readme/any_runtime.rs"));
    assert_in_readme(include_str!("readme/recorded_phone.rs"));
}

#[tokio::test]
async fn tokio_example_makes_a_call() -> Result<(), Box<dyn Error>> {
    let server = ExchangeServer::start(exchange_config(), Listen::ws(LOOPBACK)).await?;
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
async fn recorded_example_can_be_replayed() -> Result<(), Box<dyn Error>> {
    let server = ExchangeServer::start(exchange_config(), Listen::ws(LOOPBACK)).await?;
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
async fn any_runtime_example_registers() -> Result<(), Box<dyn Error>> {
    let server =
        ExchangeServer::start(exchange_config(), Listen { udp: Some(LOOPBACK), ..Listen::default() }).await?;
    let url = format!("udp://{}", server.addresses().udp.ok_or("listens")?);
    let registered = tokio::task::spawn_blocking(move || {
        let account =
            Account::new("sip:alice@example.com", Some(Password::plain("secret")), &url).expect("a hop");
        let phone = Phone::new(Config::new(account), [7; 32], Instant::ZERO);
        let mut last = None;
        let result = any_runtime::run(phone, |event| {
            if let Some((_, AccountEvent::Registration(state))) = event.of_account() {
                last = Some(*state);
            }
            !matches!(last, Some(RegistrationState::Registered { .. } | RegistrationState::Failed(_)))
        });
        result.map(|()| last).map_err(|e| e.to_string())
    });
    assert!(matches!(registered.await??, Some(RegistrationState::Registered { .. })));
    Ok(())
}

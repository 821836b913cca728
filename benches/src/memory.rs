//! Memory: of a live call at one end, and of a registered phone that does nothing.

use crate::allocations;
use crate::basic::Pair;
use bytes::Bytes;
use offhook::{Account, Config, FlowChange, Input, Instant, Limits, Output, Phone};
use offhook_wire::{Builder, HeaderName, Message};
use std::error::Error;
use std::time::Duration;

/// What to measure.
#[derive(clap::Args)]
pub struct Args {
    /// Live calls.
    #[arg(long, default_value_t = 20_000)]
    calls: u32,
    /// Idle phones.
    #[arg(long, default_value_t = 1_000)]
    phones: u32,
    /// One JSON object instead of a sentence.
    #[arg(long)]
    json: bool,
}

/// Counts the bytes that are allocated, tables and their spare room included.
///
/// # Errors
/// When a call is not established or a phone not registered.
pub fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    let mut pair = Pair::new("ws")?;
    let (calls, made) = allocations::held(|| (0..args.calls).try_for_each(|_| pair.call().map(drop)));
    made?;
    let (phones, made) =
        allocations::held(|| (0..args.phones).map(|_| idle_phone()).collect::<Result<Vec<_>, _>>());
    made?;
    let per_call = calls / i64::from(args.calls) / 2;
    let per_phone = phones / i64::from(args.phones);
    if args.json {
        let line = serde_json::json!({
            "bench": "memory", "bytes_per_live_call": per_call, "bytes_per_idle_phone": per_phone,
        });
        println!("{line}");
    } else {
        println!(
            "{per_call} bytes a live call and end ({} calls), {per_phone} bytes an idle registered phone",
            args.calls
        );
    }
    Ok(())
}

fn idle_phone() -> Result<Phone, Box<dyn Error>> {
    let mut now = Instant::from_nanos(0);
    let account = Account::new("sip:alice@example.com", None, "ws://pbx.example.com")?;
    let mut phone = Phone::new(Config::new(account), [7; 32], now);
    let mut registered = false;
    while let Some(output) = phone.poll() {
        now += Duration::from_millis(1);
        match output {
            Output::Open { flow, .. } => {
                phone.handle(now, Input::Flow { flow, change: FlowChange::Up { local: None } })?;
            }
            Output::Transmit { flow, data } => {
                let input = Input::Received { flow, data: accept(data)? };
                phone.handle(now, input)?;
                registered = true;
            }
            _ => {}
        }
    }
    if registered { Ok(phone) } else { Err("the phone did not register".into()) }
}

fn accept(register: Bytes) -> Result<Bytes, Box<dyn Error>> {
    let register = Message::parse(register, &Limits::default())?;
    let contact = register.header(HeaderName::Contact).ok_or("no Contact")?;
    let mut ok = Builder::reply(&register, 200, "OK", Some(b"registrar"));
    ok.header(HeaderName::Contact, contact);
    ok.header(HeaderName::Expires, b"600");
    Ok(ok.finish())
}

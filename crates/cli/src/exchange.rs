//! `offhook exchange`.

use crate::args;
use crate::exit::Exit;
use crate::output::Output;
use crate::stop;
use offhook::Password;
use offhook_exchange::{CallStep, Config, Event, Unregistered};
use offhook_tokio::{Certified, ExchangeServer, Listen};
use serde_json::json;
use std::path::Path;

pub(crate) async fn run(args: args::Exchange, output: Output) -> Exit {
    let mut listen = Listen { udp: args.udp, ..Listen::ws(args.listen) };
    if let (Some(address), Some(cert), Some(key)) = (args.wss, &args.cert, &args.key) {
        match certified(cert, key) {
            Ok(certified) => listen.wss = Some((address, certified)),
            Err(why) => return output.failed(Exit::Failed, &why),
        }
    }
    let mut config = Config::new(args.realm.clone());
    if let Some(udp) = args.udp.filter(|udp| udp.port() != 0 && !udp.ip().is_unspecified()) {
        // Peers on UDP send to what our Via and Record-Route say.
        config = config.with_host(udp.to_string());
    }
    config.algorithms = args.algorithms.0;
    // Who dials user@address means this exchange as well.
    config.domains.extend(args.domains);
    config.domains.push(args.listen.ip().to_string());
    if args.listen.ip().is_loopback() || args.listen.ip().is_unspecified() {
        config.domains.extend(["localhost", "127.0.0.1", "[::1]"].map(str::to_owned));
    }
    config.users =
        args.users.into_iter().map(|user| (user.name, vec![Password::Plain(user.password)])).collect();
    let mut server = match ExchangeServer::start(config, listen).await {
        Ok(server) => server,
        Err(why) => return output.failed(Exit::Failed, &why.to_string()),
    };
    let at = server.addresses();
    let url =
        |scheme: &str, address: Option<std::net::SocketAddr>| address.map(|at| format!("{scheme}://{at}"));
    let (ws, wss, udp) = (url("ws", at.ws), url("wss", at.wss), url("udp", at.udp));
    let urls: Vec<&str> = [&ws, &wss, &udp].into_iter().flatten().map(String::as_str).collect();
    output.event(
        "listening",
        &json!({ "ws": ws, "wss": wss, "udp": udp, "realm": args.realm }),
        format_args!("listening on {} for {}; Ctrl-C stops it", urls.join(", "), args.realm),
    );
    let stop = stop::wanted();
    tokio::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            event = server.next() => match event {
                Some(event) => say(&event, output),
                None => break,
            },
        }
    }
    server.stop().await;
    Exit::Done
}

fn certified(cert: &Path, key: &Path) -> Result<Certified, String> {
    let read = |file: &Path| std::fs::read(file).map_err(|why| format!("{}: {why}", file.display()));
    Certified::from_pem(&read(cert)?, &read(key)?).map_err(|why| format!("{}: {why}", cert.display()))
}

fn say(event: &Event, output: Output) {
    match event {
        Event::Registered { user, contact, expires, .. } => output.event(
            "registered",
            &json!({ "user": user, "contact": contact, "expires": expires.as_secs() }),
            format_args!("{user} is registered at {contact} for {} s", expires.as_secs()),
        ),
        Event::Unregistered { user, contact, why } => {
            let why = match why {
                Unregistered::Removed => "removed",
                Unregistered::Expired => "expired",
                Unregistered::FlowLost => "connection_lost",
                Unregistered::Forgotten => "forgotten",
                _ => "other",
            };
            output.event(
                "unregistered",
                &json!({ "user": user, "contact": contact, "why": why }),
                format_args!("{user} is no longer at {contact}: {why}"),
            );
        }
        Event::Denied { user, status, .. } => output.event(
            "denied",
            &json!({ "user": user, "code": status }),
            format_args!("{user} was refused with {status}"),
        ),
        Event::Call { call_id, from, to, step } => {
            let (word, code) = match step {
                CallStep::Offered { .. } => ("offered", None),
                CallStep::Ringing => ("ringing", None),
                CallStep::Answered => ("answered", None),
                CallStep::Refused { status } => ("refused", Some(status)),
                CallStep::Ended => ("ended", None),
                _ => ("other", None),
            };
            let shown = code.map(|code| format!(" ({code})")).unwrap_or_default();
            output.event(
                "call",
                &json!({ "call_id": call_id, "from": from, "to": to, "step": word, "code": code }),
                format_args!("{from} -> {to}: {word}{shown}"),
            );
        }
        // Events of a newer exchange are for commands that know them.
        _ => {}
    }
}

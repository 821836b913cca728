//! `offhook exchange`.

mod print;
mod sources;
mod users;

use crate::args::{self, Pages};
use crate::exit::Exit;
use crate::hangup::Hangup;
use crate::output::Output;
use crate::stop;
use offhook_exchange::Config;
use offhook_tokio::{CertifiedKey, ExchangeError, ExchangeServer, Listen, Origins};
use serde_json::json;
use sources::{Loaded, Reading, Sources};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};
use users::{Source, Users};

pub(crate) async fn run(args: args::Exchange, output: Output) -> Exit {
    let listen = match listen(&args) {
        Ok(listen) => listen,
        Err(why) => return output.failed(Exit::Failed, &why),
    };
    let Some(sources) = Sources::new(&args) else {
        let why = "no users: give --users FILE, the variable OFFHOOK_USERS, or --user NAME:PASSWORD";
        return output.failed(Exit::Unreadable, why);
    };
    let loaded = match sources.load(Reading::First) {
        Ok(loaded) => loaded,
        Err(wrong) => {
            let is_argument = wrong.at.source == Source::Argument;
            let exit = if is_argument { Exit::Unreadable } else { Exit::Failed };
            return output.failed(exit, &wrong.to_string());
        }
    };
    let config = config(&args, &loaded.users);
    let listen = Listen { origins: origins(&args, &config), ..listen };
    // Installed before "listening" is printed: a SIGHUP after that must not end the process.
    let hangup = match Hangup::watch(args.users.is_some()) {
        Ok(hangup) => hangup,
        Err(why) => return output.failed(Exit::Failed, &format!("cannot watch for SIGHUP: {why}")),
    };
    let mut server = match ExchangeServer::start(config, listen).await {
        Ok(server) => server,
        Err(why) => return output.failed(Exit::Failed, &explained(&loaded.users, &why)),
    };
    if let Some(exposed) = &loaded.exposed {
        print::exposed(output, exposed);
    }
    let at = server.addresses();
    let url = |scheme: &str, address: Option<SocketAddr>| address.map(|at| format!("{scheme}://{at}"));
    let (ws, wss, udp) = (url("ws", at.ws), url("wss", at.wss), url("udp", at.udp));
    let urls: Vec<&str> = [&ws, &wss, &udp].into_iter().flatten().map(String::as_str).collect();
    output.event(
        "listening",
        &json!({ "ws": ws, "wss": wss, "udp": udp, "realm": args.realm }),
        format_args!("listening on {} for {}; Ctrl-C stops it", urls.join(", "), args.realm),
    );
    serve(&mut server, &sources, hangup, args.stats.map(ticks), output).await;
    server.stop().await;
    Exit::Done
}

/// Runs until Ctrl-C.
async fn serve(
    server: &mut ExchangeServer,
    sources: &Sources,
    mut hangup: Hangup,
    mut stats: Option<Interval>,
    output: Output,
) {
    let stop = stop::requested();
    tokio::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => return,
            () = hangup.next() => reload(server, sources, output).await,
            () = tick(stats.as_mut()) => {
                if let Some(load) = server.load().await {
                    print::load(output, &load);
                }
            }
            event = server.next() => match event {
                Some(event) => print::event(output, &event),
                None => return,
            },
        }
    }
}

/// The first tick comes after one period.
fn ticks(period: Duration) -> Interval {
    let mut ticks = interval_at(Instant::now() + period, period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// The next tick; pending without an interval. Cancel-safe.
async fn tick(ticks: Option<&mut Interval>) {
    match ticks {
        Some(ticks) => drop(ticks.tick().await),
        None => std::future::pending().await,
    }
}

/// Reads the users again. An error changes nothing.
async fn reload(server: &mut ExchangeServer, sources: &Sources, output: Output) {
    let Loaded { users, exposed } = match sources.load(Reading::Again) {
        Ok(loaded) => loaded,
        Err(wrong) => return print::rejected(output, &wrong),
    };
    if let Some(exposed) = exposed {
        print::exposed(output, &exposed);
    }
    match server.set_users(users.passwords()).await {
        Ok(changes) => print::users(output, &changes),
        Err(ExchangeError::Users(missing)) => {
            if let Some(wrong) = users.explain(&missing) {
                print::rejected(output, &wrong);
            }
        }
        Err(why) => output.warn("warning", &json!({ "message": why.to_string() }), &why),
    }
}

/// Why the exchange could not start.
fn explained(users: &Users, why: &ExchangeError) -> String {
    let wrong = match why {
        ExchangeError::Users(missing) => users.explain(missing),
        _ => None,
    };
    wrong.map_or_else(|| why.to_string(), |wrong| wrong.to_string())
}

fn config(args: &args::Exchange, users: &Users) -> Config {
    let mut config = Config::new(args.realm.clone());
    if let Some(udp) = args.udp.filter(|udp| udp.port() != 0 && !udp.ip().is_unspecified()) {
        // Peers on UDP send to the host in Via and Record-Route.
        config = config.with_host(udp.to_string());
    }
    config.guests = args.guests;
    config.algorithms = args.algorithms.0.clone();
    // A call to user@address is for this exchange too.
    config.domains.extend(args.domains.iter().cloned());
    config.domains.extend(names(args.listen.ip()));
    config.users = users.passwords();
    config
}

/// The hosts of URIs and web pages that stand for this address.
fn names(listen: IpAddr) -> Vec<String> {
    let own = match listen {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    };
    let is_loopback = listen.is_loopback() || listen.is_unspecified();
    let loopback = ["localhost", "127.0.0.1", "[::1]"].into_iter().filter(|_| is_loopback);
    loopback.map(str::to_owned).chain([own]).collect()
}

/// The origins that may connect: the listed ones, or by default those of the exchange's own domains.
fn origins(args: &args::Exchange, config: &Config) -> Origins {
    if args.origins.contains(&Pages::Any) {
        return Origins::any();
    }
    if args.origins.is_empty() {
        let wss = args.wss.map(|wss| names(wss.ip())).unwrap_or_default();
        let hosts = config.domains.iter().chain(&wss);
        return hosts.fold(Origins::none(), |origins, host| origins.with_host(host));
    }
    let listed = args.origins.iter().filter_map(|pages| match pages {
        Pages::Of(origin) => Some(origin.clone()),
        Pages::Any => None,
    });
    listed.fold(Origins::none(), Origins::with)
}

fn listen(args: &args::Exchange) -> Result<Listen, String> {
    let mut listen = Listen { udp: args.udp, ..Listen::ws(args.listen) };
    if let (Some(address), Some(cert), Some(key)) = (args.wss, &args.cert, &args.key) {
        listen.wss = Some((address, certified_key(cert, key)?));
    }
    Ok(listen)
}

fn certified_key(cert: &Path, key: &Path) -> Result<CertifiedKey, String> {
    let read = |file: &Path| std::fs::read(file).map_err(|why| format!("{}: {why}", file.display()));
    CertifiedKey::from_pem(&read(cert)?, &read(key)?).map_err(|why| format!("{}: {why}", cert.display()))
}

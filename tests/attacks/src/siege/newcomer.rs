//! A phone that was not there before the attack: it registers, calls a registered phone, and hangs up.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use offhook_wire::Method;
use tokio::time::{Instant, sleep, timeout};

use crate::peer::{Account, Kind, Phone};

/// After this it has failed.
pub(crate) const LIMIT: Duration = Duration::from_secs(10);
/// A phone that was turned away comes again after this.
const AGAIN: Duration = Duration::from_millis(250);

/// How long it took from the first packet until the call was over, all attempts counted; nothing if it took longer than 10 s.
pub(super) async fn arrive(account: Account, kind: Kind, from: IpAddr, callee: String) -> Option<Duration> {
    let start = Instant::now();
    let attempts = async {
        while call(&account, kind, from, &callee).await.is_err() {
            sleep(AGAIN).await;
        }
    };
    timeout(LIMIT, attempts).await.ok()?;
    Some(start.elapsed())
}

async fn call(account: &Account, kind: Kind, from: IpAddr, callee: &str) -> io::Result<()> {
    let mut phone = Phone::open(account.clone(), kind, from).await?;
    phone.register().await?;
    let mut dialog = phone.call(callee).await?;
    let bye = dialog.next(Method::Bye, true);
    match phone.ask(bye).await?.status() {
        Some(200) => Ok(()),
        _ => Err(io::Error::other("the call could not be ended")),
    }
}

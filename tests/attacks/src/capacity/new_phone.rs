//! A new phone during an attack: it registers, calls a registered phone, and hangs up.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use offhook_wire::Method;
use tokio::time::{Instant, sleep, timeout};

use crate::peer::{Account, Kind, Phone};

/// The time limit of a new phone.
pub(crate) const LIMIT: Duration = Duration::from_secs(10);
/// The delay before a refused phone retries.
const RETRY_DELAY: Duration = Duration::from_millis(250);

/// The time from the first packet to the end of the call, including all attempts; none after 10 s.
pub(super) async fn arrive(account: Account, kind: Kind, from: IpAddr, callee: String) -> Option<Duration> {
    let start = Instant::now();
    let attempts = async {
        while call(&account, kind, from, &callee).await.is_err() {
            sleep(RETRY_DELAY).await;
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

//! `offhook message` and `offhook options`.

use super::call_loop::{ATTEMPTS, CallLoop, LoopEvent};
use super::outcome;
use crate::args;
use crate::exit::Exit;
use crate::output::Output;
use crate::record::Record;
use offhook::Request;

pub(crate) async fn message(args: args::Message, output: Output) -> Exit {
    let request = Request::message(args.to, args.text);
    send(request, &args.account, &args.record, output).await
}

pub(crate) async fn options(args: args::Options, output: Output) -> Exit {
    send(Request::options(args.to), &args.account, &args.record, output).await
}

/// Registers, sends the request, and waits for its outcome.
async fn send(request: Request, account: &args::Account, records: &[Record], output: Output) -> Exit {
    let mut call_loop = match CallLoop::open(account, None, Some(ATTEMPTS), records, output).await {
        Ok(call_loop) => call_loop,
        Err(exit) => return exit,
    };
    if let Err(exit) = call_loop.registered().await {
        return call_loop.close(exit).await;
    }
    let sent = outcome::Sent::of(&request);
    let sending = call_loop.phone.request(request);
    tokio::pin!(sending);
    loop {
        let event = tokio::select! {
            outcome = &mut sending => {
                let exit = outcome::print(output, &sent, &outcome);
                return call_loop.close(exit).await;
            }
            event = call_loop.next() => event,
        };
        match event {
            LoopEvent::Incoming(call) => call_loop.reject_busy(call).await,
            // It may have been delivered; the exit code 0 would claim that.
            LoopEvent::Quit => return call_loop.close(Exit::CallFailed).await,
            LoopEvent::Command(_) => call_loop.error("there is no call"),
            LoopEvent::Registered | LoopEvent::NotRegistered | LoopEvent::Referred(_) => {}
        }
    }
}

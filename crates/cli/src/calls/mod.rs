//! `offhook register`, `offhook call`, `offhook answer`, and the requests outside of a call.

mod active;
mod call_loop;
mod outcome;
mod print;
mod request;
mod words;

use crate::args;
use crate::exit::Exit;
use crate::output::Output;
use crate::record;
use active::CallPlan;
use call_loop::{ATTEMPTS, CallLoop, LoopEvent};
pub(crate) use request::{message, options};
use std::path::Path;

pub(crate) async fn register(args: args::Register, output: Output) -> Exit {
    let mut call_loop = match CallLoop::open(
        &args.account,
        None,
        args.once.then_some(ATTEMPTS),
        &args.record,
        output,
    )
    .await
    {
        Ok(call_loop) => call_loop,
        Err(exit) => return exit,
    };
    let registered = call_loop.registered().await;
    if args.once || registered.is_err() {
        return call_loop.close(registered.err().unwrap_or(Exit::Done)).await;
    }
    loop {
        match call_loop.next().await {
            LoopEvent::Incoming(call) => call_loop.reject_busy(call).await,
            LoopEvent::NotRegistered => return call_loop.close(Exit::NotRegistered).await,
            LoopEvent::Quit => return call_loop.close(Exit::Done).await,
            LoopEvent::Command(_) => call_loop.error("there is no call"),
            LoopEvent::Registered | LoopEvent::Referred(_) => {}
        }
    }
}

pub(crate) async fn call(args: args::Call, output: Output) -> Exit {
    let mut call_loop =
        match CallLoop::open(&args.account, Some(&args.sound), Some(ATTEMPTS), &args.sound.record, output)
            .await
        {
            Ok(call_loop) => call_loop,
            Err(exit) => return exit,
        };
    if let Err(exit) = call_loop.registered().await {
        return call_loop.close(exit).await;
    }
    let call = match call_loop.phone.dial(&args.to).await {
        Ok(call) => call,
        Err(why) => return call_loop.fail(&format!("{}: {why}", args.to)).await,
    };
    let plan = CallPlan {
        early_media: false,
        answer: false,
        digits: args.dtmf.map(|digits| (digits, args.dtmf_via.into())),
        duration: args.duration,
        record: record::sound(&args.sound.record).map(Path::to_owned),
    };
    let outcome = active::run(&mut call_loop, call, &plan).await;
    call_loop.close(outcome.exit).await
}

pub(crate) async fn answer(args: args::Answer, output: Output) -> Exit {
    let mut call_loop =
        match CallLoop::open(&args.account, Some(&args.sound), None, &args.sound.record, output).await {
            Ok(call_loop) => call_loop,
            Err(exit) => return exit,
        };
    if let Err(exit) = call_loop.registered().await {
        return call_loop.close(exit).await;
    }
    let mut answered: u32 = 0;
    loop {
        match call_loop.next().await {
            LoopEvent::Incoming(call) => {
                answered += 1;
                let record = record::sound(&args.sound.record).map(|file| record::numbered(file, answered));
                let plan = CallPlan {
                    early_media: args.early_media,
                    answer: args.auto,
                    digits: None,
                    duration: args.duration,
                    record,
                };
                let outcome = active::run(&mut call_loop, call, &plan).await;
                if args.once || outcome.quit {
                    return call_loop.close(if args.once { outcome.exit } else { Exit::Done }).await;
                }
            }
            LoopEvent::NotRegistered => return call_loop.close(Exit::NotRegistered).await,
            LoopEvent::Quit => return call_loop.close(Exit::Done).await,
            LoopEvent::Command(_) => call_loop.error("there is no call"),
            LoopEvent::Registered | LoopEvent::Referred(_) => {}
        }
    }
}

//! `offhook register`, `offhook call` and `offhook answer`.

mod desk;
mod say;
mod talk;
mod words;

use crate::args;
use crate::exit::Exit;
use crate::output::Output;
use crate::record;
use desk::{Desk, News};
use std::path::{Path, PathBuf};
use std::time::Duration;
use talk::Plan;

/// Attempts to register by commands that somebody waits for.
const ATTEMPTS: u32 = 3;

pub(crate) async fn register(args: args::Register, output: Output) -> Exit {
    let mut desk =
        match Desk::open(&args.account, None, args.once.then_some(ATTEMPTS), &args.record, output).await {
            Ok(desk) => desk,
            Err(exit) => return exit,
        };
    let registered = desk.registered().await;
    if args.once || registered.is_err() {
        return desk.close(registered.err().unwrap_or(Exit::Done)).await;
    }
    loop {
        match desk.next().await {
            News::Incoming(call) => desk.refuse(call).await,
            News::NotRegistered => return desk.close(Exit::NotRegistered).await,
            News::Quit => return desk.close(Exit::Done).await,
            News::Command(_) => desk.complain("there is no call"),
            News::Registered | News::Referred(_) => {}
        }
    }
}

pub(crate) async fn call(args: args::Call, output: Output) -> Exit {
    let mut desk = match Desk::open(
        &args.account,
        Some(&args.sound),
        Some(ATTEMPTS),
        &args.sound.record,
        output,
    )
    .await
    {
        Ok(desk) => desk,
        Err(exit) => return exit,
    };
    if let Err(exit) = desk.registered().await {
        return desk.close(exit).await;
    }
    let call = match desk.phone.dial(&args.to).await {
        Ok(call) => call,
        Err(why) => return desk.fail(&format!("{}: {why}", args.to)).await,
    };
    let plan = Plan {
        answer: false,
        digits: args.dtmf.map(|digits| (digits, args.dtmf_via.into())),
        duration: args.duration,
        record: record::sound(&args.sound.record).map(Path::to_owned),
    };
    let outcome = talk::talk(&mut desk, call, &plan).await;
    desk.close(outcome.exit).await
}

pub(crate) async fn answer(args: args::Answer, output: Output) -> Exit {
    let mut desk = match Desk::open(&args.account, Some(&args.sound), None, &args.sound.record, output).await
    {
        Ok(desk) => desk,
        Err(exit) => return exit,
    };
    if let Err(exit) = desk.registered().await {
        return desk.close(exit).await;
    }
    let mut taken: u32 = 0;
    loop {
        match desk.next().await {
            News::Incoming(call) => {
                taken += 1;
                let record = record::sound(&args.sound.record).map(|file| numbered(file, taken));
                let plan = Plan { answer: args.auto, digits: None, duration: args.duration, record };
                let outcome = talk::talk(&mut desk, call, &plan).await;
                if args.once || outcome.quit {
                    return desk.close(if args.once { outcome.exit } else { Exit::Done }).await;
                }
            }
            News::NotRegistered => return desk.close(Exit::NotRegistered).await,
            News::Quit => return desk.close(Exit::Done).await,
            News::Command(_) => desk.complain("there is no call"),
            News::Registered | News::Referred(_) => {}
        }
    }
}

/// `heard.wav` for the first call, `heard-2.wav` for the second.
fn numbered(file: &Path, count: u32) -> PathBuf {
    if count < 2 {
        return file.to_owned();
    }
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let extension = file.extension().map(|extension| format!(".{}", extension.to_string_lossy()));
    file.with_file_name(format!("{stem}-{count}{}", extension.unwrap_or_default()))
}

/// Seconds with one digit behind the point, as people read them.
fn seconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_recordings_do_not_overwrite_the_first() {
        assert_eq!(numbered(Path::new("/a/heard.wav"), 1), Path::new("/a/heard.wav"));
        assert_eq!(numbered(Path::new("/a/heard.wav"), 2), Path::new("/a/heard-2.wav"));
        assert_eq!(numbered(Path::new("heard"), 3), Path::new("heard-3"));
    }
}

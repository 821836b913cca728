//! `offhook demo`: three phones, one exchange, a real call, a lost connection. Nothing in it is pretended: sockets,
//! digest, ICE, DTLS-SRTP and Opus are those of every other call, and a step passes when the events say so.

mod actor;
mod ladder;
mod stage;
mod steps;

use crate::args;
use crate::exit::Exit;
use crate::output::Output;
use crate::record;
use offhook_tokio::Recorder;
use serde_json::{Value, json};
use stage::Stage;
use std::future::Future;
use std::time::Instant;

/// What a step proved: a sentence, and fields for programs.
struct Proof {
    text: String,
    fields: Value,
}

/// Which step failed is known; this says why.
struct Failure(String);

pub(crate) async fn run(args: args::Demo, output: Output) -> Exit {
    let begun = Instant::now();
    output.text(format_args!(
        "Offhook {}: three phones and an exchange on 127.0.0.1\n",
        env!("CARGO_PKG_VERSION")
    ));
    let recorder = match record::flight(&args.record) {
        Ok(recorder) => recorder,
        Err(why) => return output.failed(Exit::Failed, &why),
    };
    let mut played = play(&args, recorder.as_ref(), output).await;
    // A demonstration that failed is the one to look at.
    if let Err(why) = record::finish(recorder) {
        played = played.and(Err(("flight", Failure(why))));
    }
    match played {
        Ok(()) => {
            let seconds = tenths(begun.elapsed().as_secs_f64());
            output.text("");
            step(output, "demo", true, json!({ "seconds": seconds }), &format!("all of it, in {seconds} s"));
            Exit::Done
        }
        Err((name, Failure(why))) => {
            step(output, name, false, json!({ "why": why }), &why);
            step(output, "demo", false, json!({ "failed": name, "why": why }), &format!("failed at {name}"));
            Exit::Failed
        }
    }
}

async fn play(
    args: &args::Demo,
    recorder: Option<&Recorder>,
    output: Output,
) -> Result<(), (&'static str, Failure)> {
    let mut stage = show(output, "exchange", Stage::open(recorder)).await?;
    show(output, "register", steps::register(&mut stage)).await?;
    let mut pair = show(output, "call", steps::call(&mut stage)).await?;
    show(output, "media", steps::media(&mut pair)).await?;
    show(output, "dtmf_rtp", steps::digits(&mut pair, "159#", offhook::DtmfPath::Rtp)).await?;
    show(output, "dtmf_info", steps::digits(&mut pair, "42", offhook::DtmfPath::Info)).await?;
    show(output, "hold", steps::hold(&mut pair)).await?;
    show(output, "resume", steps::resume(&mut pair)).await?;
    let mut moved = show(output, "transfer", steps::transfer(&mut stage, &mut pair)).await?;
    show(output, "hang_up", steps::hang_up(&mut moved)).await?;
    show(output, "recording", steps::recording(&pair, record::sound(&args.record))).await?;
    show(output, "outage", steps::outage(&mut stage)).await?;
    show(output, "restart", steps::restart(&mut stage)).await?;
    let mut again = show(output, "call_again", steps::call_again(&mut stage)).await?;
    show(output, "hang_up_again", steps::hang_up(&mut again)).await?;
    for call in [pair.caller, pair.callee, moved.caller, moved.callee, again.caller, again.callee] {
        let (text, fields) = call.walk();
        step(output, "status_walk", true, fields, &text);
    }
    let ladder = ladder::of_first_call(&stage.messages());
    output.text("");
    let lines = ladder.lines();
    step(output, "ladder", true, json!({ "lines": lines }), "the call from alice to bob, as SIP");
    output.text(lines.join("\n"));
    show(output, "goodbye", stage.close()).await
}

/// Runs a step and shows how it went. What it gives beside its proof is for the next ones.
async fn show<T>(
    output: Output,
    name: &'static str,
    action: impl Future<Output = Result<(T, Proof), Failure>>,
) -> Result<T, (&'static str, Failure)> {
    let begun = Instant::now();
    let (given, proof) = action.await.map_err(|why| (name, why))?;
    let mut fields = proof.fields;
    fields["ms"] = json!(u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX));
    step(output, name, true, fields, &proof.text);
    Ok(given)
}

fn step(output: Output, name: &str, ok: bool, mut fields: Value, text: &str) {
    fields["ok"] = json!(ok);
    let tick = if ok { '✓' } else { '✗' };
    let shown = name.replace('_', " ");
    output.say("step", name, &fields, format_args!("{tick} {shown:<14} {text}"));
}

fn tenths(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}

impl Proof {
    fn new(text: impl Into<String>, fields: Value) -> Self {
        Self { text: text.into(), fields }
    }
}

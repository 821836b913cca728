//! `offhook demo`: three phones, one exchange, a real call, a lost connection. Nothing is simulated: sockets, digest, ICE, DTLS-SRTP and Opus
//! are those of every other call, and a step passes when its events have occurred.

mod ladder;
mod phone;
mod step;
mod steps;
mod testbed;

use crate::args;
use crate::exit::Exit;
use crate::output::Output;
use crate::record;
use offhook_tokio::Recorder;
use serde_json::json;
use std::time::Instant;
use step::{Failure, show, step, tenths};
use testbed::Testbed;

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
    let mut result = run_steps(&args, recorder.as_ref(), output).await;
    // Finish the recording also after a failure.
    if let Err(why) = record::finish(recorder) {
        result = result.and(Err(("flight", Failure(why))));
    }
    match result {
        Ok(()) => {
            let seconds = tenths(begun.elapsed().as_secs_f64());
            output.text("");
            step(
                output,
                "demo",
                true,
                json!({ "seconds": seconds }),
                &format!("all steps passed in {seconds} s"),
            );
            Exit::Done
        }
        Err((name, Failure(why))) => {
            step(output, name, false, json!({ "why": why }), &why);
            step(output, "demo", false, json!({ "failed": name, "why": why }), &format!("failed at {name}"));
            Exit::Failed
        }
    }
}

async fn run_steps(
    args: &args::Demo,
    recorder: Option<&Recorder>,
    output: Output,
) -> Result<(), (&'static str, Failure)> {
    let mut testbed = show(output, "exchange", Testbed::open(recorder)).await?;
    show(output, "register", steps::register(&mut testbed)).await?;
    let mut pair = show(output, "call", steps::call(&mut testbed)).await?;
    show(output, "media", steps::media(&mut pair)).await?;
    show(output, "dtmf_rtp", steps::digits(&mut pair, "159#", offhook::DtmfPath::Rtp)).await?;
    show(output, "dtmf_info", steps::digits(&mut pair, "42", offhook::DtmfPath::Info)).await?;
    show(output, "hold", steps::hold(&mut pair)).await?;
    show(output, "resume", steps::resume(&mut pair)).await?;
    let mut transferred = show(output, "transfer", steps::transfer(&mut testbed, &mut pair)).await?;
    show(output, "hang_up", steps::hang_up(&mut transferred)).await?;
    show(output, "recording", steps::recording(&pair, record::sound(&args.record))).await?;
    show(output, "outage", steps::outage(&mut testbed)).await?;
    show(output, "restart", steps::restart(&mut testbed)).await?;
    let mut again = show(output, "call_again", steps::call_again(&mut testbed)).await?;
    show(output, "hang_up_again", steps::hang_up(&mut again)).await?;
    for call in [pair.caller, pair.callee, transferred.caller, transferred.callee, again.caller, again.callee]
    {
        let (text, fields) = call.statuses();
        step(output, "status_walk", true, fields, &text);
    }
    let ladder = ladder::of_first_call(&testbed.messages());
    output.text("");
    let lines = ladder.lines();
    step(output, "ladder", true, json!({ "lines": lines }), "the call from alice to bob, as SIP");
    output.text(lines.join("\n"));
    show(output, "goodbye", testbed.close()).await
}

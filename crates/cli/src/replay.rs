//! `offhook replay`: replays a recording and compares the result.

use crate::args;
use crate::exit::Exit;
use crate::output::Output;
use offhook::Traced;
use offhook_recorder::ladder::Ladder;
use offhook_recorder::replay::{Replay, ReplayError, replay};
use offhook_recorder::{PhoneRecording, Recording, pcap, scenario};
use serde_json::json;
use std::path::Path;

/// The maximum size of a recording in bytes; the recorder writes none that is larger.
const LONGEST: u64 = 2 << 30;

pub(crate) fn run(args: &args::Replay, output: Output) -> Exit {
    let recording = match read(&args.file) {
        Ok(recording) => recording,
        Err(why) => return output.failed(Exit::Unreadable, &why),
    };
    let (mut replays, mut unplayable): (Vec<(&PhoneRecording, Replay)>, Vec<ReplayError>) =
        (Vec::new(), Vec::new());
    for track in &recording.phones {
        match replay(track) {
            Ok(again) => replays.push((track, again)),
            Err(why) => unplayable.push(why),
        }
    }
    if replays.is_empty() {
        let why: Vec<String> = unplayable.iter().map(ReplayError::to_string).collect();
        return output.failed(Exit::Unreadable, &format!("{}: {}", args.file.display(), why.join("; ")));
    }
    let views: Vec<(&PhoneRecording, &Replay)> =
        replays.iter().map(|(track, again)| (*track, again)).collect();
    if !args.brief {
        show(&views, output);
    }
    if let Err(why) = export(args, &views, output) {
        return output.failed(Exit::Failed, &why);
    }
    verdict(args, &recording, (&views, &unplayable), output)
}

fn read(file: &Path) -> Result<Recording, String> {
    let named = |why: &dyn std::fmt::Display| format!("{}: {why}", file.display());
    let length = std::fs::metadata(file).map_err(|why| named(&why))?.len();
    if length > LONGEST {
        return Err(named(&"too large for a recording"));
    }
    let bytes = std::fs::read(file).map_err(|why| named(&why))?;
    let recording = Recording::read(&bytes).map_err(|why| named(&why))?;
    if recording.phones.is_empty() { Err(named(&"it contains no phone")) } else { Ok(recording) }
}

fn show(views: &[(&PhoneRecording, &Replay)], output: Output) {
    let lines = Ladder::of(views).lines();
    output.line("replay", "ladder", &json!({ "lines": lines }), lines.join("\n"));
    for (track, again) in views {
        output.text(format_args!("\n{}:", track.name));
        for record in &again.trace {
            let machine = record.machine.map(|machine| machine.to_string());
            let mut fields = json!({ "phone": track.name, "at": record.at.as_nanos(), "machine": machine });
            match record.what {
                Traced::Transition { from, trigger, to } => {
                    (fields["from"], fields["trigger"], fields["to"]) =
                        (from.into(), trigger.into(), to.into());
                }
                Traced::Mark(words) => fields["mark"] = words.into(),
            }
            output.line("replay", "trace", &fields, record);
        }
    }
    output.text("");
}

fn export(args: &args::Replay, views: &[(&PhoneRecording, &Replay)], output: Output) -> Result<(), String> {
    let write = |kind: &str, file: &Path, data: &[u8]| {
        std::fs::write(file, data).map_err(|why| format!("{}: {why}", file.display()))?;
        let name = file.display().to_string();
        output.line("replay", kind, &json!({ "file": name }), format_args!("{kind}: {name}"));
        Ok::<(), String>(())
    };
    if let Some(file) = &args.scenario {
        write("scenario", file, scenario(views).as_bytes())?;
    }
    if let Some(file) = &args.pcap {
        write("pcap", file, &pcap(views))?;
    }
    Ok(())
}

fn verdict(
    args: &args::Replay,
    recording: &Recording,
    (views, unplayable): (&[(&PhoneRecording, &Replay)], &[ReplayError]),
    output: Output,
) -> Exit {
    let mut same = true;
    for (track, again) in views {
        let (inputs, traced) = (again.inputs, again.trace.len());
        let difference = again.divergence.as_ref();
        same &= difference.is_none();
        let fields = json!({
            "phone": track.name,
            "ok": difference.is_none(),
            "inputs": inputs,
            "before": again.skipped,
            "trace": traced,
            "checks": again.checks,
            "difference": difference.map(|difference| json!({
                "line": difference.line, "inputs": difference.inputs, "what": difference.what
            })),
            "lost": track.lost,
        });
        let how = match difference {
            None => format!("the same as recorded, compared {} times", again.checks),
            Some(difference) => format!("diverged: {difference}"),
        };
        let tick = if difference.is_none() { '✓' } else { '✗' };
        let text = format!("{tick} {:<10} {inputs} inputs, {traced} trace lines: {how}", track.name);
        output.line("replay", "phone", &fields, text);
        if again.skipped > 0 {
            output.text(format_args!(
                "! {:<10} begins at a checkpoint: {} earlier inputs were dropped",
                track.name, again.skipped
            ));
        }
        if let Some(why) = &track.lost {
            output.text(format_args!("! {:<10} is recorded only up to here: {why}", track.name));
        }
    }
    for why in unplayable {
        output.line("replay", "unplayable", &json!({ "why": why.to_string() }), format_args!("✗ {why}"));
    }
    if !recording.complete {
        output.text("! the recording was not finished: its end may be missing");
    }
    let fields = json!({ "ok": same && unplayable.is_empty(), "file": args.file.display().to_string(), "complete": recording.complete });
    let text = if same { "the same trace and messages" } else { "the replay diverged" };
    output.line("replay", "done", &fields, text);
    match (same, unplayable) {
        (false, _) => Exit::Failed,
        (true, []) => Exit::Done,
        (true, _) => Exit::Unreadable,
    }
}

//! Output of the outcome of a request outside of a dialog.

use super::words;
use crate::exit::Exit;
use crate::output::Output;
use offhook::{Cause, PeerCapabilities, Request, RequestKind, RequestOutcome};
use offhook_tokio::CommandError;
use serde_json::{Value, json};

/// A request that was sent.
pub(super) struct Sent {
    name: &'static str,
    to: String,
}

impl Sent {
    pub(super) fn of(request: &Request) -> Self {
        let name = match request.kind {
            RequestKind::Options => "options",
            _ => "message",
        };
        Self { name, to: request.to.clone() }
    }
}

/// Prints an outcome. Returns the exit code.
pub(super) fn print(output: Output, sent: &Sent, outcome: &Result<RequestOutcome, CommandError>) -> Exit {
    let Sent { name, to } = sent;
    let (fields, text, exit) = match outcome {
        Ok(RequestOutcome::Accepted { code }) => {
            let text = format!("accepted ({})", words::status(*code));
            (json!({ "result": "accepted", "code": code }), text, Exit::Done)
        }
        Ok(RequestOutcome::Capabilities(peer)) => (capabilities(peer), described(peer), Exit::Done),
        Ok(RequestOutcome::Failed { cause, code }) => {
            // The words for a call name its codecs.
            let why = if *cause == Cause::NotAcceptable { "not acceptable" } else { words::cause(*cause) };
            let text = format!("failed: {why}{}", words::code(*code));
            (json!({ "result": "failed", "cause": cause.as_str(), "code": code }), text, exit(*cause))
        }
        Ok(_) => (json!({ "result": "other" }), "done".to_owned(), Exit::Done),
        Err(why) => {
            let fields = json!({ "message": why.to_string(), "request": name, "to": to });
            output.event("error", &fields, format_args!("! {name} to {to}: {why}"));
            return Exit::Failed;
        }
    };
    let mut fields = fields;
    (fields["request"], fields["to"]) = ((*name).into(), to.as_str().into());
    output.event("outcome", &fields, format_args!("{name} to {to}: {text}"));
    exit
}

fn exit(cause: Cause) -> Exit {
    match cause {
        Cause::NotConnected => Exit::NotRegistered,
        _ => Exit::CallFailed,
    }
}

fn capabilities(peer: &PeerCapabilities) -> Value {
    json!({
        "result": "capabilities",
        "methods": peer.methods,
        "media_types": peer.media_types,
        "extensions": peer.extensions,
        "info_packages": peer.info_packages,
        "software": peer.software,
    })
}

fn described(peer: &PeerCapabilities) -> String {
    let list = |name: &str, values: &[String]| match values {
        [] => String::new(),
        values => format!("\n  {name:<14} {}", values.join(", ").escape_debug()),
    };
    let by = peer.software.as_ref().map(|software| format!(" by {}", software.escape_debug()));
    [
        format!("answered{}", by.unwrap_or_default()),
        list("methods", &peer.methods),
        list("media types", &peer.media_types),
        list("extensions", &peer.extensions),
        list("Info Packages", &peer.info_packages),
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_are_described_without_empty_lists() {
        let mut peer = PeerCapabilities::default();
        assert_eq!(described(&peer), "answered");
        peer.software = Some("stand by".to_owned());
        peer.methods = vec!["INVITE".to_owned(), "x\ny".to_owned()];
        assert_eq!(described(&peer), "answered by stand by\n  methods        INVITE, x\\ny");
    }
}

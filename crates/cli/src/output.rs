//! Output of the command: text for people, or one JSON object per line for programs.

use crate::exit::Exit;
use serde_json::Value;
use std::fmt::Display;
use std::io::Write;

#[derive(Copy, Clone, Debug)]
pub(crate) struct Output {
    json: bool,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    /// One line: `{"KIND":"NAME", fields}`, or the text. `fields` is a JSON object.
    pub(crate) fn line(self, kind: &str, name: &str, fields: &Value, text: impl Display) {
        let mut out = std::io::stdout().lock();
        let line = if self.json { object(kind, name, fields) } else { text.to_string() };
        // The other end of the pipe may be closed.
        let _ = writeln!(out, "{line}").and_then(|()| out.flush());
    }

    pub(crate) fn event(self, name: &str, fields: &Value, text: impl Display) {
        self.line("event", name, fields, text);
    }

    /// Text without a JSON equivalent.
    pub(crate) fn text(self, text: impl Display) {
        if !self.json {
            let mut out = std::io::stdout().lock();
            let _ = writeln!(out, "{text}").and_then(|()| out.flush());
        }
    }

    /// A warning: an event, or a line on standard error.
    pub(crate) fn warn(self, name: &str, fields: &Value, text: impl Display) {
        if self.json {
            self.event(name, fields, "");
        } else {
            let _ = writeln!(std::io::stderr(), "offhook: {text}");
        }
    }

    /// Prints a fatal error. Returns the exit code.
    #[must_use]
    pub(crate) fn failed(self, exit: Exit, why: &str) -> Exit {
        if self.json {
            self.event("error", &serde_json::json!({ "message": why }), "");
        } else {
            let _ = writeln!(std::io::stderr(), "offhook: {why}");
        }
        exit
    }
}

/// A JSON object with the name first, for readability.
fn object(kind: &str, name: &str, fields: &Value) -> String {
    let head = format!("{{{}:{}", Value::from(kind), Value::from(name));
    match fields.to_string().strip_prefix('{') {
        Some("}") | None => format!("{head}}}"),
        Some(rest) => format!("{head},{rest}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn line_is_one_object_with_its_name_first() {
        let line = object("event", "dtmf", &json!({ "digit": "#" }));
        assert_eq!(line, r##"{"event":"dtmf","digit":"#"}"##);
        assert_eq!(object("step", "a\"b", &json!({})), r#"{"step":"a\"b"}"#);
        let odd = object("event", "x", &json!({ "text": "line\nend" }));
        assert!(!odd.contains('\n') && serde_json::from_str::<Value>(&odd).is_ok());
    }
}

use crate::PeerCapabilities;
use crate::base::bounds;
use offhook_wire::{HeaderName, Message};

/// What a 2xx to OPTIONS states (RFC 3261 §11.2), with a bound on the number and the length of texts.
pub(super) fn read(response: &Message) -> PeerCapabilities {
    let software = response.header(HeaderName::Server).or_else(|| response.header(HeaderName::UserAgent));
    PeerCapabilities {
        methods: list(response, HeaderName::Allow),
        media_types: list(response, HeaderName::Accept),
        extensions: list(response, HeaderName::Supported),
        info_packages: list(response, HeaderName::RecvInfo),
        software: software.and_then(text),
    }
}

fn list(response: &Message, name: HeaderName) -> Vec<String> {
    response.values(name).filter_map(text).take(bounds::CAPABILITIES).collect()
}

/// A value without its folding; `None` if it is empty, too long, or not text.
fn text(value: &[u8]) -> Option<String> {
    if value.len() > bounds::CAPABILITY {
        return None;
    }
    let text = std::str::from_utf8(value).ok()?;
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    let text = words.join(" ");
    (!text.is_empty() && !text.chars().any(char::is_control)).then_some(text)
}

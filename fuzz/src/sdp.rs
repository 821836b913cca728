//! Arbitrary data as a session description.

use offhook_wire::sdp::types::Session;
use offhook_wire::sdp::{MAX_LINES, MAX_TEXT, Outline, direction, parse, write};

/// Reads `data` as an outline and in full, and writes what was read.
///
/// # Panics
///
/// When the two parsers disagree, when our writer and that of sdp-types do, or when the written description cannot be parsed,
/// or differs.
pub fn sdp(data: &[u8]) {
    if let Ok(outline) = Outline::parse(data) {
        let _ = (outline.version(), outline.audio(), outline.media().count());
    }
    let Ok(session) = parse(data) else { return };
    outlined(data, &session);
    let written = write(&session);
    // sdp-types leaves an empty session name empty, which RFC 8866 §5.3 does not allow.
    if !session.session_name.is_empty() {
        let mut theirs = Vec::new();
        session.write(&mut theirs).expect("memory takes every byte");
        assert_eq!(written, theirs, "both write the same");
    }
    // Missing lines are added, and Latin-1 becomes longer.
    if written.len() <= MAX_TEXT && written.split(|&byte| byte == b'\n').count() <= MAX_LINES {
        let again = parse(&written).expect("what was written can be read");
        assert_eq!(write(&again), written, "it stays as it is");
    }
}

/// A parsed description has an outline with the same contents.
fn outlined(data: &[u8], session: &Session) {
    let outline = Outline::parse(data).expect("an outline of what is readable");
    let media: Vec<_> = outline.media().map(|media| media.expect("readable media")).collect();
    assert_eq!(media.len(), session.medias.len());
    for (outline, media) in media.iter().zip(&session.medias) {
        assert_eq!(outline.port, media.port);
        assert_eq!(outline.direction, direction(session, media));
        if std::str::from_utf8(data).is_ok() {
            assert_eq!((outline.kind, outline.formats), (media.media.as_bytes(), media.fmt.as_bytes()));
        }
    }
}

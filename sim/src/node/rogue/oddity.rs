//! What a rogue sends because it wants to: in its newest call with the phone, or out of the blue.

use std::fmt;
use std::str::FromStr;

use super::attacks;
use super::turn::{Turn, Way};

macro_rules! oddities {
    ($($(#[doc = $doc:literal])+ $variant:ident = $word:literal, $how:path;)*) => {
        /// Something that nobody expects.
        #[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Oddity { $($(#[doc = $doc])+ $variant,)* }

        impl Oddity {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Its word in scenarios.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            pub(super) fn apply(self, turn: &mut Turn<'_>) {
                match self { $(Self::$variant => $how(turn),)* }
            }
        }
    };
}

oddities! {
    /// OPTIONS.
    Options = "options", options;
    /// MESSAGE (RFC 3428).
    Message = "message", message;
    /// A digit by INFO.
    Digit = "digit", digit;
    /// INFO with what is no digit.
    JunkInfo = "junk-info", junk_info;
    /// A REFER to nobody.
    Refer = "refer", refer;
    /// A REFER to the rogue.
    ReferToSelf = "refer-to-self", refer_to_self;
    /// A REFER to the phone that is asked.
    ReferToYou = "refer-to-you", refer_to_you;
    /// A REFER with folded, huge and broken headers.
    ReferOdd = "refer-odd", refer_odd;
    /// A NOTIFY for nothing.
    Notify = "notify", notify;
    /// A method that nobody knows.
    Unknown = "unknown-method", unknown;
    /// Methods that this phone does not take.
    Untaken = "untaken-method", untaken;
    /// A re-INVITE.
    Reinvite = "reinvite", reinvite;
    /// A re-INVITE that makes no offer.
    ReinviteLate = "late-reinvite", reinvite_late;
    /// A re-INVITE whose offer nobody can read.
    ReinviteGarbage = "garbage-reinvite", reinvite_garbage;
    /// A re-INVITE and its CANCEL.
    ReinviteCancel = "cancelled-reinvite", reinvite_cancel;
    /// An INVITE out of the blue, to which the ACK never comes.
    Invite = "invite", invite;
    /// Requests with a guessed tag.
    GuessedTag = "guessed-tag", guessed_tag;
    /// Requests that belong to the call but for the end of a tag, as from somebody who saw a part of it (RFC 3261 §12.2.2).
    NearMiss = "near-miss", near_miss;
    /// A CANCEL of nothing.
    Cancel = "cancel", cancel;
    /// An ACK of nothing.
    Ack = "ack", ack;
    /// A BYE in the call, which goes on afterwards as if nothing had been.
    Bye = "bye", bye;
    /// Responses to what was never asked.
    StrayResponse = "stray-response", stray_response;
    /// Bytes that are no message, straight to the phone.
    Garbage = "garbage", garbage;
    /// Messages of RFC 4475 §3.1.2: each breaks one rule of the grammar.
    Torture = "torture", torture;
    /// To the exchange: a REGISTER in the user's name, without credentials.
    Register = "register", attacks::register;
    /// To the exchange: a REGISTER in the user's name, with a guessed password.
    Guess = "guess", attacks::guess;
    /// To the user's Contact: a request as if it belonged to a call, From another user.
    Impersonate = "impersonation", attacks::impersonate;
}

impl Oddity {
    /// The ones that excuse no phone: they break no rule, belong to no dialog at all, or are refused by the exchange before a phone sees
    /// them.
    pub const LAWFUL: &[Self] = &[
        Self::Options,
        Self::Message,
        Self::Digit,
        Self::Reinvite,
        Self::ReinviteLate,
        Self::NearMiss,
        Self::Register,
        Self::Guess,
        Self::Impersonate,
    ];
}

impl fmt::Display for Oddity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Oddity {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let known = Self::ALL.iter().find(|oddity| oddity.as_str() == word);
        known.copied().ok_or_else(|| format!("nobody knows how to send `{word}`"))
    }
}

fn options(turn: &mut Turn<'_>) {
    let draft = turn.request("OPTIONS");
    turn.say(0, draft);
}

fn message(turn: &mut Turn<'_>) {
    let draft = turn.request("MESSAGE").body("text/plain", "hello");
    turn.say(0, draft);
}

fn digit(turn: &mut Turn<'_>) {
    let draft = turn.request("INFO").body("application/dtmf-relay", "Signal=5\r\nDuration=160\r\n");
    turn.say(0, draft);
}

fn junk_info(turn: &mut Turn<'_>) {
    let bodies: [&[u8]; 6] = [
        b"Signal=\r\nDuration=-1",
        b"Signal=55\r\nDuration=99999999999",
        b"\xff\xfe",
        b"",
        b"=\r\n=",
        b"5\x00",
    ];
    let body = turn.draw.pick(&bodies).to_vec();
    let kind = *turn.draw.pick(&["application/dtmf-relay", "application/dtmf", "application/x", "", ";"]);
    let draft = turn.request("INFO").body(kind, body);
    turn.say(0, draft);
}

fn refer_to(turn: &mut Turn<'_>, target: &str) {
    let draft = turn.request("REFER").row("Refer-To", target);
    turn.say(0, draft);
}

fn refer(turn: &mut Turn<'_>) {
    refer_to(turn, "<sip:nobody@pbx.example>");
}

fn refer_to_self(turn: &mut Turn<'_>) {
    let target = format!("<{}>", turn.me.aor);
    refer_to(turn, &target);
}

fn refer_to_you(turn: &mut Turn<'_>) {
    let target = format!("<sip:{}@pbx.example>", turn.call.peer);
    refer_to(turn, &target);
}

fn refer_odd(turn: &mut Turn<'_>) {
    let long = format!("<sip:{}@pbx.example>", "x".repeat(8_000));
    let target = match turn.draw.below(7) {
        0 => "\r\n <sip:nobody@pbx.example>\r\n\t;x=y",
        1 => long.as_str(),
        2 => "<sip:alice@pbx.example?Replaces=a%3Bto-tag%3Db%3Bfrom-tag%3Dc>",
        3 => "<sip:alice@pbx.example;method=BYE>",
        4 => "<http://example.com/>",
        5 => "<sip:@@@>",
        _ => "",
    };
    let by = *turn.draw.pick(&["<sip:a@b>\r\n ;folded=yes", "\"\\\"", "<sip:a@b>\r\n\t\r\n\t", "\u{0}"]);
    let draft = turn.request("REFER").row("Refer-To", target).row("Referred-By", by);
    turn.say(0, draft);
}

fn notify(turn: &mut Turn<'_>) {
    let event = *turn.draw.pick(&["refer", "refer;id=7", "message-summary", "presence", ""]);
    let draft = turn.request("NOTIFY").row("Event", event).row("Subscription-State", "active");
    let draft = draft.body("message/sipfrag", "SIP/2.0 200 OK\r\n");
    turn.say(0, draft);
}

fn unknown(turn: &mut Turn<'_>) {
    let method = *turn.draw.pick(&["DANCE", "invite", "X-", "!#$%&'*+-.^_`|~"]);
    let draft = turn.request(method);
    turn.say(0, draft);
}

fn untaken(turn: &mut Turn<'_>) {
    let method = *turn.draw.pick(&["SUBSCRIBE", "PUBLISH", "PRACK", "UPDATE"]);
    let draft = turn.request(method).row("RAck", "1 1 INVITE").row("Event", "presence");
    turn.say(0, draft);
}

fn reinvite(turn: &mut Turn<'_>) {
    let draft = turn.invite();
    turn.say(0, draft);
}

fn reinvite_late(turn: &mut Turn<'_>) {
    let draft = turn.request("INVITE");
    turn.say(0, draft);
}

fn reinvite_garbage(turn: &mut Turn<'_>) {
    let garbage = turn.garbage();
    let draft = turn.request("INVITE").body("application/sdp", garbage);
    turn.say(0, draft);
}

fn reinvite_cancel(turn: &mut Turn<'_>) {
    let draft = turn.invite();
    let cancel = draft.companion("CANCEL");
    turn.say(0, draft);
    let after = turn.draw.between(0, 60);
    turn.say(after, cancel);
}

fn invite(turn: &mut Turn<'_>) {
    let draft = turn.invite();
    let draft = turn.outside(draft);
    turn.say(0, draft);
}

fn guessed_tag(turn: &mut Turn<'_>) {
    let method = *turn.draw.pick(&["BYE", "INVITE", "INFO", "REFER", "NOTIFY", "OPTIONS", "CANCEL"]);
    let tag =
        *turn.draw.pick(&["1", "abcdefghijklmnop-0", "aaaaaaaaaaaaaaaa-ffffffff", "-", "0000000000000000-"]);
    let draft = turn.request(method);
    let draft = turn.outside(draft).tagged("To", Some(tag));
    turn.say(0, draft).way = Way::Straight;
}

/// So much of a tag is right.
const NEAR: usize = 12;

fn near_miss(turn: &mut Turn<'_>) {
    if !turn.call.is_dialog() {
        return;
    }
    let method = *turn.draw.pick(&["BYE", "INFO", "NOTIFY"]);
    let draft = turn.request(method);
    let party = *turn.draw.pick(&["To", "From"]);
    let Some((_, tag)) = draft.get(party).split_once(";tag=") else { return };
    let (Some(begin), Some(end)) = (tag.get(..NEAR), tag.get(NEAR + 1..)) else { return };
    let near = match turn.draw.below(3) {
        0 => begin.to_owned(),
        1 => format!("{tag}0"),
        _ if tag[NEAR..].starts_with('x') => format!("{begin}y{end}"),
        _ => format!("{begin}x{end}"),
    };
    turn.say(0, draft.tagged(party, Some(&near))).way = Way::Straight;
}

fn cancel(turn: &mut Turn<'_>) {
    let draft = turn.request("CANCEL");
    turn.say(0, draft).way = Way::Straight;
}

fn ack(turn: &mut Turn<'_>) {
    let draft = turn.request("ACK");
    turn.say(0, draft).way = Way::Straight;
}

fn bye(turn: &mut Turn<'_>) {
    let draft = turn.request("BYE");
    turn.say(0, draft);
}

fn stray_response(turn: &mut Turn<'_>) {
    let code = *turn.draw.pick(&[100, 180, 200, 200, 401, 481, 503]);
    let method = *turn.draw.pick(&["INVITE", "REGISTER", "BYE", "CANCEL", "ACK"]);
    let mut draft = turn.request(method).with_code(code);
    let branch = *turn.draw.pick(&["z9hG4bK", "z9hG4bK0000000000000000", "z9hG4bK-0-0", "1"]);
    draft = draft.set("Via", format!("SIP/2.0/WS phone.invalid;branch={branch}"));
    turn.say(0, draft).way = Way::Straight;
}

fn garbage(turn: &mut Turn<'_>) {
    let start = *turn.draw.pick(&[
        "",
        "\r\n\r\n",
        "HELLO",
        "INVITE",
        "SIP/2.0",
        "SIP/2.0 200",
        "\u{0}\u{0}",
        "GET / HTTP/1.1",
    ]);
    let mut draft = turn.request("INVITE");
    draft.start = start.to_owned();
    turn.say(0, draft).way = Way::Straight;
}

fn torture(turn: &mut Turn<'_>) {
    let method = *turn.draw.pick(&["OPTIONS", "INVITE", "BYE"]);
    let draft = turn.request(method);
    let version = format!("SIP/7.0/UDP x;branch=z9hG4bK{}", turn.call.fresh());
    let mut broken = match turn.draw.below(12) {
        0 => draft.set("CSeq", "36893488147419103232 OPTIONS"),
        1 => draft.set("CSeq", "1 NEWMETHOD"),
        2 => draft.row("Content-Length", "-999"),
        3 => draft.row("Content-Length", "9999"),
        4 => draft.set("Via", version),
        5 => draft.set("To", "\"unterminated <sip:bob@pbx.example>"),
        6 => draft.row("From", "<sip:two@pbx.example>;tag=2"),
        7 => draft.without("Call-ID"),
        8 => draft.set("From", "<sip:a@b>;tag="),
        9 => draft.row("Date", "Fri, 01 Jan 2010 16:00:00 EST"),
        10 => draft.set("Max-Forwards", "300"),
        _ => draft.set("Via", ";;,;,,"),
    };
    if turn.draw.chance(200) {
        broken.start = broken.start.replace(" SIP/2.0", " SIP/7.0");
    }
    turn.say(0, broken).way = if turn.draw.chance(700) { Way::Straight } else { Way::Exchange };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_a_word_of_its_own() {
        for oddity in Oddity::ALL {
            assert_eq!(oddity.as_str().parse(), Ok(*oddity));
        }
        assert!("flowers".parse::<Oddity>().is_err());
    }
}

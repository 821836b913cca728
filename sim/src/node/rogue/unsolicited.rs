//! Unsolicited messages of a rogue: in its newest call with the user, or out of dialog.

use std::fmt;
use std::str::FromStr;

use super::plan::{Plan, Way};
use super::{attacks, reliable};

macro_rules! messages {
    ($($(#[doc = $doc:literal])+ $variant:ident = $word:literal, $how:path;)*) => {
        /// An unsolicited message.
        #[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum UnsolicitedMessage { $($(#[doc = $doc])+ $variant,)* }

        impl UnsolicitedMessage {
            /// All messages.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Its keyword in scenarios.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            pub(super) fn apply(self, plan: &mut Plan<'_>) {
                match self { $(Self::$variant => $how(plan),)* }
            }
        }
    };
}

messages! {
    /// OPTIONS.
    Options = "options", options;
    /// MESSAGE (RFC 3428).
    Message = "message", message;
    /// A digit by INFO.
    Digit = "digit", digit;
    /// INFO of an Info Package (RFC 6086), which the phone may not know.
    PackageInfo = "package-info", package_info;
    /// INFO with an invalid digit.
    JunkInfo = "junk-info", junk_info;
    /// A REFER to an unknown user.
    Refer = "refer", refer;
    /// A REFER to the rogue.
    ReferToSelf = "refer-to-self", refer_to_self;
    /// A REFER to the phone itself.
    ReferToYou = "refer-to-you", refer_to_you;
    /// A REFER with folded, huge and invalid headers.
    ReferOdd = "refer-odd", refer_odd;
    /// A NOTIFY without a subscription.
    Notify = "notify", notify;
    /// An unknown method.
    Unknown = "unknown-method", unknown;
    /// Methods that the phone does not support.
    Untaken = "untaken-method", untaken;
    /// A re-INVITE.
    Reinvite = "reinvite", reinvite;
    /// An UPDATE with an offer (RFC 3311).
    Update = "update", update;
    /// An UPDATE without an offer.
    UpdateBare = "bare-update", update_bare;
    /// An UPDATE with an invalid offer.
    UpdateGarbage = "garbage-update", update_garbage;
    /// A PRACK with a guessed RAck (RFC 3262 §7.2).
    Prack = "prack", prack;
    /// A re-INVITE without an offer.
    ReinviteLate = "late-reinvite", reinvite_late;
    /// A re-INVITE with an invalid offer.
    ReinviteGarbage = "garbage-reinvite", reinvite_garbage;
    /// A re-INVITE and its CANCEL.
    ReinviteCancel = "cancelled-reinvite", reinvite_cancel;
    /// An INVITE that is never acknowledged.
    Invite = "invite", invite;
    /// Requests with a guessed tag.
    GuessedTag = "guessed-tag", guessed_tag;
    /// In-dialog requests with one tag wrong at its end (RFC 3261 §12.2.2).
    NearMiss = "near-miss", near_miss;
    /// A CANCEL without an INVITE.
    Cancel = "cancel", cancel;
    /// An ACK without an INVITE.
    Ack = "ack", ack;
    /// A BYE in a call that the rogue then continues.
    Bye = "bye", bye;
    /// Responses without a request.
    StrayResponse = "stray-response", stray_response;
    /// Invalid data, directly to the phone.
    Garbage = "garbage", garbage;
    /// Messages of RFC 4475 §3.1.2: each breaks one rule of the syntax.
    Torture = "torture", torture;
    /// To the exchange: a REGISTER of the user without credentials.
    Register = "register", attacks::register;
    /// To the exchange: a REGISTER of the user with a guessed password.
    Guess = "guess", attacks::guess;
    /// To the Contact of the user: a request as if in a dialog, From another user.
    Impersonate = "impersonation", attacks::impersonate;
}

impl UnsolicitedMessage {
    /// Messages after which all oracles still run: they break no rule, match no dialog, or are refused by the exchange.
    pub const CONFORMING: &[Self] = &[
        Self::Options,
        Self::Message,
        Self::Digit,
        Self::PackageInfo,
        Self::Reinvite,
        Self::Update,
        Self::UpdateBare,
        Self::Prack,
        Self::ReinviteLate,
        Self::NearMiss,
        Self::Register,
        Self::Guess,
        Self::Impersonate,
    ];
}

impl fmt::Display for UnsolicitedMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for UnsolicitedMessage {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let known = Self::ALL.iter().find(|message| message.as_str() == word);
        known.copied().ok_or_else(|| format!("unknown message `{word}`"))
    }
}

fn options(plan: &mut Plan<'_>) {
    let draft = plan.request("OPTIONS");
    plan.send(0, draft);
}

fn message(plan: &mut Plan<'_>) {
    let draft = plan.request("MESSAGE").body("text/plain", "hello");
    plan.send(0, draft);
}

fn digit(plan: &mut Plan<'_>) {
    let draft = plan.request("INFO").body("application/dtmf-relay", "Signal=5\r\nDuration=160\r\n");
    plan.send(0, draft);
}

fn package_info(plan: &mut Plan<'_>) {
    let package = *plan.draw.pick(&["conference", "trigger", "Conference", "unknown", "trigger;a=b"]);
    let draft = plan.request("INFO").row("Info-Package", package).body("text/plain", "news");
    plan.send(0, draft);
}

fn junk_info(plan: &mut Plan<'_>) {
    let bodies: [&[u8]; 6] = [
        b"Signal=\r\nDuration=-1",
        b"Signal=55\r\nDuration=99999999999",
        b"\xff\xfe",
        b"",
        b"=\r\n=",
        b"5\x00",
    ];
    let body = plan.draw.pick(&bodies).to_vec();
    let kind = *plan.draw.pick(&["application/dtmf-relay", "application/dtmf", "application/x", "", ";"]);
    let draft = plan.request("INFO").body(kind, body);
    plan.send(0, draft);
}

fn refer_to(plan: &mut Plan<'_>, target: &str) {
    let draft = plan.request("REFER").row("Refer-To", target);
    plan.send(0, draft);
}

fn refer(plan: &mut Plan<'_>) {
    refer_to(plan, "<sip:nobody@pbx.example>");
}

fn refer_to_self(plan: &mut Plan<'_>) {
    let target = format!("<{}>", plan.me.aor);
    refer_to(plan, &target);
}

fn refer_to_you(plan: &mut Plan<'_>) {
    let target = format!("<sip:{}@pbx.example>", plan.call.peer);
    refer_to(plan, &target);
}

fn refer_odd(plan: &mut Plan<'_>) {
    let long = format!("<sip:{}@pbx.example>", "x".repeat(8_000));
    let target = match plan.draw.below(7) {
        0 => "\r\n <sip:nobody@pbx.example>\r\n\t;x=y",
        1 => long.as_str(),
        2 => "<sip:alice@pbx.example?Replaces=a%3Bto-tag%3Db%3Bfrom-tag%3Dc>",
        3 => "<sip:alice@pbx.example;method=BYE>",
        4 => "<http://example.com/>",
        5 => "<sip:@@@>",
        _ => "",
    };
    let by = *plan.draw.pick(&["<sip:a@b>\r\n ;folded=yes", "\"\\\"", "<sip:a@b>\r\n\t\r\n\t", "\u{0}"]);
    let draft = plan.request("REFER").row("Refer-To", target).row("Referred-By", by);
    plan.send(0, draft);
}

fn notify(plan: &mut Plan<'_>) {
    let event = *plan.draw.pick(&["refer", "refer;id=7", "message-summary", "presence", ""]);
    let draft = plan.request("NOTIFY").row("Event", event).row("Subscription-State", "active");
    let draft = draft.body("message/sipfrag", "SIP/2.0 200 OK\r\n");
    plan.send(0, draft);
}

fn unknown(plan: &mut Plan<'_>) {
    let method = *plan.draw.pick(&["DANCE", "invite", "X-", "!#$%&'*+-.^_`|~"]);
    let draft = plan.request(method);
    plan.send(0, draft);
}

fn untaken(plan: &mut Plan<'_>) {
    let method = *plan.draw.pick(&["SUBSCRIBE", "PUBLISH"]);
    let draft = plan.request(method).row("Event", "presence");
    plan.send(0, draft);
}

fn reinvite(plan: &mut Plan<'_>) {
    let draft = plan.invite();
    plan.send(0, draft);
}

fn update(plan: &mut Plan<'_>) {
    let draft = reliable::update(plan);
    plan.send(0, draft);
}

fn update_bare(plan: &mut Plan<'_>) {
    let draft = plan.request("UPDATE");
    plan.send(0, draft);
}

fn update_garbage(plan: &mut Plan<'_>) {
    let garbage = plan.garbage();
    let draft = plan.request("UPDATE").body("application/sdp", garbage);
    plan.send(0, draft);
}

fn prack(plan: &mut Plan<'_>) {
    let named = *plan.draw.pick(&["1 1 INVITE", "0 0 INVITE", "77 2 UPDATE"]);
    let draft = plan.request("PRACK").row("RAck", named);
    plan.send(0, draft);
}

fn reinvite_late(plan: &mut Plan<'_>) {
    let draft = plan.request("INVITE");
    plan.send(0, draft);
}

fn reinvite_garbage(plan: &mut Plan<'_>) {
    let garbage = plan.garbage();
    let draft = plan.request("INVITE").body("application/sdp", garbage);
    plan.send(0, draft);
}

fn reinvite_cancel(plan: &mut Plan<'_>) {
    let draft = plan.invite();
    let cancel = draft.companion("CANCEL");
    plan.send(0, draft);
    let after = plan.draw.between(0, 60);
    plan.send(after, cancel);
}

fn invite(plan: &mut Plan<'_>) {
    let draft = plan.invite();
    let draft = plan.outside(draft);
    plan.send(0, draft);
}

fn guessed_tag(plan: &mut Plan<'_>) {
    let method = *plan.draw.pick(&["BYE", "INVITE", "INFO", "REFER", "NOTIFY", "OPTIONS", "CANCEL"]);
    let tag =
        *plan.draw.pick(&["1", "abcdefghijklmnop-0", "aaaaaaaaaaaaaaaa-ffffffff", "-", "0000000000000000-"]);
    let draft = plan.request(method);
    let draft = plan.outside(draft).tagged("To", Some(tag));
    plan.send(0, draft).way = Way::Direct;
}

/// The length of the correct part of a tag.
const NEAR: usize = 12;

fn near_miss(plan: &mut Plan<'_>) {
    if !plan.call.is_dialog() {
        return;
    }
    let method = *plan.draw.pick(&["BYE", "INFO", "NOTIFY"]);
    let draft = plan.request(method);
    let party = *plan.draw.pick(&["To", "From"]);
    let Some((_, tag)) = draft.get(party).split_once(";tag=") else { return };
    let (Some(begin), Some(end)) = (tag.get(..NEAR), tag.get(NEAR + 1..)) else { return };
    let near = match plan.draw.below(3) {
        0 => begin.to_owned(),
        1 => format!("{tag}0"),
        _ if tag[NEAR..].starts_with('x') => format!("{begin}y{end}"),
        _ => format!("{begin}x{end}"),
    };
    plan.send(0, draft.tagged(party, Some(&near))).way = Way::Direct;
}

fn cancel(plan: &mut Plan<'_>) {
    let draft = plan.request("CANCEL");
    plan.send(0, draft).way = Way::Direct;
}

fn ack(plan: &mut Plan<'_>) {
    let draft = plan.request("ACK");
    plan.send(0, draft).way = Way::Direct;
}

fn bye(plan: &mut Plan<'_>) {
    let draft = plan.request("BYE");
    plan.send(0, draft);
}

fn stray_response(plan: &mut Plan<'_>) {
    let code = *plan.draw.pick(&[100, 180, 200, 200, 401, 481, 503]);
    let method = *plan.draw.pick(&["INVITE", "REGISTER", "BYE", "CANCEL", "ACK"]);
    let mut draft = plan.request(method).with_code(code);
    let branch = *plan.draw.pick(&["z9hG4bK", "z9hG4bK0000000000000000", "z9hG4bK-0-0", "1"]);
    draft = draft.set("Via", format!("SIP/2.0/WS phone.invalid;branch={branch}"));
    plan.send(0, draft).way = Way::Direct;
}

fn garbage(plan: &mut Plan<'_>) {
    let start = *plan.draw.pick(&[
        "",
        "\r\n\r\n",
        "HELLO",
        "INVITE",
        "SIP/2.0",
        "SIP/2.0 200",
        "\u{0}\u{0}",
        "GET / HTTP/1.1",
    ]);
    let mut draft = plan.request("INVITE");
    draft.start = start.to_owned();
    plan.send(0, draft).way = Way::Direct;
}

fn torture(plan: &mut Plan<'_>) {
    let method = *plan.draw.pick(&["OPTIONS", "INVITE", "BYE"]);
    let draft = plan.request(method);
    let version = format!("SIP/7.0/UDP x;branch=z9hG4bK{}", plan.call.fresh());
    let mut broken = match plan.draw.below(12) {
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
    if plan.draw.chance(200) {
        broken.start = broken.start.replace(" SIP/2.0", " SIP/7.0");
    }
    plan.send(0, broken).way = if plan.draw.chance(700) { Way::Direct } else { Way::Exchange };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_round_trip() {
        for message in UnsolicitedMessage::ALL {
            assert_eq!(message.as_str().parse(), Ok(*message));
        }
        assert!("flowers".parse::<UnsolicitedMessage>().is_err());
    }
}

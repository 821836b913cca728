//! Reliable provisional responses (RFC 3262) and UPDATE (RFC 3311), right and wrong.

use offhook_wire::{HeaderName, Message, Method};

use super::draft::{ALLOW, Draft};
use super::plan::{Plan, SendIf};

/// An INVITE that lets the phone send reliable responses.
pub(super) fn supports(plan: &mut Plan<'_>) {
    plan.change_first(|draft| draft.row("Supported", "100rel"));
}

pub(super) fn requires(plan: &mut Plan<'_>) {
    plan.change_first(|draft| draft.row("Require", "100rel"));
}

/// Neither an offer nor an unreliable 180: the phone describes first.
pub(super) fn late_offer(plan: &mut Plan<'_>) {
    let name = *plan.draw.pick(&["Supported", "Require"]);
    plan.change_first(|draft| draft.bodiless().row(name, "100rel"));
}

/// The PRACK of a reliable response (RFC 3262 §7.2); `None` if the received response is not reliable.
pub(super) fn prack(plan: &mut Plan<'_>) -> Option<Draft> {
    let response = plan.message.filter(|response| response.has_token(HeaderName::Require, "100rel"))?;
    let (rseq, cseq) = (response.rseq().ok()??, response.cseq().ok()?.number);
    Some(plan.request("PRACK").row("RAck", format!("{rseq} {cseq} INVITE")))
}

pub(super) fn never_pracks(plan: &mut Plan<'_>) {
    plan.messages.clear();
}

/// PRACKs with a wrong RAck before and after the right one, which is repeated in another transaction.
pub(super) fn pracks_wrongly(plan: &mut Plan<'_>) {
    let Some(right) = prack(plan) else { return };
    let numbers: Vec<u32> = right.get("RAck").split(' ').filter_map(|word| word.parse().ok()).collect();
    let &[rseq, cseq] = numbers.as_slice() else { return };
    let wrong = match plan.draw.below(5) {
        0 => format!("{} {cseq} INVITE", rseq.wrapping_add(1)),
        1 => format!("{rseq} {} INVITE", cseq + 1),
        2 => format!("{rseq} {cseq} BYE"),
        3 => "4294967296 1 INVITE".to_owned(),
        _ => String::new(),
    };
    for (after, named) in [(0, wrong.clone()), (300, right.get("RAck").to_owned()), (600, wrong)] {
        let request = plan.request("PRACK").row("RAck", named);
        plan.send(after, request).only = SendIf::Calling;
    }
    plan.send(900, right).only = SendIf::Calling;
}

/// An offer in a PRACK, before any exchange is complete, or after it.
pub(super) fn prack_offers(plan: &mut Plan<'_>) {
    let sdp = plan.sdp();
    plan.change_first(|draft| draft.body("application/sdp", sdp));
}

/// An invalid answer to the offer of a reliable response.
pub(super) fn prack_garbage(plan: &mut Plan<'_>) {
    let garbage = plan.garbage();
    plan.change_first(|draft| match draft.get("Content-Type") {
        "" => draft,
        _ => draft.body("application/sdp", garbage),
    });
}

/// A reliable response.
fn reliable(plan: &mut Plan<'_>, rseq: u32, described: bool) -> Draft {
    let draft = if described { plan.reply_with_sdp(183) } else { plan.reply(180) };
    draft.row("Require", "100rel").row("RSeq", rseq.to_string()).row("Allow", ALLOW)
}

/// One reliable response, which breaks no rule: the 2xx comes long after its PRACK.
pub(super) fn rings_reliably(plan: &mut Plan<'_>) {
    plan.messages.remove(0);
    let ring = reliable(plan, 41, false);
    plan.send(0, ring).only = SendIf::Invited;
}

/// The numbers have a gap, and come in the wrong order and twice.
pub(super) fn disorder(plan: &mut Plan<'_>) {
    for (n, rseq) in [7, 9, 8, 8, 7, 0, u32::MAX].into_iter().enumerate() {
        let described = plan.draw.chance(400);
        let ring = reliable(plan, rseq, described);
        let after = 20 + 150 * n as u64;
        plan.send(after, ring).only = SendIf::Invited;
    }
}

/// The same response again and again, although it was acknowledged.
pub(super) fn repeats(plan: &mut Plan<'_>) {
    let ring = reliable(plan, 1, true);
    for n in 0..8 {
        plan.send(100 + n * 100, ring.clone()).only = SendIf::Invited;
    }
}

/// The direction of the answer in an unreliable 183 is not that of the 2xx (RFC 3261 §13.2.1).
pub(super) fn direction_changes(plan: &mut Plan<'_>) {
    let direction = *plan.draw.pick(&["a=sendonly", "a=recvonly", "a=inactive"]);
    let sdp = String::from_utf8(plan.sdp()).unwrap_or_default().replace("a=sendrecv", direction);
    let early = plan.reply(183).body("application/sdp", sdp);
    plan.send(100, early).only = SendIf::Invited;
}

/// An invalid answer in a 183, reliable or not, before the 2xx.
pub(super) fn garbage_early(plan: &mut Plan<'_>) {
    let garbage = plan.garbage();
    let ring = if plan.draw.chance(500) { reliable(plan, 1, true) } else { plan.reply(183) };
    plan.send(100, ring.body("application/sdp", garbage)).only = SendIf::Invited;
}

/// A refusal of an UPDATE.
pub(super) fn update_refused(plan: &mut Plan<'_>) {
    if plan.message.and_then(Message::method) == Some(Method::Update) {
        let code = *plan.draw.pick(&[405, 501]);
        plan.messages.clear();
        let refusal = plan.reply(code);
        plan.send(20, refusal);
    }
}

/// UPDATEs in the early dialog, while the offer of the INVITE is open or just answered (RFC 3311 §5.1).
pub(super) fn updates_early(plan: &mut Plan<'_>) {
    let ring = reliable(plan, 1, true);
    plan.send(50, ring).only = SendIf::Invited;
    for after in [20, 120, 125, 400] {
        let request = update(plan);
        plan.send(after, request).only = SendIf::Invited;
    }
}

/// UPDATEs and re-INVITEs with offers that cross each other (RFC 3311 §5.2).
pub(super) fn updates_cross(plan: &mut Plan<'_>) {
    for _ in 0..8 {
        let request = if plan.draw.chance(700) { update(plan) } else { plan.invite() };
        let after = plan.draw.between(0, 1_500);
        plan.send(after, request);
    }
}

/// An UPDATE with an offer.
pub(super) fn update(plan: &mut Plan<'_>) -> Draft {
    let sdp = plan.sdp();
    plan.request("UPDATE").body("application/sdp", sdp)
}

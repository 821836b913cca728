//! One end's view of a dialog (RFC 3261 §12), as text.

use super::{Phone, Sip};

pub(crate) struct Dialog {
    call_id: String,
    local: String,
    remote: String,
    target: String,
    routes: Vec<String>,
    cseq: u32,
}

impl Dialog {
    /// The caller's view, from its INVITE and the 2xx.
    pub(crate) fn caller(invite: &Sip, ok: &Sip) -> Self {
        let mut routes: Vec<String> = ok.rows("Record-Route").into_iter().map(str::to_owned).collect();
        routes.reverse();
        let cseq = invite.row("CSeq").split(' ').next().unwrap().parse().unwrap();
        Self::new(ok, ok.row("From"), ok.row("To"), ok.row("Contact"), routes, cseq)
    }

    /// The callee's view, from the INVITE and the callee's tag.
    pub(crate) fn callee(invite: &Sip, tag: &str) -> Self {
        let routes = invite.rows("Record-Route").into_iter().map(str::to_owned).collect();
        let local = format!("{};tag={tag}", invite.row("To"));
        Self::new(invite, &local, invite.row("From"), invite.row("Contact"), routes, 0)
    }

    fn new(message: &Sip, local: &str, remote: &str, contact: &str, routes: Vec<String>, cseq: u32) -> Self {
        let target = contact.trim_start_matches('<').split('>').next().unwrap().to_owned();
        let call_id = message.row("Call-ID").to_owned();
        Self { call_id, local: local.to_owned(), remote: remote.to_owned(), target, routes, cseq }
    }

    /// The next request of this end.
    pub(crate) fn request(&mut self, phone: &mut Phone, method: &str, rows: &str) -> String {
        if method != "ACK" {
            self.cseq += 1;
        }
        let routes: String = self.routes.iter().map(|route| format!("Route: {route}\n")).collect();
        let Self { call_id, local, remote, target, cseq, .. } = self;
        format!(
            "{method} {target} SIP/2.0\n\
             Via: {}\n\
             Max-Forwards: 70\n\
             {routes}\
             From: {local}\n\
             To: {remote}\n\
             Call-ID: {call_id}\n\
             CSeq: {cseq} {method}\n\
             {rows}\
             Content-Length: 0\n\n",
            phone.via(),
        )
    }

    /// The same view without its route set.
    pub(crate) fn routeless(mut self) -> Self {
        self.routes.clear();
        self
    }
}

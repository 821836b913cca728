//! Requests outside of dialogs.

use super::{Parts, Phone};
use crate::outside::{OutsideCx, OutsideRequest};
use crate::{AccountId, RequestId, RequestKind};
use bytes::Bytes;

impl Phone {
    /// The identifier of the next request outside of a dialog.
    pub fn next_request(&self) -> RequestId {
        RequestId(self.requests.count)
    }

    pub(super) fn send_request(
        &mut self,
        id: RequestId,
        account: AccountId,
        uri: Bytes,
        headers: Vec<(Bytes, Bytes)>,
        kind: RequestKind,
    ) {
        self.requests.count += 1;
        let Parts { mut cx, txs, accounts, requests, .. } = self.parts();
        let Some(Some(account)) = accounts.get_mut(usize::from(account.0)) else { return };
        let request =
            OutsideRequest::send(id, &mut OutsideCx { base: &mut cx, txs, account }, uri, headers, kind);
        if !request.has_ended() {
            requests.pending.insert(id, request);
        }
    }

    /// Runs `f` with a request, and removes the request if it has ended. Does nothing without such a request.
    pub(super) fn with_request(
        &mut self,
        id: RequestId,
        f: impl FnOnce(&mut OutsideRequest, &mut OutsideCx<'_, '_>),
    ) {
        let Parts { mut cx, txs, accounts, requests, .. } = self.parts();
        let Some(request) = requests.pending.get_mut(&id) else { return };
        let Some(Some(account)) = accounts.get_mut(usize::from(request.account().0)) else { return };
        f(request, &mut OutsideCx { base: &mut cx, txs, account });
        if request.has_ended() {
            requests.pending.remove(&id);
        }
    }

    /// Ends the requests of an account that is removed.
    pub(super) fn drop_requests_of(&mut self, account: AccountId) {
        let of_account = self.requests.pending.iter().filter(|(_, request)| request.account() == account);
        let ids: Vec<RequestId> = of_account.map(|(id, _)| *id).collect();
        for id in ids {
            self.with_request(id, |request, cx| request.drop_with_account(cx));
        }
    }
}

use crate::account::identity::Identity;
use crate::base::cx::Cx;
use crate::base::path::Path;
use crate::request::realms::Realms;
use crate::transaction::Transactions;

/// The context of a registration.
pub(in crate::account) struct RegistrationCx<'d, 'c> {
    pub(in crate::account) base: &'d mut Cx<'c>,
    pub(in crate::account) txs: &'d mut Transactions,
    pub(in crate::account) path: Option<&'d Path>,
    pub(in crate::account) identity: &'d Identity,
    pub(in crate::account) realms: &'d mut Realms,
}

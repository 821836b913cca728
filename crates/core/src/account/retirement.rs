use crate::Account;

/// What follows once the binding of an account is removed.
pub(crate) enum Retirement {
    /// It starts again, with this configuration.
    Replace(Box<Account>),
    /// It is removed, once its calls have ended too.
    Remove,
}

//! Phones with credentials, and links of attackers. They share no code with the phone of `offhook`.

mod dialog;
mod draft;
mod link;
mod phone;
mod serve;

pub(crate) use dialog::Dialog;
pub(crate) use draft::{Draft, body, branch, fresh, read, text};
pub(crate) use link::{Kind, Link, Target, connect};
pub(crate) use phone::{Account, Phone, guess};
pub(crate) use serve::{Behaviour, Serving};

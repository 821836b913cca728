//! Header values, read on demand and never copied.
//!
//! Each type parses one value; [`crate::Message`] has the readers that pick the row and name the header in
//! the error.

mod address;
mod cseq;
mod date;
mod dialogs;
mod error;
mod events;
mod params;
mod quoted;
mod reason;
mod via;

pub use address::{Addresses, Contact, Contacts, NameAddr};
pub use cseq::CSeq;
pub(crate) use date::is_sip_date;
pub use dialogs::Replaces;
pub use error::{HeaderError, SyntaxKind, ValueError};
pub use events::{Event, SubscriptionState};
pub use params::Params;
pub use quoted::unquote;
pub use reason::Reason;
pub(crate) use via::is_ipv6_byte;
pub use via::{Via, Vias};

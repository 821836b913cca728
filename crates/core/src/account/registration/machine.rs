//! The states, triggers and legal edges of a registration.

use crate::base::machine::{Table, named_enum};

named_enum! {
    pub(crate) enum Phase {
        Unregistered = "unregistered",
        Registering = "registering",
        Registered = "registered",
        Refreshing = "refreshing",
        Waiting = "waiting",
        Unregistering = "unregistering",
        Failed = "failed",
    }
}

named_enum! {
    pub(crate) enum Trigger {
        Wanted = "wanted",
        NotWanted = "not wanted",
        Connected = "connected",
        Disconnected = "disconnected",
        Challenged = "challenged",
        TooBrief = "423",
        Granted = "2xx",
        Failure = "failed",
        Limit = "limit reached",
        Refused = "refused",
        Due = "timer",
        Done = "done",
    }
}

/// Every legal edge.
pub(crate) static REGISTRATION: Table<Phase, Trigger> = {
    use Phase::{Failed, Refreshing, Registered, Registering, Unregistered, Unregistering, Waiting};
    Table(&[
        (Unregistered, Trigger::Wanted, Registering),
        (Unregistered, Trigger::NotWanted, Unregistered),
        (Registering, Trigger::Connected, Registering),
        (Registering, Trigger::Due, Registering),
        (Registering, Trigger::Challenged, Registering),
        (Registering, Trigger::TooBrief, Registering),
        (Registering, Trigger::Granted, Registered),
        (Registering, Trigger::Failure, Waiting),
        (Registering, Trigger::Limit, Failed),
        (Registering, Trigger::Refused, Failed),
        (Registering, Trigger::NotWanted, Unregistering),
        (Registering, Trigger::NotWanted, Unregistered),
        (Registered, Trigger::Due, Refreshing),
        (Registered, Trigger::Wanted, Refreshing),
        (Registered, Trigger::Disconnected, Registering),
        (Registered, Trigger::NotWanted, Unregistering),
        (Registered, Trigger::NotWanted, Unregistered),
        (Refreshing, Trigger::Challenged, Refreshing),
        (Refreshing, Trigger::TooBrief, Refreshing),
        (Refreshing, Trigger::Granted, Registered),
        (Refreshing, Trigger::Failure, Waiting),
        (Refreshing, Trigger::Limit, Failed),
        (Refreshing, Trigger::Refused, Failed),
        (Refreshing, Trigger::Disconnected, Registering),
        (Refreshing, Trigger::NotWanted, Unregistering),
        (Refreshing, Trigger::NotWanted, Unregistered),
        (Waiting, Trigger::Due, Registering),
        (Waiting, Trigger::Wanted, Registering),
        (Waiting, Trigger::NotWanted, Unregistering),
        (Waiting, Trigger::NotWanted, Unregistered),
        (Unregistering, Trigger::Challenged, Unregistering),
        (Unregistering, Trigger::Done, Unregistered),
        (Unregistering, Trigger::Disconnected, Unregistered),
        (Unregistering, Trigger::Wanted, Registering),
        (Failed, Trigger::Wanted, Registering),
        (Failed, Trigger::NotWanted, Unregistered),
    ])
};

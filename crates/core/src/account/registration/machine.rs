//! The legal ways of a registration.

use crate::base::machine::{Table, words};

words! {
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

words! {
    pub(crate) enum Step {
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
pub(crate) static REGISTRATION: Table<Phase, Step> = {
    use Phase::{Failed, Refreshing, Registered, Registering, Unregistered, Unregistering, Waiting};
    Table(&[
        (Unregistered, Step::Wanted, Registering),
        (Unregistered, Step::NotWanted, Unregistered),
        (Registering, Step::Connected, Registering),
        (Registering, Step::Due, Registering),
        (Registering, Step::Challenged, Registering),
        (Registering, Step::TooBrief, Registering),
        (Registering, Step::Granted, Registered),
        (Registering, Step::Failure, Waiting),
        (Registering, Step::Limit, Failed),
        (Registering, Step::Refused, Failed),
        (Registering, Step::NotWanted, Unregistering),
        (Registering, Step::NotWanted, Unregistered),
        (Registered, Step::Due, Refreshing),
        (Registered, Step::Wanted, Refreshing),
        (Registered, Step::Disconnected, Registering),
        (Registered, Step::NotWanted, Unregistering),
        (Registered, Step::NotWanted, Unregistered),
        (Refreshing, Step::Challenged, Refreshing),
        (Refreshing, Step::TooBrief, Refreshing),
        (Refreshing, Step::Granted, Registered),
        (Refreshing, Step::Failure, Waiting),
        (Refreshing, Step::Limit, Failed),
        (Refreshing, Step::Refused, Failed),
        (Refreshing, Step::Disconnected, Registering),
        (Refreshing, Step::NotWanted, Unregistering),
        (Refreshing, Step::NotWanted, Unregistered),
        (Waiting, Step::Due, Registering),
        (Waiting, Step::Wanted, Registering),
        (Waiting, Step::NotWanted, Unregistering),
        (Waiting, Step::NotWanted, Unregistered),
        (Unregistering, Step::Challenged, Unregistering),
        (Unregistering, Step::Done, Unregistered),
        (Unregistering, Step::Disconnected, Unregistered),
        (Unregistering, Step::Wanted, Registering),
        (Failed, Step::Wanted, Registering),
        (Failed, Step::NotWanted, Unregistered),
    ])
};

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
        Register = "register",
        Unregister = "unregister",
        Connected = "connected",
        Disconnected = "disconnected",
        Challenged = "challenged",
        TooBrief = "423",
        NoCredentials = "no credentials",
        NextServer = "503",
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
        (Unregistered, Trigger::Register, Registering),
        (Unregistered, Trigger::Unregister, Unregistered),
        (Registering, Trigger::Connected, Registering),
        (Registering, Trigger::Due, Registering),
        (Registering, Trigger::Challenged, Registering),
        (Registering, Trigger::TooBrief, Registering),
        (Registering, Trigger::NoCredentials, Registering),
        (Registering, Trigger::NextServer, Registering),
        (Registering, Trigger::Granted, Registered),
        (Registering, Trigger::Failure, Waiting),
        (Registering, Trigger::Limit, Failed),
        (Registering, Trigger::Refused, Failed),
        (Registering, Trigger::Unregister, Unregistering),
        (Registering, Trigger::Unregister, Unregistered),
        (Registered, Trigger::Due, Refreshing),
        (Registered, Trigger::Register, Refreshing),
        (Registered, Trigger::Disconnected, Registering),
        (Registered, Trigger::Unregister, Unregistering),
        (Registered, Trigger::Unregister, Unregistered),
        (Refreshing, Trigger::Challenged, Refreshing),
        (Refreshing, Trigger::TooBrief, Refreshing),
        (Refreshing, Trigger::NoCredentials, Registering),
        (Refreshing, Trigger::NextServer, Registering),
        (Refreshing, Trigger::Granted, Registered),
        (Refreshing, Trigger::Failure, Waiting),
        (Refreshing, Trigger::Limit, Failed),
        (Refreshing, Trigger::Refused, Failed),
        (Refreshing, Trigger::Disconnected, Registering),
        (Refreshing, Trigger::Unregister, Unregistering),
        (Refreshing, Trigger::Unregister, Unregistered),
        (Waiting, Trigger::Due, Registering),
        (Waiting, Trigger::Register, Registering),
        (Waiting, Trigger::Unregister, Unregistering),
        (Waiting, Trigger::Unregister, Unregistered),
        (Unregistering, Trigger::Challenged, Unregistering),
        (Unregistering, Trigger::Done, Unregistered),
        (Unregistering, Trigger::Disconnected, Unregistered),
        (Unregistering, Trigger::Register, Registering),
        (Failed, Trigger::Register, Registering),
        (Failed, Trigger::Unregister, Unregistered),
    ])
};

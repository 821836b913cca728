//! The messages of scripted calls on virtual time, as ladders that were checked against the RFCs. Identifiers are numbered by their first
//! appearance, so a ladder changes only when a message does.

#[path = "ladders/calls.rs"]
mod calls;
#[path = "ladders/changes.rs"]
mod changes;
#[path = "ladders/exchange.rs"]
mod exchange;
#[path = "ladders/media.rs"]
mod media;
#[path = "ladders/names.rs"]
mod names;
#[path = "ladders/realms.rs"]
mod realms;
#[path = "ladders/registration.rs"]
mod registration;
#[path = "ladders/requests.rs"]
mod requests;
#[path = "ladders/scene.rs"]
mod scene;
#[path = "ladders/usages.rs"]
mod usages;

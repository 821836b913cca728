//! Tests of the exchange with SIP messages as text, under virtual time.

mod attacker;
mod budget;
mod call;
mod contacts;
mod credentials;
mod datagrams;
mod fork;
mod guessing;
mod hijack;
mod hostile;
mod identity;
mod lab;
mod ladders;
mod recovery;
mod register;
mod routing;
mod stateless;
mod udp;
mod unauthenticated;
mod users;

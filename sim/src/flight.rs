//! Somebody who looks over the shoulder of each phone, as a recorder in its runtime would. The simulator knows no recorder.

use offhook::{Config, Input, Misuse, Output, Phone};
use offhook_wire::Instant;

/// What a runtime tells its recorder of one phone, in order.
pub trait Flight {
    /// It is about to be given this, at a time of its clock.
    fn before_input(&mut self, at: Instant, input: &Input);
    /// It was given that, with this outcome; or it was made.
    fn after_input(&mut self, phone: &Phone, handled: &Result<(), Misuse>);
    /// This was taken from it.
    fn output(&mut self, output: &Output);
    /// There is nothing more to take from it for now.
    fn idle(&mut self, phone: &Phone);
}

/// Gets the name of a phone, and what it is about to be made from, which it may let remember more.
pub type Flights<'f> = dyn FnMut(&str, &mut Config, &[u8; 32], Instant) -> Box<dyn Flight> + 'f;

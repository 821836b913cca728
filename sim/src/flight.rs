//! The interface of a recorder of a phone, as a runtime would attach one. The simulator itself has no recorder.

use offhook::{Config, Input, Misuse, Output, Phone};
use offhook_wire::Instant;

/// A recorder of one phone. The methods are called in the order of a runtime.
pub trait Flight {
    /// Before an input, with the time on the clock of the phone.
    fn before_input(&mut self, at: Instant, input: &Input);
    /// After the input, with its result; or after the phone was created.
    fn after_input(&mut self, phone: &Phone, handled: &Result<(), Misuse>);
    /// After an output was polled.
    fn output(&mut self, output: &Output);
    /// After all outputs were polled.
    fn idle(&mut self, phone: &Phone);
}

/// Creates the recorder of a phone, from its name, configuration, seed and start time. It may extend the trace in the configuration.
pub type Flights<'f> = dyn FnMut(&str, &mut Config, &[u8; 32], Instant) -> Box<dyn Flight> + 'f;

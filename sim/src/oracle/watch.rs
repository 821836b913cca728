//! What a phone takes the time to be.

use offhook_wire::Instant;

use super::Scene;

/// The clocks of phones as these believe them: time that runs backwards stands still.
#[derive(Default)]
pub(super) struct Watch {
    latest: Vec<Instant>,
}

impl Watch {
    /// The time of a phone, which was just handed something.
    pub(super) fn now(&mut self, scene: &Scene<'_>, phone: usize) -> Instant {
        self.latest.resize(scene.phones.len(), Instant::ZERO);
        let latest = &mut self.latest[phone];
        *latest = scene.phones[phone].local(scene.now).max(*latest);
        *latest
    }
}

//! Offers and answers alternate (RFC 3264 §4): an engine is never asked for what cannot come now.

use super::{Oracle, Scene, Sight};

pub(super) struct Negotiation;

impl Oracle for Negotiation {
    fn name(&self) -> &'static str {
        "negotiation"
    }

    fn see(&mut self, scene: &Scene<'_>, sight: &Sight<'_>) -> Result<(), String> {
        match sight {
            Sight::Disorder { end, what } => {
                Err(format!("{} asks the media of call {} for {what}", scene.phones[end.0].setup.name, end.1))
            }
            _ => Ok(()),
        }
    }
}

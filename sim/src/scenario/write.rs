//! Writing a scenario: one line for each node and step.

use std::fmt;

use super::{
    Action, Codec, ExchangeSetup, Fidelity, PhoneSetup, Scenario, Seconds, Step, Transport, Weather,
};
use offhook::{RedirectPolicy, ReferPolicy};

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "offhook-scenario 1")?;
        writeln!(f, "seed {}", self.seed)?;
        let phases = self.phases;
        let (faults, recovery, drain) =
            (Seconds(phases.faults), Seconds(phases.recovery), Seconds(phases.drain));
        writeln!(f, "span storm={faults} settle={recovery} quiesce={drain}")?;
        if self.media != Fidelity::Model {
            writeln!(f, "media {}", self.media)?;
        }
        for exchange in &self.exchanges {
            writeln!(f, "{exchange}")?;
        }
        for phone in &self.phones {
            writeln!(f, "{phone}")?;
        }
        for rogue in &self.rogues {
            writeln!(f, "{rogue}")?;
        }
        if !self.steps.is_empty() {
            writeln!(f)?;
        }
        for step in &self.steps {
            writeln!(f, "{}", self.describe(step))?;
        }
        Ok(())
    }
}

impl Scenario {
    /// The line of one step.
    pub fn describe(&self, step: &Step) -> String {
        let at = Seconds(step.at);
        match &step.action {
            Action::User { phone, action } => format!("{at} {} {action}", self.phones[*phone].name),
            Action::Fault(fault) => format!("{at} {}", fault.describe(self)),
            Action::Rogue { rogue, action } => format!("{at} {} {action}", self.rogues[*rogue].name),
        }
    }
}

impl fmt::Display for ExchangeSetup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exchange {}", self.name)?;
        if self.drift != 0 {
            write!(f, " drift={}", self.drift)?;
        }
        if self.two_homes {
            write!(f, " two-homes")?;
        }
        if let Some(least) = self.min_expires {
            write!(f, " min-expires={}", Seconds(least))?;
        }
        if self.says_trying {
            write!(f, " says-trying")?;
        }
        Ok(())
    }
}

impl fmt::Display for PhoneSetup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = PhoneSetup::new(self.name.as_str());
        write!(f, "phone {} {}", self.name, self.transport)?;
        if self.user != plain.user {
            write!(f, " user={}", self.user)?;
        }
        write!(f, "{}{}", self.weather, self.streaming)?;
        if let Some(nat) = self.nat {
            write!(f, " nat={}", Seconds(nat))?;
        }
        if self.drift != plain.drift {
            write!(f, " drift={}", self.drift)?;
        }
        if self.codecs != plain.codecs {
            let names: Vec<String> = self.codecs.iter().map(Codec::to_string).collect();
            write!(f, " codecs={}", names.join(","))?;
        }
        if !self.telephone_event {
            write!(f, " no-telephone-event")?;
        }
        if !self.right_password {
            write!(f, " wrong-password")?;
        }
        if let Some(attempts) = self.attempts {
            write!(f, " attempts={attempts}")?;
        }
        if self.expires != plain.expires {
            write!(f, " expires={}", Seconds(self.expires))?;
        }
        match self.refers {
            ReferPolicy::Ask => write!(f, " transfers=ask")?,
            ReferPolicy::Reject => write!(f, " transfers=reject")?,
            _ => {}
        }
        match self.redirects {
            RedirectPolicy::Follow => write!(f, " redirects=follow")?,
            RedirectPolicy::Report => write!(f, " redirects=report")?,
            _ => {}
        }
        if self.late_password {
            write!(f, " late-password")?;
        }
        if self.reliable {
            write!(f, " reliable")?;
        }
        if self.by_update {
            write!(f, " by-update")?;
        }
        if self.legs != plain.legs {
            write!(f, " legs={}", self.legs)?;
        }
        for (key, values) in [("realms", &self.realms), ("packages", &self.packages)] {
            if !values.is_empty() {
                write!(f, " {key}={}", values.join(","))?;
            }
        }
        Ok(())
    }
}

/// The settings that differ from [`Weather::CLEAR`], each with a leading space.
impl fmt::Display for Weather {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.delay != Self::CLEAR.delay {
            write!(f, " delay={}", Seconds(self.delay))?;
        }
        if self.jitter != Self::CLEAR.jitter {
            write!(f, " jitter={}", Seconds(self.jitter))?;
        }
        for (key, value) in [
            ("loss", self.loss),
            ("duplicate", self.duplicate),
            ("late", self.late),
            ("tail", self.tail),
            ("bursts", self.bursts),
        ] {
            if value != 0 {
                write!(f, " {key}={value}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Fidelity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Fidelity::Model => "model",
            #[cfg(feature = "media")]
            Fidelity::Real => "real",
        })
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Transport::Ws => "ws",
            Transport::Udp => "udp",
        })
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Codec::Opus => "opus",
            Codec::Pcmu => "pcmu",
            Codec::Pcma => "pcma",
        })
    }
}

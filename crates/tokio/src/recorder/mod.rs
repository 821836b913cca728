//! The flight recorder: what the phones of a program are given, written down beside their tasks.

mod desk;
mod inbox;
mod log;

pub use log::Desktop;

use crate::Clock;
use desk::Desk;
use inbox::{Ask, Sender, inbox};
use offhook::Instant;
use offhook_recorder::PhoneId;
use std::fmt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// What a [`Recorder`] keeps.
#[derive(Clone, Debug)]
pub struct Keep {
    /// So many bytes of the newest, for [`Recorder::dump`]. Default 4 MiB: some days of a phone that waits, or some
    /// hundred calls. What no longer fits is forgotten; what is left of a phone is replayed from the first moment on at which it
    /// rested, with neither a call nor a transaction: those of its own INVITEs, and over UDP all others' requests, last half a minute
    /// after their answer (RFC 6026 §7.2, RFC 3261 §17.2.2). A phone that is never quiet for so long has no such moment, and is
    /// replayed only as long as nothing of it was forgotten.
    pub memory: usize,
    /// Everything, up to 1 GiB, in this file.
    pub file: Option<PathBuf>,
}

impl Default for Keep {
    fn default() -> Self {
        Self { memory: 4 << 20, file: None }
    }
}

/// Records some phones, such that `offhook replay` runs again what happened to them.
///
/// A phone hands over what it is given and what it does, and never waits: redaction and writing are done by a thread of
/// the recorder's. Passwords, credentials, tokens, media keys, digits and texts are not in a recording; who called whom is.
/// The seed of the phone's tags and branches is, so keep a recording to yourself as long as its phones run.
///
/// ```no_run
/// # use offhook_tokio::{Keep, Options, Phone, Recorder};
/// # async fn example(config: offhook::Config) -> Result<(), Box<dyn std::error::Error>> {
/// let recorder = Recorder::start(Keep { file: Some("incident.offhook".into()), ..Keep::default() })?;
/// let options = Options { recorder: Some(recorder.track("alice")), ..Options::default() };
/// let phone = Phone::start_with(config, options).await?;
/// // …
/// phone.stop().await;
/// recorder.finish()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Recorder {
    inbox: Sender,
    tracks: Arc<AtomicU32>,
    /// Started with the recording: phones may have clocks of their own.
    clock: Clock,
}

/// A phone's place in a recording: [`Options::recorder`](crate::Options::recorder).
#[derive(Clone, Debug)]
pub struct Track {
    recorder: Recorder,
    name: String,
}

impl Recorder {
    /// Starts a recorder.
    ///
    /// # Errors
    /// When the file cannot be created, or no thread be started.
    pub fn start(keep: Keep) -> io::Result<Self> {
        let file = keep.file.as_deref().map(create).transpose()?;
        let (inbox, waiting) = inbox();
        let desk = Desk::new(keep.memory, file)?;
        std::thread::Builder::new().name("offhook-recorder".to_owned()).spawn(move || desk.run(&waiting))?;
        Ok(Self { inbox, tracks: Arc::default(), clock: Clock::start() })
    }

    /// The place of a phone. A name that is taken gets a number.
    pub fn track(&self, name: impl Into<String>) -> Track {
        Track { recorder: self.clone(), name: name.into() }
    }

    /// The recording of what is kept in memory. Waits for the recorder's thread, which takes milliseconds; it may be
    /// called from a panic hook. `None` when the recording was finished.
    pub fn dump(&self) -> Option<String> {
        self.inbox.ask(Ask::Dump)
    }

    /// Waits until all that happened so far is written, as it else is after some hundredths of a second. For a panic hook of a
    /// program that aborts.
    pub fn flush(&self) {
        // Without an answer it was finished, and all is written.
        let _ = self.inbox.ask(Ask::Flush);
    }

    /// Ends the recording and its file. What phones still do is not recorded. Waits for the recorder's thread.
    ///
    /// # Errors
    /// When something could not be written to the file, now or before.
    pub fn finish(self) -> io::Result<()> {
        self.inbox.ask(Ask::Finish).unwrap_or(Ok(()))
    }

    fn age(&self) -> Duration {
        self.clock.now().saturating_since(Instant::ZERO)
    }

    fn next_track(&self) -> PhoneId {
        PhoneId(self.tracks.fetch_add(1, Ordering::Relaxed))
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recorder({} phones)", self.tracks.load(Ordering::Relaxed))
    }
}

fn create(path: &Path) -> io::Result<File> {
    File::create(path)
}

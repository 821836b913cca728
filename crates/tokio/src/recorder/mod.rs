//! The flight recorder: records the inputs of phones in a separate thread.

mod notices;
mod sink;
mod writer;

pub use sink::TrackSink;

use crate::Clock;
use notices::{Request, Sender, queue};
use offhook::{Config, Instant};
use offhook_recorder::{Log, PhoneId};
use std::fmt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use writer::Writer;

/// The options of a [`Recorder`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RecorderOptions {
    /// The size of the in-memory ring in bytes, for [`Recorder::dump`]. Default 4 MiB: some days of an idle phone, or some hundred calls.
    /// The ring drops old inputs. When it does, a replay starts from the last checkpoint, taken when the phone had no call and no
    /// transaction. Transactions of its own INVITEs, and over UDP those of received requests, last about 30 s after their response (RFC
    /// 6026 §7.2, RFC 3261 §17.2.2). A phone that is never idle that long can be replayed only until the ring overflows.
    pub memory: usize,
    /// A file for the whole recording, up to 1 GiB.
    pub file: Option<PathBuf>,
}

impl Default for RecorderOptions {
    fn default() -> Self {
        Self { memory: 4 << 20, file: None }
    }
}

impl RecorderOptions {
    /// With a ring of this size in bytes.
    #[must_use]
    pub fn with_memory(mut self, memory: usize) -> Self {
        self.memory = memory;
        self
    }

    /// With a file for the whole recording.
    #[must_use]
    pub fn with_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.file = Some(file.into());
        self
    }
}

/// Records phones for `offhook replay`.
///
/// A phone never waits: redaction and writing are done by a thread of the recorder. A recording contains no passwords, credentials, tokens,
/// media keys, digits or texts, but it contains the addresses of calls and the seed of the phone's tags and branches. Anyone who knows the
/// seed can forge these, so keep a recording private while its phones run.
///
/// ```no_run
/// # use offhook_tokio::{RecorderOptions, Options, Phone, Recorder};
/// # async fn example(config: offhook::Config) -> Result<(), Box<dyn std::error::Error>> {
/// let recorder = Recorder::start(RecorderOptions::default().with_file("incident.offhook"))?;
/// let options = Options::default().with_recorder(recorder.track("alice"));
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
    /// The clock of the recording; phones may have others.
    clock: Clock,
}

/// The track of a phone in a recording: [`Options::recorder`](crate::Options::recorder).
#[derive(Clone, Debug)]
pub struct RecorderTrack {
    recorder: Recorder,
    name: String,
}

impl Recorder {
    /// Starts a recorder.
    ///
    /// # Errors
    /// If the file cannot be created or the thread cannot be started.
    pub fn start(keep: RecorderOptions) -> io::Result<Self> {
        let file = keep.file.as_deref().map(create).transpose()?;
        let (inbox, waiting) = queue();
        let writer = Writer::new(keep.memory, file)?;
        std::thread::Builder::new()
            .name("offhook-recorder".to_owned())
            .spawn(move || writer.run(&waiting))?;
        Ok(Self { inbox, tracks: Arc::default(), clock: Clock::start() })
    }

    /// A track for a phone. A number is added to a name in use.
    pub fn track(&self, name: impl Into<String>) -> RecorderTrack {
        RecorderTrack { recorder: self.clone(), name: name.into() }
    }

    /// The recording in memory. Waits some milliseconds for the recorder's thread; may be called from a panic hook. `None` if the recording
    /// is finished.
    pub fn dump(&self) -> Option<String> {
        self.inbox.request(Request::Dump)
    }

    /// Waits until everything so far is written, which otherwise happens within some 20 ms. For a panic hook of a program that aborts.
    pub fn flush(&self) {
        // Without a reply the recording is finished, and all is written.
        let _ = self.inbox.request(Request::Flush);
    }

    /// Ends the recording and its file. Phones that continue are no longer recorded. Waits for the recorder's thread.
    ///
    /// # Errors
    /// If anything could not be written to the file.
    pub fn finish(self) -> io::Result<()> {
        self.inbox.request(Request::Finish).unwrap_or(Ok(()))
    }

    fn age(&self) -> Duration {
        self.clock.now().saturating_since(Instant::ZERO)
    }

    fn next_track(&self) -> PhoneId {
        PhoneId(self.tracks.fetch_add(1, Ordering::Relaxed))
    }
}

impl RecorderTrack {
    /// For a host that drives an [`offhook::Phone`] itself: the log for its inputs and outputs. Call it with the configuration and seed
    /// before the phone is created from them.
    pub fn begin(&self, config: &mut Config, seed: &[u8; 32], now: Instant) -> Log<TrackSink> {
        let RecorderTrack { recorder, name } = self;
        let desktop = TrackSink(recorder.inbox.clone());
        Log::begin(desktop, recorder.next_track(), name, config, seed, (now, recorder.age()))
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

//! The writer thread.

use super::notices::{Notices, Receiver, Request};
use offhook_recorder::{Notice, PhoneId, RecordingWriter, Ring};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufWriter, Write};

/// The maximum size of a file in bytes, so that a forgotten recording does not fill the disk.
const MAX_FILE: u64 = 1 << 30;

pub(super) struct Writer {
    scribe: RecordingWriter,
    ring: Ring,
    file: Option<BufWriter<File>>,
    written: u64,
    /// The first error of the file.
    failed: Option<io::Error>,
    /// The tracks whose checksum is not written yet.
    unsettled: BTreeSet<PhoneId>,
    text: String,
}

impl Writer {
    pub(super) fn new(memory: usize, file: Option<File>) -> io::Result<Self> {
        let mut writer = Self {
            scribe: RecordingWriter::default(),
            ring: Ring::new(memory),
            file: file.map(BufWriter::new),
            written: 0,
            failed: None,
            unsettled: BTreeSet::new(),
            text: String::new(),
        };
        writer.write(&RecordingWriter::header());
        writer.failed.take().map_or(Ok(writer), Err)
    }

    /// Runs until the recording is finished, or all senders are gone.
    pub(super) fn run(mut self, inbox: &Receiver) {
        let mut notices = Notices::default();
        while let Some(requests) = inbox.receive(&mut notices) {
            notices.show(|track, notice| self.note(track, notice));
            // The queue is empty: write everything to the file.
            self.settle();
            self.flush();
            for request in requests {
                // The requester may be gone.
                match request {
                    Request::Flush(reply) => drop(reply.send(())),
                    Request::Dump(reply) => drop(reply.send(self.ring.to_text())),
                    Request::Finish(reply) => {
                        self.end();
                        drop(reply.send(self.failed.map_or(Ok(()), Err)));
                        return;
                    }
                }
            }
        }
        self.end();
    }

    fn note(&mut self, track: PhoneId, notice: &Notice) {
        let mut text = std::mem::take(&mut self.text);
        self.scribe.write(track, notice, &mut text);
        match notice {
            Notice::Created { .. } => {
                self.ring.add_phone(track, self.scribe.name(track).unwrap_or_default(), &text);
                self.unsettled.insert(track);
            }
            Notice::Removed => {
                self.ring.push(track, &text, false);
                self.ring.remove_phone(track);
                self.unsettled.remove(&track);
            }
            notice => {
                self.ring.push(track, &text, matches!(notice, Notice::Input { .. }));
                self.unsettled.insert(track);
            }
        }
        self.write(&text);
        text.clear();
        self.text = text;
    }

    /// Writes the checksums of all tracks.
    fn settle(&mut self) {
        for track in std::mem::take(&mut self.unsettled) {
            let mut text = String::new();
            self.scribe.write_check(track, &mut text);
            self.ring.push(track, &text, false);
            self.write(&text);
        }
    }

    fn write(&mut self, text: &str) {
        let Some(file) = &mut self.file else { return };
        self.written += text.len() as u64;
        let done = match self.written <= MAX_FILE {
            true => file.write_all(text.as_bytes()),
            false => {
                Err(io::Error::new(io::ErrorKind::FileTooLarge, "the recording has reached its maximum size"))
            }
        };
        self.check(done);
    }

    fn flush(&mut self) {
        if let Some(file) = &mut self.file {
            let done = file.flush();
            self.check(done);
        }
    }

    /// After an error nothing more is written: later lines would be meaningless after a gap.
    fn check(&mut self, done: io::Result<()>) {
        if let Err(why) = done {
            if let Some(mut file) = self.file.take() {
                // Keep what was written before.
                let _ = file.flush();
            }
            self.failed.get_or_insert(why);
        }
    }

    fn end(&mut self) {
        self.settle();
        self.write(&RecordingWriter::end());
        self.flush();
    }
}

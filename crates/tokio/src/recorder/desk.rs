//! The thread that writes.

use super::inbox::{Ask, Pile, Taker};
use offhook_recorder::{Notice, PhoneId, RecordingWriter, Ring};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufWriter, Write};

/// The longest file: one that nobody looks after should not fill a disk.
const LONGEST: u64 = 1 << 30;

pub(super) struct Desk {
    scribe: RecordingWriter,
    ring: Ring,
    file: Option<BufWriter<File>>,
    written: u64,
    /// The first thing that went wrong with the file.
    failed: Option<io::Error>,
    /// The tracks whose check is not written yet.
    unsettled: BTreeSet<PhoneId>,
    text: String,
}

impl Desk {
    pub(super) fn new(memory: usize, file: Option<File>) -> io::Result<Self> {
        let mut desk = Self {
            scribe: RecordingWriter::default(),
            ring: Ring::new(memory),
            file: file.map(BufWriter::new),
            written: 0,
            failed: None,
            unsettled: BTreeSet::new(),
            text: String::new(),
        };
        desk.write(&RecordingWriter::header());
        desk.failed.take().map_or(Ok(desk), Err)
    }

    /// Works until the recording is finished, or nobody is left who could add to it.
    pub(super) fn run(mut self, inbox: &Taker) {
        let mut pile = Pile::default();
        while let Some(asks) = inbox.take(&mut pile) {
            pile.show(|track, notice| self.note(track, notice));
            // A good time to let others see what there is.
            self.settle();
            self.flush();
            for ask in asks {
                // Who asked may have left.
                match ask {
                    Ask::Flush(reply) => drop(reply.send(())),
                    Ask::Dump(reply) => drop(reply.send(self.ring.to_text())),
                    Ask::Finish(reply) => {
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

    /// Says how far every phone is.
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
        let done = match self.written <= LONGEST {
            true => file.write_all(text.as_bytes()),
            false => {
                Err(io::Error::new(io::ErrorKind::FileTooLarge, "the recording is as long as it may be"))
            }
        };
        self.see(done);
    }

    fn flush(&mut self) {
        if let Some(file) = &mut self.file {
            let done = file.flush();
            self.see(done);
        }
    }

    /// A file that could not be written to is left as it is: what came later would make no sense in it.
    fn see(&mut self, done: io::Result<()>) {
        if let Err(why) = done {
            if let Some(mut file) = self.file.take() {
                // What was written before is worth something.
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

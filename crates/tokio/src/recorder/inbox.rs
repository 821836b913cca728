//! What waits for the thread that writes.
//!
//! Phones hand over some notices with each input, a million times a minute if they are many: a channel would wake the thread each
//! time, which costs a phone more than the input does. So it is woken when the first notice comes, lets some more come, and
//! takes all of them at once.

use offhook_recorder::{Batch, Notice, PhoneId, SinkStatus};
use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Notices that may wait, some megabytes of them. A phone that finds the recorder so far behind goes on without it.
const MOST: usize = 16_384;
/// The same, in bytes.
const MOST_BYTES: usize = 16 << 20;
/// So many wake the thread at once.
const ENOUGH: usize = MOST / 4;
/// How long others may wait, for more to come.
const NAP: Duration = Duration::from_millis(20);

/// What the thread is asked for.
pub(super) enum Ask {
    /// To have written all that was handed over before.
    Flush(SyncSender<()>),
    Dump(SyncSender<String>),
    Finish(SyncSender<io::Result<()>>),
}

/// The end that is handed things. The thread ends when there is none left.
pub(super) struct Sender(Arc<Inbox>);

/// The end of the thread.
pub(super) struct Taker(Arc<Inbox>);

struct Inbox {
    shelf: Mutex<Shelf>,
    come: Condvar,
}

struct Shelf {
    pile: Pile,
    /// What is in the pile was taken already. It is for a phone to free what phones made: memory that goes back to another thread
    /// costs both of them more.
    stale: bool,
    asks: Vec<Ask>,
    sleep: Sleep,
    senders: usize,
    /// The thread is no more.
    closed: bool,
}

impl Shelf {
    /// Whether no notice waits.
    fn is_empty(&self) -> bool {
        self.stale || self.pile.batch.is_empty()
    }
}

/// Notices, and whose they are: so many, one after another.
#[derive(Default)]
pub(super) struct Pile {
    batch: Batch,
    owners: Vec<(PhoneId, usize)>,
}

impl Pile {
    /// Shows them.
    pub(super) fn show(&mut self, mut see: impl FnMut(PhoneId, &Notice)) {
        let mut owners = self.owners.iter().flat_map(|(track, count)| std::iter::repeat_n(*track, *count));
        self.batch.for_each(|notice| {
            if let Some(track) = owners.next() {
                see(track, notice);
            }
        });
    }

    fn clear(&mut self) {
        self.owners.clear();
        self.batch.clear();
    }
}

#[derive(Copy, Clone, PartialEq, Eq)]
enum Sleep {
    /// Until anything comes.
    Deep,
    /// Until enough came, or for a while.
    Nap,
    Awake,
}

pub(super) fn inbox() -> (Sender, Taker) {
    let shelf = Shelf {
        pile: Pile::default(),
        stale: false,
        asks: Vec::new(),
        sleep: Sleep::Awake,
        senders: 1,
        closed: false,
    };
    let inbox = Arc::new(Inbox { shelf: Mutex::new(shelf), come: Condvar::new() });
    (Sender(Arc::clone(&inbox)), Taker(inbox))
}

impl Inbox {
    /// Nothing panics while it is locked but for want of memory.
    fn lock(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self, mut shelf: MutexGuard<'_, Shelf>) {
        shelf.sleep = Sleep::Awake;
        drop(shelf);
        self.come.notify_one();
    }
}

impl Sender {
    /// Lays down notices: all of them, or none.
    pub(super) fn lay(&self, track: PhoneId, notices: &mut Batch) -> SinkStatus {
        let mut shelf = self.0.lock();
        if shelf.closed {
            return SinkStatus::Closed;
        }
        if std::mem::take(&mut shelf.stale) {
            shelf.pile.clear();
        }
        let is_full = shelf.pile.batch.len() + notices.len() > MOST || shelf.pile.batch.bytes() > MOST_BYTES;
        if is_full && !notices.is_loss() {
            return SinkStatus::Full;
        }
        shelf.pile.owners.push((track, notices.len()));
        shelf.pile.batch.append(notices);
        match shelf.sleep {
            Sleep::Deep => self.0.wake(shelf),
            Sleep::Nap if shelf.pile.batch.len() >= ENOUGH => self.0.wake(shelf),
            Sleep::Nap | Sleep::Awake => {}
        }
        SinkStatus::Accepted
    }

    /// Asks, and waits for the answer. `None` when nobody answers any more.
    pub(super) fn ask<T>(&self, ask: impl FnOnce(SyncSender<T>) -> Ask) -> Option<T> {
        let (reply, answer): (_, Receiver<T>) = sync_channel(1);
        let mut shelf = self.0.lock();
        if shelf.closed {
            return None;
        }
        shelf.asks.push(ask(reply));
        self.0.wake(shelf);
        answer.recv().ok()
    }
}

impl Clone for Sender {
    fn clone(&self) -> Self {
        self.0.lock().senders += 1;
        Self(Arc::clone(&self.0))
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        let mut shelf = self.0.lock();
        shelf.senders -= 1;
        self.0.wake(shelf);
    }
}

impl Taker {
    /// Waits for something, and takes all that there is: the notices in exchange for those in `pile`, and what was asked for
    /// after them. `None` when nothing will come any more.
    pub(super) fn take(&self, pile: &mut Pile) -> Option<Vec<Ask>> {
        let mut shelf = self.0.lock();
        while shelf.is_empty() && shelf.asks.is_empty() {
            if shelf.senders == 0 {
                return None;
            }
            shelf.sleep = Sleep::Deep;
            shelf = self.0.come.wait(shelf).unwrap_or_else(PoisonError::into_inner);
        }
        if shelf.asks.is_empty() && (shelf.is_empty() || shelf.pile.batch.len() < ENOUGH) && shelf.senders > 0
        {
            shelf.sleep = Sleep::Nap;
            let more = |shelf: &mut Shelf| shelf.sleep == Sleep::Nap;
            let waited = self.0.come.wait_timeout_while(shelf, NAP, more);
            shelf = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        shelf.sleep = Sleep::Awake;
        if std::mem::replace(&mut shelf.stale, true) {
            pile.clear();
        } else {
            std::mem::swap(&mut shelf.pile, pile);
        }
        Some(std::mem::take(&mut shelf.asks))
    }
}

impl Drop for Taker {
    /// However the thread ends, nobody waits for it.
    fn drop(&mut self) {
        let mut shelf = self.0.lock();
        shelf.closed = true;
        shelf.asks.clear();
        shelf.pile = Pile::default();
    }
}

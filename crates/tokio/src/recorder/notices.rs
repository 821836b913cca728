//! The queue of notices for the writer thread.
//!
//! Phones add notices with each input, up to a million times a minute: a channel would wake the thread each time, which costs more than the
//! input itself. So the thread is woken by the first notice, waits for more, and takes all of them together.

use offhook_recorder::{Batch, Notice, PhoneId, SinkStatus};
use std::io;
use std::sync::mpsc::{self, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The maximum of queued notices, some megabytes. Beyond it, a phone continues without being recorded.
const CAPACITY: usize = 16_384;
/// The maximum in bytes.
const CAPACITY_BYTES: usize = 16 << 20;
/// The number of notices that wakes the thread immediately.
const WAKE_THRESHOLD: usize = CAPACITY / 4;
/// How long the thread waits for more notices.
const BATCH_DELAY: Duration = Duration::from_millis(20);

/// A request to the writer thread.
pub(super) enum Request {
    /// Write all earlier notices.
    Flush(SyncSender<()>),
    Dump(SyncSender<String>),
    Finish(SyncSender<io::Result<()>>),
}

/// The sending end. The thread ends when all senders are gone.
pub(super) struct Sender(Arc<Queue>);

/// The receiving end.
pub(super) struct Receiver(Arc<Queue>);

struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    notices: Notices,
    /// The notices were taken already and are freed by the next sender: freeing memory in another thread than the allocating one is slow.
    stale: bool,
    requests: Vec<Request>,
    wait: Wait,
    senders: usize,
    /// The thread has ended.
    closed: bool,
}

impl State {
    /// Whether no notice is queued.
    fn is_empty(&self) -> bool {
        self.stale || self.notices.batch.is_empty()
    }
}

/// Notices, and their tracks in runs of equal ones.
#[derive(Default)]
pub(super) struct Notices {
    batch: Batch,
    owners: Vec<(PhoneId, usize)>,
}

impl Notices {
    /// Visits each notice.
    pub(super) fn show(&mut self, mut visit: impl FnMut(PhoneId, &Notice)) {
        let mut owners = self.owners.iter().flat_map(|(track, count)| std::iter::repeat_n(*track, *count));
        self.batch.for_each(|notice| {
            if let Some(track) = owners.next() {
                visit(track, notice);
            }
        });
    }

    fn clear(&mut self) {
        self.owners.clear();
        self.batch.clear();
    }
}

#[derive(Copy, Clone, PartialEq, Eq)]
enum Wait {
    /// Waiting for a notice or request.
    Idle,
    /// Waiting for more notices, for a limited time.
    Batching,
    Running,
}

pub(super) fn queue() -> (Sender, Receiver) {
    let state = State {
        notices: Notices::default(),
        stale: false,
        requests: Vec::new(),
        wait: Wait::Running,
        senders: 1,
        closed: false,
    };
    let queue = Arc::new(Queue { state: Mutex::new(state), changed: Condvar::new() });
    (Sender(Arc::clone(&queue)), Receiver(queue))
}

impl Queue {
    /// A panic while it is locked is only possible without memory.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self, mut state: MutexGuard<'_, State>) {
        state.wait = Wait::Running;
        drop(state);
        self.changed.notify_one();
    }
}

impl Sender {
    /// Queues notices: all of them or none.
    pub(super) fn push(&self, track: PhoneId, notices: &mut Batch) -> SinkStatus {
        let mut state = self.0.lock();
        if state.closed {
            return SinkStatus::Closed;
        }
        if std::mem::take(&mut state.stale) {
            state.notices.clear();
        }
        let is_full = state.notices.batch.len() + notices.len() > CAPACITY
            || state.notices.batch.bytes() > CAPACITY_BYTES;
        if is_full && !notices.is_loss() {
            return SinkStatus::Full;
        }
        state.notices.owners.push((track, notices.len()));
        state.notices.batch.append(notices);
        match state.wait {
            Wait::Idle => self.0.wake(state),
            Wait::Batching if state.notices.batch.len() >= WAKE_THRESHOLD => self.0.wake(state),
            Wait::Batching | Wait::Running => {}
        }
        SinkStatus::Accepted
    }

    /// Sends a request and waits for the reply. `None` if the thread has ended.
    pub(super) fn request<T>(&self, request: impl FnOnce(SyncSender<T>) -> Request) -> Option<T> {
        let (reply, answer): (_, mpsc::Receiver<T>) = sync_channel(1);
        let mut state = self.0.lock();
        if state.closed {
            return None;
        }
        state.requests.push(request(reply));
        self.0.wake(state);
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
        let mut state = self.0.lock();
        state.senders -= 1;
        self.0.wake(state);
    }
}

impl Receiver {
    /// Waits for notices or requests, and takes all of them; the former content of `notices` is returned to the queue. `None` if all senders
    /// are gone.
    pub(super) fn receive(&self, notices: &mut Notices) -> Option<Vec<Request>> {
        let mut state = self.0.lock();
        while state.is_empty() && state.requests.is_empty() {
            if state.senders == 0 {
                return None;
            }
            state.wait = Wait::Idle;
            state = self.0.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.requests.is_empty()
            && (state.is_empty() || state.notices.batch.len() < WAKE_THRESHOLD)
            && state.senders > 0
        {
            state.wait = Wait::Batching;
            let more = |state: &mut State| state.wait == Wait::Batching;
            let waited = self.0.changed.wait_timeout_while(state, BATCH_DELAY, more);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        state.wait = Wait::Running;
        if std::mem::replace(&mut state.stale, true) {
            notices.clear();
        } else {
            std::mem::swap(&mut state.notices, notices);
        }
        Some(std::mem::take(&mut state.requests))
    }
}

impl Drop for Receiver {
    /// Ends the waits of all requests, also after a panic.
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.closed = true;
        state.requests.clear();
        state.notices = Notices::default();
    }
}

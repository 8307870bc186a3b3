//! A worker: consumes `submit`, with a lane per conversation.
//!
//! Only one batch of a conversation is under way at a time; what queues meanwhile is the next batch, and a lone message
//! waits for nobody. Records end in any order; the lowest unfinished offset of a partition is what is committed.

use std::collections::{BTreeMap, VecDeque};
use std::num::NonZeroUsize;
use std::time::Duration;

use bus::{Consumer, Message, progress::Progress};
use contracts::records::{Append, Command};
use contracts::trace::Steps;
use domain::{ConversationId, PortError};
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use lru::LruCache;
use tokio::time::{Instant, sleep_until};

use crate::append::{Outcome, append};
use crate::context::Context;
use crate::cursors::{Moves, flush};
use crate::decide::{State, Verdict};
use crate::fan_out::{fan_out, refuse};
use crate::meters::Meters;

/// Where a record is: partition and offset.
type Place = (u32, u64);

/// Something that a worker has under way, once it is done.
enum Done {
    Batch(Box<BatchDone>),
    Flush(Vec<Place>),
}

struct BatchDone {
    conversation: ConversationId,
    state: Option<State>,
    verdicts: Vec<Verdict>,
    /// Where each record is, and when it was taken.
    records: Vec<(Place, Instant)>,
}

/// A submission that waits its turn.
struct Waiting {
    place: Place,
    append: Append,
    /// When it was taken from `submit`.
    came: Instant,
}

/// Consumes its share of `submit` until the topic is closed and empty, and everything begun is finished.
pub(crate) struct Worker {
    context: Context,
    consumer: Box<dyn Consumer<Command>>,
    progress: Progress,
    /// What waits, by conversation, where a batch is under way.
    queues: BTreeMap<ConversationId, VecDeque<Waiting>>,
    /// What is known of conversations that are at rest.
    resting: LruCache<ConversationId, State>,
    under_way: FuturesUnordered<BoxFuture<'static, Result<Done, PortError>>>,
    moves: Moves,
    flush_at: Option<Instant>,
    flushing: bool,
    meters: Meters,
}

impl Worker {
    pub(crate) fn new(context: Context, consumer: Box<dyn Consumer<Command>>) -> Self {
        let lanes_max = NonZeroUsize::new(context.config.lanes_max).unwrap_or(NonZeroUsize::MIN);
        Self {
            context,
            consumer,
            progress: Progress::default(),
            queues: BTreeMap::new(),
            resting: LruCache::new(lanes_max),
            under_way: FuturesUnordered::new(),
            moves: Moves::default(),
            flush_at: None,
            flushing: false,
            meters: Meters::new(),
        }
    }

    /// Works until the topic is closed and everything is finished; an error is one that no retry can mend.
    pub(crate) async fn run(mut self) -> Result<(), bus::Error> {
        let mut open = true;
        loop {
            let full = self.progress.under_way() >= self.context.config.under_way_max;
            let flush_at = self.flush_at.filter(|_| !self.flushing);
            tokio::select! {
                biased;
                Some(done) = self.under_way.next() => self.finish(done?),
                () = sleep_until(flush_at.unwrap_or_else(Instant::now)), if flush_at.is_some() => self.flush(),
                taken = self.consumer.next(self.context.config.batch_entries_max), if open && !full => match taken {
                    Ok(messages) => {
                        let now = Instant::now();
                        self.meters.under_way.increment(messages.len() as f64);
                        messages.into_iter().for_each(|message| self.take(message, now));
                    }
                    Err(bus::Error::Closed) => open = false,
                    Err(error) => return Err(error),
                },
                else => {}
            }
            self.commit().await?;
            if !open && !self.flushing && !self.moves.is_empty() {
                self.flush();
            }
            if !open && self.under_way.is_empty() && self.moves.is_empty() {
                return Ok(());
            }
        }
    }

    fn take(&mut self, message: Message<Command>, came: Instant) {
        let place = (message.partition, message.offset);
        self.progress.begin(place.0, place.1);
        match message.record {
            Command::Append(append) => self.queue(Waiting { place, append, came }),
            Command::Move(asked) => {
                self.meters.moves.increment(1);
                self.moves.ask(&asked, place);
                self.schedule_flush();
            }
        }
    }

    fn queue(&mut self, waiting: Waiting) {
        let conversation = waiting.append.submission.identity.conversation;
        if let Some(queue) = self.queues.get_mut(&conversation) {
            queue.push_back(waiting);
            return;
        }
        self.queues.insert(conversation, VecDeque::new());
        let state = self.resting.pop(&conversation);
        self.start(conversation, state, vec![waiting]);
    }

    fn start(&mut self, conversation: ConversationId, state: Option<State>, batch: Vec<Waiting>) {
        let context = self.context.clone();
        self.under_way.push(Box::pin(async move {
            run_batch(&context, conversation, state, batch).await.map(|done| Done::Batch(Box::new(done)))
        }));
    }

    fn finish(&mut self, done: Done) {
        match done {
            Done::Flush(records) => {
                self.flushing = false;
                self.finish_records(records.into_iter());
            }
            Done::Batch(batch) => {
                self.meters.finished(batch.records.iter().map(|(_, came)| *came), &batch.verdicts);
                self.moves.sent(&batch.verdicts);
                self.schedule_flush();
                self.finish_records(batch.records.iter().map(|(place, _)| *place));
                self.go_on(batch.conversation, batch.state);
            }
        }
    }

    /// The next batch of a conversation, or rest.
    fn go_on(&mut self, conversation: ConversationId, state: Option<State>) {
        let config = std::sync::Arc::clone(&self.context.config);
        let queue =
            self.queues.get_mut(&conversation).expect("a conversation with a batch under way has a queue");
        let (mut batch, mut bytes) = (vec![], 0);
        while let Some(waiting) = queue.front() {
            bytes += waiting.append.submission.size_bytes();
            if batch.len() >= config.batch_entries_max
                || (bytes > config.batch_bytes_max && !batch.is_empty())
            {
                break;
            }
            batch.extend(queue.pop_front());
        }
        if batch.is_empty() {
            self.queues.remove(&conversation);
            if let Some(state) = state {
                self.resting.put(conversation, state);
            }
        } else {
            self.start(conversation, state, batch);
        }
    }

    fn schedule_flush(&mut self) {
        if self.moves.is_empty() {
            return;
        }
        let flush_in = Duration::from_millis(self.context.config.cursor_flush_ms);
        let at = *self.flush_at.get_or_insert_with(|| Instant::now() + flush_in);
        let config = &self.context.config;
        if self.moves.is_full(config.cursors_pending_max, config.under_way_max / 2) {
            self.flush_at = Some(at.min(Instant::now()));
        }
    }

    fn flush(&mut self) {
        self.flush_at = None;
        self.flushing = true;
        let (context, moves) = (self.context.clone(), std::mem::take(&mut self.moves));
        self.under_way.push(Box::pin(async move { Ok(Done::Flush(flush(&context, moves).await)) }));
    }

    fn finish_records(&mut self, records: impl ExactSizeIterator<Item = Place>) {
        self.meters.under_way.decrement(records.len() as f64);
        records.for_each(|(partition, offset)| self.progress.finish(partition, offset));
    }

    async fn commit(&mut self) -> Result<(), bus::Error> {
        for (partition, offset) in self.progress.take_commits() {
            self.context.fail.hit("before_commit");
            self.consumer.commit(partition, offset).await?;
        }
        Ok(())
    }
}

/// One batch of one conversation, from submissions to everybody who is to know.
async fn run_batch(
    context: &Context,
    conversation: ConversationId,
    state: Option<State>,
    waiting: Vec<Waiting>,
) -> Result<BatchDone, PortError> {
    let (records, batch): (Vec<_>, Vec<_>) =
        waiting.into_iter().map(|Waiting { place, append, came }| ((place, came), append)).unzip();
    let mut steps = Steps::after(batch.iter().filter_map(|append| append.trace.as_deref().copied()));
    match append(context, conversation, state, &batch, &mut steps).await {
        Ok(outcome) => {
            fan_out(context, conversation, &batch, &outcome, &mut steps).await?;
            let Outcome { verdicts, state } = outcome;
            Ok(BatchDone { conversation, state: Some(state), verdicts, records })
        }
        Err(failure) => {
            refuse(context, &batch, failure, &mut steps).await?;
            Ok(BatchDone { conversation, state: None, verdicts: vec![], records })
        }
    }
}

//! The replay itself: a task per person, who sends what is due and receives what others send, and one that conducts.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use domain::Content;
use protocol::frame::{FromDevice, Send};
use serde_json::value::RawValue;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::lane::{Due, Lane};
use super::text;
use super::trace::Trace;
use super::world::World;
use crate::bench::drive::{AFTER_LAST, QUIET, micros, sockets};
use crate::bench::figures::Measured;
use crate::bench::latencies::Latencies;
use crate::bench::lean::{Heard, LAGGED, Socket, number_of, numbered, parse};
use crate::bench::meter::{Meter, Numbers, Tally};
use crate::bench::out::Out;
use crate::bench::target::Target;

/// Refusals after which it is given up: more than a server that is only busy gives.
const REFUSED_MAX: u64 = 100_000;
/// Without an answer for this long it is given up.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a person's task tells the conductor.
enum Answer {
    Acked(usize),
    Refused(usize),
}

/// What all tasks share.
struct Shared {
    trace: Arc<Trace>,
    world: Arc<World>,
    start: Instant,
    unix_ms: u64,
    /// When each row was sent first, in microseconds since the start; 0 before that.
    sent_us: Vec<AtomicU64>,
}

/// One person at work.
struct Person {
    number: usize,
    socket: Socket,
    due: mpsc::Receiver<Due>,
    answers: mpsc::Sender<Answer>,
    over: watch::Receiver<bool>,
    shared: Arc<Shared>,
    /// The numbers of this person's groups, by the text of their ids.
    groups: HashMap<String, usize>,
    meters: HashMap<usize, Meter>,
    /// Messages that others send to this person.
    expected: u64,
    received: u64,
    /// When the last of them came.
    last: Option<Instant>,
    receive: Latencies,
    ack: Latencies,
}

/// Replays the trace.
pub(super) async fn run(
    trace: &Arc<Trace>,
    world: &Arc<World>,
    target: &Target,
    parallel: usize,
    out: &Out,
) -> Result<Measured> {
    let shared = Arc::new(Shared {
        trace: Arc::clone(trace),
        world: Arc::clone(world),
        start: Instant::now(),
        unix_ms: target.clock.server_time().unix_ms(),
        sent_us: trace.rows.iter().map(|_| AtomicU64::new(0)).collect(),
    });
    let sockets = sockets(target, &world.people, out).await?;

    // As many answers as there are messages: nobody ever waits to tell one, so nobody waits for each other.
    let (answers, answered) = mpsc::channel(trace.rows.len());
    let (over, told) = watch::channel(false);
    let mut people = JoinSet::new();
    let mut queues = Vec::new();
    for (number, socket) in sockets.into_iter().enumerate() {
        let (queue, due) = mpsc::channel(trace.rows.len());
        queues.push(queue);
        people.spawn(person(number, socket, due, answers.clone(), told.clone(), &shared).run());
    }
    drop(answers);
    let cpu = target.cpu_us();
    let begin = Instant::now();
    let conducting = conduct(&shared, answered, &queues, parallel.max(1), out);
    let (refused, mut ended) = tokio::select! {
        conducted = conducting => (conducted?, Vec::new()),
        // Nobody ends before it is over, except by failing.
        Some(failed) = people.join_next() => (0, vec![failed??]),
    };
    ensure!(ended.is_empty(), "somebody stopped before it was over");
    let seconds = begin.elapsed().as_secs_f64();
    over.send_replace(true);
    while let Some(person) = people.join_next().await {
        ended.push(person??);
    }
    let mut measured = gather(trace, &ended, refused, begin, seconds);
    measured.server_cpu_us = target.cpu_us().zip(cpu).map(|(after, before)| after.saturating_sub(before));
    measured.server_rss_bytes = target.rss_bytes();
    Ok(measured)
}

/// Sends what is due, group by group, until everything is stored. How many were refused on the way.
async fn conduct(
    shared: &Shared,
    mut answered: mpsc::Receiver<Answer>,
    queues: &[mpsc::Sender<Due>],
    parallel: usize,
    out: &Out,
) -> Result<u64> {
    let trace = &shared.trace;
    let bar = out.bar("messages", trace.rows.len() as u64);
    let mut lanes: Vec<Lane> = trace.groups.iter().map(Lane::new).collect();
    // The longest first: they are what takes longest.
    let mut waiting: Vec<usize> = (0..lanes.len()).collect();
    waiting.sort_by_key(|group| trace.groups[*group].rows.len());
    let (mut refused, mut acked) = (0, 0);
    for group in waiting.split_off(waiting.len().saturating_sub(parallel)) {
        send(shared, &mut lanes, group, queues)?;
    }
    while acked < trace.rows.len() {
        let answer = timeout(PATIENCE, answered.recv()).await.context("the server answers no more")?;
        let group = match answer.context("everybody is gone")? {
            Answer::Acked(row) => {
                let row = trace.rows[row];
                if lanes[row.group].acked(row.nth) {
                    acked += 1;
                    bar.inc(1);
                }
                row.group
            }
            Answer::Refused(row) => {
                refused += 1;
                ensure!(refused < REFUSED_MAX, "the server refused {refused} messages");
                lanes[trace.rows[row].group].refused();
                trace.rows[row].group
            }
        };
        send(shared, &mut lanes, group, queues)?;
        if lanes[group].is_done()
            && let Some(next) = waiting.pop()
        {
            send(shared, &mut lanes, next, queues)?;
        }
    }
    bar.finish_and_clear();
    Ok(refused)
}

fn send(shared: &Shared, lanes: &mut [Lane], group: usize, queues: &[mpsc::Sender<Due>]) -> Result<()> {
    for due in lanes[group].due(&shared.trace.groups[group], &shared.trace) {
        let sender = shared.trace.rows[due.row].person;
        ensure!(queues[sender].try_send(due).is_ok(), "person {sender} is gone");
    }
    Ok(())
}

fn person(
    number: usize,
    socket: Socket,
    due: mpsc::Receiver<Due>,
    answers: mpsc::Sender<Answer>,
    over: watch::Receiver<bool>,
    shared: &Arc<Shared>,
) -> Person {
    let trace = &shared.trace;
    let of = &trace.people[number];
    let groups = of.iter().map(|group| (shared.world.groups[*group].to_string(), *group)).collect();
    let others = |group: &usize| {
        trace.groups[*group].rows.iter().filter(|row| trace.rows[**row].person != number).count() as u64
    };
    Person {
        number,
        socket,
        due,
        answers,
        over,
        groups,
        meters: of.iter().map(|group| (*group, Meter::default())).collect(),
        expected: of.iter().map(others).sum(),
        received: 0,
        last: None,
        receive: Latencies::new(),
        ack: Latencies::new(),
        shared: Arc::clone(shared),
    }
}

impl Person {
    /// Sends and receives until it is over and everything that was expected came, or it has been quiet for long.
    async fn run(mut self) -> Result<Self> {
        let mut over = false;
        while !over || self.received < self.expected {
            tokio::select! {
                due = self.due.recv(), if !over => {
                    let Some(due) = due else { continue };
                    self.say(due)?;
                    while let Ok(due) = self.due.try_recv() {
                        self.say(due)?;
                    }
                    self.socket.write()?;
                }
                came = timeout(QUIET, self.socket.turn()) => match came {
                    Ok(came) => {
                        came?;
                        self.hear()?;
                    }
                    Err(_) if over => break,
                    Err(_) => {}
                },
                told = self.over.changed(), if !over => {
                    told.context("the replay failed")?;
                    over = *self.over.borrow_and_update();
                }
            }
        }
        if let Ok(came) = timeout(AFTER_LAST, self.socket.turn()).await {
            came?;
            self.hear()?;
        }
        Ok(self)
    }

    fn say(&mut self, due: Due) -> Result<()> {
        let shared = &self.shared;
        let row = shared.trace.rows[due.row];
        let body = Content::message(text::make(due.row, row.bytes)).to_body();
        let id = |row: usize| numbered(shared.unix_ms, row as u64);
        let first = AtomicU64::compare_exchange;
        // Another try does not begin anew.
        let now = micros(shared.start.elapsed()).max(1);
        let _ = first(&shared.sent_us[due.row], 0, now, Ordering::Relaxed, Ordering::Relaxed);
        self.socket.say(&FromDevice::Send(Send {
            conversation: shared.world.groups[row.group],
            client_id: id(due.row),
            body: RawValue::from_string(body.as_str().to_owned())?,
            after: due.after.map(id),
        }))
    }

    fn hear(&mut self) -> Result<()> {
        let came = Instant::now();
        let now = micros(came.saturating_duration_since(self.shared.start));
        while let Some(frame) = self.socket.next()? {
            match parse(frame)? {
                Heard::Entry(entry) if entry.kind == "message" => {
                    let row = row_of(entry.client_id)?;
                    let group =
                        *self.groups.get(entry.conversation).context("an entry of a group of others")?;
                    let told = self.shared.trace.rows.get(row).context("an entry of another replay")?;
                    ensure!(told.group == group, "an entry came in another group than it was sent to");
                    let meter = self.meters.entry(group).or_default();
                    if meter.received(told.nth, entry.position) {
                        self.received += 1;
                        self.last = Some(came);
                        let sent = self.shared.sent_us[row].load(Ordering::Relaxed);
                        self.receive.record(now.saturating_sub(sent));
                    }
                }
                Heard::Sent { client_id } => {
                    let row = row_of(client_id)?;
                    let sent = self.shared.sent_us.get(row).context("an ack of another replay")?;
                    self.ack.record(now.saturating_sub(sent.load(Ordering::Relaxed)));
                    drop(self.answers.try_send(Answer::Acked(row)));
                }
                Heard::Error(error) => match error.client_id {
                    Some(id) if error.error.code.retryable() => {
                        drop(self.answers.try_send(Answer::Refused(row_of(&id.to_string())?)));
                    }
                    _ => bail!("person {} was refused: {}", self.number, error.error),
                },
                Heard::Goodbye(goodbye) => bail!("person {} was sent away: {goodbye:?}", self.number),
                Heard::Lagged => bail!("person {}: {LAGGED}", self.number),
                Heard::Welcome | Heard::Entry(_) | Heard::Changes(_) | Heard::Other => {}
            }
        }
        Ok(())
    }
}

fn row_of(client_id: &str) -> Result<usize> {
    Ok(number_of(client_id).context("a client id without a number")? as usize)
}

fn gather(trace: &Trace, people: &[Person], refused: u64, begin: Instant, seconds: f64) -> Measured {
    let rows = trace.rows.len() as u64;
    let mut tally = Tally { sent: rows, acked: rows, refused, ..Tally::default() };
    let (mut ack, mut receive) = (Latencies::new(), Latencies::new());
    for person in people {
        for (group, meter) in &person.meters {
            let mut meant = Numbers::default();
            let of_others = trace.groups[*group].rows.iter().map(|row| trace.rows[*row]);
            for row in of_others.filter(|row| row.person != person.number) {
                meant.insert(row.nth);
            }
            tally += meter.tally(&meant);
        }
        ack.add(&person.ack);
        receive.add(&person.receive);
    }
    let last = people.iter().filter_map(|person| person.last).max();
    Measured {
        tally,
        // One that was refused is sent again, until it is stored.
        refused_by: None,
        ack,
        send_late: Latencies::new(),
        receive,
        seconds,
        received_seconds: last.map_or(0.0, |last| last.saturating_duration_since(begin).as_secs_f64()),
        server_cpu_us: None,
        server_rss_bytes: None,
    }
}

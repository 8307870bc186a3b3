//! What a relay does at its best, loaded as the benchmarks load the server.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::Relay;
use super::bytes::{Counter, Frames};
use super::part::{Part, UNDERSTOOD};
use crate::bench::ceilings::frames::Sizes;
use crate::bench::drive::{QUIET, micros};
use crate::bench::latencies::Latencies;

/// How often it is looked whether members have what was announced.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// What a relay did.
#[derive(Debug, Clone, Copy, serde::Serialize)]
pub(in crate::bench) struct Relayed {
    /// Frames delivered.
    pub(in crate::bench) per_s: f64,
    /// CPU time that the relay took for each.
    pub(in crate::bench) cpu_us_per_delivery: f64,
}

impl Relay {
    /// Pairs, each with a window of frames under way.
    pub(in crate::bench) async fn pairs(
        &self,
        pairs: usize,
        window: usize,
        sizes: Sizes,
        time: Duration,
    ) -> Result<Relayed> {
        let mut ends = Vec::new();
        for pair in 0..pairs as u64 {
            let listener = self.connect(Part::Listener { pair }).await?;
            let Sizes { send, entry, sent } = sizes;
            ends.push((self.connect(Part::Speaker { pair, send, entry, sent }).await?, listener));
        }
        let received = Arc::new(AtomicU64::new(0));
        let (cpu, begin) = (self.cpu_us(), Instant::now());
        let mut speaking = JoinSet::new();
        let mut listening = JoinSet::new();
        for (speaker, listener) in ends {
            speaking
                .spawn(async move { speak(&speaker, window, sizes, begin + time).await.map(|()| speaker) });
            listening.spawn(listen(listener, sizes.entry, Arc::clone(&received)));
        }
        // The sockets stay open until all is counted.
        let mut speakers = Vec::new();
        while let Some(spoken) = speaking.join_next().await {
            speakers.push(spoken??);
        }
        Ok(self.relayed(&received, begin, cpu))
    }

    /// One that announces to `members`, with a window of frames that not everybody has yet.
    pub(in crate::bench) async fn fan(
        &self,
        members: usize,
        window: usize,
        sizes: Sizes,
        time: Duration,
    ) -> Result<Relayed> {
        let received = Arc::new(AtomicU64::new(0));
        let mut listening = JoinSet::new();
        for member in self.connect_all(members, Part::Member).await? {
            listening.spawn(listen(member, sizes.entry, Arc::clone(&received)));
        }
        let announcer = self.connect(Part::Announcer { send: sizes.send, entry: sizes.entry }).await?;
        let (cpu, begin) = (self.cpu_us(), Instant::now());
        let (frames, mut announced) = (Frames::new(sizes.send), 0);
        while begin.elapsed() < time {
            if announced < received.load(Relaxed) / members.max(1) as u64 + window as u64 {
                frames.write(&announcer, 1).await?;
                announced += 1;
            } else {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        }
        let all = async {
            while received.load(Relaxed) < announced * members as u64 {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        drop(timeout(QUIET, all).await);
        Ok(self.relayed(&received, begin, cpu))
    }

    fn relayed(&self, received: &AtomicU64, begin: Instant, cpu: u64) -> Relayed {
        let count = received.load(Relaxed) as f64;
        let took = self.cpu_us().saturating_sub(cpu) as f64;
        Relayed { per_s: count / begin.elapsed().as_secs_f64(), cpu_us_per_delivery: took / count.max(1.0) }
    }

    /// Questions one after the other: how long each answer takes.
    pub(in crate::bench) async fn round_trips(
        &self,
        asked: usize,
        answer: usize,
        count: usize,
    ) -> Result<Latencies> {
        let stream = self.connect(Part::Asker { asked, answer }).await?;
        let (question, mut coming) = (Frames::new(asked), Counter::new(answer));
        let mut latencies = Latencies::new();
        for _ in 0..count {
            let begin = Instant::now();
            question.write(&stream, 1).await?;
            while coming.next(&stream).await? == 0 {}
            latencies.record(micros(begin.elapsed()));
        }
        Ok(latencies)
    }

    /// So many connections at once, each of which asks and is answered: how long it takes until all were.
    pub(in crate::bench) async fn storm(
        &self,
        connections: usize,
        asked: usize,
        answer: usize,
    ) -> Result<Duration> {
        let begin = Instant::now();
        let mut asking = JoinSet::new();
        for _ in 0..connections {
            let stream = TcpStream::connect(self.address.clone());
            asking.spawn(async move {
                let stream = stream.await?;
                stream.set_nodelay(true)?;
                super::bytes::write_all(&stream, format!("{}\n", Part::Asker { asked, answer }).as_bytes())
                    .await?;
                Frames::new(asked).write(&stream, 1).await?;
                // That the relay understood comes before the answer.
                let mut coming = Counter::new(UNDERSTOOD.len() + answer);
                while coming.next(&stream).await? == 0 {}
                stream.set_zero_linger()?;
                Ok::<_, anyhow::Error>(stream)
            });
        }
        let mut answered = Vec::new();
        while let Some(stream) = asking.join_next().await {
            answered.push(stream??);
        }
        Ok(begin.elapsed())
    }

    /// Bytes of memory that the relay holds for one idle connection.
    pub(in crate::bench) async fn idle_bytes(&self, connections: usize) -> Result<f64> {
        let before = self.rss_bytes();
        let held = self.connect_all(connections, Part::Asker { asked: 1, answer: 1 }).await?;
        let bytes = self.rss_bytes().saturating_sub(before) as f64;
        Ok(bytes / held.len().max(1) as f64)
    }
}

async fn speak(speaker: &TcpStream, window: usize, sizes: Sizes, end: Instant) -> Result<()> {
    let (frames, mut acks) = (Frames::new(sizes.send), Counter::new(sizes.sent));
    let mut outstanding = 0;
    while Instant::now() < end {
        frames.write(speaker, window - outstanding).await?;
        outstanding = window - acks.next(speaker).await?;
    }
    Ok(())
}

/// Counts until the relay is gone.
async fn listen(listener: TcpStream, entry: usize, received: Arc<AtomicU64>) {
    let mut coming = Counter::new(entry);
    while let Ok(count) = coming.next(&listener).await {
        received.fetch_add(count as u64, Relaxed);
    }
}

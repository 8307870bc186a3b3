//! The laws of the outbox: bounded, never silent, and nobody is harmed by another's slowness.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use bytes::Bytes;
use domain::Limits;

use crate::frames::LAGGED;
use crate::session::outbox::{Budget, Outbox, Pushed};
use crate::session::writing::Writing;
use crate::testing::FIRST;

fn limits(session: usize, gateway: usize) -> Limits {
    Limits { session_queue_bytes_max: session, gateway_queue_bytes_max: gateway, ..Limits::default() }
}

fn live() -> Outbox {
    let outbox = Outbox::default();
    outbox.open();
    drop(outbox.listen(Waker::noop()));
    outbox
}

fn frame(bytes: usize) -> Bytes {
    Bytes::from(vec![b'x'; bytes])
}

/// A socket that takes everything, or so many bytes.
struct Socket(usize);

impl tokio::io::AsyncWrite for Socket {
    fn poll_write(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        let taken = bytes.len().min(self.0);
        self.0 -= taken;
        if taken == 0 { Poll::Pending } else { Poll::Ready(Ok(taken)) }
    }

    fn poll_flush(self: std::pin::Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: std::pin::Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Writes as much as the socket takes. Gives the bytes.
fn drain(outbox: &Outbox, budget: &Budget, writing: &mut Writing, room: usize) -> usize {
    let (mut cx, mut socket) = (Context::from_waker(Waker::noop()), Socket(room));
    let mut total = 0;
    loop {
        if writing.is_empty() {
            outbox.take(writing);
        }
        if writing.is_empty() {
            return total;
        }
        match writing.poll_write(&mut cx, std::pin::Pin::new(&mut socket)) {
            Poll::Ready(result) => {
                let (bytes, _) = result.unwrap();
                outbox.wrote(Some(bytes), budget, FIRST);
                total += bytes;
            }
            Poll::Pending => {
                outbox.wrote(None, budget, FIRST);
                return total;
            }
        }
    }
}

#[test]
fn an_overflow_that_is_silent() {
    let budget = Budget::new(&limits(1_000, 1 << 30));
    let outbox = live();
    let pushed: Vec<Pushed> = (0..5).map(|_| outbox.event(&frame(400), &budget, FIRST)).collect();
    assert_eq!(
        pushed,
        [Pushed::Queued, Pushed::Queued, Pushed::Lagged, Pushed::Suppressed, Pushed::Suppressed]
    );
    assert_eq!(budget.used(), LAGGED.len(), "what waited was dropped, and one frame stands for it");
    assert_eq!(outbox.stuck_since(), Some(FIRST));
    let mut writing = Writing::default();
    assert_eq!(drain(&outbox, &budget, &mut writing, usize::MAX), LAGGED.len());
    assert_eq!((budget.used(), outbox.stuck_since()), (0, None));
    assert_eq!(outbox.event(&frame(1), &budget, FIRST), Pushed::Suppressed, "quiet until it syncs");
    assert_eq!(outbox.answer(frame(1), &budget, FIRST), Pushed::Queued, "its own questions are answered");
    outbox.resume();
    assert_eq!(outbox.event(&frame(1), &budget, FIRST), Pushed::Queued);
}

#[test]
fn a_session_that_is_told_twice_that_it_lags() {
    let budget = Budget::new(&limits(1_000, 1 << 30));
    let outbox = live();
    assert_eq!(outbox.event(&frame(10), &budget, FIRST), Pushed::Queued);
    assert!(outbox.lag(&budget));
    assert!(!outbox.lag(&budget));
    assert_eq!(budget.used(), 10 + LAGGED.len(), "what waited before is still in order");
}

#[test]
fn an_event_before_the_registration_is_echoed() {
    let budget = Budget::new(&Limits::default());
    let outbox = Outbox::default();
    assert_eq!(outbox.event(&frame(10), &budget, FIRST), Pushed::Suppressed);
    assert!(!outbox.lag(&budget));
    outbox.open();
    assert_eq!(outbox.event(&frame(10), &budget, FIRST), Pushed::Queued);
    let mut writing = Writing::default();
    outbox.take(&mut writing);
    assert!(
        writing.is_empty(),
        "the session does not know yet that it is live, and nothing goes before welcome"
    );
    drop(outbox.listen(Waker::noop()));
    outbox.welcome(frame(3), &budget);
    outbox.take(&mut writing);
    assert_eq!(drain(&outbox, &budget, &mut writing, 3), 3, "welcome goes first");
}

#[test]
fn a_slow_reader_that_harms_the_others() {
    let budget = Budget::new(&limits(256 << 10, 8 << 20));
    let (slow, quick) = (live(), live());
    let mut writing = Writing::default();
    let mut lagged = 0;
    for _ in 0..10_000 {
        lagged += usize::from(slow.event(&frame(500), &budget, FIRST) == Pushed::Lagged);
        assert_eq!(quick.event(&frame(500), &budget, FIRST), Pushed::Queued);
        assert_eq!(drain(&quick, &budget, &mut writing, usize::MAX), 500);
    }
    assert_eq!(lagged, 1);
    assert_eq!(quick.stuck_since(), None);
}

#[test]
fn a_thousand_slow_readers_that_use_up_the_gateways_memory() {
    let budget = Budget::new(&limits(256 << 10, 16 << 20));
    let slow: Vec<Outbox> = (0..1_000).map(|_| live()).collect();
    for _ in 0..200 {
        for outbox in &slow {
            outbox.event(&frame(1_000), &budget, FIRST);
        }
    }
    assert!(budget.used() < 16 << 20, "{}", budget.used());
    assert_eq!(live().event(&frame(1_000), &budget, FIRST), Pushed::Queued, "there is room for who reads");
    slow.iter().for_each(|outbox| outbox.discard(&budget));
    assert_eq!(budget.used(), 1_000);
}

#[test]
fn a_budget_that_is_not_given_back() {
    let budget = Budget::new(&limits(100_000, 1 << 30));
    let outbox = live();
    let mut writing = Writing::default();
    for round in 0..50_usize {
        for n in 0..20 {
            outbox.event(&frame(100 * n + 1), &budget, FIRST);
        }
        drain(&outbox, &budget, &mut writing, 1_000 * round);
        if round % 10 == 9 {
            outbox.resume();
        }
    }
    drain(&outbox, &budget, &mut writing, usize::MAX);
    assert_eq!(budget.used(), 0);
    outbox.changes(frame(1 << 20), &budget);
    drain(&outbox, &budget, &mut writing, 12_345);
    outbox.close([frame(5), frame(5)], &budget, FIRST, true);
    outbox.discard(&budget);
    assert_eq!(budget.used(), 0);
    assert_eq!(outbox.event(&frame(1), &budget, FIRST), Pushed::Suppressed);
}

#[test]
fn an_answer_to_a_sync_that_makes_its_session_lag_again() {
    let budget = Budget::new(&limits(1_000, 1 << 30));
    let outbox = live();
    outbox.changes(frame(5_000), &budget);
    assert!(outbox.has_answer());
    assert_eq!(outbox.event(&frame(400), &budget, FIRST), Pushed::Queued);
    assert_eq!(outbox.event(&frame(400), &budget, FIRST), Pushed::Queued);
    let mut writing = Writing::default();
    assert_eq!(drain(&outbox, &budget, &mut writing, 5_000), 5_000);
    assert!(!outbox.has_answer(), "the next sync can begin though more waits");
    assert_eq!(outbox.event(&frame(400), &budget, FIRST), Pushed::Lagged);
}

#[test]
fn a_task_that_sleeps_while_something_waits() {
    struct Count(AtomicU64);
    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let budget = Budget::new(&Limits::default());
    let (outbox, count) = (Outbox::default(), Arc::new(Count(AtomicU64::new(0))));
    outbox.open();
    let waker = Waker::from(Arc::clone(&count));
    let woken = || count.0.load(Ordering::SeqCst);
    assert!(outbox.listen(&waker).registered.is_some(), "told before it listened");
    outbox.event(&frame(1), &budget, FIRST);
    outbox.event(&frame(1), &budget, FIRST);
    assert_eq!(woken(), 1, "woken once for many");
    outbox.listen(&waker);
    outbox.tick();
    assert_eq!(woken(), 2);
    assert!(outbox.listen(&waker).tick);
}

#[test]
fn a_storm_of_syncs_that_uses_up_the_gateways_memory() {
    let budget = Budget::new(&limits(1_000, 10_000));
    let outbox = live();
    assert!(!budget.is_strained());
    outbox.changes(frame(5_001), &budget);
    assert!(budget.is_strained(), "those who sync now are told to come back");
    outbox.discard(&budget);
    assert!(!budget.is_strained());
}

#[test]
fn many_frames_in_many_writes() {
    let budget = Budget::new(&Limits::default());
    let outbox = live();
    for _ in 0..100 {
        outbox.event(&frame(7), &budget, FIRST);
    }
    let mut writing = Writing::default();
    outbox.take(&mut writing);
    let mut cx = Context::from_waker(Waker::noop());
    let mut io = Vectored(0);
    let Poll::Ready(Ok((bytes, frames))) = writing.poll_write(&mut cx, std::pin::Pin::new(&mut io)) else {
        panic!()
    };
    assert_eq!((bytes, frames, io.0), (64 * 7, 64, 1));
}

struct Vectored(usize);

impl tokio::io::AsyncWrite for Vectored {
    fn poll_write(
        self: std::pin::Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        panic!("one frame at a time");
    }

    fn poll_write_vectored(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut Context<'_>,
        slices: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        self.0 += 1;
        Poll::Ready(Ok(slices.iter().map(|slice| slice.len()).sum()))
    }

    fn poll_flush(self: std::pin::Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: std::pin::Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

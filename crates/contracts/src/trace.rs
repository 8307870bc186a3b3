//! The trace of a message through the boxes: which messages are traced, and the steps of those that are.
//!
//! Whether a message is traced is decided once, when a gateway receives it. From then on its [`Trace`] travels with it,
//! and each box adds a step whose parent is the step before. A message that is not traced carries nothing, and costs a
//! look at what is not there. Deliberately absent: where steps go and how many messages are traced, which is the
//! process's to say ([`install`]); and any "current" step, since a message's way crosses tasks and processes.

use std::fmt;
use std::sync::OnceLock;

use opentelemetry::global::{BoxedSpan, BoxedTracer, ObjectSafeTracer};
use opentelemetry::trace::{
    Span, SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState, Tracer,
};
use opentelemetry::{Context, KeyValue};

/// What steps are given to, if messages are traced at all.
static TRACER: OnceLock<BoxedTracer> = OnceLock::new();

/// From now on messages are traced by this tracer, whose sampler chooses them. Once in a process; later ones are not used.
pub fn install(tracer: impl ObjectSafeTracer + Send + Sync + 'static) {
    TRACER.get_or_init(|| BoxedTracer::new(Box::new(tracer)));
}

/// Where a traced message is: in which trace, at which step. Ids as W3C Trace Context has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trace {
    /// The trace.
    pub id: u128,
    /// The step that the next one comes after.
    pub step: u64,
}

impl Trace {
    fn context(self) -> Context {
        let (trace, step) =
            (TraceId::from_bytes(self.id.to_be_bytes()), SpanId::from_bytes(self.step.to_be_bytes()));
        let sampled = SpanContext::new(trace, step, TraceFlags::SAMPLED, true, TraceState::NONE);
        Context::new().with_remote_span_context(sampled)
    }
}

/// A step of a traced message. It ends when it is dropped.
pub struct Step(BoxedSpan);

impl Step {
    /// The first step of a message, if this one is traced.
    pub fn first(name: &'static str) -> Option<Self> {
        Self::begin(name, &Context::new())
    }

    fn begin(name: &'static str, parent: &Context) -> Option<Self> {
        let span = TRACER.get()?.start_with_context(name, parent);
        span.span_context().is_sampled().then_some(Self(span))
    }

    /// What is carried to whoever makes the next step.
    pub fn trace(&self) -> Trace {
        let context = self.0.span_context();
        Trace {
            id: u128::from_be_bytes(context.trace_id().to_bytes()),
            step: u64::from_be_bytes(context.span_id().to_bytes()),
        }
    }

    /// Notes something about it.
    pub fn note(&mut self, key: &'static str, value: impl fmt::Display) {
        self.0.set_attribute(KeyValue::new(key, value.to_string()));
    }
}

/// The traced ones of some messages that go the same way, each at its step. For most there is nothing in it.
#[derive(Default)]
pub struct Steps(Vec<(Trace, Option<Step>)>);

impl Steps {
    /// Messages that come from these steps.
    pub fn after(traces: impl IntoIterator<Item = Trace>) -> Self {
        Self(traces.into_iter().map(|trace| (trace, None)).collect())
    }

    /// Ends the step of each, and begins the next.
    pub fn next(&mut self, name: &'static str) {
        for (trace, step) in &mut self.0 {
            drop(step.take());
            *step = Step::begin(name, &trace.context());
            *trace = step.as_ref().map_or(*trace, Step::trace);
        }
    }

    /// Notes something about the step of each.
    pub fn note(&mut self, key: &'static str, value: impl fmt::Display) {
        for step in self.0.iter_mut().filter_map(|(_, step)| step.as_mut()) {
            step.note(key, &value);
        }
    }

    /// What is carried to whoever makes the next step.
    pub fn traces(&self) -> Vec<Trace> {
        self.0.iter().map(|(trace, _)| *trace).collect()
    }
}

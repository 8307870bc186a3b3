//! The first step of a traced message: that a gateway received it.

use contracts::records::Append;
use contracts::trace::Step;

/// Begins the trace of a message, if this one is traced. The step ends once the message is on its way to Messaging.
pub(crate) fn received(append: &mut Append) -> Option<Step> {
    let mut step = Step::first("gateway.receive")?;
    step.note("conversation", append.submission.identity.conversation);
    append.trace = Some(Box::new(step.trace()));
    Some(step)
}

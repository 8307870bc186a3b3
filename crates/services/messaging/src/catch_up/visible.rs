//! What of a log one person sees: the stretches of a page that fall into their spans. Pure.

use domain::{Position, Span};
use store_chat::Edge;

/// A stretch of a log to read: from an edge on, in its direction, up to and including a bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub edge: Edge,
    pub bound: Position,
}

impl Stretch {
    /// Whether an entry at `position`, read from the edge on, is still in it.
    pub(crate) fn holds(&self, position: Position) -> bool {
        match self.edge {
            Edge::After(_) => position <= self.bound,
            Edge::Before(_) => position >= self.bound,
        }
    }
}

/// The stretches that a page from `edge` on is read from, in reading order.
pub(crate) fn stretches(spans: &[Span], edge: Edge) -> Vec<Stretch> {
    match edge {
        Edge::After(after) => spans.iter().filter_map(|span| ahead(span, after)).collect(),
        Edge::Before(before) => spans.iter().rev().filter_map(|span| back(span, before)).collect(),
    }
}

fn ahead(span: &Span, after: Position) -> Option<Stretch> {
    let bound = span.to.unwrap_or(Position::END);
    let edge = after.max(before(span.from));
    (edge < bound).then_some(Stretch { edge: Edge::After(edge), bound })
}

fn back(span: &Span, until: Position) -> Option<Stretch> {
    let edge = span.to.map_or(until, |to| until.min(after(to)));
    (edge > span.from).then_some(Stretch { edge: Edge::Before(edge), bound: span.from })
}

/// The position just before, as an exclusive edge.
const fn before(position: Position) -> Position {
    Position { epoch: position.epoch, seq: position.seq.saturating_sub(1) }
}

/// The position just after, as an exclusive edge.
const fn after(position: Position) -> Position {
    Position { epoch: position.epoch, seq: position.seq.saturating_add(1) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seq: u64) -> Position {
        Position::new(1, seq)
    }

    /// Spans between sorted cut points, the last one open or not.
    fn spans() -> impl Strategy<Value = Vec<Span>> {
        (proptest::collection::btree_set(1u64..60, 0..8), any::<bool>()).prop_map(|(cuts, open)| {
            let cuts: Vec<u64> = cuts.into_iter().collect();
            let span = |pair: &[u64]| Span { from: at(pair[0]), to: pair.get(1).map(|to| at(*to)) };
            let mut spans: Vec<Span> = cuts.chunks(2).map(span).collect();
            if !open {
                spans.retain(|span| span.to.is_some());
            }
            spans
        })
    }

    proptest! {
        #[test]
        fn a_page_holds_what_the_spans_hold_and_nothing_else(spans in spans(), edge in 0u64..62, ahead: bool) {
            let (edge, log): (Edge, Vec<u64>) = if ahead {
                (Edge::After(at(edge)), (edge + 1..61).collect())
            } else {
                (Edge::Before(at(edge)), (1..edge.min(61)).rev().collect())
            };
            let read = |stretch: &Stretch| -> Vec<u64> {
                let past = |seq: &u64| match stretch.edge {
                    Edge::After(edge) => at(*seq) > edge,
                    Edge::Before(edge) => at(*seq) < edge,
                };
                log.iter().copied().filter(past).take_while(|seq| stretch.holds(at(*seq))).collect()
            };
            let page: Vec<u64> = stretches(&spans, edge).iter().flat_map(read).collect();
            let seen: Vec<u64> =
                log.iter().copied().filter(|seq| spans.iter().any(|span| span.holds(at(*seq)))).collect();
            prop_assert_eq!(page, seen);
        }
    }
}

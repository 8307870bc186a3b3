//! Laws of cursors.

use domain::{Cursor, Mark, Position};

use super::{ANSWERS, Engine, group, reopened, user};
use crate::CursorMove;

fn mark(epoch: u32, seq: u64) -> Mark {
    Mark::new(Position::new(epoch, seq), seq)
}

fn to(user_number: u8, cursor: Cursor) -> CursorMove {
    CursorMove { conversation: group(1), user: user(user_number), cursor }
}

fn cursor(delivered: Mark, read: Mark) -> Cursor {
    Cursor { delivered, read }
}

/// What a person has read would be unread again.
pub async fn cursors_never_go_back(engine: impl Engine) {
    let opened = engine.open().await;
    let mut merged = Cursor::default();
    let moves = [
        cursor(mark(1, 5), mark(1, 3)),
        cursor(mark(1, 4), mark(1, 4)),
        cursor(Mark::START, Mark::START),
        cursor(mark(2, 2), mark(1, 1)),
        cursor(mark(1, 9), mark(1, 9)),
        cursor(Mark::START, mark(3, 3)),
    ];
    for cursor in moves {
        merged = merged.merge(cursor);
        let answer = opened.chat.move_cursors(vec![to(1, cursor)]).await.expect(ANSWERS);
        assert_eq!(answer, [merged], "the answer is what is kept");
        assert_eq!(opened.chat.cursors(&[(group(1), user(1))]).await.expect(ANSWERS), [merged]);
    }
    let opened = reopened(&engine, opened).await;
    let all = moves.map(|cursor| to(1, cursor)).to_vec();
    let answer = opened.chat.move_cursors(all).await.expect(ANSWERS);
    assert_eq!(answer, [merged; 6], "all of them again, in one request");
}

/// Two devices that read at once: the slower one's word would undo the quicker one's.
pub async fn cursors_moved_at_once_never_lose_a_move(engine: impl Engine) {
    let opened = engine.open().await;
    let movers = (1..=40u64).map(|n| {
        let chat = opened.chat.clone();
        let cursor =
            if n % 2 == 0 { cursor(mark(1, n), Mark::START) } else { cursor(Mark::START, mark(1, n)) };
        tokio::spawn(async move {
            let answer = chat.move_cursors(vec![to(1, cursor), to(2, cursor)]).await.expect(ANSWERS);
            assert!(answer.iter().all(|merged| merged.merge(cursor) == *merged), "a move is in its answer");
        })
    });
    for mover in movers.collect::<Vec<_>>() {
        mover.await.expect("a move does not panic");
    }
    let kept = opened.chat.cursors(&[(group(1), user(1)), (group(1), user(2))]).await.expect(ANSWERS);
    assert_eq!(kept, [cursor(mark(1, 40), mark(1, 39)); 2]);
}

/// One person would see another's reading as their own.
pub async fn a_cursor_never_shows_for_another(engine: impl Engine) {
    let opened = engine.open().await;
    let (one, two) = (Cursor::read_up_to(mark(1, 1)), Cursor::read_up_to(mark(1, 2)));
    let elsewhere = CursorMove { conversation: group(2), ..to(1, two) };
    let answer = opened.chat.move_cursors(vec![to(2, two), to(1, one), elsewhere]).await.expect(ANSWERS);
    assert_eq!(answer, [two, one, two], "in the order asked");
    let asked = [(group(2), user(2)), (group(1), user(1)), (group(2), user(1)), (group(1), user(2))];
    let kept = opened.chat.cursors(&asked).await.expect(ANSWERS);
    assert_eq!(kept, [Cursor::default(), one, two, two], "in the order asked");
    assert_eq!(opened.chat.move_cursors(vec![]).await.expect(ANSWERS), []);
}

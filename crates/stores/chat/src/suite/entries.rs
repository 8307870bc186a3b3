//! Laws of what was stored: it stays what it was, and is found by what it is.

use std::sync::Arc;

use domain::{ClientId, DeviceId, Entry, Kind, Position, Region, Timestamp, UserId};

use super::{
    ANSWERS, Engine, NOW_MS, appended, body, entry, find, group, head, identities, log, reopened, user,
};
use crate::CursorMove;

/// One entry of each kind, with everything that an entry may have, at the edges of what it may be.
fn strange() -> Vec<Arc<Entry>> {
    let kinds = [
        Kind::Created,
        Kind::Message,
        Kind::Joined,
        Kind::Left,
        Kind::Removed,
        Kind::Role,
        Kind::Renamed,
        Kind::History,
        Kind::Other("poll".into()),
        Kind::Message,
    ];
    let at = |seq| Position::new(1, seq);
    let mut entries: Vec<_> =
        (1..).zip(kinds).map(|(seq, kind)| Entry { kind, ..entry(group(1), at(seq)) }).collect();
    for (entry, roster) in entries.iter_mut().zip([1, 1, 3, 4, 5, 6, 7, 8, 8, 8]) {
        entry.roster = Position::new(1, roster);
    }
    entries[1].body = None;
    entries[2].was = Some(Position::new(u32::MAX, domain::position::SEQ_MAX));
    entries[3].was = Some(Position::START);
    entries[8].body = Some(body(&"گروه 👩‍👩‍👧 ".repeat(2_000)));
    entries[9] = Entry {
        sender: UserId::from_bytes([255; 16]),
        device: DeviceId::from_bytes([0; 16]),
        client_id: ClientId::new((1 << 48) - 1, [255; 10]),
        time: Timestamp::from_unix_ms(u64::MAX),
        ordinal: domain::position::SEQ_MAX,
        ..entries[9].clone()
    };
    entries.into_iter().map(Arc::new).collect()
}

/// What one person wrote would not be what another reads.
pub async fn an_entry_is_never_altered(engine: impl Engine) {
    let opened = engine.open().await;
    let chat = &*opened.chat;
    let kept = strange();
    chat.append(group(1), Position::START, kept.clone()).await.expect(ANSWERS);
    assert_eq!(log(chat, group(1)).await, kept);
    assert_eq!(head(chat, group(1)).await, Some(kept[9].head()));
    let found: Vec<_> = find(chat, &identities(&kept)).await.into_iter().flatten().collect();
    assert_eq!(found, kept);
    for entry in kept {
        let read = chat.entry(group(1), entry.position).await.expect(ANSWERS);
        assert_eq!(read.as_deref(), Some(&*entry));
    }
}

/// A person would be told `sent` for a message of somebody else, and theirs would be gone.
pub async fn an_identity_is_never_anothers(engine: impl Engine) {
    let opened = engine.open().await;
    let chat = &*opened.chat;
    let kept = appended(chat, group(1), Position::START, 2).await;
    appended(chat, group(2), Position::START, 1).await;
    let mine = kept[0].identity();
    let others = [
        domain::Identity { sender: user(9), ..mine },
        domain::Identity { device: DeviceId::new(Region::ONLY, [9; 15]), ..mine },
        domain::Identity { client_id: ClientId::new(NOW_MS, [9; 10]), ..mine },
        domain::Identity { conversation: group(3), ..mine },
    ];
    for other in others {
        let found = find(chat, &[kept[1].identity(), other, mine]).await;
        assert_eq!(found, [Some(kept[1].clone()), None, Some(kept[0].clone())], "in the order asked");
    }
    assert_eq!(find(chat, &[]).await, []);
}

/// What is not there must be told from what cannot be read.
pub async fn an_entry_that_is_not_there_is_never_found(engine: impl Engine) {
    let opened = engine.open().await;
    let chat = &*opened.chat;
    assert_eq!(head(chat, group(1)).await, None);
    assert_eq!(log(chat, group(1)).await, []);
    appended(chat, group(1), Position::START, 2).await;
    for at in [Position::START, Position::new(1, 3), Position::new(2, 1), Position::END] {
        assert_eq!(chat.entry(group(1), at).await.expect(ANSWERS), None, "{at}");
    }
    assert_eq!(chat.entry(group(2), Position::new(1, 1)).await.expect(ANSWERS), None);
}

/// Acked is stored: a restart that loses an entry, an identity, a head or a cursor breaks the first two laws.
pub async fn what_was_acked_never_goes_by_reopening(engine: impl Engine) {
    let mut opened = engine.open().await;
    let mut kept: Vec<Arc<Entry>> = vec![];
    for round in 1..=3 {
        let chat = &*opened.chat;
        let after = kept.last().map_or(Position::START, |entry| entry.position);
        kept.extend(appended(chat, group(1), after, 4).await);
        let end = kept[kept.len() - 1].clone();
        let cursor = domain::Cursor::read_up_to(end.mark());
        let moves = vec![CursorMove { conversation: group(1), user: user(1), cursor }];
        chat.move_cursors(moves).await.expect(ANSWERS);
        opened = reopened(&engine, opened).await;
        let chat = &*opened.chat;
        assert_eq!(log(chat, group(1)).await, kept, "round {round}");
        assert_eq!(head(chat, group(1)).await, Some(end.head()), "round {round}");
        let found: Vec<_> = find(chat, &identities(&kept)).await.into_iter().flatten().collect();
        assert_eq!(found, kept, "round {round}");
        assert_eq!(chat.cursors(&[(group(1), user(1))]).await.expect(ANSWERS), [cursor], "round {round}");
        assert_eq!(chat.conversations(None, 9).await.expect(ANSWERS), [group(1)], "round {round}");
    }
}

//! Laws of the change index.

use std::sync::Arc;

use domain::{ConversationId, UserId};

use super::{ANSWERS, group, leased, registered, sessions, user};
use crate::{CHANGES_MAX, Changes, Registry, Stamp};

async fn mark(registry: &Arc<dyn Registry>, conversation: ConversationId, user: UserId) {
    registry.mark(conversation, &[user]).await.expect(ANSWERS);
}

async fn changes(registry: &Arc<dyn Registry>, since: Stamp, below: Option<Stamp>, limit: usize) -> Changes {
    let changes = registry.changes(user(1), since, below, limit).await.expect(ANSWERS);
    changes.expect("the index reaches back that far")
}

/// A device would fetch it twice, and a page would run out of room for others.
pub async fn a_change_is_never_listed_twice(registry: Arc<dyn Registry>) {
    for n in [1, 2, 3, 1, 1, 2] {
        mark(&registry, group(n), user(1)).await;
    }
    let all = changes(&registry, 0, None, 10).await;
    let listed: Vec<_> = all.rows.iter().map(|(_, conversation)| *conversation).collect();
    assert_eq!(listed, [group(2), group(1), group(3)], "newest first, each once");
    assert!(all.rows.is_sorted_by(|newer, older| newer.0 > older.0), "under stamps that grow");
    assert_eq!(all.rows[0].0, all.newest);
    assert_eq!(registry.newest(user(1)).await.expect(ANSWERS), all.newest);
    let since = all.rows[1].0;
    assert_eq!(
        changes(&registry, since, None, 10).await.rows,
        all.rows[..1],
        "what changed since, and only that"
    );
}

/// A device would miss a conversation for ever, since its next token is past it.
pub async fn a_page_of_changes_never_skips_or_repeats(registry: Arc<dyn Registry>) {
    for n in (0..50).chain(20..30) {
        mark(&registry, group(n), user(1)).await;
    }
    let all = changes(&registry, 0, None, usize::MAX).await;
    assert_eq!(all.rows.len(), 50);
    let (mut paged, mut below) = (vec![], None);
    loop {
        let page = changes(&registry, 0, below, 7).await;
        assert!(page.rows.len() <= 7);
        let Some((stamp, _)) = page.rows.last() else { break };
        below = Some(*stamp);
        paged.extend(page.rows);
        assert!(paged.len() <= 50, "the same rows again");
    }
    assert_eq!(paged, all.rows);
    let (oldest, newest) = (all.rows[49].0, all.rows[0].0);
    assert_eq!(changes(&registry, newest, None, 7).await.rows, []);
    assert_eq!(
        changes(&registry, newest, Some(oldest), 7).await.rows,
        [],
        "nothing is between crossed bounds"
    );
}

/// A device that was away for long would believe that it has everything.
pub async fn a_forgotten_change_is_never_passed_over(registry: Arc<dyn Registry>) {
    let max = CHANGES_MAX as u16;
    for n in 0..max {
        mark(&registry, group(n), user(1)).await;
    }
    let all = changes(&registry, 0, None, usize::MAX).await;
    assert_eq!(all.rows.len(), CHANGES_MAX, "what fits is kept");
    mark(&registry, group(max), user(1)).await;
    let forgotten = all.rows[CHANGES_MAX - 1].0;
    for since in [0, forgotten - 1] {
        let answer = registry.changes(user(1), since, None, 1).await.expect(ANSWERS);
        assert_eq!(answer, None, "since {since}, which is before what was forgotten");
    }
    let rest = changes(&registry, forgotten, None, usize::MAX).await;
    assert_eq!(rest.rows.len(), CHANGES_MAX, "all that changed since is there");
}

/// A token from a life that the engine forgot would hide what came after it.
pub async fn a_stamp_from_the_future_is_never_known(registry: Arc<dyn Registry>) {
    assert_eq!(
        changes(&registry, 0, None, 9).await,
        Changes { newest: 0, rows: vec![] },
        "of a user never marked"
    );
    assert_eq!(registry.changes(user(1), 1, None, 9).await.expect(ANSWERS), None);
    mark(&registry, group(1), user(1)).await;
    let newest = changes(&registry, 0, None, 9).await.newest;
    assert_eq!(registry.changes(user(1), newest + 1, None, 9).await.expect(ANSWERS), None);
}

/// A device would be told of conversations that its user is not in.
pub async fn a_change_never_shows_for_another_user(registry: Arc<dyn Registry>) {
    registry.mark(group(1), &[user(1), user(2)]).await.expect(ANSWERS);
    registry.mark(group(2), &[user(2)]).await.expect(ANSWERS);
    let listed: Vec<_> = changes(&registry, 0, None, 9).await.rows.into_iter().map(|(_, row)| row).collect();
    assert_eq!(listed, [group(1)]);
}

/// Two conversations under one stamp: a page that ends between them would lose one.
pub async fn marks_at_once_never_share_a_stamp(registry: Arc<dyn Registry>) {
    let marks = (0..40).map(|n| {
        let registry = registry.clone();
        tokio::spawn(async move { mark(&registry, group(n), user(1)).await })
    });
    for marking in marks.collect::<Vec<_>>() {
        marking.await.expect("a mark does not panic");
    }
    let all = changes(&registry, 0, None, usize::MAX).await;
    assert_eq!(all.rows.len(), 40);
    assert!(all.rows.is_sorted_by(|newer, older| newer.0 > older.0), "{:?}", all.rows);
}

/// The silent loss: a mark that did not see the session, whose device then read heads from before the mark.
pub async fn a_registered_session_is_never_left_untold(registry: Arc<dyn Registry>) {
    const MARKS: usize = 60;
    let lease = leased(&registry).await;
    for n in 1..=20 {
        let marking = registry.clone();
        let marker = tokio::spawn(async move {
            let mut told = 0;
            for _ in 0..MARKS {
                told += marking.mark(group(1), &[user(n)]).await.expect(ANSWERS)[0].len();
                tokio::task::yield_now().await;
            }
            told
        });
        while registry.newest(user(n)).await.expect(ANSWERS) < 20 {
            tokio::task::yield_now().await;
        }
        registered(&registry, lease, user(n), n.into()).await;
        let seen = registry.newest(user(n)).await.expect(ANSWERS) as usize;
        let told = marker.await.expect("a mark does not panic");
        assert!(told + seen >= MARKS, "{seen} marks were there to be read and {told} were told, of {MARKS}");
        assert_eq!(sessions(&registry, user(n)).await.len(), 1);
    }
}

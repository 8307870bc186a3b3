//! Groups: who may do what, who sees what, who is told.

use domain::{Code, Content, ConversationId, Kind, Position, Role, content::Users};
use protocol::frame::FromServer;

use crate::support::{Device, code, device, people, pushed, seqs, server, texts};

#[tokio::test]
async fn a_newcomer_reads_what_was_said_before_them() {
    let server = server(&[]).await;
    let (ada, bob, carol) =
        (device(&server, "ada").await, device(&server, "bob").await, device(&server, "carol").await);
    let group = ada.group(&[], false).await;
    ada.post(group, "secret").await;
    ada.http.add(group, &[bob.user()], ada.client_id()).await.unwrap();
    ada.post(group, "hello, bob").await;
    let seen = bob.history(group).await;
    assert_eq!(seqs(&seen), [3, 4], "from the entry that let bob in");
    let mut session = bob.connect().await;
    let shown = session.sync(None).await.remove(0).conversations.remove(0);
    assert_eq!((seqs(&shown.entries), shown.unread, shown.first), (vec![3, 4], 1, Position::new(1, 3)));
    for page in
        [client::http::Edge::Before(Position::new(1, 3)), client::http::Edge::Before(Position::new(1, 2))]
    {
        assert_eq!(bob.http.entries(group, page, None).await.unwrap().entries, []);
    }

    ada.http.set_history(group, true, ada.client_id()).await.unwrap();
    ada.http.add(group, &[carol.user()], ada.client_id()).await.unwrap();
    assert_eq!(seqs(&carol.history(group).await), [1, 2, 3, 4, 5, 6], "now newcomers see it all");
    assert_eq!(seqs(&bob.history(group).await), [3, 4, 5, 6], "what bob joined under holds for bob");
    assert_eq!(carol.http.conversation(group).await.unwrap().unread, 0, "what came before is not unread");
}

#[tokio::test]
async fn a_group_is_left_without_an_admin() {
    let server = server(&[]).await;
    let (ada, bob) = (device(&server, "ada").await, device(&server, "bob").await);
    let group = ada.group(&[&bob], false).await;
    let refusals = [
        code(ada.http.leave(group, ada.client_id()).await),
        code(ada.http.remove(group, &[ada.user()], ada.client_id()).await),
        code(ada.http.set_role(group, ada.user(), Role::Member, ada.client_id()).await),
    ];
    assert_eq!(refusals, [Code::LastAdmin; 3]);
    assert!(!Code::LastAdmin.retryable());
    ada.http.set_role(group, bob.user(), Role::Admin, ada.client_id()).await.unwrap();
    ada.http.leave(group, ada.client_id()).await.unwrap();
    assert_eq!(code(ada.http.post(group, "am I still here?", ada.client_id()).await), Code::NotAMember);
    let members = bob.http.members(group, None).await.unwrap().members;
    assert_eq!(
        members.iter().map(|member| (member.user, member.role)).collect::<Vec<_>>(),
        [(bob.user(), Role::Admin)]
    );
    bob.http.leave(group, bob.client_id()).await.unwrap();
    assert_eq!(seqs(&ada.history(group).await), [1, 2, 3], "who left keeps what they saw");
}

#[tokio::test]
async fn a_member_or_a_stranger_decides_about_others() {
    let server = server(&[]).await;
    let (ada, bob, carol) =
        (device(&server, "ada").await, device(&server, "bob").await, device(&server, "carol").await);
    let group = ada.group(&[&bob], false).await;
    let tried = async |who: &Device| {
        [
            code(who.http.add(group, &[carol.user()], who.client_id()).await),
            code(who.http.remove(group, &[ada.user()], who.client_id()).await),
            code(who.http.rename(group, "mine", who.client_id()).await),
            code(who.http.set_history(group, true, who.client_id()).await),
            code(who.http.set_role(group, who.user(), Role::Admin, who.client_id()).await),
        ]
    };
    assert_eq!(tried(&bob).await, [Code::Forbidden; 5]);
    assert_eq!(tried(&carol).await, [Code::NotFound; 5], "to a stranger the group is not there");
    for refusal in [
        code(carol.http.post(group, "let me in", carol.client_id()).await),
        code(carol.http.conversation(group).await),
        code(carol.http.members(group, None).await),
        code(carol.http.leave(group, carol.client_id()).await),
    ] {
        assert_eq!(refusal, Code::NotFound);
    }
    ada.http.set_role(group, bob.user(), Role::Admin, ada.client_id()).await.unwrap();
    bob.http.rename(group, "ours", bob.client_id()).await.unwrap();
    ada.http.set_role(group, bob.user(), Role::Member, ada.client_id()).await.unwrap();
    assert_eq!(code(bob.http.rename(group, "mine", bob.client_id()).await), Code::Forbidden);
    assert_eq!(ada.http.conversation(group).await.unwrap().group.unwrap().name, "ours");
    assert_eq!(seqs(&ada.history(group).await), [1, 2, 3, 4], "nothing of what was refused is in the log");
}

#[tokio::test]
async fn a_group_grows_beyond_its_limit() {
    let server = server(&["limits.group_members_max=3", "limits.members_per_request_max=5"]).await;
    let people = people(&server, "person", 7).await;
    let users: Vec<_> = people.iter().map(Device::user).collect();
    let ada = &people[0];
    assert_eq!(code(ada.http.group("four", &users[1..4], false, ada.client_id()).await), Code::GroupFull);
    let group = ada.group(&[&people[1]], false).await;
    assert_eq!(
        code(ada.http.add(group, &users[2..4], ada.client_id()).await),
        Code::GroupFull,
        "all or nobody"
    );
    assert_eq!(code(ada.http.add(group, &users[1..7], ada.client_id()).await), Code::TooLarge);
    ada.http.add(group, &users[1..3], ada.client_id()).await.unwrap();
    assert_eq!(code(ada.http.add(group, &users[3..4], ada.client_id()).await), Code::GroupFull);
    ada.http.remove(group, &users[2..3], ada.client_id()).await.unwrap();
    ada.http.add(group, &users[3..4], ada.client_id()).await.unwrap();
    assert_eq!(ada.http.members(group, None).await.unwrap().members.len(), 3);
    let nobody = domain::UserId::new(domain::Region::ONLY, [7; 15]);
    assert_eq!(code(ada.http.add(group, &[nobody], ada.client_id()).await), Code::NotFound);
    assert_eq!(code(ada.http.add(group, &[], ada.client_id()).await), Code::BadRequest);
}

#[tokio::test]
async fn a_retry_makes_a_second_group_or_a_second_change() {
    let server = server(&[]).await;
    let (ada, bob) = (device(&server, "ada").await, device(&server, "bob").await);
    let key = ada.client_id();
    let first = ada.http.group("team", &[bob.user()], false, key).await.unwrap().id;
    let again = ada.http.group("team", &[bob.user()], false, key).await.unwrap().id;
    assert_eq!(first, again);
    assert_eq!(code(ada.http.group("another", &[bob.user()], false, key).await), Code::Conflict);
    let key = ada.client_id();
    let renamed = ada.http.rename(first, "crew", key).await.unwrap();
    assert_eq!(ada.http.rename(first, "crew", key).await.unwrap(), renamed);
    assert_eq!(code(ada.http.rename(first, "gang", key).await), Code::Conflict);
    assert_eq!(seqs(&ada.history(first).await), [1, 2]);
    assert_eq!(ada.http.conversations(None).await.unwrap().conversations.len(), 1);
}

#[tokio::test]
async fn a_removed_member_who_comes_back_sees_what_was_said_meanwhile() {
    let server = server(&[]).await;
    let (ada, bob) = (device(&server, "ada").await, device(&server, "bob").await);
    let group = ada.group(&[&bob], false).await;
    let mut session = bob.connect().await;
    let removed = ada.http.remove(group, &[bob.user()], ada.client_id()).await.unwrap().position;
    ada.post(group, "about bob").await;
    let back = ada.http.add(group, &[bob.user()], ada.client_id()).await.unwrap().position;
    ada.post(group, "welcome back").await;
    let live = session.hears(group, "welcome back").await;
    let expected = [removed.seq, back.seq, back.seq + 1];
    assert_eq!(seqs(&live), expected, "live: both edges, and nothing between them");
    assert_eq!(seqs(&bob.history(group).await), [1, removed.seq, back.seq, back.seq + 1]);
    assert_eq!(texts(&bob.history(group).await), ["welcome back"]);
    let shown = session.sync(None).await.remove(0).conversations.remove(0);
    assert_eq!(shown.unread, 1);
}

#[tokio::test]
async fn an_entry_reaches_people_who_were_removed_by_the_same_request_as_others() {
    let server = server(&[]).await;
    let people = people(&server, "person", 5).await;
    let group: ConversationId = people[0].group(&people.iter().skip(1).collect::<Vec<_>>(), false).await;
    let mut sessions = crate::support::connected(&people).await;
    let gone = [people[1].user(), people[2].user()];
    people[0].http.remove(group, &gone, people[0].client_id()).await.unwrap();
    people[0].post(group, "without them").await;
    for session in &mut sessions[3..] {
        session.hears(group, "without them").await;
    }
    let expected = Content::Removed(Users {
        users: {
            let mut gone = gone.to_vec();
            gone.sort();
            gone
        },
    })
    .to_body();
    for session in &mut sessions[1..3] {
        let entries = session.entries(group, 1).await;
        assert_eq!((&entries[0].kind, entries[0].body.as_ref()), (&Kind::Removed, Some(&expected)));
        session.ping().await;
        assert_eq!(pushed(&session.heard, group).len(), 1);
        assert!(!session.heard.iter().any(|frame| matches!(frame, FromServer::Lagged {})));
    }
}

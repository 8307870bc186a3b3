//! What a session does when it is told that it is behind, or that its token is not known any more.

use domain::{Content, Kind};
use protocol::frame::{Changes, FromDevice, FromServer, Send};

use super::world::{World, conversation};
use super::{Core, Effect, Event, Options, Queued, Saved, Step};

fn live(world: &World) -> Core {
    let mut core = Core::new(Options::default(), Saved::default(), Vec::new(), 3);
    core.opened(0, "token");
    core.frame(0, world.welcome());
    core
}

fn synced(core: &mut Core, world: &mut World) {
    let changes = world.sync(None);
    assert!(!changes.more);
    core.frame(0, FromServer::Changes(changes));
}

fn said(core: &mut Core) -> Vec<FromDevice<'static>> {
    let effects = std::iter::from_fn(|| core.next_effect());
    effects.filter_map(|effect| if let Effect::Frame(frame) = effect { Some(frame) } else { None }).collect()
}

fn events(core: &mut Core) -> Vec<Event> {
    let effects = std::iter::from_fn(|| core.next_effect());
    effects.filter_map(|effect| if let Effect::Give(event) = effect { Some(event) } else { None }).collect()
}

fn entries(core: &mut Core) -> Vec<u64> {
    let seq = |event| if let Event::Entry(entry) = event { Some(entry.position.seq) } else { None };
    events(core).into_iter().filter_map(seq).collect()
}

#[test]
fn a_lagged_session_syncs_and_sends_again_what_was_not_acked() {
    let mut world = World::default();
    let mut core = live(&world);
    synced(&mut core, &mut world);
    let client_id = domain::ClientId::new(1, [1; 10]);
    core.queue(0, Queued { conversation: conversation(0), client_id, body: Content::message("x").to_body() });
    said(&mut core);
    core.frame(1, FromServer::Lagged {});
    let again = said(&mut core);
    assert!(
        matches!(&again[0], FromDevice::Send(Send { client_id: id, .. }) if *id == client_id),
        "{again:?}"
    );
    assert!(matches!(&again[1], FromDevice::Sync { token: Some(_) }), "{again:?}");
}

#[test]
fn a_session_that_lags_while_it_syncs_syncs_once_more() {
    let mut world = World::default();
    let mut core = live(&world);
    core.frame(1, FromServer::Lagged {});
    said(&mut core);
    synced(&mut core, &mut world);
    assert!(matches!(&said(&mut core)[..], [FromDevice::Sync { token: Some(_) }]));
    synced(&mut core, &mut world);
    assert!(said(&mut core).is_empty());
}

#[test]
fn a_server_that_begins_anew_is_followed_from_its_beginning() {
    let mut world = World::default();
    let mut core = live(&world);
    (0..3).for_each(|_| drop(world.append(conversation(0), 2, Kind::Message, true)));
    synced(&mut core, &mut world);
    assert_eq!(entries(&mut core), [1, 2, 3]);
    core.closed(1, super::Ended::Broken("cut".into()));

    let mut other = World::default();
    other.incarnation = 9;
    other.append(conversation(0), 3, Kind::Message, true);
    core.opened(2, "token");
    core.frame(2, other.welcome());
    let changes = other.sync(Some("0:3"));
    assert!(changes.reset);
    core.frame(2, FromServer::Changes(changes));
    assert_eq!(entries(&mut core), [1], "the log of the other store, from its start");
}

#[test]
fn a_token_is_not_saved_before_the_app_was_given_all_that_it_covers() {
    let mut world = World::default();
    let mut core = live(&world);
    world.append(conversation(0), 2, Kind::Message, true);
    synced(&mut core, &mut world);
    events(&mut core);
    (0..6).for_each(|_| drop(world.append(conversation(0), 2, Kind::Message, true)));
    core.frame(1, FromServer::Lagged {});
    synced(&mut core, &mut world);
    let mut order = Vec::new();
    while let Some(effect) = core.next_effect() {
        match effect {
            Effect::Save(Step::Token(_)) => order.push("token".to_owned()),
            Effect::Give(Event::Entry(entry)) => order.push(entry.position.to_string()),
            Effect::Fetch(id, after) => core.page(1, id, after, Ok(world.page(id, after))),
            _ => {}
        }
    }
    assert_eq!(order, ["1:2", "1:3", "1:4", "1:5", "1:6", "1:7", "token"]);
}

#[test]
fn a_conversation_that_is_not_in_the_whole_list_is_gone_and_only_then() {
    let mut world = World::default();
    let mut core = live(&world);
    world.append(conversation(0), 2, Kind::Message, true);
    world.append(conversation(1), 2, Kind::Message, true);
    synced(&mut core, &mut world);
    events(&mut core);
    let list = |reset| {
        let changes = Changes { token: "0:9".into(), more: false, reset, conversations: Vec::new() };
        FromServer::Changes(changes)
    };
    core.frame(1, FromServer::Lagged {});
    core.frame(1, list(false));
    assert!(!events(&mut core).iter().any(|event| matches!(event, Event::Gone(_))));
    core.frame(1, FromServer::Lagged {});
    let entry = world.append(conversation(1), 2, Kind::Message, true);
    core.frame(1, FromServer::Entry { entry });
    core.frame(1, list(true));
    let gone = |event| if let Event::Gone(id) = event { Some(id) } else { None };
    let gone: Vec<_> = events(&mut core).into_iter().filter_map(gone).collect();
    assert_eq!(gone, [conversation(0)], "of the other one something came meanwhile");
}

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
    assert_eq!(
        to_its_end(&mut core, &world),
        ["1:2", "0/1:1 fetched", "gone 0", "token"],
        "of the other one something came meanwhile"
    );
}

/// What the app is given while pages are read, until there is nothing more to read.
fn to_its_end(core: &mut Core, world: &World) -> Vec<String> {
    let name = |id| (0..4).find(|n| conversation(*n) == id).unwrap();
    let mut given = Vec::new();
    while let Some(effect) = core.next_effect() {
        match effect {
            Effect::Fetch(id, after) => {
                given.push(format!("{}/{after} fetched", name(id)));
                core.page(1, id, after, Ok(world.page(id, after)));
            }
            Effect::Give(Event::Entry(entry)) => given.push(entry.position.to_string()),
            Effect::Give(Event::Gone(id)) => given.push(format!("gone {}", name(id))),
            Effect::Save(Step::Token(_)) => given.push("token".to_owned()),
            _ => {}
        }
    }
    given
}

#[test]
fn the_last_entries_of_a_group_that_a_reset_does_not_list_are_lost() {
    let mut world = World::default();
    let mut core = live(&world);
    world.append(conversation(2), 2, Kind::Created, true);
    synced(&mut core, &mut world);
    events(&mut core);
    // Said, and then the person was removed, just before the server died.
    (0..4).for_each(|_| drop(world.append(conversation(2), 2, Kind::Message, true)));
    core.closed(1, super::Ended::Broken("cut".into()));
    core.opened(1, "token");
    core.frame(1, world.welcome());
    let nothing = Changes { token: "1:9".into(), more: false, reset: true, conversations: Vec::new() };
    core.frame(1, FromServer::Changes(nothing));
    let given = to_its_end(&mut core, &world);
    let expected = ["2/1:1 fetched", "1:2", "1:3", "1:4", "2/1:4 fetched", "1:5", "gone 2", "token"];
    assert_eq!(given, expected);
}

//! Whatever a network and a server do, the app is given each entry once and in order, and each message is stored once.

mod resume;
mod session;
mod world;

use std::collections::{BTreeMap, VecDeque};

use domain::{ClientId, Content, ConversationId, Kind, Position};
use proptest::prelude::*;
use protocol::frame::{FromDevice, FromServer};

use self::world::{World, conversation, device, user};
use super::{Core, Effect, Ended, Ms, Unread};
use crate::client::event::Event;
use crate::client::options::{History, Options};
use crate::storage::{Place, Queued, Saved, Step};

#[derive(Debug, Clone)]
enum Act {
    /// Somebody else's entry; what happens to the frame that tells of it.
    Append(u8, u8, Fault),
    /// A membership entry.
    Joined(u8),
    /// An entry that this person may not see: they were out for a while.
    Hidden(u8),
    /// The app sends a message; every so often one that the server refuses for good.
    Queue(u8, bool),
    /// The server works on frames; how many, and whether it is too busy to store.
    Serve(u8, bool),
    /// An answer of the server is lost without a trace.
    LoseAnswer,
    /// Frames arrive.
    Hear(u8),
    /// A page arrives, or cannot be read now.
    Page(bool),
    Lagged,
    Disconnect,
    Connect,
    /// The process dies, and the next one starts from what was saved.
    Crash,
    /// The server does not know the tokens of before any more.
    ForgetTokens,
    Wait(u16),
}

#[derive(Debug, Clone, Copy)]
enum Fault {
    None,
    Drop,
    Dup,
    Swap,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let fault = prop_oneof![
        6 => Just(Fault::None), 1 => Just(Fault::Drop), 1 => Just(Fault::Dup), 1 => Just(Fault::Swap)
    ];
    let act = prop_oneof![
        8 => (any::<u8>(), 1u8..4, fault).prop_map(|(c, by, fault)| Act::Append(c, by, fault)),
        1 => any::<u8>().prop_map(Act::Joined),
        1 => any::<u8>().prop_map(Act::Hidden),
        6 => (any::<u8>(), prop::bool::weighted(0.15)).prop_map(|(c, bad)| Act::Queue(c, bad)),
        8 => (1u8..6, prop::bool::weighted(0.15)).prop_map(|(n, busy)| Act::Serve(n, busy)),
        1 => Just(Act::LoseAnswer),
        8 => (1u8..8).prop_map(Act::Hear),
        5 => prop::bool::weighted(0.8).prop_map(Act::Page),
        1 => Just(Act::Lagged),
        1 => Just(Act::Disconnect),
        3 => Just(Act::Connect),
        1 => Just(Act::Crash),
        1 => Just(Act::ForgetTokens),
        2 => (1u16..5_000).prop_map(Act::Wait),
    ];
    prop::collection::vec(act, 1..120)
}

/// One device, its network and the server.
struct Bench {
    world: World,
    core: Core,
    options: Options,
    now: Ms,
    connected: bool,
    live: bool,
    to_server: VecDeque<FromDevice<'static>>,
    to_device: VecDeque<FromServer>,
    fetches: VecDeque<(ConversationId, Position)>,
    saved: Saved,
    stored: Vec<Queued>,
    given: BTreeMap<ConversationId, Vec<std::sync::Arc<domain::Entry>>>,
    queued: BTreeMap<ConversationId, Vec<(ClientId, bool)>>,
    rejected: Vec<ClientId>,
    sent: Vec<ClientId>,
    count: u64,
}

impl Bench {
    fn new(history: History) -> Self {
        let options = Options { history, window: 3, in_flight_max: 5, fetches_max: 2, ..Options::default() };
        Self {
            world: World::default(),
            core: Core::new(options.clone(), Saved::default(), Vec::new(), 1),
            options,
            now: 0,
            connected: false,
            live: false,
            to_server: VecDeque::new(),
            to_device: VecDeque::new(),
            fetches: VecDeque::new(),
            saved: Saved::default(),
            stored: Vec::new(),
            given: BTreeMap::new(),
            queued: BTreeMap::new(),
            rejected: Vec::new(),
            sent: Vec::new(),
            count: 0,
        }
    }

    fn act(&mut self, act: Act) {
        match act {
            Act::Append(c, by, fault) => {
                let entry = self.world.append(conversation(c), by, Kind::Message, true);
                self.tell(FromServer::Entry { entry }, fault);
            }
            Act::Joined(c) => {
                let entry = self.world.append(conversation(c), 2, Kind::Joined, true);
                self.tell(FromServer::Entry { entry }, Fault::None);
            }
            Act::Hidden(c) => drop(self.world.append(conversation(c), 2, Kind::Message, false)),
            Act::Queue(c, bad) => self.queue(conversation(c), bad),
            Act::Serve(n, busy) => (0..n).for_each(|_| self.serve(busy)),
            Act::LoseAnswer => drop(self.to_device.pop_back_if(|frame| matches!(frame, FromServer::Sent(_)))),
            Act::Hear(n) => (0..n).for_each(|_| self.hear()),
            Act::Page(readable) => self.page(readable),
            Act::Lagged => self.tell(FromServer::Lagged {}, Fault::None),
            Act::Disconnect => self.disconnect(),
            Act::Connect => self.connect(),
            Act::Crash => self.crash(),
            Act::ForgetTokens => self.world.incarnation += 1,
            Act::Wait(ms) => self.now += u64::from(ms),
        }
        self.core.tick(self.now);
        self.perform();
    }

    fn tell(&mut self, frame: FromServer, fault: Fault) {
        if !self.live {
            return;
        }
        match fault {
            Fault::None => self.to_device.push_back(frame),
            Fault::Drop => {}
            Fault::Dup => self.to_device.extend([frame.clone(), frame]),
            Fault::Swap => {
                let before = self.to_device.pop_back();
                self.to_device.push_back(frame);
                self.to_device.extend(before);
            }
        }
    }

    fn queue(&mut self, id: ConversationId, bad: bool) {
        self.count += 1;
        let client_id = ClientId::new(self.count, [1; 10]);
        let text = if bad { format!("forbidden {}", self.count) } else { format!("own {}", self.count) };
        let queued = Queued { conversation: id, client_id, body: Content::message(text).to_body() };
        self.queued.entry(id).or_default().push((client_id, bad));
        self.stored.push(queued.clone());
        self.core.queue(self.now, queued);
    }

    fn serve(&mut self, busy: bool) {
        let answer = match self.to_server.pop_front() {
            Some(FromDevice::Hello { .. }) => {
                self.live = true;
                self.world.welcome()
            }
            Some(FromDevice::Sync { token }) => FromServer::Changes(self.world.sync(token.as_deref())),
            Some(FromDevice::Send(send)) => self.world.send(&send, busy),
            Some(FromDevice::Ping {}) => FromServer::Pong {},
            _ => return,
        };
        self.to_device.push_back(answer);
    }

    fn hear(&mut self) {
        if let Some(frame) = self.to_device.pop_front() {
            self.core.frame(self.now, frame);
            self.perform();
        }
    }

    fn page(&mut self, readable: bool) {
        let Some((id, after)) = self.fetches.pop_front() else { return };
        let unread = || Unread { retryable: true, reason: "busy".into() };
        let page = if readable { Ok(self.world.page(id, after)) } else { Err(unread()) };
        self.core.page(self.now, id, after, page);
        self.perform();
    }

    fn connect(&mut self) {
        if !std::mem::replace(&mut self.connected, true) {
            self.core.opened(self.now, "token");
            self.perform();
        }
    }

    fn cut(&mut self) {
        (self.connected, self.live) = (false, false);
        self.to_server.clear();
        self.to_device.clear();
    }

    fn disconnect(&mut self) {
        if self.connected {
            self.cut();
            self.core.closed(self.now, Ended::Broken("cut".into()));
        }
    }

    fn crash(&mut self) {
        self.cut();
        self.fetches.clear();
        let (options, saved) = (self.options.clone(), self.saved.clone());
        self.core = Core::new(options, saved, self.stored.clone(), self.now);
    }

    fn perform(&mut self) {
        while let Some(effect) = self.core.next_effect() {
            match effect {
                Effect::Frame(frame) if self.connected => self.to_server.push_back(frame),
                Effect::Fetch(id, after) => self.fetches.push_back((id, after)),
                Effect::Give(event) => self.give(event),
                Effect::Save(step) => self.saved.apply(step),
                Effect::Forget(id) => self.stored.retain(|queued| queued.client_id != id),
                Effect::Dead => self.disconnect(),
                Effect::Frame(_) | Effect::Time(_) | Effect::Renew => {}
            }
        }
    }

    fn give(&mut self, event: Event) {
        match event {
            Event::Entry(entry) => {
                let place = Place { position: entry.position, roster: Some(entry.roster) };
                self.saved.apply(Step::Place(entry.conversation, place));
                self.given.entry(entry.conversation).or_default().push(entry);
            }
            Event::Rejected { client_id, .. } => {
                self.stored.retain(|queued| queued.client_id != client_id);
                self.rejected.push(client_id);
            }
            Event::Sent(sent) => self.sent.push(sent.client_id),
            Event::Gone(id) => panic!("{id} is said to be gone and is not"),
            _ => {}
        }
    }

    /// The network heals: everything is served and heard until nothing is left to do.
    fn heal(&mut self) {
        self.disconnect();
        for _ in 0..2_000 {
            self.connect();
            self.now += 500;
            self.core.tick(self.now);
            self.perform();
            (0..50).for_each(|_| self.serve(false));
            (0..50).for_each(|_| self.hear());
            (0..50).for_each(|_| self.page(true));
            let quiet = self.to_server.is_empty() && self.to_device.is_empty() && self.fetches.is_empty();
            if quiet && self.core.queued() == 0 && self.now > 60_000 {
                return;
            }
        }
        panic!("it never comes to rest: {} queued", self.core.queued());
    }

    fn check(&self, history: History) {
        for (id, log) in &self.world.logs {
            let all: Vec<_> = log.visible().cloned().collect();
            let given = self.given.get(id).cloned().unwrap_or_default();
            let expected = match history {
                History::All => &all[..],
                History::Newest => &all[all.len() - given.len().min(all.len())..],
            };
            assert_eq!(given, expected, "{id}: each entry once, in order, without a hole");
        }
        for (id, queued) in &self.queued {
            let own =
                |entry: &&std::sync::Arc<domain::Entry>| (entry.sender, entry.device) == (user(1), device(1));
            let stored: Vec<_> = self
                .world
                .logs
                .get(id)
                .into_iter()
                .flat_map(|log| log.visible())
                .filter(own)
                .map(|e| e.client_id)
                .collect();
            let good: Vec<_> =
                queued.iter().filter(|(_, bad)| !bad).map(|(client_id, _)| *client_id).collect();
            assert_eq!(stored, good, "{id}: each message is stored once, in order");
            for (client_id, bad) in queued {
                assert_eq!(self.rejected.iter().filter(|id| *id == client_id).count(), usize::from(*bad));
                assert_eq!(self.sent.iter().filter(|id| *id == client_id).count(), usize::from(!*bad));
            }
        }
        assert!(self.stored.is_empty(), "what is stored has left the outbox");
    }
}

fn run(history: History, acts: Vec<Act>) {
    let mut bench = Bench::new(history);
    for act in acts {
        bench.act(act);
    }
    bench.heal();
    bench.check(history);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn no_loss_duplicate_or_disorder_survives_for_a_device_that_wants_all(acts in acts()) {
        run(History::All, acts);
    }

    #[test]
    fn no_hole_duplicate_or_disorder_survives_for_a_device_that_wants_the_newest(acts in acts()) {
        run(History::Newest, acts);
    }
}

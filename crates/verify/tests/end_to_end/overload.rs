//! More than the server can take: a thousand who read nothing, and a flood of submissions. Its memory stays within what its
//! limits say, who is there already is served, and in the end everybody has everything.

#![expect(unsafe_code, reason = "no library of ours sets the size of segments")]

use std::collections::BTreeMap;
use std::os::fd::AsRawFd;

use client::http::Edge;
use domain::{ClientId, ConversationId, Position};
use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use protocol::frame::{FromServer, Sent};
use serde_json::json;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpSocket, TcpStream};
use verify::process::Server;

use crate::raw::{Came, Raw};
use crate::support::{Device, device, people, seqs, soon, until};
use crate::table::{World, send, text};

const MIB: usize = 1 << 20;
/// What waits for all sessions together.
const GATEWAY_QUEUE_BYTES: usize = 64 * MIB;
/// Commands on their way, of all partitions; and rows on theirs to the disk.
const BUS_BYTES: usize = 16 * MIB;
const STORE_QUEUE_BYTES: usize = 8 * MIB;
/// Answers to syncs that are made at once, which count once they wait: `syncs_max` of `page_bytes_max`.
const SYNCS_BYTES: usize = 64 * (256 << 10);
/// What was stored meanwhile and lies in memory, the cache of blocks, and what the allocator keeps.
const OTHER_BYTES: usize = 32 * MIB;

const SETTINGS: [&str; 7] = [
    "limits.gateway_queue_bytes_max=67108864",
    "bus.partitions=16",
    "bus.partition_mib=1",
    "store.queue_mib=8",
    "store.cache_mib=8",
    "limits.members_per_request_max=2000",
    "limits.session_queue_bytes_max=16384",
];

/// What the server holds in memory at most from now on, beyond what it holds now.
struct Memory {
    folder: String,
    before: usize,
}

impl Memory {
    fn of(server: &Server) -> Self {
        let folder = format!("/proc/{}", server.pid().unwrap());
        // 5: the peak begins anew.
        std::fs::write(format!("{folder}/clear_refs"), "5").unwrap();
        let mut memory = Self { folder, before: 0 };
        memory.before = memory.taken();
        memory
    }

    /// Waits until it grows no more: what was asked was answered, as far as it is.
    async fn settles(&self) {
        let mut before = 0;
        while before < self.taken() {
            before = self.taken();
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        }
    }

    fn is_at_most(&self, bytes_max: usize) {
        let taken = self.taken();
        assert!(taken <= bytes_max, "it took {taken} bytes, {bytes_max} are the limit");
    }

    /// In bytes.
    fn taken(&self) -> usize {
        let status = std::fs::read_to_string(format!("{}/status", self.folder)).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        (peak.trim().trim_end_matches(" kB").parse::<usize>().unwrap() << 10) - self.before
    }
}

/// A connection in which next to nothing waits inside the system, so that it waits inside the server: a small window, and
/// small segments, by which the system sizes the buffer of who sends.
async fn narrow(server: &Server) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4 << 10).unwrap();
    let segment: libc::c_int = 536;
    let bytes = libc::socklen_t::try_from(size_of_val(&segment)).unwrap();
    // SAFETY: the option is an int, which lives during the call, and the socket is open.
    let set = unsafe {
        let segment = std::ptr::from_ref(&segment).cast();
        libc::setsockopt(socket.as_raw_fd(), libc::IPPROTO_TCP, libc::TCP_MAXSEG, segment, bytes)
    };
    assert_eq!(set, 0);
    socket.connect(server.listen().unwrap()).await.unwrap()
}

const SLOW: usize = 1_000;
const SLOW_BYTES: usize = GATEWAY_QUEUE_BYTES + SYNCS_BYTES + OTHER_BYTES;
/// Groups of all of them, each with a message of 15 KiB: an answer to a sync is more than the system takes off the server.
const GROUPS: usize = 16;
/// What is said in the first of them meanwhile, of 4 KiB each: more than the system takes and a session may leave unread.
const MESSAGES: usize = 50;
const AT_ONCE: usize = 64;

/// The groups, each with its first message.
async fn crowded(ada: &Device, members: &[&Device], text: &str) -> Vec<ConversationId> {
    let mut groups = vec![];
    for _ in 0..GROUPS {
        let group = ada.group(members, true).await;
        ada.post(group, text).await;
        groups.push(group);
    }
    groups
}

/// Asks for what it missed, which is more than it takes, and reads nothing from then on.
async fn stuck(server: &Server, device: &Device) -> Raw {
    let mut raw = Raw::over(narrow(server).await).await.greeted(&device.tokens.access_token).await;
    raw.bytes(&text(&json!({ "type": "sync" }))).await;
    raw
}

/// Comes back, and says how far the conversations are.
async fn returned(device: &Device) -> BTreeMap<ConversationId, u64> {
    let mut session = device.connect().await;
    let changes = session.sync(None).await;
    let shown = changes.iter().flat_map(|changes| &changes.conversations);
    shown.map(|shown| (shown.id, shown.head.position.seq)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_slow_readers_take_the_memory_or_the_time_of_others() {
    let mut world = World::new(&SETTINGS).await;
    let slow = people(&world.server, "slow", SLOW).await;
    let (ada, bob) = (world.ada.device.clone(), world.bob.device.clone());
    let members: Vec<&Device> = slow.iter().chain([&bob]).collect();
    let long = "x".repeat(15 << 10);
    let groups = crowded(&ada, &members, &long).await;
    // Whoever was connected when they came into a large group may have to catch up.
    (world.ada, world.bob) = (ada.connect().await, bob.connect().await);

    let memory = Memory::of(&world.server);
    let sockets: Vec<Raw> =
        stream::iter(&slow).map(|device| stuck(&world.server, device)).buffered(AT_ONCE).collect().await;
    memory.settles().await;
    memory.is_at_most(SLOW_BYTES);
    for _ in 0..MESSAGES {
        ada.post(groups[0], &long[..4 << 10]).await;
    }
    ada.post(groups[0], "the last").await;
    world.bob.hears(groups[0], "the last").await;
    until("who reads nothing is told that it lags", || async {
        world.server.metric("gateway_lagged_total", "").await.unwrap() >= SLOW as f64
    })
    .await;
    world.talk("beside a thousand slow readers").await;
    memory.is_at_most(SLOW_BYTES);

    drop(sockets);
    let mut heads: BTreeMap<_, _> = groups.iter().map(|group| (*group, 2)).collect();
    heads.insert(groups[0], 3 + MESSAGES as u64);
    let back: Vec<_> = stream::iter(&slow).map(returned).buffer_unordered(AT_ONCE).collect().await;
    assert!(back.len() == SLOW && back.iter().all(|back| *back == heads));
    for device in slow.iter().step_by(100) {
        assert_eq!(seqs(&device.history(groups[0]).await), (1..=heads[&groups[0]]).collect::<Vec<_>>());
    }
}

const FLOODERS: usize = 64;
/// Of 15 KiB each. Each is submitted again and again under its client id: what is stored is little, what comes is much.
const SUBMISSIONS: usize = 10;
const TIMES: usize = 30;

/// Somebody who writes without reading, and what they say.
struct Flooder {
    raw: Raw,
    device: Device,
    conversation: ConversationId,
    submissions: Vec<(ClientId, Vec<u8>)>,
    acked: BTreeMap<ClientId, Position>,
}

impl Flooder {
    async fn new(server: &Server, device: Device, sink: &Device) -> Self {
        let conversation = device.with(sink);
        let body = json!({ "text": "x".repeat(15 << 10) });
        let submission = |_| {
            let id = device.client_id();
            (id, send(conversation, id, &body))
        };
        let submissions = (0..SUBMISSIONS).map(submission).collect();
        let raw = Raw::live(server, &device.tokens.access_token).await;
        Self { raw, device, conversation, submissions, acked: BTreeMap::new() }
    }

    async fn floods(mut self) -> Self {
        for _ in 0..TIMES {
            for (_, bytes) in &self.submissions {
                self.raw.bytes(bytes).await;
            }
        }
        self
    }

    /// Reads what was answered; what was not, since it lagged or was told to wait, is said again.
    async fn settles(mut self) -> Self {
        while self.acked.len() < SUBMISSIONS {
            let open = self.submissions.iter().filter(|(id, _)| !self.acked.contains_key(id));
            let open: Vec<u8> = open.flat_map(|(_, bytes)| bytes.clone()).collect();
            self.raw
                .bytes(&[text(&json!({ "type": "sync" })), open, text(&json!({ "type": "ping" }))].concat())
                .await;
            self.hears_a_pong().await;
        }
        self
    }

    async fn hears_a_pong(&mut self) {
        loop {
            let Came::Frame(frame) = self.raw.next().await else { panic!("a flooder was closed") };
            match *frame {
                FromServer::Sent(Sent { client_id, position, .. }) => {
                    let before = self.acked.insert(client_id, position);
                    assert!(before.is_none_or(|before| before == position), "acked at two positions");
                }
                FromServer::Pong {} => return,
                FromServer::Error(error) => assert!(error.error.code.retryable(), "{error:?}"),
                _ => {}
            }
        }
    }

    /// The log holds what was acked, once and where the ack said.
    async fn holds_the_log_to_its_acks(&self) {
        let page =
            self.device.http.entries(self.conversation, Edge::After(Position::START), None).await.unwrap();
        let stored: Vec<_> = page.entries.iter().map(|entry| (entry.client_id, entry.position)).collect();
        let mut acked: Vec<_> = self.acked.iter().map(|(id, position)| (*id, *position)).collect();
        acked.sort_unstable_by_key(|(_, position)| *position);
        assert_eq!(stored, acked);
    }
}

/// The first answer on a connection beyond those that the server takes. Those it still takes are kept, and so full.
async fn turned_away(server: &Server) -> (String, Vec<TcpStream>) {
    let mut taken = vec![];
    loop {
        let mut stream = TcpStream::connect(server.listen().unwrap()).await.unwrap();
        let mut said = vec![];
        let patience = std::time::Duration::from_millis(100);
        match tokio::time::timeout(patience, stream.read_to_end(&mut said)).await {
            Ok(_) => return (String::from_utf8_lossy(&said).into_owned(), taken),
            Err(_quiet) => taken.push(stream),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_submissions_takes_the_memory_or_loses_something() {
    let places = format!("gateway.connections_max={}", FLOODERS + 10);
    let buckets = ["session", "user"]
        .map(|of| [format!("limits.{of}_frames_burst=1000000"), format!("limits.{of}_frames_per_s=1000000")])
        .concat();
    let settings: Vec<&str> =
        SETTINGS.into_iter().chain([places.as_str()]).chain(buckets.iter().map(String::as_str)).collect();
    let mut world = World::new(&settings).await;
    let sink = device(&world.server, "sink").await;
    let devices = people(&world.server, "flooder", FLOODERS).await;
    let flooders =
        join_all(devices.into_iter().map(|device| Flooder::new(&world.server, device, &sink))).await;
    let memory = Memory::of(&world.server);

    let flood = tokio::spawn(join_all(flooders.into_iter().map(Flooder::floods)));
    for number in 0..10 {
        world.talk(&format!("beside a flood, {number}")).await;
    }
    let (said, full) = soon("somebody is turned away", turned_away(&world.server)).await;
    assert!(said.starts_with("HTTP/1.1 503") && said.contains("retry_after_ms"), "{said}");
    let flooders = soon("the flood", flood).await.unwrap();
    drop(full);
    let flooders = join_all(flooders.into_iter().map(Flooder::settles)).await;
    memory.is_at_most(BUS_BYTES + STORE_QUEUE_BYTES + GATEWAY_QUEUE_BYTES + OTHER_BYTES);
    world.talk("after the flood").await;
    for flooder in flooders {
        flooder.holds_the_log_to_its_acks().await;
    }
}

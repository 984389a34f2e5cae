//! Clients, a network that repeats and reorders, a coordinator that crashes, and time; all from one seed.

use std::collections::{BTreeMap, BTreeSet};

use ottla_group::{Request, Settings, Waiter};
use ottla_model::Uuid;
use ottla_wire::messages::OffsetDeleteRequest;
use ottla_wire::messages::offset_delete_request::{OffsetDeleteRequestPartition, OffsetDeleteRequestTopic};

use crate::checker::{Checker, Verdict};
use crate::client::{Client, PARTITIONS, Phase, TOPIC, commit};
use crate::dice::Dice;
use crate::plant::Plant;
use crate::stand::{Decided, Stand};
use crate::trace;

const GROUPS: [&str; 2] = ["g", "h"];
/// Steps between two looks at the whole state.
const LOOK_EVERY: usize = 16;
/// Lines of the trace that a failure is told with.
const TOLD: usize = 60;
/// No more clients than these in a group.
const MOST_CLIENTS: usize = 10;
/// Long enough for everything to end whose client is gone: its session, the rebalance after it, and the sync of those who
/// came to that rebalance and have gone as well.
const QUIET_MS: u64 = 30_000;

/// A request under way.
#[derive(Clone)]
struct Sent {
    waiter: Waiter,
    /// Whose it is; `None` when nobody cares for the answer.
    from: Option<usize>,
    request: Request,
}

/// Which faults a seed has.
struct Faults {
    crashes: bool,
    refusals: bool,
    repeats: bool,
    deletions: bool,
    long_waits: bool,
}

pub(crate) struct World {
    dice: Dice,
    faults: Faults,
    stand: Stand,
    clients: Vec<Client>,
    flight: Vec<Sent>,
    senders: BTreeMap<Waiter, usize>,
    /// What was asked before, to be asked again.
    history: Vec<(i16, Request)>,
    /// Ends of decisions in the log that are not acknowledged.
    ends: Vec<usize>,
    checker: Checker,
    last_waiter: u64,
    steps: usize,
    pub(crate) trace: Vec<String>,
}

impl World {
    pub(crate) fn new(seed: u64, plant: Option<Plant>) -> Self {
        let mut dice = Dice::new(seed);
        let faults = Faults {
            crashes: !dice.one_in(4),
            refusals: dice.one_in(2),
            repeats: !dice.one_in(4),
            deletions: dice.one_in(2),
            long_waits: dice.one_in(2),
        };
        let settings = Settings {
            initial_rebalance_delay_ms: 1_000,
            offsets_retention_ms: 20_000,
            ..Settings::default()
        };
        let mut stand = Stand::new(settings);
        stand.plant = plant;
        let mut world = Self {
            dice,
            faults,
            stand,
            clients: Vec::new(),
            flight: Vec::new(),
            senders: BTreeMap::new(),
            history: Vec::new(),
            ends: Vec::new(),
            checker: Checker::default(),
            last_waiter: 0,
            steps: 0,
            trace: Vec::new(),
        };
        for _ in 0..3 + world.dice.below(5) {
            world.new_client();
        }
        world
    }

    fn tell(&mut self, line: String) {
        self.trace.push(format!("{:>7} {line}", self.stand.now.tick.0 / 1_000_000));
    }

    /// The end of the trace, for a person; all of it when one seed was asked for.
    pub(crate) fn story(&self) -> String {
        let all = std::env::var_os("OTTLA_SEED").is_some();
        let from = if all { 0 } else { self.trace.len().saturating_sub(TOLD) };
        self.trace[from..].join("\n")
    }

    fn new_client(&mut self) {
        let group = GROUPS[self.dice.below(GROUPS.len())];
        if self.clients.iter().filter(|client| client.phase != Phase::Gone && client.group == group).count()
            >= MOST_CLIENTS
        {
            return;
        }
        let number = self.clients.len();
        // Few instance ids: some come twice.
        let instance = self.dice.one_in(3).then(|| format!("{group}-i{}", self.dice.below(3)));
        let version = [3, 5, 9][self.dice.below(3)];
        self.clients.push(Client::new(format!("c{number}"), group, instance, version));
        self.tell(format!("{} comes", self.clients[number].name));
    }

    fn send(&mut self, from: Option<usize>, request: Request) -> Waiter {
        self.last_waiter += 1;
        let waiter = Waiter(self.last_waiter);
        if let Some(from) = from {
            self.senders.insert(waiter, from);
        }
        self.checker.asked(waiter, request.clone());
        self.flight.push(Sent { waiter, from, request });
        waiter
    }

    /// Every client asks what it has to.
    fn clients_ask(&mut self) {
        for at in 0..self.clients.len() {
            if let Some(request) = self.clients[at].due(self.stand.now.tick) {
                let waiter = self.send(Some(at), request.clone());
                self.clients[at].sent(&request, waiter);
            }
        }
    }

    fn deliver(&mut self, at: usize) -> Verdict {
        let Sent { waiter, from, request } = self.flight.remove(at);
        let (name, version) = match from {
            Some(from) => (self.clients[from].name.clone(), self.clients[from].version),
            None => ("old".to_owned(), 9),
        };
        self.tell(format!("{name} {waiter:?} {request:?}"));
        let version = if matches!(request, Request::Join(_)) { version } else { 5 };
        let id = ottla_group::Client { id: name.into(), host: "/127.0.0.1".into() };
        let decided = self.stand.ask(waiter, version, id, request.clone());
        if self.dice.one_in(8) {
            self.history.push((version, request.clone()));
        }
        self.decided(&request, &decided)
    }

    fn decided(&mut self, request: &Request, decided: &Decided) -> Verdict {
        for record in &decided.records {
            self.tell(format!("  log {}", trace::record(record)));
        }
        for note in &decided.notes {
            self.tell(format!("  note {}", trace::note(note)));
        }
        if !decided.records.is_empty() {
            self.ends.push(self.stand.log.len());
        }
        self.checker.decided(request, decided, &self.stand)
    }

    fn acknowledge(&mut self, up_to: usize) -> Verdict {
        let replies = self.stand.acknowledge(up_to);
        let acknowledged = self.stand.acknowledged;
        self.ends.retain(|end| *end > acknowledged);
        for (waiter, reply) in replies {
            let request = self.checker.released(waiter, &reply)?;
            self.tell(format!("  {waiter:?} <- {}", trace::reply(&reply)));
            if let Some(from) = self.senders.remove(&waiter) {
                self.clients[from].answered(waiter, &request, &reply);
            }
        }
        Ok(())
    }

    fn advance(&mut self, millis: u64) -> Verdict {
        let mut left = millis;
        loop {
            let all;
            (all, left) = self.stand.advance(left);
            for decided in all {
                self.decided(&Request::Loaded, &decided)?;
            }
            if left == 0 {
                return Ok(());
            }
        }
    }

    fn ask_from_within(&mut self, request: Request) -> Verdict {
        let decided = self.stand.ask(Waiter::NOBODY, 0, ottla_group::Client::default(), request.clone());
        self.decided(&request, &decided)
    }

    fn crash(&mut self) -> Verdict {
        let lost = self.dice.below(self.ends.len() + 1);
        let kept = match self.ends.len() - lost {
            0 => self.stand.acknowledged,
            some => self.ends[some - 1],
        };
        self.tell(format!("crash; {} of {} entries are left", kept, self.stand.log.len()));
        self.ends.clear();
        self.flight.clear();
        self.senders.clear();
        self.checker.crashed(kept);
        let decided = self.stand.crash(kept);
        for client in &mut self.clients {
            client.disconnected();
        }
        self.decided(&Request::Loaded, &decided)
    }

    /// One step of a bad day.
    fn step(&mut self) -> Verdict {
        self.steps += 1;
        match self.dice.below(100) {
            0..40 => {
                self.clients_ask();
                if !self.flight.is_empty() {
                    let at = self.dice.below(self.flight.len());
                    self.deliver(at)?;
                }
            }
            40..55 => {
                let up_to = match self.ends.first() {
                    Some(_) if self.dice.one_in(3) => self.ends[self.dice.below(self.ends.len())],
                    Some(_) | None => self.stand.log.len(),
                };
                self.acknowledge(up_to)?;
            }
            55..75 => {
                let millis = if self.dice.one_in(40) { 12_000 } else { self.dice.below(400) };
                self.advance(millis as u64)?;
            }
            75..85 => self.someone_commits(),
            85..94 => self.someone_changes()?,
            94..97 if self.faults.repeats => self.repeat(),
            97 if self.faults.crashes && self.dice.one_in(3) => self.crash()?,
            98 if self.faults.refusals => self.stand.refuse_append = true,
            99 if self.faults.deletions => self.delete()?,
            _ => {}
        }
        if self.steps.is_multiple_of(LOOK_EVERY) {
            Checker::log_gives_the_state(&self.stand)?;
        }
        Ok(())
    }

    fn someone_commits(&mut self) {
        let (partition, offset) = (self.dice.below(PARTITIONS.into()) as u8, self.dice.below(1_000) as i64);
        if self.dice.one_in(8) {
            let group = GROUPS[self.dice.below(GROUPS.len())];
            self.send(None, commit(group, "", -1, None, partition, offset));
            return;
        }
        let at = self.dice.below(self.clients.len());
        // Whoever is gone may have a commit under way as well.
        if !self.clients[at].id.is_empty() {
            let request = self.clients[at].commit(partition, offset);
            self.send(Some(at), request);
        }
    }

    fn someone_changes(&mut self) -> Verdict {
        let at = self.dice.below(self.clients.len());
        let now = self.stand.now.tick;
        match self.dice.below(10) {
            0 => self.new_client(),
            1 if self.clients[at].phase != Phase::Gone => {
                self.tell(format!("{} leaves", self.clients[at].name));
                let request = self.clients[at].leave();
                self.send(Some(at), request);
            }
            2 => {
                self.tell(format!("{} dies", self.clients[at].name));
                self.clients[at].phase = Phase::Gone;
            }
            3 => {
                // A process that was thought dead goes on with what it knew, or begins anew.
                self.tell(format!("{} is back", self.clients[at].name));
                let knows = !self.clients[at].owned.is_empty();
                match self.dice.below(3) {
                    0 => self.clients[at].forget(),
                    1 if knows => self.clients[at].phase = Phase::Member,
                    _ => self.clients[at].phase = Phase::Out,
                }
            }
            4 | 5 => {
                let millis = if self.faults.long_waits { 20_000 } else { 4_000 };
                self.clients[at].stalled_until = now.plus_millis(self.dice.below(millis) as u64);
            }
            6 if self.clients[at].phase != Phase::Gone => self.clients[at].change(),
            7 if self.faults.repeats && !self.flight.is_empty() => {
                let twice = self.flight[self.dice.below(self.flight.len())].clone();
                self.send(twice.from, twice.request);
            }
            8 => return self.ask_from_within(Request::ExpireOffsets),
            _ => {}
        }
        Ok(())
    }

    /// Something that was asked before is asked again.
    fn repeat(&mut self) {
        if !self.history.is_empty() {
            let (_, request) = self.history[self.dice.below(self.history.len())].clone();
            self.send(None, request);
        }
    }

    fn delete(&mut self) -> Verdict {
        let group = GROUPS[self.dice.below(GROUPS.len())];
        match self.dice.below(4) {
            0 => return self.ask_from_within(Request::TopicsDeleted(vec![(TOPIC.into(), Uuid::ZERO)])),
            1 => {
                let partitions =
                    (0..2).map(|partition_index| OffsetDeleteRequestPartition { partition_index }).collect();
                let topics = vec![OffsetDeleteRequestTopic { name: TOPIC.into(), partitions }];
                self.send(
                    None,
                    Request::DeleteOffsets(OffsetDeleteRequest { group_id: group.into(), topics }),
                )
            }
            _ => self.send(None, Request::DeleteGroup(group.into())),
        };
        let last = self.flight.len() - 1;
        self.deliver(last)
    }

    /// A bad day, and then a good one on which everything comes to rest.
    pub(crate) fn run(&mut self, steps: usize) -> Verdict {
        for _ in 0..steps {
            self.step()?;
        }
        self.stand.refuse_append = false;
        self.tell("quiet".to_owned());
        let end = self.stand.now.tick.plus_millis(QUIET_MS);
        while self.stand.now.tick < end {
            self.clients_ask();
            while !self.flight.is_empty() {
                self.deliver(0)?;
            }
            self.acknowledge(self.stand.log.len())?;
            self.advance(500)?;
        }
        self.acknowledge(self.stand.log.len())?;
        Checker::log_gives_the_state(&self.stand)?;
        self.checker.nobody_waits()?;
        GROUPS.iter().try_for_each(|group| self.is_settled(group))
    }

    /// Every client that lives is a member, knows it, and together they own everything.
    fn is_settled(&self, name: &str) -> Verdict {
        let alive: Vec<&Client> = self
            .clients
            .iter()
            .filter(|client| client.group == name && client.phase != Phase::Gone)
            .collect();
        let described = self.stand.shard.describe_classic(name, 0);
        let members: BTreeSet<String> =
            described.members.iter().map(|member| member.member_id.to_string()).collect();
        let expected: BTreeSet<String> = alive.iter().map(|client| client.id.clone()).collect();
        let state = &*described.group_state;
        let right = if alive.is_empty() { ["Empty", "Dead"].contains(&state) } else { state == "Stable" };
        if !right || members != expected {
            return Err(format!("liveness: {name} is {state} with {members:?}, alive are {expected:?}"));
        }
        let mut owned: Vec<u8> = alive.iter().flat_map(|client| client.owned.iter().copied()).collect();
        owned.sort_unstable();
        let all: Vec<u8> = (0..PARTITIONS).collect();
        if alive.iter().any(|client| client.phase != Phase::Member) || (!alive.is_empty() && owned != all) {
            return Err(format!("liveness: of {name} the partitions {owned:?} are owned"));
        }
        Ok(())
    }
}

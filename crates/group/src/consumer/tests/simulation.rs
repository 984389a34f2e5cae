//! Members that come, stall, die, come back and change their minds, over a network that loses answers, with topics
//! that come and go, and a shard that is dropped and loaded: from a seed, with checks after each step.
//!
//! I26: no partition has two holders. I27: epochs only rise. I29: a target gives each partition to at most one member,
//! and when it is quiet everybody ends with its part of everything. What is loaded is what was.

use std::collections::{BTreeMap, BTreeSet};

use crate::consumer::tests::actor::{Actor, Network, Speaks};
use crate::consumer::tests::world::{GROUP, Place, Planted, World};
use crate::settings::MigrationPolicy;
use crate::state::Group;

const TOPICS: [&str; 4] = ["ta", "tb", "uc", "ud"];
const STEPS: usize = 250;

struct Random(u64);

impl Random {
    /// A number below `bound`.
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let drawn = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(drawn).unwrap() % bound
    }

    fn one_in(&mut self, of: usize) -> bool {
        self.below(of) == 0
    }
}

struct Simulation {
    world: World,
    random: Random,
    actors: Vec<Actor>,
    born: usize,
    /// What classic members of this run are.
    classic: Option<Speaks>,
    uses_statics: bool,
    /// The highest epoch of the group while it has been there.
    epoch: i32,
}

impl Simulation {
    fn new(seed: u64, planted: Option<Planted>) -> Self {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let mut world = World::new();
        world.planted = planted;
        world.settings.consumer.assignment_interval_ms = if random.one_in(2) { 0 } else { 1000 };
        world.settings.migration =
            if random.one_in(3) { MigrationPolicy::Upgrade } else { MigrationPolicy::Bidirectional };
        world.topic(TOPICS[0], 4);
        let classic = [None, Some(Speaks::Eager), Some(Speaks::Cooperative)][random.below(3)];
        let uses_statics = random.one_in(2);
        Self { world, random, actors: Vec::new(), born: 0, classic, uses_statics, epoch: 0 }
    }

    fn is_born(&mut self) {
        self.born += 1;
        let speaks = self.classic.filter(|_| self.random.one_in(2)).unwrap_or(Speaks::New);
        let mut actor = Actor::new(speaks, &format!("m{}", self.born), &[]);
        if speaks == Speaks::New && self.uses_statics && self.random.one_in(2) {
            let instance = format!("i{}", self.random.below(3));
            if !self.actors.iter().any(|other| other.instance.as_ref() == Some(&instance)) {
                actor.instance = Some(instance);
            }
        }
        let (topics, pattern) = self.subscription(speaks);
        (actor.topics, actor.pattern) = (topics, pattern);
        self.actors.push(actor);
    }

    fn subscription(&mut self, speaks: Speaks) -> (Vec<String>, Option<String>) {
        let mut topics: Vec<String> = vec![TOPICS[0].to_owned()];
        topics.extend(TOPICS[1..].iter().filter(|_| self.random.one_in(3)).map(|topic| (*topic).to_owned()));
        let pattern = (speaks == Speaks::New && self.random.one_in(4)).then(|| {
            topics.clear();
            ["t.*", "u.", ".*d|ta"][self.random.below(3)].to_owned()
        });
        (topics, pattern)
    }

    fn network(&mut self) -> Network {
        match self.random.below(10) {
            0 => Network::LosesAnswer,
            1 => Network::Repeats,
            _ => Network::Works,
        }
    }

    fn step(&mut self) -> Result<(), String> {
        if self.actors.is_empty() {
            self.is_born();
        }
        let who = self.random.below(self.actors.len());
        match self.random.below(40) {
            0 if self.actors.len() < 6 => self.is_born(),
            // Dies without a word.
            1 => drop(self.actors.remove(who)),
            2 => {
                let mut actor = self.actors.remove(who);
                let for_now = self.random.one_in(2);
                actor.leave(&mut self.world, for_now);
                if for_now && actor.instance.is_some() {
                    self.born += 1;
                    let mut next = Actor::new(Speaks::New, &format!("m{}", self.born), &[]);
                    (next.instance, next.topics, next.pattern) =
                        (actor.instance, actor.topics, actor.pattern);
                    self.actors.push(next);
                }
            }
            3 => {
                let (topics, pattern) = self.subscription(self.actors[who].speaks);
                self.actors[who].resubscribe(topics, pattern);
            }
            4 => {
                let name = TOPICS[self.random.below(TOPICS.len())];
                let partitions = 1 + i32::try_from(self.random.below(7)).unwrap();
                self.world.topic(name, partitions);
            }
            5 if self.random.one_in(3) => {
                let name = TOPICS[self.random.below(TOPICS.len())];
                if self.world.image.topics.named(name).is_some() {
                    self.world.vanish(name);
                    self.forget_topics();
                }
            }
            6 if self.random.one_in(2) => self.reload(),
            7 => self.world.pass(u64::try_from(self.random.below(40_000)).unwrap()),
            8..14 => self.world.pass(u64::try_from(self.random.below(3_000)).unwrap()),
            14..18 => self.actors[who].let_go_if_new(),
            _ => {
                let network = self.network();
                self.actors[who].act(&mut self.world, network)?;
            }
        }
        self.check()
    }

    /// Who reads from a topic that is gone reads nothing.
    fn forget_topics(&mut self) {
        let image = &self.world.image;
        for actor in &mut self.actors {
            actor.held.retain(|(topic, partition)| image.topics.partition(*topic, *partition).is_some());
        }
    }

    fn reload(&mut self) {
        // Who waits in a classic group is told that it is served elsewhere.
        let replies = self.world.shard.release(ottla_model::ErrorCode::RebalanceInProgress);
        self.world.late.extend(replies.replies);
        self.world.reload();
        // A classic group that is loaded is in the last generation that was complete.
        if self.world.group().is_none() {
            self.epoch = 0;
        }
    }

    fn check(&mut self) -> Result<(), String> {
        let mut holders: BTreeMap<Place, String> = BTreeMap::new();
        let group = self.world.shard.groups.get(GROUP);
        let epoch = match group {
            Some(Group::Consumer(group)) => group.epoch,
            Some(Group::Classic(group)) => group.generation,
            Some(Group::Foreign(_)) | None => 0,
        };
        if epoch < self.epoch && group.is_some_and(|group| !group.is_empty()) {
            return Err(format!("the group goes from epoch {} to {epoch}", self.epoch));
        }
        // An empty group gives way to one of the other protocol, which begins anew.
        self.epoch = if group.is_some_and(Group::is_empty) { 0 } else { epoch };
        for actor in &mut self.actors {
            actor.is_known &= match group {
                Some(Group::Consumer(group)) => group.members.contains_key(&*actor.id),
                Some(Group::Classic(group)) => group.members.contains_key(&*actor.id),
                Some(Group::Foreign(_)) | None => false,
            };
            for place in actor.held.iter().filter(|_| actor.is_known) {
                if let Some(other) = holders.insert(*place, actor.id.clone()) {
                    return Err(format!("{place:?} is held by {other} and {}", actor.id));
                }
            }
        }
        self.check_group()
    }

    fn check_group(&self) -> Result<(), String> {
        let Some(group) = self.world.group() else { return Ok(()) };
        if group.target_epoch > group.epoch {
            return Err(format!("target epoch {} is above epoch {}", group.target_epoch, group.epoch));
        }
        let all_reached = group.members.values().all(|member| member.has_reached(group.target_epoch));
        let is_settled = !group.is_empty() && group.epoch == group.target_epoch && all_reached;
        if group.is_settled() != is_settled {
            return Err(format!("the group counts as settled: {}, and is: {is_settled}", group.is_settled()));
        }
        let mut targets = BTreeSet::new();
        for (topic, partitions) in group.targets.values().flat_map(|target| target.iter()) {
            if let Some(twice) = partitions.iter().find(|partition| !targets.insert((*topic, **partition))) {
                return Err(format!("two targets have {topic}-{twice}"));
            }
        }
        let mut owned = BTreeSet::new();
        for member in group.members.values() {
            if member.epoch > group.target_epoch {
                return Err(format!("{} is in epoch {}, above the target's", member.id, member.epoch));
            }
            if let Some(twice) = member.holds().find(|place| !owned.insert(*place)) {
                return Err(format!("two members own {twice:?}"));
            }
        }
        Ok(())
    }

    /// Nothing happens any more: everybody gets its part.
    fn settle(&mut self) -> Result<(), String> {
        for round in 0..120 {
            self.world.pass(2_000);
            for actor in &mut self.actors {
                if round % 40 == 0 && self.world.group().is_none() {
                    actor.looks_at_topics();
                }
                actor.let_go_if_new();
                actor.act(&mut self.world, Network::Works)?;
            }
            self.check()?;
        }
        let mut wanted: BTreeSet<Place> = BTreeSet::new();
        for topic in self.world.image.topics.iter() {
            let name = topic.name.as_str();
            let is_wanted = self.actors.iter().any(|actor| reads(actor, name));
            wanted.extend(topic.partitions.keys().filter(|_| is_wanted).map(|number| (topic.id, *number)));
        }
        let held: BTreeSet<Place> = self.actors.iter().flat_map(|actor| actor.held.iter().copied()).collect();
        if held != wanted || !self.actors.iter().all(Actor::rests) {
            return Err(format!("held {held:?} of {wanted:?} by {:?}", self.actors));
        }
        for actor in &self.actors {
            let topics = self.world.image.topics.iter();
            let names = topics.filter(|topic| actor.held.iter().any(|(id, _)| *id == topic.id));
            if let Some(strange) = names.map(|topic| topic.name.as_str()).find(|name| !reads(actor, name)) {
                return Err(format!("{} holds {strange} and does not want it", actor.id));
            }
        }
        self.world.compare_replay()
    }

    fn run(seed: u64, planted: Option<Planted>) -> Result<(), String> {
        let mut simulation = Self::new(seed, planted);
        for step in 0..STEPS {
            simulation.step().map_err(|what| format!("seed {seed}, step {step}: {what}"))?;
            if step % 50 == 49 {
                simulation.world.compare_replay()?;
            }
        }
        simulation.settle().map_err(|what| format!("seed {seed}, when quiet: {what}"))
    }
}

fn reads(actor: &Actor, topic: &str) -> bool {
    let matches = |pattern: &String| crate::consumer::pattern::compile(pattern).unwrap().is_match(topic);
    actor.topics.iter().any(|name| name == topic) || actor.pattern.as_ref().is_some_and(matches)
}

fn seeds() -> u64 {
    if std::env::var_os("OTTLA_LONG").is_some() { 5_000 } else { 100 }
}

#[test]
fn no_partition_has_two_holders_and_everybody_gets_its_part_in_the_end() {
    let found: Vec<String> =
        (1..=seeds()).filter_map(|seed| Simulation::run(seed, None).err()).take(3).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn what_is_planted_is_found() {
    for planted in [Planted::AssignBeforeRevoke, Planted::EpochNotBumped, Planted::OwnerKeptAfterFence] {
        let found = (1..=20).any(|seed| Simulation::run(seed, Some(planted)).is_err());
        assert!(found, "{planted:?}");
    }
}

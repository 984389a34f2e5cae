package main

import (
	"errors"
	"fmt"
	"slices"
	"sync"
)

// The promises that a history is held to; each is a case of the suite.
const (
	commitsStay     = "kills/acknowledged-commits-are-there"
	oneOwner        = "kills/a-partition-has-one-owner"
	settlesAgain    = "kills/groups-settle-again"
	neverGoesBack   = "kills/generations-never-go-back"
	answersAreKnown = "kills/answers-are-those-that-clients-know"
)

// history is what members did and were told. It computes only: whoever holds it says what happened, in the order in which
// it happened to them, and asks what was broken.
type history struct {
	lock   sync.Mutex
	round  int
	groups map[string]*record
	broken map[string][]string
	// changed holds a token when something has happened since it was last taken.
	changed chan struct{}
}

// record is the history of one group.
type record struct {
	// exclusive: what a member holds nobody else may hold, whatever the epoch (the consumer protocol). Otherwise a
	// partition has one owner in each generation.
	exclusive  bool
	partitions []partition
	members    map[string]*holding
	owners     map[int32]map[partition]string
	// generation is the highest that is known to be on disk: of a SyncGroup or a consumer heartbeat that was answered.
	generation int32
	commits    map[partition]*commits
}

// holding is what one living member holds; generation -1 says nothing.
type holding struct {
	generation int32
	partitions []partition
	// confirmed is the last round in which the broker agreed.
	confirmed int
}

// commits of one partition. Offsets are drawn in order, so a higher one is a later one.
type commits struct {
	drawn        int64
	acknowledged int64
	refused      map[int64]bool
}

func newHistory() *history {
	return &history{groups: map[string]*record{}, broken: map[string][]string{}, changed: make(chan struct{}, 1)}
}

func (h *history) addGroup(name string, exclusive bool, partitions []partition) {
	made := &record{
		exclusive: exclusive, partitions: partitions, members: map[string]*holding{},
		owners: map[int32]map[partition]string{}, generation: -1, commits: map[partition]*commits{},
	}
	for _, p := range partitions {
		made.commits[p] = &commits{drawn: -1, acknowledged: -1, refused: map[int64]bool{}}
	}
	h.lock.Lock()
	defer h.lock.Unlock()
	h.groups[name] = made
}

// with runs a step of a group's history and lets those know that wait for one.
func (h *history) with(group string, step func(*record)) {
	h.lock.Lock()
	step(h.groups[group])
	h.lock.Unlock()
	select {
	case h.changed <- struct{}{}:
	default:
	}
}

func (h *history) breaks(promise, format string, values ...any) {
	h.broken[promise] = append(h.broken[promise], fmt.Sprintf(format, values...))
}

// verdict is an error that names one breach of each broken promise.
func (h *history) verdict() (verdict error) {
	h.lock.Lock()
	defer h.lock.Unlock()
	for promise, broken := range h.broken {
		verdict = errors.Join(verdict, fmt.Errorf("%s: %s", promise, broken[0]))
	}
	return verdict
}

// odd notes an answer that no client would know what to do with.
func (h *history) odd(group, member, what string) {
	h.with(group, func(*record) { h.breaks(answersAreKnown, "%s: %s: %s", group, member, what) })
}

func (h *history) enters(group, member string) {
	h.with(group, func(r *record) { r.members[member] = &holding{generation: -1} })
}

// leaves is said before the member leaves, or once it is cut off.
func (h *history) leaves(group, member string) {
	h.with(group, func(r *record) { delete(r.members, member) })
}

// known is the generation to which whatever is sent from here on must be answered at least.
func (h *history) known(group string) (generation int32) {
	h.with(group, func(r *record) { generation = r.generation })
	return generation
}

// answered holds an answer to what was known when its question was sent.
func (h *history) answered(group, member, what string, known, generation int32) {
	h.with(group, func(r *record) {
		if generation < known {
			h.breaks(neverGoesBack, "%s: %s: %s of generation %d after %d", group, member, what, generation, known)
		}
	})
}

// holds is said when a member is told what it holds, keeps is false where it held nothing before.
func (h *history) holds(group, member string, generation int32, partitions []partition) {
	h.with(group, func(r *record) {
		holding := r.members[member]
		if holding == nil {
			return
		}
		r.generation = max(r.generation, generation)
		if r.exclusive {
			h.checkHolders(group, r, member, partitions)
		} else {
			h.checkOwners(group, r, member, generation, partitions)
		}
		holding.generation, holding.partitions, holding.confirmed = generation, slices.Clone(partitions), h.round
	})
}

func (h *history) checkHolders(group string, r *record, member string, partitions []partition) {
	for other, theirs := range r.members {
		for _, p := range partitions {
			if other != member && slices.Contains(theirs.partitions, p) {
				h.breaks(oneOwner, "%s: %v is given to %s while %s holds it", group, p, member, other)
			}
		}
	}
}

func (h *history) checkOwners(group string, r *record, member string, generation int32, partitions []partition) {
	owners := r.owners[generation]
	if owners == nil {
		owners = map[partition]string{}
		r.owners[generation] = owners
	}
	for _, p := range partitions {
		if other, taken := owners[p]; taken && other != member {
			h.breaks(oneOwner, "%s: %v belongs to %s and to %s in generation %d", group, p, other, member, generation)
		}
		owners[p] = member
	}
}

// releases is said before the broker can know that the member holds only these any more.
func (h *history) releases(group, member string, kept []partition) {
	h.with(group, func(r *record) {
		if holding := r.members[member]; holding != nil {
			holding.partitions = slices.Clone(kept)
			if len(kept) == 0 {
				holding.generation = -1
			}
		}
	})
}

// confirms: the broker agreed to the generation of the member.
func (h *history) confirms(group, member string) {
	h.with(group, func(r *record) {
		if holding := r.members[member]; holding != nil {
			holding.confirmed = h.round
		}
	})
}

// draws takes the offset that the next commit of a partition sends.
func (h *history) draws(group string, p partition) (offset int64) {
	h.with(group, func(r *record) {
		r.commits[p].drawn++
		offset = r.commits[p].drawn
	})
	return offset
}

func (h *history) acknowledges(group string, p partition, offset int64) {
	h.with(group, func(r *record) { r.commits[p].acknowledged = max(r.commits[p].acknowledged, offset) })
}

func (h *history) refuses(group string, p partition, offset int64) {
	h.with(group, func(r *record) { r.commits[p].refused[offset] = true })
}

// acknowledged is what each partition's committed offset must be at least when it is asked for from here on.
func (h *history) acknowledged(group string) map[partition]int64 {
	floors := map[partition]int64{}
	h.with(group, func(r *record) {
		for p, c := range r.commits {
			floors[p] = c.acknowledged
		}
	})
	return floors
}

// metadataOf is committed with an offset.
func metadataOf(offset int64) string {
	if offset < 0 {
		return ""
	}
	return fmt.Sprintf("offset %d", offset)
}

// fetches holds a committed offset to what was acknowledged when it was asked for.
func (h *history) fetches(group string, p partition, acknowledged, offset int64, metadata string) {
	h.with(group, func(r *record) {
		switch c := r.commits[p]; {
		case offset < acknowledged:
			h.breaks(commitsStay, "%s: %v is at %d, acknowledged was %d", group, p, offset, acknowledged)
		case offset > c.drawn:
			h.breaks(commitsStay, "%s: %v is at %d, which nobody sent", group, p, offset)
		case c.refused[offset]:
			h.breaks(commitsStay, "%s: %v is at %d, which was refused", group, p, offset)
		case metadata != metadataOf(offset):
			h.breaks(commitsStay, "%s: %v at %d has the metadata %q", group, p, offset, metadata)
		}
	})
}

// begins a round: what was confirmed before counts no longer.
func (h *history) begins() {
	h.lock.Lock()
	defer h.lock.Unlock()
	h.round++
}

// unsettled says what a group lacks: each living member confirmed in this round, all in one generation, each partition held
// once, everybody holding his part. Empty when nothing does.
func (h *history) unsettled(group string) string {
	h.lock.Lock()
	defer h.lock.Unlock()
	r := h.groups[group]
	if len(r.members) == 0 {
		return "no members"
	}
	part := len(r.partitions) / len(r.members)
	held := map[partition]bool{}
	count := 0
	generation := int32(-1)
	for member, holding := range r.members {
		if generation < 0 {
			generation = holding.generation
		}
		switch {
		case holding.confirmed != h.round:
			return member + " has not heard from the broker"
		case holding.generation != generation || generation < 0:
			return fmt.Sprintf("generations %d and %d", generation, holding.generation)
		case len(holding.partitions) < part:
			return fmt.Sprintf("%s holds %d of at least %d", member, len(holding.partitions), part)
		}
		for _, p := range holding.partitions {
			held[p] = true
			count++
		}
	}
	if len(held) != len(r.partitions) || count != len(held) {
		return fmt.Sprintf("%d partitions are held %d times, there are %d", len(held), count, len(r.partitions))
	}
	return ""
}

func (h *history) heldBy(group, member string) (held []partition) {
	h.with(group, func(r *record) {
		if holding := r.members[member]; holding != nil {
			held = slices.Clone(holding.partitions)
		}
	})
	return held
}

func (h *history) partitionsOf(group string) []partition {
	h.lock.Lock()
	defer h.lock.Unlock()
	return h.groups[group].partitions
}

package main

import (
	"bufio"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	// How long a coordinator may load, and how long a group may take to settle: a session and a rebalance must time out
	// first, and the machine may be busy.
	loadLimit  = 60 * time.Second
	againLimit = 90 * time.Second
	// Members of one herd.
	fewest = 2
	most   = 6
)

// killsCommand keeps groups busy while somebody kills the broker. On its standard input `check` says that the broker has
// been started again, which is answered with `checked`; `end` asks for the verdicts.
func killsCommand(flags *flag.FlagSet) func() error {
	classics := flags.Int("classic", 6, "groups of the classic protocol")
	consumers := flags.Int("consumer", 4, "groups of the consumer protocol, if it is served")
	return func() error {
		served, err := servesConsumers()
		if err != nil {
			return err
		}
		if !served {
			*consumers = 0
		}
		p, err := newPasture(*classics, *consumers)
		if err != nil {
			return err
		}
		fmt.Println("ready")
		lines := bufio.NewScanner(os.Stdin)
		for lines.Scan() && lines.Text() == "check" {
			p.check()
			fmt.Println("checked")
		}
		p.verdicts()
		return nil
	}
}

// pasture is all herds with their one history.
type pasture struct {
	history *history
	herds   []*herd
	// acknowledged is the sum of each group's acknowledged offsets at the last check.
	acknowledged map[string]int64
}

func newPasture(classics, consumers int) (*pasture, error) {
	const topicCount, partitions = 2, 6
	var names []string
	for i := range classics + consumers {
		names = append(names, fmt.Sprintf("herd-%d", i))
	}
	made, err := prepare(names, "herds", topicCount, partitions)
	if err != nil {
		return nil, err
	}
	p := &pasture{history: newHistory(), acknowledged: map[string]int64{}}
	for i, name := range names {
		p.history.addGroup(name, i >= classics, made.all(partitions))
		s := setting{
			address: address, group: name, topics: made, history: p.history, heartbeat: 200 * time.Millisecond,
			session: 6 * time.Second, rebalance: 10 * time.Second, commits: true,
		}
		h := &herd{setting: s, starts: startClassic}
		if i >= classics {
			h.starts = startConsumer
		}
		p.herds = append(p.herds, h)
		go h.stir()
	}
	return p, nil
}

// herd is the members of one group, which come and go.
type herd struct {
	setting
	starts  func(setting, string) *member
	lock    sync.Mutex
	members []*member
	born    int
}

func (h *herd) stir() {
	for {
		h.lock.Lock()
		h.change()
		h.lock.Unlock()
		time.Sleep(time.Duration(100+rand.IntN(900)) * time.Millisecond)
	}
}

// change lets a member come, leave or vanish. The ones that vanish are few: the others wait for their session to end.
func (h *herd) change() {
	count := len(h.members)
	if count < fewest || count < most && rand.IntN(2) == 0 {
		h.born++
		h.members = append(h.members, h.starts(h.setting, fmt.Sprintf("member-%d", h.born)))
		return
	}
	i := rand.IntN(count)
	gone := h.members[i]
	h.members = append(h.members[:i], h.members[i+1:]...)
	if rand.IntN(8) == 0 {
		gone.vanishes()
	} else {
		gone.leaves()
	}
}

// check holds the restarted broker to its promises; meanwhile nobody comes or goes.
func (p *pasture) check() {
	for _, h := range p.herds {
		h.lock.Lock()
		defer h.lock.Unlock()
		for len(h.members) < fewest {
			h.change()
		}
	}
	p.history.begins()
	p.offsets()
	p.settle()
	p.offsets()
	for _, h := range p.herds {
		sum := int64(0)
		for _, offset := range p.history.acknowledged(h.group) {
			sum += offset
		}
		if sum <= p.acknowledged[h.group] {
			p.breaks(settlesAgain, h.group+": no commit was acknowledged in this round")
		}
		p.acknowledged[h.group] = sum
	}
}

// settle waits for every group and tells which one was the last.
func (p *pasture) settle() {
	began := time.Now()
	last, after := "", time.Duration(0)
	for _, h := range p.herds {
		if err := settles(p.history, h.group, againLimit); err != nil {
			p.breaks(settlesAgain, err.Error())
		}
		if took := time.Since(began); took > after+pause {
			last, after = h.group, took
		}
	}
	fmt.Printf("round %d settled after %.1f s, the last group was %s\n", p.history.round, after.Seconds(), last)
}

func (p *pasture) breaks(promise, what string) {
	p.history.lock.Lock()
	defer p.history.lock.Unlock()
	p.history.breaks(promise, "%s", what)
}

// offsets asks for every committed offset.
func (p *pasture) offsets() {
	for _, h := range p.herds {
		if err := h.offsets(); err != nil {
			p.breaks(commitsStay, fmt.Sprintf("%s: the offsets cannot be had: %v", h.group, err))
		}
	}
}

func (h *herd) offsets() (err error) {
	for start := time.Now(); time.Since(start) < loadLimit; time.Sleep(pause) {
		var again bool
		if again, err = h.fetch(); !again {
			return err
		}
	}
	return err
}

// fetch asks once; whether it is worth asking again.
func (h *herd) fetch() (bool, error) {
	c, err := dial(h.address)
	if err != nil {
		return true, err
	}
	defer c.close()
	acknowledged := h.history.acknowledged(h.group)
	wanted := kmsg.NewOffsetFetchRequestGroup()
	wanted.Group = h.group
	for _, name := range h.topics.names {
		topic := kmsg.NewOffsetFetchRequestGroupTopic()
		topic.Topic = name
		for p := range acknowledged {
			if p.topic == name {
				topic.Partitions = append(topic.Partitions, p.number)
			}
		}
		wanted.Topics = append(wanted.Topics, topic)
	}
	request := kmsg.NewPtrOffsetFetchRequest()
	request.Groups = append(request.Groups, wanted)
	answer, err := c.call(request)
	if err != nil {
		return true, err
	}
	return h.fetched(answer.(*kmsg.OffsetFetchResponse).Groups[0], acknowledged)
}

func (h *herd) fetched(group kmsg.OffsetFetchResponseGroup, acknowledged map[partition]int64) (bool, error) {
	if err := kerr.ErrorForCode(group.ErrorCode); err != nil {
		return passing(group.ErrorCode), err
	}
	seen := 0
	for _, topic := range group.Topics {
		for _, answered := range topic.Partitions {
			if err := kerr.ErrorForCode(answered.ErrorCode); err != nil {
				return passing(answered.ErrorCode), err
			}
			p := partition{topic.Topic, answered.Partition}
			metadata := ""
			if answered.Metadata != nil {
				metadata = *answered.Metadata
			}
			h.history.fetches(h.group, p, acknowledged[p], answered.Offset, metadata)
			seen++
		}
	}
	if seen != len(acknowledged) {
		return false, fmt.Errorf("%d partitions are answered, %d were asked for", seen, len(acknowledged))
	}
	return false, nil
}

// verdicts prints one line for each promise, and what there was to hold to it.
func (p *pasture) verdicts() {
	p.history.lock.Lock()
	defer p.history.lock.Unlock()
	commits, generations := int64(0), int64(0)
	for _, r := range p.history.groups {
		generations += int64(r.generation)
		for _, c := range r.commits {
			commits += c.acknowledged + 1
		}
	}
	fmt.Printf("told %d groups, the last acknowledged offsets add up to %d, the generations to %d\n", len(p.herds), commits, generations)
	for _, promise := range []string{commitsStay, oneOwner, settlesAgain, neverGoesBack, answersAreKnown} {
		broken := p.history.broken[promise]
		if len(broken) == 0 {
			fmt.Printf("%s: ok\n", promise)
			continue
		}
		shown := strings.Join(broken[:min(3, len(broken))], "; ")
		fmt.Printf("%s: failed %d times: %s\n", promise, len(broken), shown)
	}
}

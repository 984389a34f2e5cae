package main

import (
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// How long a member waits before it says again what could not be heard.
const pause = 50 * time.Millisecond

// setting is what the members of a group have in common.
type setting struct {
	address string
	group   string
	topics  *topics
	history *history
	// heartbeat of the classic protocol, whose clients choose it; the broker tells the other one.
	heartbeat time.Duration
	session   time.Duration
	rebalance time.Duration
	// commits: with each heartbeat one offset of each partition that is held.
	commits bool
}

// protocol is what a member says while it has a connection.
type protocol interface {
	// step does what is due; a broken connection is an error. It returns how long nothing is due.
	step(c *connection) (time.Duration, error)
	// leave says goodbye.
	leave(c *connection) error
	// epoch is what commits are sent with.
	epoch() (id string, epoch int32)
}

// member runs a protocol over one connection after another until it is told to leave or is cut off.
type member struct {
	setting
	name     string
	protocol protocol
	stop     chan struct{}
	ended    chan struct{}

	lock   sync.Mutex
	socket *connection
	cut    bool
}

func startClassic(s setting, name string) *member {
	return start(s, name, &classic{setting: s, name: name, generation: -1})
}

func startConsumer(s setting, name string) *member {
	return start(s, name, &consumer{setting: s, name: name, id: newID()})
}

func start(s setting, name string, p protocol) *member {
	m := &member{setting: s, name: name, protocol: p, stop: make(chan struct{}), ended: make(chan struct{})}
	s.history.enters(s.group, name)
	go m.run()
	return m
}

// leaves ends the member by the protocol's goodbye.
func (m *member) leaves() {
	close(m.stop)
	<-m.ended
}

// vanishes ends the member without a word: the broker has to notice.
func (m *member) vanishes() {
	m.lock.Lock()
	m.cut = true
	if m.socket != nil {
		m.socket.close()
	}
	m.lock.Unlock()
	close(m.stop)
	<-m.ended
}

func (m *member) run() {
	defer close(m.ended)
	defer m.history.leaves(m.group, m.name)
	for !m.stopped(0) {
		c, err := dial(m.address)
		if err != nil {
			m.stopped(pause)
			continue
		}
		if m.holdsOn(c) {
			m.serve(c)
		}
		c.close()
	}
}

// holdsOn keeps the connection where it can be cut.
func (m *member) holdsOn(c *connection) bool {
	m.lock.Lock()
	defer m.lock.Unlock()
	m.socket = c
	return !m.cut
}

// stopped waits, and says whether the member has to end.
func (m *member) stopped(wait time.Duration) bool {
	select {
	case <-m.stop:
		return true
	default:
	}
	select {
	case <-m.stop:
		return true
	case <-time.After(wait):
		return false
	}
}

func (m *member) serve(c *connection) {
	for {
		wait, err := m.protocol.step(c)
		if err == nil && m.commits {
			err = m.commit(c)
		}
		if err != nil {
			m.stopped(pause)
			return
		}
		if m.stopped(wait) {
			m.history.leaves(m.group, m.name)
			// Whoever cannot say goodbye is as good as cut off.
			_ = m.protocol.leave(c)
			return
		}
	}
}

// commit sends the next offset of each partition that is held, with the generation of the member.
func (m *member) commit(c *connection) error {
	id, epoch := m.protocol.epoch()
	held := m.history.heldBy(m.group, m.name)
	if epoch < 0 || len(held) == 0 {
		return nil
	}
	known := m.history.known(m.group)
	request := commitRequest(m.group)
	request.MemberID, request.Generation = id, epoch
	offsets := map[partition]int64{}
	for _, p := range held {
		offsets[p] = m.history.draws(m.group, p)
		addCommit(request, p, offsets[p])
	}
	answer, err := c.call(request)
	if err != nil {
		return err
	}
	for _, topic := range answer.(*kmsg.OffsetCommitResponse).Topics {
		for _, answered := range topic.Partitions {
			p := partition{topic.Topic, answered.Partition}
			m.committed(p, offsets[p], answered.ErrorCode, known, epoch)
		}
	}
	return nil
}

func (m *member) committed(p partition, offset int64, code int16, known, epoch int32) {
	switch code {
	case 0:
		m.history.acknowledges(m.group, p, offset)
		if _, fenced := m.protocol.(*classic); fenced {
			m.history.answered(m.group, m.name, "a commit", known, epoch)
		}
	case kerr.IllegalGeneration.Code, kerr.UnknownMemberID.Code, kerr.RebalanceInProgress.Code, kerr.StaleMemberEpoch.Code:
		m.history.refuses(m.group, p, offset)
	default:
		// Such as a time-out: it may be there or not.
		if !passing(code) {
			m.history.odd(m.group, m.name, "a commit is answered with "+kerr.ErrorForCode(code).Error())
		}
	}
}

func commitRequest(group string) *kmsg.OffsetCommitRequest {
	request := kmsg.NewPtrOffsetCommitRequest()
	request.Group, request.Generation = group, -1
	return request
}

func addCommit(request *kmsg.OffsetCommitRequest, p partition, offset int64) {
	one := kmsg.NewOffsetCommitRequestTopicPartition()
	one.Partition, one.Offset, one.Metadata = p.number, offset, kmsg.StringPtr(metadataOf(offset))
	for i := range request.Topics {
		if request.Topics[i].Topic == p.topic {
			request.Topics[i].Partitions = append(request.Topics[i].Partitions, one)
			return
		}
	}
	topic := kmsg.NewOffsetCommitRequestTopic()
	topic.Topic, topic.Partitions = p.topic, append(topic.Partitions, one)
	request.Topics = append(request.Topics, topic)
}

package main

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// consumer is a member of the consumer protocol (KIP-848): one heartbeat carries everything, and the broker assigns. It
// gives up at once what it no longer shall hold, says so, and takes what is free.
type consumer struct {
	setting
	name    string
	id      string
	current int32
	joined  bool
	// told: everything has been said over this connection, so heartbeats carry only what changes.
	told *connection
	held []partition
}

func newID() string {
	var id [16]byte
	_, _ = rand.Read(id[:])
	return base64.RawURLEncoding.EncodeToString(id[:])
}

func (m *consumer) epoch() (string, int32) {
	if !m.joined {
		return "", -1
	}
	return m.id, m.current
}

func (m *consumer) step(c *connection) (time.Duration, error) {
	known := m.history.known(m.group)
	joining := !m.joined
	answer, err := c.call(m.request(c))
	if err != nil {
		return 0, err
	}
	beat := answer.(*kmsg.ConsumerGroupHeartbeatResponse)
	if beat.ErrorCode != 0 {
		return m.lost(beat.ErrorCode), nil
	}
	if joining {
		m.history.answered(m.group, m.name, "a join", known, beat.MemberEpoch)
	} else {
		m.history.answered(m.group, m.name, "a heartbeat", m.current, beat.MemberEpoch)
	}
	m.joined, m.current, m.told = true, beat.MemberEpoch, c
	if beat.Assignment != nil && m.reconcile(beat.Assignment) {
		// What changed is told with the next heartbeat, at once.
		m.told = nil
		return 0, nil
	}
	m.history.holds(m.group, m.name, m.current, m.held)
	return time.Duration(beat.HeartbeatIntervalMillis) * time.Millisecond, nil
}

func (m *consumer) request(c *connection) *kmsg.ConsumerGroupHeartbeatRequest {
	request := kmsg.NewPtrConsumerGroupHeartbeatRequest()
	request.Group, request.MemberID, request.MemberEpoch = m.group, m.id, m.current
	if m.joined && m.told == c {
		return request
	}
	request.RebalanceTimeoutMillis = int32(m.rebalance.Milliseconds())
	request.SubscribedTopicNames = m.topics.names
	request.Topics = []kmsg.ConsumerGroupHeartbeatRequestTopic{}
	for _, name := range m.topics.names {
		topic := kmsg.NewConsumerGroupHeartbeatRequestTopic()
		topic.TopicID = m.topics.ids[name]
		for _, p := range m.held {
			if p.topic == name {
				topic.Partitions = append(topic.Partitions, p.number)
			}
		}
		if len(topic.Partitions) > 0 {
			request.Topics = append(request.Topics, topic)
		}
	}
	return request
}

// reconcile takes an assignment over; whether it changed anything.
func (m *consumer) reconcile(assignment *kmsg.ConsumerGroupHeartbeatResponseAssignment) bool {
	var target, kept []partition
	for _, topic := range assignment.Topics {
		for _, number := range topic.Partitions {
			target = append(target, partition{m.topics.byID[topic.TopicID], number})
		}
	}
	for _, p := range m.held {
		if slices.Contains(target, p) {
			kept = append(kept, p)
		}
	}
	changed := len(kept) != len(m.held) || len(kept) != len(target)
	m.history.releases(m.group, m.name, kept)
	m.held = target
	m.history.holds(m.group, m.name, m.current, m.held)
	return changed
}

func (m *consumer) lost(code int16) time.Duration {
	wait := time.Duration(0)
	switch code {
	case kerr.FencedMemberEpoch.Code, kerr.UnknownMemberID.Code:
	case kerr.GroupIDNotFound.Code:
		// A broker that forgot the group. The member begins anew, so that the group can settle all the same.
		m.history.odd(m.group, m.name, "a heartbeat is answered as if the group had never been")
		wait = pause
	default:
		if !passing(code) {
			m.history.odd(m.group, m.name, fmt.Sprintf("a heartbeat is answered with %v", kerr.ErrorForCode(code)))
		}
		return pause
	}
	m.history.releases(m.group, m.name, nil)
	m.joined, m.current, m.held = false, 0, nil
	return wait
}

func (m *consumer) leave(c *connection) error {
	request := kmsg.NewPtrConsumerGroupHeartbeatRequest()
	request.Group, request.MemberID, request.MemberEpoch = m.group, m.id, -1
	_, err := c.call(request)
	return err
}

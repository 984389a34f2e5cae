package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// classic is a member of the classic protocol (JoinGroup, SyncGroup, Heartbeat), eager: it gives up what it holds before
// it joins again. The leader deals the partitions out in turn.
type classic struct {
	setting
	name       string
	id         string
	generation int32
	joined     bool
}

func (m *classic) epoch() (string, int32) {
	if !m.joined {
		return "", -1
	}
	return m.id, m.generation
}

func (m *classic) step(c *connection) (time.Duration, error) {
	if m.joined {
		return m.beat(c)
	}
	m.history.releases(m.group, m.name, nil)
	return m.join(c)
}

func (m *classic) beat(c *connection) (time.Duration, error) {
	known := m.history.known(m.group)
	request := kmsg.NewPtrHeartbeatRequest()
	request.Group, request.MemberID, request.Generation = m.group, m.id, m.generation
	answer, err := c.call(request)
	if err != nil {
		return 0, err
	}
	code := answer.(*kmsg.HeartbeatResponse).ErrorCode
	if code == 0 {
		m.history.answered(m.group, m.name, "a heartbeat", known, m.generation)
		m.history.confirms(m.group, m.name)
		return m.heartbeat, nil
	}
	return m.lost("a heartbeat", code), nil
}

// lost does what an error asks for and returns how long to wait before that.
func (m *classic) lost(what string, code int16) time.Duration {
	switch code {
	case kerr.RebalanceInProgress.Code:
		m.joined = false
	case kerr.IllegalGeneration.Code, kerr.UnknownMemberID.Code:
		m.joined, m.id, m.generation = false, "", -1
	default:
		if !passing(code) {
			m.history.odd(m.group, m.name, fmt.Sprintf("%s is answered with %v", what, kerr.ErrorForCode(code)))
		}
		return pause
	}
	return 0
}

func (m *classic) join(c *connection) (time.Duration, error) {
	known := m.history.known(m.group)
	answer, err := c.call(m.joinRequest())
	if err != nil {
		return 0, err
	}
	joined := answer.(*kmsg.JoinGroupResponse)
	switch joined.ErrorCode {
	case 0:
	case kerr.MemberIDRequired.Code:
		m.id = joined.MemberID
		return 0, nil
	default:
		return m.lost("a join", joined.ErrorCode), nil
	}
	m.history.answered(m.group, m.name, "a join", known, joined.Generation)
	m.id, m.generation = joined.MemberID, joined.Generation
	return m.sync(c, joined)
}

func (m *classic) joinRequest() *kmsg.JoinGroupRequest {
	metadata := kmsg.NewConsumerMemberMetadata()
	metadata.Topics = m.topics.names
	protocol := kmsg.NewJoinGroupRequestProtocol()
	protocol.Name, protocol.Metadata = "in-turn", metadata.AppendTo(nil)
	request := kmsg.NewPtrJoinGroupRequest()
	request.Group, request.MemberID, request.ProtocolType = m.group, m.id, "consumer"
	request.SessionTimeoutMillis = int32(m.session.Milliseconds())
	request.RebalanceTimeoutMillis = int32(m.rebalance.Milliseconds())
	request.Protocols = append(request.Protocols, protocol)
	return request
}

func (m *classic) sync(c *connection, joined *kmsg.JoinGroupResponse) (time.Duration, error) {
	request := kmsg.NewPtrSyncGroupRequest()
	request.Group, request.MemberID, request.Generation = m.group, m.id, m.generation
	request.ProtocolType, request.Protocol = joined.ProtocolType, joined.Protocol
	if joined.LeaderID == m.id {
		request.GroupAssignment = inTurn(joined.Members, m.history.partitionsOf(m.group))
	}
	answer, err := c.call(request)
	if err != nil {
		return 0, err
	}
	synced := answer.(*kmsg.SyncGroupResponse)
	if synced.ErrorCode != 0 {
		return m.lost("a sync", synced.ErrorCode), nil
	}
	var assignment kmsg.ConsumerMemberAssignment
	if err := assignment.ReadFrom(synced.MemberAssignment); err != nil {
		m.history.odd(m.group, m.name, "the assignment does not parse")
		return pause, nil
	}
	var held []partition
	for _, topic := range assignment.Topics {
		for _, number := range topic.Partitions {
			held = append(held, partition{topic.Topic, number})
		}
	}
	m.joined = true
	m.history.holds(m.group, m.name, m.generation, held)
	return m.heartbeat, nil
}

// inTurn deals the partitions to the members in the order of their ids.
func inTurn(members []kmsg.JoinGroupResponseMember, partitions []partition) []kmsg.SyncGroupRequestGroupAssignment {
	var ids []string
	for _, member := range members {
		ids = append(ids, member.MemberID)
	}
	slices.Sort(ids)
	parts := make([]map[string][]int32, len(ids))
	for i, p := range partitions {
		part := parts[i%len(ids)]
		if part == nil {
			part = map[string][]int32{}
			parts[i%len(ids)] = part
		}
		part[p.topic] = append(part[p.topic], p.number)
	}
	var all []kmsg.SyncGroupRequestGroupAssignment
	for i, id := range ids {
		assignment := kmsg.NewConsumerMemberAssignment()
		for topic, numbers := range parts[i] {
			assignment.Topics = append(assignment.Topics, kmsg.ConsumerMemberAssignmentTopic{Topic: topic, Partitions: numbers})
		}
		one := kmsg.NewSyncGroupRequestGroupAssignment()
		one.MemberID, one.MemberAssignment = id, assignment.AppendTo(nil)
		all = append(all, one)
	}
	return all
}

func (m *classic) leave(c *connection) error {
	one := kmsg.NewLeaveGroupRequestMember()
	one.MemberID = m.id
	request := kmsg.NewPtrLeaveGroupRequest()
	request.Group = m.group
	request.Members = append(request.Members, one)
	_, err := c.call(request)
	return err
}

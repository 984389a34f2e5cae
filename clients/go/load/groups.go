package main

import (
	"flag"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// How many requests a connection has open while groups are made.
const batch = 50

// groupsCommand makes many groups of one classic member each with one committed offset, says `ready`, and keeps their
// heartbeats going until it is ended. Members share connections: what is measured is groups.
func groupsCommand(flags *flag.FlagSet) func() error {
	count := flags.Int("count", 10_000, "groups")
	connections := flags.Int("connections", 64, "connections")
	heartbeat := flags.Duration("heartbeat", 3*time.Second, "between heartbeats of a member")
	return func() error {
		var names []string
		for i := range *count {
			names = append(names, fmt.Sprintf("many-groups-of-consumers-%d", i))
		}
		made, err := prepare(names, "many", 1, 1)
		if err != nil {
			return err
		}
		ready := make(chan error)
		for i := range *connections {
			var mine []*single
			for n := i; n < *count; n += *connections {
				mine = append(mine, newSingle(names[n], made))
			}
			go keep(mine, *heartbeat, ready)
		}
		for range *connections {
			if err := <-ready; err != nil {
				return err
			}
		}
		fmt.Println("ready")
		return <-ready
	}
}

// single is a group of one member.
type single struct {
	*classic
	joined *kmsg.JoinGroupResponse
}

func newSingle(group string, made *topics) *single {
	s := setting{group: group, topics: made, session: 45 * time.Second, rebalance: time.Minute}
	return &single{classic: &classic{setting: s}}
}

// keep makes the groups of one connection and lets their members live; it says once that they are made, or what failed.
func keep(mine []*single, heartbeat time.Duration, ready chan<- error) {
	c, err := dial(address)
	if err == nil {
		err = form(c, mine)
	}
	ready <- err
	for err == nil {
		began := time.Now()
		err = inBatches(c, mine, (*single).beatRequest, (*single).beaten)
		time.Sleep(heartbeat - time.Since(began))
	}
	ready <- err
}

func form(c *connection, mine []*single) error {
	for range 2 {
		// The first gets the member its id.
		if err := inBatches(c, mine, (*single).joinAgain, (*single).hasJoined); err != nil {
			return err
		}
	}
	if err := inBatches(c, mine, (*single).syncRequest, (*single).synced); err != nil {
		return err
	}
	return inBatches(c, mine, (*single).commitRequest, (*single).hasCommitted)
}

// inBatches asks for each and reads the answers, a batch at a time.
func inBatches(c *connection, all []*single, ask func(*single) kmsg.Request, hear func(*single, kmsg.Response) error) error {
	for start := 0; start < len(all); start += batch {
		part := all[start:min(start+batch, len(all))]
		for _, one := range part {
			if err := c.send(ask(one)); err != nil {
				return err
			}
		}
		for _, one := range part {
			answer, err := c.receive()
			if err != nil {
				return err
			}
			if err := hear(one, answer); err != nil {
				return fmt.Errorf("%s: a request of key %d: %w", one.group, answer.Key(), err)
			}
		}
	}
	return nil
}

func (s *single) joinAgain() kmsg.Request { return s.joinRequest() }

func (s *single) hasJoined(answer kmsg.Response) error {
	s.joined = answer.(*kmsg.JoinGroupResponse)
	s.id, s.generation = s.joined.MemberID, s.joined.Generation
	if s.joined.ErrorCode == kerr.MemberIDRequired.Code {
		return nil
	}
	return kerr.ErrorForCode(s.joined.ErrorCode)
}

func (s *single) syncRequest() kmsg.Request {
	request := kmsg.NewPtrSyncGroupRequest()
	request.Group, request.MemberID, request.Generation = s.group, s.id, s.generation
	request.ProtocolType, request.Protocol = s.joined.ProtocolType, s.joined.Protocol
	request.GroupAssignment = inTurn(s.joined.Members, s.topics.all(1))
	s.joined = nil
	return request
}

func (s *single) synced(answer kmsg.Response) error {
	return kerr.ErrorForCode(answer.(*kmsg.SyncGroupResponse).ErrorCode)
}

func (s *single) commitRequest() kmsg.Request {
	request := commitRequest(s.group)
	request.MemberID, request.Generation = s.id, s.generation
	addCommit(request, s.topics.all(1)[0], 1_000_000)
	return request
}

func (s *single) hasCommitted(answer kmsg.Response) error {
	return kerr.ErrorForCode(answer.(*kmsg.OffsetCommitResponse).Topics[0].Partitions[0].ErrorCode)
}

func (s *single) beatRequest() kmsg.Request {
	request := kmsg.NewPtrHeartbeatRequest()
	request.Group, request.MemberID, request.Generation = s.group, s.id, s.generation
	return request
}

func (s *single) beaten(answer kmsg.Response) error {
	return kerr.ErrorForCode(answer.(*kmsg.HeartbeatResponse).ErrorCode)
}

package main

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// How long a new broker may take to have its topics and coordinators.
const setupLimit = 60 * time.Second

// topics are made by the program that uses them; members of the consumer protocol know them by id.
type topics struct {
	names []string
	byID  map[[16]byte]string
	ids   map[string][16]byte
}

// partition names one of a topic's partitions.
type partition struct {
	topic  string
	number int32
}

func createTopics(c *connection, names []string, partitions int32) (*topics, error) {
	request := kmsg.NewPtrCreateTopicsRequest()
	for _, name := range names {
		topic := kmsg.NewCreateTopicsRequestTopic()
		topic.Topic, topic.NumPartitions, topic.ReplicationFactor = name, partitions, 1
		request.Topics = append(request.Topics, topic)
	}
	request.TimeoutMillis = int32(setupLimit.Milliseconds())
	answer, err := c.call(request)
	if err != nil {
		return nil, err
	}
	made := &topics{names: names, byID: map[[16]byte]string{}, ids: map[string][16]byte{}}
	for _, topic := range answer.(*kmsg.CreateTopicsResponse).Topics {
		if err := kerr.ErrorForCode(topic.ErrorCode); err != nil {
			return nil, fmt.Errorf("topic %s: %w", topic.Topic, err)
		}
		made.byID[topic.TopicID], made.ids[topic.Topic] = topic.Topic, topic.TopicID
	}
	return made, nil
}

// all are the partitions of topics of that size.
func (t *topics) all(partitions int32) []partition {
	var every []partition
	for _, topic := range t.names {
		for number := range partitions {
			every = append(every, partition{topic, number})
		}
	}
	return every
}

// findCoordinators waits until each group has its coordinator, which makes the topic of offsets on a new broker, and until
// that has loaded.
func findCoordinators(c *connection, groups []string) error {
	request := kmsg.NewPtrFindCoordinatorRequest()
	request.CoordinatorKeys = groups
	found := func() error {
		answer, err := c.call(request)
		if err != nil {
			return err
		}
		for _, found := range answer.(*kmsg.FindCoordinatorResponse).Coordinators {
			err = errors.Join(err, kerr.ErrorForCode(found.ErrorCode))
		}
		return err
	}
	if err := patiently(found); err != nil {
		return fmt.Errorf("no coordinator: %w", err)
	}
	for _, group := range groups {
		if err := patiently(func() error { return loaded(c, group) }); err != nil {
			return fmt.Errorf("the coordinator of %s: %w", group, err)
		}
	}
	return nil
}

// loaded: a coordinator that is there knows that nobody of that name is in the group.
func loaded(c *connection, group string) error {
	request := kmsg.NewPtrHeartbeatRequest()
	request.Group, request.MemberID = group, "nobody"
	answer, err := c.call(request)
	if err != nil {
		return err
	}
	code := answer.(*kmsg.HeartbeatResponse).ErrorCode
	if code == kerr.UnknownMemberID.Code {
		return nil
	}
	return kerr.ErrorForCode(code)
}

// patiently tries until it works or the limit for it is over.
func patiently(try func() error) (err error) {
	for start := time.Now(); time.Since(start) < setupLimit; time.Sleep(pause) {
		if err = try(); err == nil {
			return nil
		}
	}
	return err
}

// serves asks the broker whether it knows a request at all.
func serves(c *connection, key int16) (bool, error) {
	request := kmsg.NewPtrApiVersionsRequest()
	request.ClientSoftwareName, request.ClientSoftwareVersion = "load", "1"
	answer, err := c.call(request)
	if err != nil {
		return false, err
	}
	keys := answer.(*kmsg.ApiVersionsResponse).ApiKeys
	return slices.ContainsFunc(keys, func(k kmsg.ApiVersionsResponseApiKey) bool { return k.ApiKey == key }), nil
}

// passing are the answers of a coordinator that is not there yet: the same request is right a moment later.
func passing(code int16) bool {
	switch code {
	case kerr.CoordinatorLoadInProgress.Code, kerr.CoordinatorNotAvailable.Code, kerr.NotCoordinator.Code,
		kerr.UnknownTopicOrPartition.Code, kerr.RequestTimedOut.Code:
		return true
	}
	return false
}

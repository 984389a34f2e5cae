package main

// segmentio/kafka-go in groups: the oldest joins, commits and fetches that a living client sends.

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
)

var kafkaGoCases = []row{
	{"kafka-go/readers-share-and-hand-over", kafkaGoShares},
	{"kafka-go/commits-survive", kafkaGoCommits},
	{"kafka-go/consumer-group-by-hand", kafkaGoByHand},
	{"kafka-go/offsets-of-a-group", kafkaGoOffsets},
}

func kafkaGoReader(group, name string) *kafka.Reader {
	return kafka.NewReader(kafka.ReaderConfig{
		Brokers: []string{bootstrap}, GroupID: group, Topic: name, StartOffset: kafka.FirstOffset, MaxWait: 100 * time.Millisecond,
		SessionTimeout: 6 * time.Second, HeartbeatInterval: 300 * time.Millisecond, RebalanceTimeout: 6 * time.Second,
		JoinGroupBackoff: 100 * time.Millisecond, GroupBalancers: []kafka.GroupBalancer{kafka.RangeGroupBalancer{}},
	})
}

func kafkaGoFill(ctx context.Context, name string, count int) error {
	records := numbered(name, count)
	for i, r := range records {
		r.Partition = int32(i % 4)
	}
	return produce(ctx, records)
}

// sharing is what the readers of one group got.
type sharing struct {
	sync.Mutex
	seen map[string][]string
}

func (s *sharing) count() int {
	s.Lock()
	defer s.Unlock()
	return len(s.seen)
}

// take reads until the reader is closed, and commits each record as it comes.
func (s *sharing) take(ctx context.Context, who string, reader *kafka.Reader) {
	for {
		m, err := reader.FetchMessage(ctx)
		if err != nil {
			return
		}
		s.Lock()
		key := fmt.Sprint(m.Partition, "/", m.Offset)
		s.seen[key] = append(s.seen[key], who)
		s.Unlock()
		_ = reader.CommitMessages(ctx, m)
	}
}

// rows are all records, as often as they came.
func (s *sharing) rows() []string {
	s.Lock()
	defer s.Unlock()
	var all []string
	for key, names := range s.seen {
		for range names {
			all = append(all, key)
		}
	}
	return all
}

func (s *sharing) by(who string) int {
	s.Lock()
	defer s.Unlock()
	total := 0
	for _, names := range s.seen {
		if slices.Contains(names, who) {
			total++
		}
	}
	return total
}

func kafkaGoShares(ctx context.Context) error {
	name, err := create(ctx, topic("shared"), 4)
	if err = errors.Join(err, kafkaGoFill(ctx, name, 100)); err != nil {
		return err
	}
	got := &sharing{seen: map[string][]string{}}
	one := kafkaGoReader(name, name)
	go got.take(ctx, "one", one)
	came := func(count int) error {
		return eventually(ctx, fmt.Sprint(count, " records"), func() (bool, error) { return got.count() >= count, nil })
	}
	if err := came(100); err != nil {
		return err
	}
	two := kafkaGoReader(name, name)
	go got.take(ctx, "two", two)
	rounds := 100
	both := func() (bool, error) {
		if err := kafkaGoFill(ctx, name, 20); err != nil {
			return false, err
		}
		rounds += 20
		return got.by("two") > 0, came(rounds)
	}
	if err := eventually(ctx, "records for the second reader", both); err != nil {
		return err
	}
	if err := one.Close(); err != nil {
		return err
	}
	if err := errors.Join(kafkaGoFill(ctx, name, 40), came(rounds+40)); err != nil {
		return err
	}
	return errors.Join(same(got.count(), rounds+40, "records"), two.Close())
}

func kafkaGoCommits(ctx context.Context) error {
	name, err := create(ctx, topic("commits"), 1)
	if err = errors.Join(err, produce(ctx, numbered(name, 50))); err != nil {
		return err
	}
	for _, wanted := range []int64{0, 20, 40} {
		reader := kafkaGoReader(name, name)
		var last kafka.Message
		for i := range int64(20) {
			if wanted+i == 50 {
				break
			}
			m, err := reader.FetchMessage(ctx)
			if err = errors.Join(err, same(m.Offset, wanted+i, "offset")); err != nil {
				return err
			}
			last = m
		}
		if err := errors.Join(reader.CommitMessages(ctx, last), reader.Close()); err != nil {
			return err
		}
	}
	return nil
}

func kafkaGoByHand(ctx context.Context) error {
	name, err := create(ctx, topic("by-hand"), 4)
	if err != nil {
		return err
	}
	group, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID: name, Brokers: []string{bootstrap}, Topics: []string{name}, SessionTimeout: 6 * time.Second, HeartbeatInterval: 300 * time.Millisecond,
		GroupBalancers: []kafka.GroupBalancer{kafka.RoundRobinGroupBalancer{}}, StartOffset: kafka.FirstOffset,
	})
	if err != nil {
		return err
	}
	generation, err := group.Next(ctx)
	if err != nil {
		return err
	}
	err = errors.Join(same(generation.GroupID, name, "group"), same(len(generation.Assignments[name]), 4, "partitions"))
	err = errors.Join(err, generation.CommitOffsets(map[string]map[int]int64{name: {2: 5}}), group.Close())
	if err != nil {
		return err
	}
	cl := &kafka.Client{Addr: kafka.TCP(bootstrap)}
	found, err := cl.OffsetFetch(ctx, &kafka.OffsetFetchRequest{GroupID: name, Topics: map[string][]int{name: {1, 2}}})
	if err = errors.Join(err); err != nil {
		return err
	}
	var rows []int64
	for _, row := range found.Topics[name] {
		rows = append(rows, row.CommittedOffset)
	}
	return errors.Join(found.Error, same(rows, []int64{-1, 5}, "offsets"))
}

func kafkaGoOffsets(ctx context.Context) error {
	name, err := create(ctx, topic("offsets"), 1)
	if err != nil {
		return err
	}
	cl := &kafka.Client{Addr: kafka.TCP(bootstrap)}
	committed, err := cl.OffsetCommit(ctx, &kafka.OffsetCommitRequest{
		GroupID: name, GenerationID: -1, Topics: map[string][]kafka.OffsetCommit{name: {{Partition: 0, Offset: 3, Metadata: "a note"}}},
	})
	if err != nil {
		return err
	}
	if err := committed.Topics[name][0].Error; err != nil {
		return err
	}
	found, err := cl.OffsetFetch(ctx, &kafka.OffsetFetchRequest{GroupID: name, Topics: map[string][]int{name: {0}}})
	if err != nil {
		return err
	}
	row := found.Topics[name][0]
	listed, err := cl.ListGroups(ctx, &kafka.ListGroupsRequest{})
	if err != nil {
		return err
	}
	var names []string
	for _, group := range listed.Groups {
		names = append(names, group.GroupID)
	}
	if !slices.Contains(names, name) {
		return fmt.Errorf("not listed among %s", strings.Join(names, " "))
	}
	described, err := cl.DescribeGroups(ctx, &kafka.DescribeGroupsRequest{GroupIDs: []string{name}})
	if err != nil {
		return err
	}
	return errors.Join(same([]any{row.CommittedOffset, row.Metadata}, []any{3, "a note"}, "offset and note"), same(described.Groups[0].GroupState, "Empty", "state"))
}

package main

// IBM/sarama in groups.

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/IBM/sarama"
)

var saramaCases = []row{
	{"sarama/members-share-and-hand-over", saramaShares},
	{"sarama/administration", saramaAdmin},
}

func saramaConfig() *sarama.Config {
	config := sarama.NewConfig()
	config.Version = sarama.MaxVersion
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	config.Consumer.Offsets.AutoCommit.Enable = false
	config.Consumer.Group.Session.Timeout = 6 * time.Second
	config.Consumer.Group.Heartbeat.Interval = 300 * time.Millisecond
	config.Consumer.MaxWaitTime = 100 * time.Millisecond
	return config
}

// claimer is one member: it notes what it owns and what it got, and commits each record as it comes.
type claimer struct {
	sync.Mutex
	group sarama.ConsumerGroup
	owned []int32
	got   []string
	ended chan error
}

func (c *claimer) Setup(session sarama.ConsumerGroupSession) error {
	c.Lock()
	defer c.Unlock()
	for _, parts := range session.Claims() {
		c.owned = slices.Clone(parts)
	}
	return nil
}

func (c *claimer) Cleanup(sarama.ConsumerGroupSession) error {
	c.Lock()
	defer c.Unlock()
	c.owned = nil
	return nil
}

func (c *claimer) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for {
		select {
		case m, open := <-claim.Messages():
			if !open {
				return nil
			}
			c.Lock()
			c.got = append(c.got, fmt.Sprint(m.Partition, "/", m.Offset))
			c.Unlock()
			session.MarkMessage(m, "a note")
			session.Commit()
		case <-session.Context().Done():
			return nil
		}
	}
}

func claim(group, name string, strategy sarama.BalanceStrategy) (*claimer, error) {
	config := saramaConfig()
	config.Consumer.Group.Rebalance.GroupStrategies = []sarama.BalanceStrategy{strategy}
	made, err := sarama.NewConsumerGroup([]string{bootstrap}, group, config)
	if err != nil {
		return nil, err
	}
	c := &claimer{group: made, ended: make(chan error, 1)}
	go func() {
		for {
			if err := made.Consume(context.Background(), []string{name}, c); err != nil {
				if errors.Is(err, sarama.ErrClosedConsumerGroup) {
					err = nil
				}
				c.ended <- err
				return
			}
		}
	}()
	return c, nil
}

func (c *claimer) stop() error { return errors.Join(c.group.Close(), <-c.ended) }

func claims(all ...*claimer) (owned []int32, got []string) {
	for _, c := range all {
		c.Lock()
		owned = append(owned, c.owned...)
		got = append(got, c.got...)
		c.Unlock()
	}
	slices.Sort(owned)
	slices.Sort(got)
	return owned, got
}

func saramaShares(ctx context.Context) error {
	name, err := create(ctx, topic("shared"), 4)
	if err != nil {
		return err
	}
	one, err := claim(name, name, sarama.NewBalanceStrategySticky())
	two, err2 := claim(name, name, sarama.NewBalanceStrategySticky())
	if err := errors.Join(err, err2); err != nil {
		return err
	}
	even := func() (bool, error) {
		owned, _ := claims(one, two)
		first, _ := claims(one)
		return len(first) == 2 && slices.Equal(owned, []int32{0, 1, 2, 3}), nil
	}
	came := func(count int) error {
		return eventually(ctx, fmt.Sprint(count, " records"), func() (bool, error) {
			_, got := claims(one, two)
			return len(got) >= count, nil
		})
	}
	err = errors.Join(eventually(ctx, "an even share", even), kafkaGoFill(ctx, name, 100), came(100), one.stop())
	if err != nil {
		return err
	}
	all := func() (bool, error) {
		owned, _ := claims(two)
		return len(owned) == 4, nil
	}
	err = errors.Join(eventually(ctx, "all partitions", all), kafkaGoFill(ctx, name, 40), came(140), two.stop())
	_, got := claims(one, two)
	return errors.Join(err, same(len(slices.Compact(got)), 140, "records"), same(len(got), 140, "records in all"))
}

func saramaAdmin(ctx context.Context) error {
	name, err := create(ctx, topic("admin"), 4)
	if err = errors.Join(err, kafkaGoFill(ctx, name, 40)); err != nil {
		return err
	}
	member, err := claim(name, name, sarama.NewBalanceStrategySticky())
	if err != nil {
		return err
	}
	came := func() (bool, error) {
		_, got := claims(member)
		return len(got) >= 40, nil
	}
	if err := eventually(ctx, "records", came); err != nil {
		return err
	}
	admin, err := sarama.NewClusterAdmin([]string{bootstrap}, saramaConfig())
	if err != nil {
		return err
	}
	defer func() { _ = admin.Close() }()
	listed, err := admin.ListConsumerGroups()
	described, err2 := admin.DescribeConsumerGroups([]string{name})
	if err := errors.Join(err, err2); err != nil {
		return err
	}
	err = errors.Join(same(listed[name], "consumer", "listed type"), same(described[0].State, "Stable", "state"))
	if err := errors.Join(err, member.stop()); err != nil {
		return err
	}
	found, err := admin.ListConsumerGroupOffsets(name, map[string][]int32{name: {0, 3}})
	if err != nil {
		return err
	}
	row := found.GetBlock(name, 3)
	err = errors.Join(same(row.Offset, 10, "offset"), same(row.Metadata, "a note", "note"))
	return errors.Join(err, admin.DeleteConsumerGroupOffset(name, name, 0), admin.DeleteConsumerGroup(name))
}

package main

import (
	"errors"
	"flag"
	"fmt"
	"sync"
	"time"
)

const settleLimit = 120 * time.Second

// settleCommand measures how long a group takes from the start of its first member, and from one member's goodbye, until
// each partition is held once and all members hold their part in one generation.
func settleCommand(flags *flag.FlagSet) func() error {
	protocol := flags.String("protocol", "classic", "classic or consumer")
	members := flags.Int("members", 100, "members of the group")
	topics := flags.Int("topics", 10, "topics")
	partitions := flags.Int("partitions", 100, "partitions of each topic")
	within := flags.Duration("within", 2*time.Second, "from the start of the first member to that of the last")
	heartbeat := flags.Duration("heartbeat", 3*time.Second, "between heartbeats of the classic protocol")
	return func() error {
		starts := startClassic
		if *protocol == "consumer" {
			starts = startConsumer
			if served, err := servesConsumers(); !served || err != nil {
				return err
			}
		}
		group := "settle-" + newID()
		made, err := prepare([]string{group}, group, *topics, *partitions)
		if err != nil {
			return err
		}
		h := newHistory()
		h.addGroup(group, *protocol == "consumer", made.all(int32(*partitions)))
		return settle(setting{
			address: address, group: group, topics: made, history: h, heartbeat: *heartbeat,
			session: 45 * time.Second, rebalance: time.Minute,
		}, starts, *members, *within)
	}
}

// Members start one after the other: were all to start at once, their heartbeats would come in waves, and a group of the
// consumer protocol would take one wave or two by chance.
func settle(s setting, starts func(setting, string) *member, count int, within time.Duration) error {
	var members []*member
	began := time.Now()
	for i := range count {
		time.Sleep(within*time.Duration(i)/time.Duration(count) - time.Since(began))
		members = append(members, starts(s, fmt.Sprintf("member-%d", i)))
	}
	if err := settles(s.history, s.group, settleLimit); err != nil {
		return errors.Join(err, s.history.verdict())
	}
	figure("start", time.Since(began).Seconds())
	began = time.Now()
	members[count-1].leaves()
	if err := settles(s.history, s.group, settleLimit); err != nil {
		return errors.Join(err, s.history.verdict())
	}
	figure("leave", time.Since(began).Seconds())
	var all sync.WaitGroup
	for _, m := range members[:count-1] {
		all.Go(m.leaves)
	}
	all.Wait()
	return s.history.verdict()
}

// servesConsumers asks for the consumer protocol, and says so when it is not there.
func servesConsumers() (bool, error) {
	c, err := dial(address)
	if err != nil {
		return false, err
	}
	defer c.close()
	served, err := serves(c, 68)
	if err == nil && !served {
		fmt.Println("not served: the consumer protocol")
	}
	return served, err
}

// prepare makes topics with names from a stem, and waits for the coordinators of the groups.
func prepare(groups []string, stem string, count, partitions int) (*topics, error) {
	c, err := dial(address)
	if err != nil {
		return nil, err
	}
	defer c.close()
	var names []string
	for i := range count {
		names = append(names, fmt.Sprintf("%s-%d", stem, i))
	}
	made, err := createTopics(c, names, int32(partitions))
	if err != nil {
		return nil, err
	}
	return made, findCoordinators(c, groups)
}

package main

import (
	"errors"
	"flag"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// commitsCommand sends a number of OffsetCommit requests of simple consumers and measures how many are answered a second.
func commitsCommand(flags *flag.FlagSet) func() error {
	count := flags.Int("count", 200_000, "requests")
	partitions := flags.Int("partitions", 1, "partitions of each request")
	connections := flags.Int("connections", 16, "connections")
	flight := flags.Int("flight", 4, "requests in flight on each connection")
	groups := flags.Int("groups", 50, "groups")
	return func() error {
		var names []string
		for i := range *groups {
			names = append(names, fmt.Sprintf("commits-%d", i))
		}
		made, err := prepare(names, "commits-"+newID(), 1, *partitions)
		if err != nil {
			return err
		}
		every := made.all(int32(*partitions))
		began := time.Now()
		failures := make([]error, *connections)
		var all sync.WaitGroup
		for i := range *connections {
			all.Go(func() { failures[i] = commitAll(names[i%len(names):], every, *count / *connections, *flight) })
		}
		all.Wait()
		figure("rate", float64(*count)/time.Since(began).Seconds())
		return errors.Join(failures...)
	}
}

// commitAll keeps so many requests in flight on one connection until all are answered.
func commitAll(groups []string, partitions []partition, count, flight int) error {
	c, err := dial(address)
	if err != nil {
		return err
	}
	defer c.close()
	for sent := range count + flight {
		if sent < count {
			request := commitRequest(groups[sent%len(groups)])
			for _, p := range partitions {
				addCommit(request, p, int64(sent))
			}
			if err := c.send(request); err != nil {
				return err
			}
		}
		if sent >= flight {
			if err := committed(c); err != nil {
				return err
			}
		}
	}
	return nil
}

// committed reads the answer of one commit, in which nothing may be refused.
func committed(c *connection) error {
	answer, err := c.receive()
	if err != nil {
		return err
	}
	for _, topic := range answer.(*kmsg.OffsetCommitResponse).Topics {
		for _, p := range topic.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				return fmt.Errorf("a commit is answered with %w", err)
			}
		}
	}
	return nil
}

package main

// Members of three clients of Go in one classic group: franz-go, sarama and kafka-go agree on `range`.

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

var mixedCases = []row{
	{"mixed-go/three-clients-share-by-range", mixedShares},
}

// tally is what franz-go's member got.
type tally struct {
	sync.Mutex
	got []string
}

func (t *tally) rows() []string {
	t.Lock()
	defer t.Unlock()
	return slices.Clone(t.got)
}

// shareOf asks the coordinator: every partition has one owner, and nobody has nothing.
func shareOf(ctx context.Context, adm *kadm.Client, group string, members, partitions int) func() (bool, error) {
	return func() (bool, error) {
		found, err := adm.DescribeGroups(ctx, group)
		if err != nil {
			return false, err
		}
		shown := found[group]
		if errors.Is(shown.Err, kerr.GroupIDNotFound) {
			return false, nil
		}
		if shown.Err != nil || shown.State != "Stable" || len(shown.Members) != members {
			return false, shown.Err
		}
		var owned []int32
		for _, m := range shown.Members {
			assigned, _ := m.Assigned.AsConsumer()
			if assigned == nil || len(assigned.Topics) == 0 {
				return false, nil
			}
			owned = append(owned, assigned.Topics[0].Partitions...)
		}
		slices.Sort(owned)
		if len(owned) != partitions || len(slices.Compact(owned)) != partitions {
			return false, fmt.Errorf("owners of a stable group: %v", owned)
		}
		return true, nil
	}
}

func mixedShares(ctx context.Context) error {
	name, err := create(ctx, topic("range"), 4)
	if err != nil {
		return err
	}
	cl := client()
	defer cl.Close()
	adm := kadm.NewClient(cl)
	franz := &tally{}
	w := work(name, name, func(_ context.Context, records []*kgo.Record) error {
		franz.Lock()
		defer franz.Unlock()
		for _, r := range records {
			franz.got = append(franz.got, fmt.Sprint(r.Partition, "/", r.Offset))
		}
		return nil
	}, kgo.Balancers(kgo.RangeBalancer()))
	segment := &sharing{seen: map[string][]string{}}
	var claimed *claimer
	all := func() []string {
		rows := franz.rows()
		if claimed != nil {
			_, got := claims(claimed)
			rows = append(rows, got...)
		}
		return append(rows, segment.rows()...)
	}
	sent := 0
	flows := func(members int) error {
		sent += 100
		came := func() (bool, error) { return len(all()) >= sent, nil }
		err := errors.Join(eventually(ctx, fmt.Sprint("a share of ", members), shareOf(ctx, adm, name, members, 4)), kafkaGoFill(ctx, name, 100))
		return errors.Join(err, eventually(ctx, fmt.Sprint(sent, " records"), came))
	}
	if err := flows(1); err != nil {
		return err
	}
	if claimed, err = claim(name, name, sarama.NewBalanceStrategyRange()); err != nil {
		return err
	}
	if err := flows(2); err != nil {
		return err
	}
	reader := kafkaGoReader(name, name)
	go segment.take(ctx, "kafka-go", reader)
	if err := flows(3); err != nil {
		return err
	}
	counts := []bool{len(franz.rows()) > 0, segment.count() > 0}
	err = errors.Join(same(counts, []bool{true, true}, "who got something"), w.stop(), flows(2), claimed.stop(), flows(1), reader.Close())
	rows := all()
	slices.Sort(rows)
	return errors.Join(err, same(len(rows), sent, "records in all"), same(len(slices.Compact(rows)), sent, "records"))
}

package main

// franz-go in groups: members that come and go under load, static members, both protocols, and kadm's group calls.

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

var franzGroupCases = []row{
	{"franz-go-groups/etl-cooperative-sticky", etl("etl-cooperative", kgo.Balancers(kgo.CooperativeStickyBalancer()))},
	{"franz-go-groups/etl-range", etl("etl-range", kgo.Balancers(kgo.RangeBalancer()))},
	{"franz-go-groups/etl-newer-protocol", etl("etl-newer", kgo.Balancers(kgo.StickyBalancer()), kgo.ServerSideBalancer())},
	{"franz-go-groups/static-member-restarts-unnoticed", staticMember},
	{"franz-go-groups/the-newer-protocol-is-spoken", newerProtocol},
	{"franz-go-groups/commits-survive", commitsSurvive},
	{"franz-go-groups/lag-lists-and-descriptions", lagAndLists},
	{"franz-go-groups/offsets-committed-fetched-and-deleted", offsetCalls},
	{"franz-go-groups/coordinators-in-one-request", coordinators},
	{"franz-go-groups/the-topic-of-offsets-can-be-read", offsetsTopic},
}

// ledger counts how often each value was seen.
type ledger struct {
	sync.Mutex
	seen map[string]int
}

func (l *ledger) add(records []*kgo.Record) {
	l.Lock()
	defer l.Unlock()
	for _, r := range records {
		l.seen[string(r.Value)]++
	}
}

func (l *ledger) size() int {
	l.Lock()
	defer l.Unlock()
	return len(l.seen)
}

// worker is a member that handles what it polls and commits it before it lets a rebalance go on.
type worker struct {
	cl     *kgo.Client
	end    context.CancelFunc
	ended  chan error
	mu     sync.Mutex
	owned  map[int32]bool
	losses int
}

func work(group, from string, handle func(context.Context, []*kgo.Record) error, options ...kgo.Opt) *worker {
	w := &worker{ended: make(chan error, 1), owned: map[int32]bool{}}
	change := func(mine bool) func(context.Context, *kgo.Client, map[string][]int32) {
		return func(_ context.Context, _ *kgo.Client, parts map[string][]int32) {
			w.mu.Lock()
			defer w.mu.Unlock()
			for _, p := range parts[from] {
				if delete(w.owned, p); mine {
					w.owned[p] = true
				} else {
					w.losses++
				}
			}
		}
	}
	w.cl = client(append([]kgo.Opt{
		kgo.ConsumerGroup(group), kgo.ConsumeTopics(from), kgo.DisableAutoCommit(), kgo.BlockRebalanceOnPoll(),
		kgo.SessionTimeout(6 * time.Second), kgo.HeartbeatInterval(300 * time.Millisecond), kgo.RebalanceTimeout(20 * time.Second),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchMaxWait(100 * time.Millisecond),
		kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)),
		kgo.OnPartitionsAssigned(change(true)), kgo.OnPartitionsRevoked(change(false)), kgo.OnPartitionsLost(change(false)),
	}, options...)...)
	ctx, cancel := context.WithCancel(context.Background())
	w.end = cancel
	go func() { w.ended <- w.loop(ctx, handle) }()
	return w
}

func (w *worker) loop(ctx context.Context, handle func(context.Context, []*kgo.Record) error) error {
	for ctx.Err() == nil {
		fetches := w.cl.PollRecords(ctx, 300)
		if err := fetches.Err0(); err != nil && !errors.Is(err, context.Canceled) {
			return err
		}
		// What was polled is finished, even when the member is to end.
		if records := fetches.Records(); len(records) > 0 {
			if err := errors.Join(handle(context.Background(), records), w.commit()); err != nil {
				return err
			}
		}
		w.cl.AllowRebalance()
	}
	return nil
}

// commit repeats what the coordinator refuses while the others are between two generations.
func (w *worker) commit() error {
	for {
		err := w.cl.CommitUncommittedOffsets(context.Background())
		if !errors.Is(err, kerr.RebalanceInProgress) {
			return err
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (w *worker) stop() error {
	w.end()
	err := <-w.ended
	w.cl.CloseAllowingRebalance()
	return err
}

func (w *worker) parts() []int32 {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []int32
	for p := range w.owned {
		all = append(all, p)
	}
	slices.Sort(all)
	return all
}

func (w *worker) lost() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.losses
}

func shared(workers ...*worker) []int32 {
	var all []int32
	for _, w := range workers {
		all = append(all, w.parts()...)
	}
	slices.Sort(all)
	return all
}

// etl moves records from one topic to a second and reads them there, in two groups, while members join and leave.
func etl(label string, options ...kgo.Opt) func(context.Context) error {
	return func(ctx context.Context) error {
		const count, partitions = 20_000, 8
		from, err := create(ctx, topic(label+"-in"), partitions)
		to, err2 := create(ctx, topic(label+"-out"), partitions)
		if err := errors.Join(err, err2); err != nil {
			return err
		}
		out := &ledger{seen: map[string]int{}}
		var all []*worker
		move := func() {
			var w *worker
			w = work(from, from, func(ctx context.Context, records []*kgo.Record) error {
				var next []*kgo.Record
				for _, r := range records {
					next = append(next, &kgo.Record{Topic: to, Key: r.Key, Value: r.Value})
				}
				return w.cl.ProduceSync(ctx, next...).FirstErr()
			}, options...)
			all = append(all, w)
		}
		read := func() {
			all = append(all, work(to, to, func(_ context.Context, records []*kgo.Record) error {
				out.add(records)
				return nil
			}, options...))
		}
		stop := func(index int) error { return all[index].stop() }
		feed := make(chan error, 1)
		go func() {
			cl := client(kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)))
			defer cl.Close()
			for i := 0; i < count; i += 500 {
				var records []*kgo.Record
				for j := i; j < i+500; j++ {
					records = append(records, &kgo.Record{Topic: from, Key: fmt.Append(nil, j), Value: fmt.Append(nil, j)})
				}
				if err := cl.ProduceSync(ctx, records...).FirstErr(); err != nil {
					feed <- err
					return
				}
			}
			feed <- nil
		}()
		move()
		read()
		grow := func() error { move(); read(); return nil }
		steps := []struct {
			after int
			do    func() error
		}{
			{1, grow},
			{count / 5, grow},
			{2 * count / 5, func() error { return stop(0) }},
			{3 * count / 5, func() error { move(); return stop(3) }},
			{4 * count / 5, func() error { return stop(2) }},
			{count, func() error { return nil }},
		}
		for _, step := range steps {
			enough := func() (bool, error) { return out.size() >= step.after, nil }
			if err := eventually(ctx, fmt.Sprintf("%d of %d records", step.after, count), enough); err != nil {
				return err
			}
			if err := step.do(); err != nil {
				return err
			}
		}
		for i, w := range all {
			if i == 0 || i == 2 || i == 3 {
				continue
			}
			if err := w.stop(); err != nil {
				return err
			}
		}
		twice := 0
		for _, times := range out.seen {
			twice += times - 1
		}
		return errors.Join(<-feed, same(twice, 0, "records that came twice"), same(out.size(), count, "records"))
	}
}

// staticMember: of the classic protocol only. In the newer one franz-go 1.22.2 says that it pauses without naming its
// instance, which a broker must refuse.
func staticMember(ctx context.Context) error {
	name, err := create(ctx, topic("static"), 4)
	if err != nil {
		return err
	}
	idle := func(context.Context, []*kgo.Record) error { return nil }
	named := func(id string) *worker {
		return work(name, name, idle, kgo.Balancers(kgo.CooperativeStickyBalancer()), kgo.InstanceID(id))
	}
	one, two := named("one"), named("two")
	even := func() (bool, error) {
		return len(one.parts()) == 2 && len(two.parts()) == 2 && len(shared(one, two)) == 4, nil
	}
	if err := eventually(ctx, "an even share", even); err != nil {
		return err
	}
	before, losses := fmt.Sprint(one.parts()), two.lost()
	if err := one.stop(); err != nil {
		return err
	}
	one = named("one")
	if err := eventually(ctx, "its partitions", func() (bool, error) { return fmt.Sprint(one.parts()) == before, nil }); err != nil {
		return err
	}
	err = errors.Join(same(two.lost(), losses, "losses of the other member"), same(len(two.parts()), 2, "its partitions"))
	return errors.Join(err, one.stop(), two.stop())
}

// newerProtocol: a client that finds the newer protocol lacking falls back to the classic one without a word.
func newerProtocol(ctx context.Context) error {
	name, err := create(ctx, topic("newer"), 4)
	if err != nil {
		return err
	}
	idle := func(context.Context, []*kgo.Record) error { return nil }
	w := work(name, name, idle, kgo.Balancers(kgo.RangeBalancer()), kgo.ServerSideBalancer())
	if err := eventually(ctx, "all partitions", func() (bool, error) { return len(w.parts()) == 4, nil }); err != nil {
		return err
	}
	cl := client()
	defer cl.Close()
	found, err := kadm.NewClient(cl).DescribeConsumerGroups(ctx, name)
	if err != nil {
		return err
	}
	group := found[name]
	err = errors.Join(group.Err, same(group.AssignorName, "range", "assignor"), same(len(group.Members), 1, "members"))
	return errors.Join(err, w.stop())
}

func commitsSurvive(ctx context.Context) error {
	name, err := create(ctx, topic("commits"), 1)
	if err = errors.Join(err, produce(ctx, numbered(name, 100))); err != nil {
		return err
	}
	for _, wanted := range []int64{0, 40, 70} {
		cl := client(kgo.ConsumerGroup(name), kgo.ConsumeTopics(name), kgo.DisableAutoCommit(), kgo.SessionTimeout(6*time.Second),
			kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
		records := cl.PollRecords(ctx, 1).Records()
		if len(records) != 1 {
			cl.Close()
			return fmt.Errorf("no record at %d", wanted)
		}
		err := same(records[0].Offset, wanted, "first offset")
		next := map[int64]int64{0: 39, 40: 69, 70: 99}[wanted]
		err = errors.Join(err, cl.CommitRecords(ctx, &kgo.Record{Topic: name, Offset: next, LeaderEpoch: 0}))
		cl.Close()
		if err != nil {
			return err
		}
	}
	cl := client()
	defer cl.Close()
	found, err := kadm.NewClient(cl).FetchOffsets(ctx, name)
	if err != nil {
		return err
	}
	row, _ := found.Lookup(name, 0)
	return errors.Join(same(row.At, 100, "offset"), same(row.LeaderEpoch, 0, "its epoch"))
}

func lagAndLists(ctx context.Context) error {
	name, err := create(ctx, topic("lag"), 2)
	records := numbered(name, 60)
	for i, r := range records {
		r.Partition = int32(i % 2)
	}
	if err = errors.Join(err, produce(ctx, records)); err != nil {
		return err
	}
	cl := client()
	defer cl.Close()
	adm := kadm.NewClient(cl)
	var done kadm.Offsets
	done.AddOffset(name, 0, 10, -1)
	done.AddOffset(name, 1, 25, -1)
	if err := adm.CommitAllOffsets(ctx, name, done); err != nil {
		return err
	}
	lags, err := adm.Lag(ctx, name)
	if err = errors.Join(err, lags.Error()); err != nil {
		return err
	}
	group := lags[name]
	one, _ := group.Lag.Lookup(name, 0)
	err = errors.Join(same(one.Lag, 20, "lag of partition 0"), same(group.Lag.Total(), 25, "lag in all"), same(group.State, "Empty", "state"))
	if err != nil {
		return err
	}
	w := work(name, name, func(context.Context, []*kgo.Record) error { return nil }, kgo.Balancers(kgo.RoundRobinBalancer()))
	caughtUp := func() (bool, error) {
		lags, err := adm.Lag(ctx, name)
		group := lags[name]
		return err == nil && group.State == "Stable" && group.Lag.Total() == 0, err
	}
	if err := eventually(ctx, "a stable group without lag", caughtUp); err != nil {
		return err
	}
	described, err := adm.DescribeGroups(ctx, name)
	if err != nil {
		return err
	}
	row := described[name]
	err = errors.Join(row.Err, same(row.Protocol, "roundrobin", "protocol"), same(len(row.Members), 1, "members"))
	assigned, _ := row.Members[0].Assigned.AsConsumer()
	err = errors.Join(err, same(len(assigned.Topics[0].Partitions), 2, "partitions of the member"))
	stableOnes, err2 := adm.ListGroups(ctx, "Stable")
	emptyOnes, err3 := adm.ListGroups(ctx, "Empty")
	_, isStable := stableOnes[name]
	_, isEmpty := emptyOnes[name]
	err = errors.Join(err, err2, err3, same([]bool{isStable, isEmpty}, []bool{true, false}, "listed by state"))
	inUse, err2 := adm.DeleteGroup(ctx, name)
	err = errors.Join(err, refused(errors.Join(err2, inUse.Err), kerr.NonEmptyGroup), w.stop())
	gone, err2 := adm.DeleteGroup(ctx, name)
	err = errors.Join(err, err2, gone.Err)
	gone, err2 = adm.DeleteGroup(ctx, name)
	return errors.Join(err, refused(errors.Join(err2, gone.Err), kerr.GroupIDNotFound))
}

func offsetCalls(ctx context.Context) error {
	name, err := create(ctx, topic("offsets"), 3)
	if err == nil {
		_, err = topicID(ctx, name)
	}
	if err != nil {
		return err
	}
	cl := client()
	defer cl.Close()
	adm := kadm.NewClient(cl)
	done := kadm.Offsets{}
	done.Add(kadm.Offset{Topic: name, Partition: 0, At: 7, LeaderEpoch: 0, Metadata: "a note"})
	done.AddOffset(name, 1, 8, -1)
	if err := adm.CommitAllOffsets(ctx, name, done); err != nil {
		return err
	}
	many := adm.FetchManyOffsets(ctx, name, topic("nowhere"))
	row, _ := many[name].Fetched.Lookup(name, 0)
	err = errors.Join(many.Error(), same([]any{row.At, row.LeaderEpoch, row.Metadata}, []any{7, 0, "a note"}, "offset"))
	if err != nil {
		return err
	}
	answers, err := adm.DeleteOffsets(ctx, name, kadm.TopicsSet{name: {0: {}, 2: {}}})
	if err = errors.Join(err, answers.Error()); err != nil {
		return err
	}
	left, err := adm.FetchOffsets(ctx, name)
	if err != nil {
		return err
	}
	_, still := left.Lookup(name, 0)
	other, _ := left.Lookup(name, 1)
	return errors.Join(same(still, false, "the deleted offset"), same(other.At, 8, "the other one"))
}

func coordinators(ctx context.Context) error {
	cl := client()
	defer cl.Close()
	var groups []string
	for i := range 30 {
		groups = append(groups, topic(fmt.Sprint("coordinator-", i)))
	}
	found := kadm.NewClient(cl).FindGroupCoordinators(ctx, groups...)
	err := errors.Join(found.Error(), same(len(found), 30, "coordinators"))
	request := kmsg.NewPtrFindCoordinatorRequest()
	request.CoordinatorKeys = groups
	request.Version = 4
	answer, err2 := request.RequestWith(ctx, cl)
	if err = errors.Join(err, err2); err != nil {
		return err
	}
	return same(len(answer.Coordinators), 30, "rows of one answer")
}

// offsetsTopic reads commits where exporters of lag find them.
func offsetsTopic(ctx context.Context) error {
	name, err := create(ctx, topic("read"), 2)
	if err == nil {
		_, err = topicID(ctx, name)
	}
	if err != nil {
		return err
	}
	cl := client(kgo.ConsumeTopics("__consumer_offsets"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	defer cl.Close()
	adm := kadm.NewClient(cl)
	done := kadm.Offsets{}
	done.Add(kadm.Offset{Topic: name, Partition: 1, At: 7, LeaderEpoch: 3, Metadata: "a note"})
	if err := adm.CommitAllOffsets(ctx, name, done); err != nil {
		return err
	}
	if _, err := adm.DeleteOffsets(ctx, name, kadm.TopicsSet{name: {1: {}}}); err != nil {
		return err
	}
	var rows []string
	for len(rows) < 2 {
		fetches := cl.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return err
		}
		for _, r := range fetches.Records() {
			var key kmsg.OffsetCommitKey
			if r.Key[1] > 1 || key.ReadFrom(r.Key) != nil || key.Group != name {
				continue
			}
			if r.Value == nil {
				rows = append(rows, fmt.Sprint(key.Topic == name, key.Partition, " gone"))
				continue
			}
			var value kmsg.OffsetCommitValue
			if err := value.ReadFrom(r.Value); err != nil {
				return err
			}
			rows = append(rows, fmt.Sprint(key.Topic == name, key.Partition, " ", value.Offset, value.LeaderEpoch, " ", value.Metadata))
		}
	}
	return same(rows, []string{"true 1 7 3 a note", "true 1 gone"}, "what the topic says")
}

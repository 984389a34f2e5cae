package main

// franz-go: producer, direct (assigning) consumer, admin.

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const mib = 1 << 20

var franzCases = []row{
	{"franz-go/every-codec", everyCodec},
	{"franz-go/acks", acks},
	{"franz-go/idempotent-producer", idempotent},
	{"franz-go/headers-keys-and-values", headers},
	{"franz-go/records-of-1-byte-to-10-mib", sizes},
	{"franz-go/too-large-a-record", tooLarge},
	{"franz-go/from-an-offset-inside-a-batch", inside},
	{"franz-go/timestamps", timestamps},
	{"franz-go/admin", admin},
	{"franz-go/topic-ids-live-as-long-as-their-topic", deletedAndMadeAgain},
}

func client(options ...kgo.Opt) *kgo.Client {
	all := append([]kgo.Opt{
		kgo.SeedBrokers(bootstrap),
		kgo.ProducerBatchMaxBytes(12 * mib),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.FetchMaxPartitionBytes(16 * mib),
		kgo.RecordDeliveryTimeout(20 * time.Second),
	}, options...)
	made, err := kgo.NewClient(all...)
	if err != nil {
		panic(err)
	}
	return made
}

func create(ctx context.Context, name string, partitions int32, configs ...string) (string, error) {
	wanted := map[string]*string{}
	for i := 0; i < len(configs); i += 2 {
		wanted[configs[i]] = &configs[i+1]
	}
	cl := client()
	defer cl.Close()
	_, err := kadm.NewClient(cl).CreateTopic(ctx, partitions, 1, wanted, name)
	return name, err
}

func produce(ctx context.Context, records []*kgo.Record, options ...kgo.Opt) error {
	cl := client(options...)
	defer cl.Close()
	return cl.ProduceSync(ctx, records...).FirstErr()
}

func numbered(name string, count int) []*kgo.Record {
	var all []*kgo.Record
	for i := 0; i < count; i++ {
		all = append(all, &kgo.Record{Topic: name, Value: []byte(fmt.Sprint(i))})
	}
	return all
}

// consume reads `count` records of partition 0 from the offset and checks that the end comes with them.
func consume(ctx context.Context, name string, from kgo.Offset, count int, options ...kgo.Opt) ([]*kgo.Record, error) {
	cl := client(append(options, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{name: {0: from}}))...)
	defer cl.Close()
	var got []*kgo.Record
	for len(got) < count {
		fetches := cl.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return got, fmt.Errorf("after %d records: %w", len(got), err)
		}
		got = append(got, fetches.Records()...)
	}
	if len(got) != count {
		return got, fmt.Errorf("%d records, wanted %d", len(got), count)
	}
	return got, nil
}

func values(records []*kgo.Record) string {
	var all []string
	for _, r := range records {
		all = append(all, string(r.Value))
	}
	return strings.Join(all, " ")
}

func refused(err error, wanted *kerr.Error) error {
	if !errors.Is(err, wanted) {
		return fmt.Errorf("got %v, wanted %v", err, wanted)
	}
	return nil
}

func everyCodec(ctx context.Context) error {
	name, err := create(ctx, topic("codecs"), 1)
	if err != nil {
		return err
	}
	codecs := []kgo.CompressionCodec{kgo.NoCompression(), kgo.GzipCompression(), kgo.SnappyCompression(), kgo.Lz4Compression(), kgo.ZstdCompression()}
	var wanted []*kgo.Record
	for i, codec := range codecs {
		var records []*kgo.Record
		for j := 0; j < 50; j++ {
			records = append(records, &kgo.Record{Topic: name, Value: []byte(fmt.Sprint(i, j, strings.Repeat("x", 2000)))})
		}
		if err := produce(ctx, records, kgo.ProducerBatchCompression(codec)); err != nil {
			return fmt.Errorf("codec %d: %w", i, err)
		}
		wanted = append(wanted, records...)
	}
	got, err := consume(ctx, name, kgo.NewOffset().AtStart(), len(wanted))
	return errors.Join(err, same(values(got), values(wanted), "values"))
}

func acks(ctx context.Context) error {
	name, err := create(ctx, topic("acks"), 1)
	err = errors.Join(err, produce(ctx, numbered(name, 10), kgo.RequiredAcks(kgo.LeaderAck()), kgo.DisableIdempotentWrite()))
	err = errors.Join(err, produce(ctx, numbered(name, 10), kgo.RequiredAcks(kgo.AllISRAcks())))
	err = errors.Join(err, produce(ctx, numbered(name, 10), kgo.RequiredAcks(kgo.NoAck()), kgo.DisableIdempotentWrite()))
	if err != nil {
		return err
	}
	_, err = consume(ctx, name, kgo.NewOffset().AtStart(), 30)
	return err
}

func headers(ctx context.Context) error {
	name, err := create(ctx, topic("headers"), 1)
	if err != nil {
		return err
	}
	twice := []kgo.RecordHeader{{Key: "same", Value: []byte("1")}, {Key: "same", Value: []byte("2")}, {Key: "none"}, {Key: ""}}
	err = produce(ctx, []*kgo.Record{
		{Topic: name}, {Topic: name, Key: []byte{}, Value: []byte{}}, {Topic: name, Key: []byte("k")},
		{Topic: name, Value: []byte("v"), Headers: twice},
	})
	if err != nil {
		return err
	}
	got, err := consume(ctx, name, kgo.NewOffset().AtStart(), 4)
	if err != nil {
		return err
	}
	if got[0].Key != nil || got[0].Value != nil || got[1].Key == nil || got[1].Value == nil {
		return errors.New("null and empty are mixed up")
	}
	return same(got[3].Headers, twice, "headers")
}

func sizes(ctx context.Context) error {
	name, err := create(ctx, topic("sizes"), 1, "max.message.bytes", fmt.Sprint(12*mib))
	if err != nil {
		return err
	}
	all := []int{1, 1000, 65536, mib, 10 * mib}
	var records []*kgo.Record
	for _, n := range all {
		records = append(records, &kgo.Record{Topic: name, Value: bytes.Repeat([]byte{byte(n), 7, 9}, n/3+1)[:n]})
	}
	if err := produce(ctx, records, kgo.ProducerBatchCompression(kgo.NoCompression())); err != nil {
		return err
	}
	got, err := consume(ctx, name, kgo.NewOffset().AtStart(), len(all))
	if err != nil {
		return err
	}
	for i := range got {
		if !bytes.Equal(got[i].Value, records[i].Value) {
			return fmt.Errorf("record of %d bytes differs", all[i])
		}
	}
	return nil
}

func tooLarge(ctx context.Context) error {
	name, err := create(ctx, topic("small"), 1, "max.message.bytes", "51200")
	if err != nil {
		return err
	}
	large := &kgo.Record{Topic: name, Value: make([]byte, 10*mib)}
	return refused(produce(ctx, []*kgo.Record{large}, kgo.ProducerBatchCompression(kgo.NoCompression())), kerr.MessageTooLarge)
}

func inside(ctx context.Context) error {
	name, err := create(ctx, topic("inside"), 1)
	err = errors.Join(err, produce(ctx, numbered(name, 1000), kgo.ProducerLinger(100*time.Millisecond)))
	if err != nil {
		return err
	}
	for _, start := range []int64{1, 500, 999} {
		got, err := consume(ctx, name, kgo.NewOffset().At(start), int(1000-start))
		if err != nil {
			return err
		}
		if got[0].Offset != start {
			return fmt.Errorf("first offset %d, wanted %d", got[0].Offset, start)
		}
	}
	return nil
}

func timestamps(ctx context.Context) error {
	name, err := create(ctx, topic("times"), 1)
	if err != nil {
		return err
	}
	start := time.Now().Add(-time.Hour).Truncate(time.Millisecond)
	records := numbered(name, 300)
	for i, r := range records {
		r.Timestamp = start.Add(time.Duration(i) * time.Second)
	}
	// The delivery timeout would count from the timestamps, which lie in the past.
	if err := produce(ctx, records, kgo.RecordDeliveryTimeout(0)); err != nil {
		return err
	}
	got, err := consume(ctx, name, kgo.NewOffset().AfterMilli(start.UnixMilli()+99_001), 200)
	if err != nil {
		return err
	}
	if err := same(got[0].Offset, 100, "first offset"); err != nil {
		return err
	}
	cl := client()
	defer cl.Close()
	listed, err := kadm.NewClient(cl).ListOffsetsAfterMilli(ctx, start.UnixMilli()+5000, name)
	if err != nil {
		return err
	}
	found, _ := listed.Lookup(name, 0)
	return errors.Join(same(found.Offset, 5, "offset"), same(found.LeaderEpoch, 0, "epoch of the offset"))
}

func admin(ctx context.Context) error {
	name, err := create(ctx, topic("admin"), 1, "retention.ms", "4242")
	if err != nil {
		return err
	}
	cl := client()
	defer cl.Close()
	adm := kadm.NewClient(cl)
	_, err = create(ctx, name, 1)
	if err := refused(err, kerr.TopicAlreadyExists); err != nil {
		return err
	}
	_, err = create(ctx, "no/slash", 1)
	if err := refused(err, kerr.InvalidTopicException); err != nil {
		return err
	}
	configs, err := adm.DescribeTopicConfigs(ctx, name)
	if err != nil {
		return err
	}
	shown := false
	for _, c := range configs[0].Configs {
		shown = shown || c.Key == "retention.ms" && c.MaybeValue() == "4242"
	}
	if !shown {
		return errors.New("retention.ms is not shown")
	}
	grow := []kadm.AlterConfig{{Op: kadm.AppendConfig, Name: "cleanup.policy", Value: kmsg.StringPtr("compact")}}
	altered, err := adm.AlterTopicConfigs(ctx, grow, name)
	if err = errors.Join(err, altered[0].Err); err != nil {
		return err
	}
	subtract := []kadm.AlterConfig{{Op: kadm.SubtractConfig, Name: "cleanup.policy", Value: kmsg.StringPtr("compact")}}
	altered, err = adm.AlterTopicConfigs(ctx, subtract, name)
	if err = errors.Join(err, altered[0].Err); err != nil {
		return err
	}
	grown, err := adm.CreatePartitions(ctx, 2, name)
	if err = errors.Join(err, grown.Error()); err != nil {
		return err
	}
	if err := produce(ctx, numbered(name, 10)); err != nil {
		return err
	}
	trim := kadm.Offsets{}
	trim.AddOffset(name, 0, 6, -1)
	trimmed, err := adm.DeleteRecords(ctx, trim)
	if err = errors.Join(err, trimmed.Error()); err != nil {
		return err
	}
	starts, err := adm.ListStartOffsets(ctx, name)
	if err != nil {
		return err
	}
	found, _ := starts.Lookup(name, 0)
	if err := same(found.Offset, 6, "start offset"); err != nil {
		return err
	}
	gone, err := adm.DeleteTopic(ctx, name)
	if err = errors.Join(err, gone.Err); err != nil {
		return err
	}
	gone, err = adm.DeleteTopic(ctx, topic("nowhere"))
	return refused(errors.Join(err, gone.Err), kerr.UnknownTopicOrPartition)
}

// topicID asks with a new client each time: a client keeps what it has heard. On Kafka a topic may not be known yet when
// its creation is answered.
func topicID(ctx context.Context, name string) (kadm.TopicID, error) {
	for {
		cl := client()
		listed, err := kadm.NewClient(cl).ListTopics(ctx, name)
		cl.Close()
		if err != nil {
			return kadm.TopicID{}, err
		}
		if listed[name].Err == nil {
			return listed[name].ID, nil
		}
	}
}

func deletedAndMadeAgain(ctx context.Context) error {
	name, err := create(ctx, topic("again"), 1)
	if err != nil {
		return err
	}
	before, err := topicID(ctx, name)
	if err != nil {
		return err
	}
	if again, err := topicID(ctx, name); err != nil || before == (kadm.TopicID{}) || before != again {
		return fmt.Errorf("the id of a living topic changed or is zero: %v, then %v (%v)", before, again, err)
	}
	cl := client()
	defer cl.Close()
	if _, err := kadm.NewClient(cl).DeleteTopic(ctx, name); err != nil {
		return err
	}
	for {
		if _, err = create(ctx, name, 1); !errors.Is(err, kerr.TopicAlreadyExists) {
			break
		}
	}
	if err != nil {
		return err
	}
	for after := before; after == before; {
		if after, err = topicID(ctx, name); err != nil {
			return fmt.Errorf("the new topic still has the old id: %w", err)
		}
	}
	return produce(ctx, numbered(name, 1))
}

func idempotent(ctx context.Context) error {
	name, err := create(ctx, topic("idempotent"), 1)
	if err != nil {
		return err
	}
	records := numbered(name, 20000)
	if err := produce(ctx, records, kgo.ProducerBatchMaxBytes(2000)); err != nil {
		return err
	}
	got, err := consume(ctx, name, kgo.NewOffset().AtStart(), len(records))
	return errors.Join(err, same(values(got), values(records), "values"))
}

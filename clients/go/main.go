// The suites of the Go clients: `clients SUITE [CASE...]` runs one, and each case prints `id: ok` or `id: failed REASON`.
package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// row is one case of a suite.
type row struct {
	id string
	do func(ctx context.Context) error
}

var suites = map[string][]row{
	"franz-go":        franzCases,
	"franz-go-groups": franzGroupCases,
	"kafka-go":        kafkaGoCases,
	"mixed-go":        mixedCases,
	"sarama":          saramaCases,
}

var (
	bootstrap = os.Getenv("BOOTSTRAP")
	run       = os.Getenv("RUN_ID")
	suite     string
)

func topic(name string) string { return suite + "-" + name + "-" + run }

func same(got, wanted any, what string) error {
	if fmt.Sprint(got) != fmt.Sprint(wanted) {
		return fmt.Errorf("%s: got %.200v, wanted %.200v", what, got, wanted)
	}
	return nil
}

// eventually polls until the probe is true or the case is over.
func eventually(ctx context.Context, what string, probe func() (bool, error)) error {
	for {
		done, err := probe()
		if done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s did not come in time", what)
		case <-time.After(30 * time.Millisecond):
		}
	}
}

func main() {
	if run == "" {
		run = fmt.Sprint(time.Now().UnixMilli())
	}
	suite = os.Args[1]
	failed := false
	for _, c := range suites[suite] {
		if len(os.Args) > 2 && !slices.Contains(os.Args[2:], c.id) {
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
		if err := c.do(ctx); err != nil {
			failed = true
			fmt.Printf("%s: failed %s\n", c.id, strings.ReplaceAll(err.Error(), "\n", " "))
		} else {
			fmt.Printf("%s: ok\n", c.id)
		}
		cancel()
	}
	if failed {
		os.Exit(1)
	}
}

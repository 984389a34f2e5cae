// Load on group coordinators, and a checker of what they promise, over requests of its own: what is measured is the broker
// and not a client. `cargo xtask bench groups` and `cargo xtask kills` run it; BOOTSTRAP says where the broker is.
package main

import (
	"flag"
	"fmt"
	"os"
	"time"
)

var address = os.Getenv("BOOTSTRAP")

func main() {
	if len(os.Args) < 2 {
		fmt.Println("usage: load settle|commits|groups|kills [FLAGS]")
		os.Exit(2)
	}
	flags := flag.NewFlagSet(os.Args[1], flag.ExitOnError)
	var do func() error
	switch os.Args[1] {
	case "settle":
		do = settleCommand(flags)
	case "commits":
		do = commitsCommand(flags)
	case "groups":
		do = groupsCommand(flags)
	case "kills":
		do = killsCommand(flags)
	default:
		fmt.Println("no such load:", os.Args[1])
		os.Exit(2)
	}
	_ = flags.Parse(os.Args[2:])
	if err := do(); err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
}

// figure prints one line that the caller reads.
func figure(name string, value float64) { fmt.Printf("figure %s %f\n", name, value) }

// settles waits until a group lacks nothing.
func settles(h *history, group string, limit time.Duration) error {
	late := time.After(limit)
	for {
		lacks := h.unsettled(group)
		if lacks == "" {
			return nil
		}
		select {
		case <-h.changed:
		case <-late:
			return fmt.Errorf("%s has not settled within %v: %s", group, limit, lacks)
		}
	}
}

package main

import (
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

var _ = kadm.NewClient
var _ = kgo.NewClient
var _ = kmsg.Key(0)

func main() {}

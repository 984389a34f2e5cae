package main

import (
	"strings"
	"testing"
)

var (
	p0   = partition{"t", 0}
	p1   = partition{"t", 1}
	both = []partition{p0, p1}
)

// planted runs a history of one group and says which promises it breaks.
func planted(exclusive bool, steps func(h *history)) string {
	h := newHistory()
	h.addGroup("g", exclusive, both)
	h.enters("g", "a")
	h.enters("g", "b")
	steps(h)
	var broken []string
	for promise := range h.broken {
		broken = append(broken, promise)
	}
	return strings.Join(broken, " ")
}

func expect(t *testing.T, exclusive bool, broken string, steps func(h *history)) {
	t.Helper()
	if got := planted(exclusive, steps); got != broken {
		t.Errorf("broken: %q, expected %q", got, broken)
	}
}

func TestALostCommitIsFound(t *testing.T) {
	commit := func(h *history) {
		for range 3 {
			h.acknowledges("g", p0, h.draws("g", p0))
		}
	}
	expect(t, false, commitsStay, func(h *history) {
		commit(h)
		h.fetches("g", p0, h.acknowledged("g")[p0], 1, metadataOf(1))
	})
	expect(t, false, commitsStay, func(h *history) {
		commit(h)
		h.fetches("g", p0, h.acknowledged("g")[p0], -1, "")
	})
	expect(t, false, "", func(h *history) {
		commit(h)
		h.fetches("g", p0, h.acknowledged("g")[p0], 2, metadataOf(2))
		h.fetches("g", p1, h.acknowledged("g")[p1], -1, "")
	})
}

func TestACommitThatNobodyMadeIsFound(t *testing.T) {
	expect(t, false, commitsStay, func(h *history) { h.fetches("g", p0, -1, 0, metadataOf(0)) })
	expect(t, false, commitsStay, func(h *history) {
		h.refuses("g", p0, h.draws("g", p0))
		h.fetches("g", p0, -1, 0, metadataOf(0))
	})
	expect(t, false, commitsStay, func(h *history) { h.fetches("g", p0, -1, h.draws("g", p0), "other") })
	// Whether a commit without an answer is there nobody knows.
	expect(t, false, "", func(h *history) { h.fetches("g", p0, -1, h.draws("g", p0), metadataOf(0)) })
}

func TestTwoOwnersInOneGenerationAreFound(t *testing.T) {
	expect(t, false, oneOwner, func(h *history) {
		h.holds("g", "a", 3, both)
		h.releases("g", "a", nil)
		h.holds("g", "b", 3, both[1:])
	})
	expect(t, false, "", func(h *history) {
		h.holds("g", "a", 3, both)
		h.holds("g", "b", 4, both)
	})
}

func TestTwoHoldersAreFoundWhateverTheEpoch(t *testing.T) {
	expect(t, true, oneOwner, func(h *history) {
		h.holds("g", "a", 3, both)
		h.holds("g", "b", 4, both[1:])
	})
	expect(t, true, "", func(h *history) {
		h.holds("g", "a", 3, both)
		h.releases("g", "a", both[:1])
		h.holds("g", "b", 4, both[1:])
	})
}

func TestAGenerationThatGoesBackIsFound(t *testing.T) {
	expect(t, false, neverGoesBack, func(h *history) {
		h.holds("g", "a", 5, both)
		h.answered("g", "b", "a join", h.known("g"), 4)
	})
	// A join that was never synced may be repeated by a broker that has forgotten it.
	expect(t, false, "", func(h *history) {
		h.holds("g", "a", 5, both)
		h.answered("g", "b", "a join", h.known("g"), 7)
		h.answered("g", "b", "a join", h.known("g"), 6)
	})
}

func TestAGroupIsSettledWhenNothingIsLacking(t *testing.T) {
	h := newHistory()
	h.addGroup("g", false, both)
	lacks := func(what string) {
		t.Helper()
		if got := h.unsettled("g"); got != what {
			t.Errorf("lacks %q, expected %q", got, what)
		}
	}
	lacks("no members")
	h.enters("g", "a")
	h.holds("g", "a", 1, both[:1])
	lacks("a holds 1 of at least 2")
	h.holds("g", "a", 1, both)
	lacks("")
	h.begins()
	lacks("a has not heard from the broker")
	h.confirms("g", "a")
	lacks("")
	h.enters("g", "b")
	h.holds("g", "b", 1, both[1:])
	lacks("2 partitions are held 3 times, there are 2")
	h.releases("g", "b", nil)
	if h.unsettled("g") == "" {
		t.Error("b holds nothing and nothing is lacking")
	}
}

package console

import (
	"strconv"
	"testing"
)

func TestStreamsAreBoundedForOnePersonAndForAll(t *testing.T) {
	var s streams
	for range streamsEach {
		if !s.enter("dana") {
			t.Fatal("one of the first is refused")
		}
	}
	if s.enter("dana") || !s.enter("eve") {
		t.Error("one person has more than their share, or takes another's")
	}
	s.leave("eve")
	s.leave("dana")
	if !s.enter("dana") {
		t.Error("after one was closed")
	}
	for i := range streamsAll - streamsEach {
		if !s.enter(strconv.Itoa(i)) {
			t.Fatalf("%d is refused", i)
		}
	}
	if s.enter("eve") {
		t.Error("there are more than there may be")
	}
	for i := range streamsAll - streamsEach {
		s.leave(strconv.Itoa(i))
	}
	for range streamsEach {
		s.leave("dana")
	}
	if s.all != 0 || len(s.of) != 0 {
		t.Errorf("%d are left, %v", s.all, s.of)
	}
}

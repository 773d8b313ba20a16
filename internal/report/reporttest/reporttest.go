// Package reporttest tests what stores of tallies and of the census promise.
package reporttest

import (
	"errors"
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/report"
)

var (
	nine   = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	monday = report.DayOf(nine, time.UTC)
)

// Store tests the stores that open returns; each is empty and closed by its test.
func Store(t *testing.T, open func(testing.TB) report.Store) {
	t.Run("of many followers at one position one counts", func(t *testing.T) { race(t, open(t)) })
	t.Run("a batch adds to what was counted", func(t *testing.T) { adds(t, open(t)) })
	t.Run("a pass is followed from batch to batch", func(t *testing.T) { passes(t, open(t)) })
	t.Run("tallies are of their tenant and their days", func(t *testing.T) { apart(t, open(t)) })
	t.Run("a round takes over who is there and drops who is not", func(t *testing.T) { rounds(t, open(t)) })
	t.Run("of many rounds at one mark one is taken", func(t *testing.T) { raceOfRounds(t, open(t)) })
	t.Run("states that are set at once are counted once", func(t *testing.T) { sets(t, open(t)) })
}

func count(from, to int64, t report.Tallies, steps ...report.Step) report.Batch {
	return report.Batch{From: from, To: to, Days: map[report.Day]report.Tallies{monday: t}, Steps: steps}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func counted(t testing.TB, s report.Store, tenant string) report.Tallies {
	t.Helper()
	all, err := s.Tallies(t.Context(), tenant, monday, monday)
	must(t, err)
	return all[monday]
}

func race(t *testing.T, s report.Store) {
	tenant := uuid.NewString()
	results := make(chan error, 8)
	var all sync.WaitGroup
	for range cap(results) {
		all.Go(func() { results <- s.Count(t.Context(), tenant, count(0, 3, report.Tallies{report.PINsSetUp: 2})) })
	}
	all.Wait()
	close(results)
	won := 0
	for err := range results {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, report.ErrStale):
			t.Error(err)
		}
	}
	position, err := s.Counted(t.Context(), tenant)
	if n := counted(t, s, tenant)[report.PINsSetUp]; won != 1 || n != 2 || position != 3 || err != nil {
		t.Errorf("%d counted %d up to %d, %v", won, n, position, err)
	}
}

func adds(t *testing.T, s report.Store) {
	tenant := uuid.NewString()
	must(t, s.Count(t.Context(), tenant, count(0, 2, report.Tallies{report.PINsSetUp: 1, report.PINsReset: 0})))
	must(t, s.Count(t.Context(), tenant, count(2, 9, report.Tallies{report.PINsSetUp: 3})))
	if err := s.Count(t.Context(), tenant, count(2, 9, report.Tallies{report.PINsSetUp: 3})); !errors.Is(err, report.ErrStale) {
		t.Errorf("a batch was counted again: %v", err)
	}
	if got := counted(t, s, tenant); !maps.Equal(got, report.Tallies{report.PINsSetUp: 4}) {
		t.Errorf("%v", got)
	}
}

func passes(t *testing.T, s report.Store) {
	tenant, user := uuid.NewString(), uuid.NewString()
	step := func(what report.What, pass string, minutes, n int) report.Step {
		return report.Step{User: user, What: what, Pass: pass, At: nine.Add(time.Duration(minutes) * time.Minute), Day: monday, N: n}
	}
	must(t, s.Count(t.Context(), tenant, count(0, 1, nil, step(report.Issued, "a", 0, 0), step(report.Refused, "", 1, 2))))
	must(t, s.Count(t.Context(), tenant, count(1, 2, nil, step(report.Used, "a", 3, 0))))
	must(t, s.Count(t.Context(), tenant, count(2, 3, nil, step(report.Used, "a", 4, 0), step(report.Ended, "a", 5, 0))))
	must(t, s.Count(t.Context(), tenant, count(3, 4, nil, step(report.Issued, "b", 6, 0), step(report.Issued, "c", 7, 0), step(report.Ended, "b", 8, 0))))
	got := counted(t, s, tenant)
	wait, ok := got.MedianWait()
	if got[report.PassesIssued] != 3 || got[report.PassesUsed] != 1 || got[report.PassesUnused] != 1 || !ok || wait < 2*time.Minute || wait > 3*time.Minute {
		t.Errorf("%v, %v", got, wait)
	}
}

func apart(t *testing.T, s report.Store) {
	one, other := uuid.NewString(), uuid.NewString()
	b := count(0, 1, report.Tallies{report.PINsSetUp: 1})
	b.Days[monday.Add(1)] = report.Tallies{report.PINsSetUp: 5}
	must(t, s.Count(t.Context(), one, b))
	if n := counted(t, s, one)[report.PINsSetUp]; n != 1 {
		t.Errorf("Monday has %d", n)
	}
	if n := len(counted(t, s, other)); n != 0 {
		t.Errorf("the other tenant has %d", n)
	}
	all, err := s.Tallies(t.Context(), one, monday, monday.Add(6))
	if err != nil || len(all) != 2 || all[monday.Add(1)][report.PINsSetUp] != 5 {
		t.Errorf("%v, %v", all, err)
	}
}

func rounds(t *testing.T, s report.Store) {
	tenant := uuid.NewString()
	ids := make([]string, 6)
	for i := range ids {
		ids[i] = fmt.Sprintf("00000000-0000-4000-8000-00000000000%d", i)
	}
	mark, err := s.CensusMark(t.Context(), tenant, report.People)
	must(t, err)
	if mark != (report.Mark{}) {
		t.Errorf("a new census is at %+v", mark)
	}
	half := report.Mark{Version: 1, After: ids[2], Began: nine}
	whole := report.Mark{Version: 2, Whole: nine, Ended: nine.Add(time.Second)}
	must(t, s.CensusRound(t.Context(), tenant, report.People, mark, half, map[string]report.State{ids[0]: "none", ids[1]: "one", ids[2]: "one"}))
	must(t, s.CensusRound(t.Context(), tenant, report.People, half, whole, map[string]report.State{ids[3]: "more", ids[5]: "more"}))
	counts := func() map[report.State]int {
		all, err := s.CensusCounts(t.Context(), tenant, report.People)
		must(t, err)
		return all
	}
	if got := counts(); !maps.Equal(got, map[report.State]int{"none": 1, "one": 2, "more": 2}) {
		t.Errorf("after the first round: %v", got)
	}
	if got, err := s.CensusMark(t.Context(), tenant, report.People); got != whole || err != nil {
		t.Errorf("the mark is %+v, %v", got, err)
	}
	// In the second, one person is gone in each half, and one has another way.
	half.Version, half.Whole, half.Ended = 3, nine, whole.Ended
	must(t, s.CensusRound(t.Context(), tenant, report.People, whole, half, map[string]report.State{ids[0]: "one", ids[2]: "one"}))
	must(t, s.CensusRound(t.Context(), tenant, report.People, half, report.Mark{Version: 4, Whole: nine}, map[string]report.State{ids[3]: "more"}))
	if got := counts(); !maps.Equal(got, map[report.State]int{"one": 2, "more": 1}) {
		t.Errorf("after the second: %v", got)
	}
	if other, err := s.CensusCounts(t.Context(), tenant, report.Devices); len(other) != 0 || err != nil {
		t.Errorf("devices: %v, %v", other, err)
	}
}

func raceOfRounds(t *testing.T, s report.Store) {
	tenant, id := uuid.NewString(), uuid.NewString()
	results := make(chan error, 8)
	var all sync.WaitGroup
	for range cap(results) {
		all.Go(func() {
			results <- s.CensusRound(t.Context(), tenant, report.Devices, report.Mark{}, report.Mark{Version: 1, Whole: nine}, map[string]report.State{id: "ready.AzureAd"})
		})
	}
	all.Wait()
	close(results)
	won := 0
	for err := range results {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, report.ErrStale):
			t.Error(err)
		}
	}
	counts, err := s.CensusCounts(t.Context(), tenant, report.Devices)
	if won != 1 || counts["ready.AzureAd"] != 1 || err != nil {
		t.Errorf("%d rounds were taken: %v, %v", won, counts, err)
	}
}

func sets(t *testing.T, s report.Store) {
	tenant, id, other := uuid.NewString(), uuid.NewString(), uuid.NewString()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if err := s.CensusSet(t.Context(), tenant, report.People, map[string]report.State{id: "one", other: ""}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	counts, err := s.CensusCounts(t.Context(), tenant, report.People)
	if err != nil || !maps.Equal(counts, map[report.State]int{"one": 1}) {
		t.Errorf("%v, %v", counts, err)
	}
	must(t, s.CensusSet(t.Context(), tenant, report.People, map[string]report.State{id: ""}))
	if counts, err = s.CensusCounts(t.Context(), tenant, report.People); err != nil || len(counts) != 0 {
		t.Errorf("gone: %v, %v", counts, err)
	}
}

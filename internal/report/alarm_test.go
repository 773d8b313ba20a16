package report

import (
	"fmt"
	"testing"
	"time"
)

func TestAnAlarmIsForWhatBecameMany(t *testing.T) {
	now := time.Date(2026, 11, 27, 9, 30, 0, 0, time.UTC)
	refused := func(n int, ago time.Duration) Person { return Person{Refused: n, RefusedAt: now.Add(-ago)} }
	before := map[string]Person{"was": refused(5, time.Minute), "grew": refused(4, time.Minute)}
	after := map[string]Person{
		"was": refused(9, 0), "grew": refused(5, 0), "new": refused(7, time.Hour), "few": refused(4, 0), "old": refused(50, 25*time.Hour), "in": {},
	}
	var got []string
	for _, a := range Alarms(before, after, now) {
		got = append(got, fmt.Sprint(a.User, a.N, " ", a.Hour()))
	}
	if want := "[grew5 2026-11-27T09 new7 2026-11-27T08]"; fmt.Sprint(got) != want {
		t.Errorf("%v, want %s", got, want)
	}
}

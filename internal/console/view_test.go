package console

import (
	"testing"
	"time"

	"github.com/postern-id/postern/internal/design"
)

func TestTimesOfTodayAreSaidWithoutTheDay(t *testing.T) {
	now := time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC)
	v, err := NewView(func() time.Time { return now }, nil)
	if err != nil {
		t.Fatal(err)
	}
	east := time.FixedZone("east", 10*60*60)
	p := design.Phrases{Words: v.words, Lang: design.KnownLanguage("en"), Now: v.now}
	for _, c := range []struct {
		at   time.Time
		zone *time.Location
		want string
	}{
		{now.Add(time.Hour), nil, `<time datetime="2026-03-02T10:30:00Z">10:30</time>`},
		{now.Add(-10 * time.Hour), nil, `<time datetime="2026-03-01T23:30:00Z">1 March, 23:30</time>`},
		{now.Add(-10 * time.Hour), east, `<time datetime="2026-03-01T23:30:00Z">09:30</time>`},
		{now.AddDate(1, 0, 0), nil, `<time datetime="2027-03-02T09:30:00Z">2 March 2027, 09:30</time>`},
		{time.Time{}, nil, ""},
	} {
		got, err := v.when(p, c.at, c.zone)
		if err != nil || string(got) != c.want {
			t.Errorf("%s in %v: %q, %v; want %q", c.at, c.zone, got, err, c.want)
		}
	}
}

func TestATitleHasNoMarksOfElements(t *testing.T) {
	if got := plain(design.Isolate("R&D")); got != "R&amp;D" {
		t.Errorf("%q", got)
	}
}

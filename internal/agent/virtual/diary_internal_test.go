package virtual

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/graphclient"
)

func TestADiaryTellsInWordsWhatALogTellsInFields(t *testing.T) {
	var log strings.Builder
	at := time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC)
	d := newDiary(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}), func() time.Time { return at }, func(id string) string {
		if id == "4711" {
			return "mira.okafor"
		}
		return ""
	})
	l := slog.New(d).With("seat", "LAP-0417")
	wrong := &fault.Error{Code: "pinWrong", Text: "That's not the PIN."}
	l.Info("session opened", "correlationId", "35d73f97-ad48-492f-ad84-15fe52fe246a", "user", "4711", "by", "pin", "offline", true, "pinSet", false)
	l.Warn("lock screen", "err", fmt.Errorf("sign: %w", wrong))
	l.Info("person is gone", "account", "0815", "code", "userUnknown")
	l.Info("token", "secret", graphclient.NewSecret("hush"))
	l.Debug("nothing for people")
	d.note("The network was unplugged", "on the test bench")

	want := []line{
		{at, "The network was unplugged", "on the test bench", "", false},
		{at, "Token", "secret [secret]", "", false},
		{at, "Person is gone", "account 0815", "userUnknown", false},
		{at, "Lock screen", "sign: That's not the PIN", "pinWrong", true},
		{at, "Session opened", "id 35d73f97, mira.okafor, by PIN, without the server", "", false},
	}
	got := d.latest(10)
	if len(got) != len(want) {
		t.Fatalf("it has %d lines: %+v", len(got), got)
	}
	for i, w := range want {
		if got[i] != w {
			t.Errorf("line %d is %+v, not %+v", i, got[i], w)
		}
	}
	if n := strings.Count(log.String(), "\n"); n != 1 || !strings.Contains(log.String(), "seat=LAP-0417") {
		t.Errorf("the log behind it has %q", log.String())
	}
	for i := range 3 * diaryLength {
		d.note(fmt.Sprint(i), "")
	}
	if got := d.latest(2 * diaryLength); len(got) != diaryLength || got[0].Text != fmt.Sprint(3*diaryLength-1) {
		t.Errorf("it keeps %d lines, the first is %+v", len(got), got[0])
	}
}

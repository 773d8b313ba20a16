package virtual

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/agent/lockscreen"
	"github.com/postern-id/postern/internal/device"
)

// Who came in by a PIN that expires soon reads it on the desktop.
func TestTheDesktopSaysWhenThePINExpires(t *testing.T) {
	d := &Device{o: Options{Dir: t.TempDir()}, log: slog.New(slog.DiscardHandler)}
	for says, ends := range map[bool]time.Time{true: time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC), false: {}} {
		s := &session{Account: device.Account{DisplayName: "Mira Okafor", UserName: "mira"}, Opening: lockscreen.Opening{By: lockscreen.PIN, Ends: ends}}
		var out strings.Builder
		if err := page.Execute(&out, view{Path: desktopPath, Desktop: d.desktopOf(s)}); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(out.String(), "Your PIN expires on Friday, 27 November.") != says || strings.Contains(out.String(), "expires") != says {
			t.Errorf("it ends at %v:\n%s", ends, out.String())
		}
	}
}

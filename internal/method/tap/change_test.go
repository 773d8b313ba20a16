package tap_test

import (
	"testing"
	"time"

	"github.com/postern-id/postern/internal/method/tap"
)

func TestAChangeOfPolicyEndsPassesOrLeavesThemLongerThanNewOnes(t *testing.T) {
	nine := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	now := tap.DefaultPolicy()
	now.State = "enabled"
	shorter, once, off := now, now, now
	shorter.MaximumLifetime, once.UsableOnce, off.State = 240, true, "disabled"
	pass := tap.Pass{Start: nine, Lifetime: 8 * time.Hour}
	later, used, boot, single := pass, pass, pass, pass
	later.Start = nine.Add(24 * time.Hour)
	used.SingleUse, used.UsedAt = true, nine
	boot.Bootstrap, single.SingleUse = true, true
	for _, c := range []struct {
		name          string
		pass          tap.Pass
		then          tap.Policy
		inScope       bool
		inScopeThen   bool
		longer, ended bool
	}{
		{"nothing changes", pass, now, true, true, false, false},
		{"longer than the new maximum", pass, shorter, true, true, true, false},
		{"as long as the new maximum", tap.Pass{Start: nine, Lifetime: 4 * time.Hour}, shorter, true, true, false, false},
		{"longer, and not begun", later, shorter, true, true, true, false},
		{"longer, and used up", used, shorter, true, true, false, false},
		{"longer, and over", tap.Pass{Start: nine.Add(-9 * time.Hour), Lifetime: 8 * time.Hour}, shorter, true, true, false, false},
		{"longer, of somebody who could not use it", pass, shorter, false, false, false, false},
		{"for many uses, when one is the rule", pass, once, true, true, false, true},
		{"for one use, when one is the rule", single, once, true, true, false, false},
		{"when passes are switched off", pass, off, true, true, false, true},
		{"from init, when passes are switched off", boot, off, true, true, false, false},
		{"when its person leaves the scope", pass, now, true, false, false, true},
		{"not begun, when passes are switched off", later, off, true, true, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.then.Outlasts(c.pass, c.inScopeThen, nine.Add(time.Minute)); got != c.longer {
				t.Errorf("Outlasts = %t", got)
			}
			if got := now.Ends(c.then, c.pass, c.inScope, c.inScopeThen, nine.Add(time.Minute)); got != c.ended {
				t.Errorf("Ends = %t", got)
			}
		})
	}
}

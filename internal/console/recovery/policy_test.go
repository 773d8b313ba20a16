package recovery

import "testing"

func TestOfAChangedRowOnlyWhatDiffersIsShown(t *testing.T) {
	for name, c := range map[string]struct{ was, is, before, after string }{
		"one part of several": {"1 hour; works once; To sign in", "30 minutes; works once; To sign in", "1 hour", "30 minutes"},
		"two parts":           {"1 hour; works once", "30 minutes; works many times", "1 hour; works once", "30 minutes; works many times"},
		"one more part":       {"1 hour; works once", "1 hour; works once; 1 person approves", "1 hour; works once", "1 hour; works once; 1 person approves"},
		"another row":         {"as for a weaker proof", "1 hour; works once", "as for a weaker proof", "1 hour; works once"},
	} {
		t.Run(name, func(t *testing.T) {
			if before, after := apart(c.was, c.is); before != c.before || after != c.after {
				t.Errorf("%q and %q, want %q and %q", before, after, c.before, c.after)
			}
		})
	}
}
